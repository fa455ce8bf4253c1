/**
 * Slices: the longest stretches of time whose timestamps are all in the same windows, so that every window is a row of
 * whole ones. Slices are cut where a window begins or ends: at most two per slide (*paired slices*; the greatest
 * common divisor of size and slide would give many more), one per step of cumulating windows. A slice is known by its
 * end. A part of sliced-window.ts, beside the bounds of its windows (fixed-windows.ts).
 *
 * Source: Krishnamurthy, Wu, Franklin, "On-the-fly sharing for streamed aggregation" (SIGMOD 2006).
 */

export interface SliceBounds {
  /** The end of the slice that holds the timestamp. */
  sliceEnd(timestamp: number): number;
  /** The least end of a window above the time. */
  endAfter(time: number): number;
}

export function pairedSlices({
  sizeMs,
  slideMs,
  offsetMs,
}: {
  readonly sizeMs: number;
  readonly slideMs: number;
  readonly offsetMs: number;
}): SliceBounds {
  /** So long after a window begins, another one ends. */
  const endsAt = sizeMs % slideMs;
  return {
    sliceEnd(timestamp) {
      const start = Math.floor((timestamp - offsetMs) / slideMs) * slideMs + offsetMs;
      return timestamp - start < endsAt ? start + endsAt : start + slideMs;
    },
    endAfter: (time) =>
      Math.floor((time - offsetMs - endsAt) / slideMs) * slideMs + slideMs + offsetMs + endsAt,
  };
}

export function stepSlices({
  stepMs,
  offsetMs,
}: {
  readonly stepMs: number;
  readonly offsetMs: number;
}): SliceBounds {
  const endAfter = (time: number): number =>
    Math.floor((time - offsetMs) / stepMs) * stepMs + stepMs + offsetMs;
  return { sliceEnd: endAfter, endAfter };
}
