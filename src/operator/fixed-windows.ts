/**
 * Which windows hold a timestamp, for heads over windows with fixed bounds; each kind as a part of a head (compile/
 * contract.ts), made anew with it. A window is known by its end. All windows of a timestamp `ts`, latest first:
 *
 *     for (let end = lastEnd(ts); end > ts; end = endBefore(end)) ...
 *
 * Starts are floored, also for negative timestamps.
 */

export interface FixedBounds {
  /** The end of the last window that can hold the timestamp; not above it where none does. */
  lastEnd(timestamp: number): number;
  /** The end of the window before; -Infinity where windows don't overlap. */
  endBefore(end: number): number;
  startOf(end: number): number;
}

export function alignedBounds({
  sizeMs,
  slideMs,
  offsetMs,
}: {
  readonly sizeMs: number;
  readonly slideMs: number;
  readonly offsetMs: number;
}): FixedBounds {
  return {
    lastEnd: (timestamp) => Math.floor((timestamp - offsetMs) / slideMs) * slideMs + offsetMs + sizeMs,
    endBefore: (end) => end - slideMs,
    startOf: (end) => end - sizeMs,
  };
}

export function cumulatingBounds({
  maxSizeMs,
  stepMs,
  offsetMs,
}: {
  readonly maxSizeMs: number;
  readonly stepMs: number;
  readonly offsetMs: number;
}): FixedBounds {
  const setOf = (timestamp: number): number =>
    Math.floor((timestamp - offsetMs) / maxSizeMs) * maxSizeMs + offsetMs;
  return {
    lastEnd: (timestamp) => setOf(timestamp) + maxSizeMs,
    // A step back over the beginning of a set gives an end that no timestamp of the set is below.
    endBefore: (end) => end - stepMs,
    startOf: (end) => setOf(end - 1),
  };
}

/** @param ports.calendar of one unit in one zone (window/calendar.ts) */
export function calendarBounds({
  calendar,
}: {
  readonly calendar: { startOf(timestamp: number): number; endOf(timestamp: number): number };
}): FixedBounds {
  return {
    lastEnd: (timestamp) => calendar.endOf(timestamp),
    endBefore: () => Number.NEGATIVE_INFINITY,
    startOf: (end) => calendar.startOf(end - 1),
  };
}

/** The one window of each key: it ends with time. */
export function globalBounds(): FixedBounds {
  return {
    lastEnd: () => Number.POSITIVE_INFINITY,
    endBefore: () => Number.NEGATIVE_INFINITY,
    startOf: () => Number.NEGATIVE_INFINITY,
  };
}
