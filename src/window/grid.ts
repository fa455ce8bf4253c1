/** Windows on a grid in event time: tumbling, sliding, cumulating. */
import { MillraceError } from "../core/errors.ts";
import { type Duration, durationMs, formatDuration } from "../core/time.ts";
import { type AlignedWindows, type CumulatingWindows, positive } from "./assigner.ts";

/** A record is added to each of its windows, and each costs about a kilobyte while it is open. */
const MAX_WINDOWS_PER_RECORD = 100_000;

/** An offset may be negative in milliseconds, and is smaller than the period of the grid either way. */
function offset(duration: Duration | undefined, periodMs: number): number {
  if (duration === undefined) return 0;
  const ms =
    typeof duration === "number" && duration < 0
      ? -durationMs(-duration, "offset")
      : durationMs(duration, "offset");
  if (Math.abs(ms) >= periodMs) {
    throw new MillraceError(
      "WINDOW_INVALID",
      `offset ${ms} ms must be smaller than ${formatDuration(periodMs)}`,
    );
  }
  return ms;
}

/**
 * Windows of one size, one after the other, aligned to 1970 plus the offset.
 *
 * @param size above zero
 * @param options.offset shifts the grid; less than the size. Default 0
 * @example tumbling("5m") // [00:00, 00:05), [00:05, 00:10), ...
 * @throws DURATION_INVALID, WINDOW_INVALID
 */
export function tumbling(size: Duration, options: { offset?: Duration } = {}): AlignedWindows {
  const sizeMs = positive(size, "the size of a tumbling window");
  return { kind: "aligned", sizeMs, slideMs: sizeMs, offsetMs: offset(options.offset, sizeMs) };
}

/**
 * Windows of one size that begin every `slide`. They overlap where slide < size; where slide > size, records between
 * two windows are counted ("between windows") and in no result. The size is at most 100,000 slides.
 *
 * @example sliding("5s", "2s") // [-3, 2), [-1, 4), [1, 6) ... seconds hold the record at 1 s
 * @throws DURATION_INVALID, WINDOW_INVALID
 */
export function sliding(
  size: Duration,
  slide: Duration,
  options: { offset?: Duration } = {},
): AlignedWindows {
  const sizeMs = positive(size, "the size of a sliding window");
  const slideMs = positive(slide, "the slide of a sliding window");
  if (sizeMs / slideMs > MAX_WINDOWS_PER_RECORD) {
    throw new MillraceError(
      "WINDOW_INVALID",
      `sliding(${formatDuration(sizeMs)}, ${formatDuration(slideMs)}): every record would lie in ${Math.ceil(sizeMs / slideMs)} windows, more than ${MAX_WINDOWS_PER_RECORD}`,
    );
  }
  return { kind: "aligned", sizeMs, slideMs, offsetMs: offset(options.offset, slideMs) };
}

/**
 * Windows that begin together and end one step apart: the total so far, at each step of a day, say. A new set begins
 * every `maxSize`, which is a multiple of the step.
 *
 * @param maxSize of the longest window of a set
 * @param step the shortest window, and by how much each is longer than the one before
 * @param options.offset shifts the grid; less than maxSize. Default 0
 * @example cumulating("1d", "1h") // [0:00, 1:00), [0:00, 2:00), ... [0:00, 24:00)
 * @throws DURATION_INVALID, WINDOW_INVALID
 */
export function cumulating(
  maxSize: Duration,
  step: Duration,
  options: { offset?: Duration } = {},
): CumulatingWindows {
  const maxSizeMs = positive(maxSize, "the maxSize of a cumulating window");
  const stepMs = positive(step, "the step of a cumulating window");
  if (maxSizeMs % stepMs !== 0) {
    throw new MillraceError(
      "WINDOW_INVALID",
      `cumulating(${formatDuration(maxSizeMs)}, ${formatDuration(stepMs)}): maxSize must be a multiple of the step`,
    );
  }
  if (maxSizeMs / stepMs > MAX_WINDOWS_PER_RECORD) {
    throw new MillraceError(
      "WINDOW_INVALID",
      `cumulating(${formatDuration(maxSizeMs)}, ${formatDuration(stepMs)}): every record would lie in up to ${maxSizeMs / stepMs} windows, more than ${MAX_WINDOWS_PER_RECORD}`,
    );
  }
  return { kind: "cumulating", maxSizeMs, stepMs, offsetMs: offset(options.offset, maxSizeMs) };
}
