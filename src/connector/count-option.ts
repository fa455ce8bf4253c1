import { MillraceError, preview } from "../core/errors.ts";

/** `value`, when it is a whole number of at least `least`. @throws OPTION_INVALID naming `what` */
export function countOption(value: number, what: string, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new MillraceError(
    "OPTION_INVALID",
    `${what} takes a whole number of at least ${least}, not ${preview(value)}`,
  );
}
