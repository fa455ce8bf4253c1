/**
 * Windows as pure functions of timestamps. A window is half open, [start, end); a result's own timestamp is end - 1.
 *
 * Source: Akidau et al., "The Dataflow Model" (VLDB 2015), for aligned and session windows.
 */
import { MillraceError } from "../core/errors.ts";
import { type Duration, durationMs, formatDuration } from "../core/time.ts";

/** Windows that lie on a grid, the same for every key: tumbling where size = slide. */
export interface AlignedWindows {
  readonly kind: "aligned";
  readonly sizeMs: number;
  readonly slideMs: number;
  readonly offsetMs: number;
}

/** Windows of one key's activity: records at a distance of at most the gap belong together. */
export interface SessionWindows {
  readonly kind: "session";
  readonly gapMs: number;
}

export type WindowAssigner = AlignedWindows | SessionWindows;

/** A record is added to each of its windows, and each costs about a kilobyte while it is open. */
const MAX_WINDOWS_PER_RECORD = 100_000;

function positive(duration: Duration, what: string): number {
  const ms = durationMs(duration, what);
  if (ms === 0) throw new MillraceError("WINDOW_INVALID", `${what} must be above zero`);
  return ms;
}

/** An offset may be negative in milliseconds, and is smaller than the slide either way. */
function offset(duration: Duration | undefined, slideMs: number): number {
  if (duration === undefined) return 0;
  const ms =
    typeof duration === "number" && duration < 0
      ? -durationMs(-duration, "offset")
      : durationMs(duration, "offset");
  if (Math.abs(ms) >= slideMs) {
    throw new MillraceError(
      "WINDOW_INVALID",
      `offset ${ms} ms must be smaller than ${formatDuration(slideMs)}`,
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
 * A session per key: it lasts while records follow one another at most `gap` apart, and ends `gap` after its last.
 *
 * @example session("30m")
 * @throws DURATION_INVALID, WINDOW_INVALID
 */
export function session(gap: Duration): SessionWindows {
  return { kind: "session", gapMs: positive(gap, "the gap of a session window") };
}

/** An assigner in the words of its constructor. */
export function describeWindows(windows: WindowAssigner): string {
  if (windows.kind === "session") return `session(${formatDuration(windows.gapMs)})`;
  const { sizeMs, slideMs, offsetMs } = windows;
  const parts =
    slideMs === sizeMs ? [formatDuration(sizeMs)] : [formatDuration(sizeMs), formatDuration(slideMs)];
  if (offsetMs !== 0) parts.push(`offset ${offsetMs}ms`);
  return `${slideMs === sizeMs ? "tumbling" : "sliding"}(${parts.join(", ")})`;
}
