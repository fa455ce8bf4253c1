/** Windows by arrival: time has no part in which records they hold. */
import { MillraceError, preview } from "../core/errors.ts";
import type { CountWindows, GlobalWindow } from "./assigner.ts";

function whole(value: number, what: string): number {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new MillraceError(
      "WINDOW_INVALID",
      `the ${what} of a count window must be a whole number above zero, not ${preview(value)}`,
    );
  }
  return value;
}

/**
 * Windows of the last `size` records of a key: every `slide` records one fires. Timestamps don't matter, nothing is
 * late, and a window that is not full at the end of the input is not emitted. With a slide the first ones are shorter.
 * The source needs no `timestamp`. Results have `windowStart` and `windowEnd` null; explain() says what state they keep.
 *
 * @param size records in a window
 * @param slide records between two firings; default `size`: then each record is in one window. Above `size` the records
 *   between two windows are left out, and counted as such
 * @example countWindow(100) // the first hundred, the second hundred, ...
 * @example countWindow(100, 10) // every ten records, the last hundred
 * @throws WINDOW_INVALID
 */
export function countWindow(size: number, slide: number = size): CountWindows {
  return { kind: "count", size: whole(size, "size"), slide: whole(slide, "slide") };
}

/**
 * One window per key, which never ends: a trigger says when it fires.
 * @example keyed.window(globalWindow(), { trigger: repeatedly(everyCount(100)) })
 */
export function globalWindow(): GlobalWindow {
  return { kind: "global" };
}
