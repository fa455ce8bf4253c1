/**
 * Event time. A timestamp is a whole number of milliseconds since 1970 (negative ones are ordinary); a watermark w
 * says that no record with timestamp < w will follow; -Infinity says nothing yet, +Infinity is the end.
 */
import { MillraceError, preview } from "./errors.ts";

/** Milliseconds since 1970-01-01T00:00Z, a whole number within ±8.64e15. */
export type Timestamp = number;

/** Largest distance from 1970 that a timestamp may have: the range of Date, well inside 2^53. */
export const MAX_TIMESTAMP = 8.64e15;

const UNITS_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds, or a number with a unit: `"500ms"`, `"5s"`, `"10m"`, `"1.5h"`, `"7d"`. */
export type Duration = number | `${number}${keyof typeof UNITS_MS}`;

/**
 * A duration in whole milliseconds, zero or more.
 *
 * @example durationMs("1.5h", "size") // 5400000
 * @throws DURATION_INVALID naming `what`, when the text has no such form or the result is no whole number >= 0
 */
export function durationMs(duration: Duration, what: string): number {
  const match = typeof duration === "string" ? /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(duration) : null;
  const ms = match ? inMs(match[1], UNITS_MS[match[2] as keyof typeof UNITS_MS]) : duration;
  if (typeof ms !== "number" || !Number.isSafeInteger(ms) || ms < 0) {
    throw new MillraceError("DURATION_INVALID", `${what}: ${preview(duration)} is no duration`);
  }
  return ms;
}

function inMs(digits: string, unitMs: number): number {
  const ms = Number(digits) * unitMs;
  // 2.01 * 1000 is 2009.9999999999998: what is meant is the nearest millionth of a millisecond.
  return digits.includes(".") ? Math.round(ms * 1e6) / 1e6 : ms;
}

/** A duration for people: the largest unit that divides it. */
export function formatDuration(ms: number): string {
  if (ms === 0) return "0ms";
  for (const unit of ["d", "h", "m", "s"] as const) {
    if (ms % UNITS_MS[unit] === 0) return `${ms / UNITS_MS[unit]}${unit}`;
  }
  return `${ms}ms`;
}
