/** Checks of what every operator is given. */
import type { OnError } from "../connector/contract.ts";
import { MillraceError, preview } from "../core/errors.ts";

type Fn = (value: unknown) => unknown;

const ON_ERROR: readonly OnError[] = ["fail", "skip", "dead-letter"];

/** @throws OPTION_INVALID */
export function checkOnError(onError: OnError = "fail"): OnError {
  if (!ON_ERROR.includes(onError)) {
    throw new MillraceError(
      "OPTION_INVALID",
      `onError is one of ${ON_ERROR.join(", ")}, not ${preview(onError)}`,
    );
  }
  return onError;
}

/** @throws OPTION_INVALID naming `what` */
export function checkFunction(fn: unknown, what: string): Fn {
  if (typeof fn !== "function")
    throw new MillraceError("OPTION_INVALID", `${what} takes a function, not ${preview(fn)}`);
  return fn as Fn;
}
