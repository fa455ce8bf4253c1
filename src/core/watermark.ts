/** Watermark strategies as data, and their arithmetic. */
import { MillraceError, preview } from "./errors.ts";
import { type Duration, durationMs } from "./time.ts";

/**
 * How a source tells the progress of event time, per partition:
 * - `{ maxOutOfOrderness, idleAfter? }`: greatest timestamp so far minus the bound. A partition that is caught up and
 *   silent for `idleAfter` (default: never) stops holding the others back.
 * - `"monotone"` (default): timestamps never fall, the same as a bound of 0.
 * - `"none"`: no progress before the end of the input.
 */
export type WatermarkOption =
  | "monotone"
  | "none"
  | { readonly maxOutOfOrderness: Duration; readonly idleAfter?: Duration };

export interface WatermarkStrategy {
  /** null: none before the end. */
  readonly boundMs: number | null;
  /** null: never idle. */
  readonly idleAfterMs: number | null;
}

/** @throws OPTION_INVALID, DURATION_INVALID */
export function watermarkStrategy(option: WatermarkOption = "monotone"): WatermarkStrategy {
  if (option === "monotone") return { boundMs: 0, idleAfterMs: null };
  if (option === "none") return { boundMs: null, idleAfterMs: null };
  if (typeof option !== "object" || option === null || option.maxOutOfOrderness === undefined) {
    throw new MillraceError(
      "OPTION_INVALID",
      `watermark: ${preview(option)} is none of "monotone", "none", { maxOutOfOrderness: "5s", idleAfter: "30s" }`,
    );
  }
  return {
    boundMs: durationMs(option.maxOutOfOrderness, "watermark.maxOutOfOrderness"),
    idleAfterMs: option.idleAfter === undefined ? null : durationMs(option.idleAfter, "watermark.idleAfter"),
  };
}
