/** A range of event time, and the records that the windows within it are made of. */
import { MillraceError, preview } from "../core/errors.ts";
import { MAX_TIMESTAMP } from "../core/time.ts";
import type { CalendarUnit, WindowAssigner } from "../window/assigner.ts";

/**
 * A point of time: milliseconds since 1970, a Date, or ISO 8601 text (`"2026-01-31"`, `"2026-01-31T12:00"`,
 * `"2026-01-31T12:00:00+01:00"`); without a zone it is UTC.
 */
export type TimePoint = number | string | Date;

/** [from, to). */
export interface TimeRange {
  readonly from: number;
  readonly to: number;
}

export const EVERYTHING: TimeRange = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };

const ISO = /^[+-]?\d{4,6}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?)?$/;

/** @throws OPTION_INVALID naming `from` or `to` */
export function timeRange(from: TimePoint, to: TimePoint): TimeRange {
  const range = { from: timeOf(from, "from"), to: timeOf(to, "to") };
  if (range.from < range.to) return range;
  throw new MillraceError("OPTION_INVALID", `to must lie after from, and ${String(to)} doesn't`);
}

function timeOf(point: TimePoint, name: string): number {
  const ms = point instanceof Date ? point.getTime() : typeof point === "string" ? parse(point) : point;
  if (Number.isSafeInteger(ms) && Math.abs(ms) <= MAX_TIMESTAMP) return ms;
  throw new MillraceError(
    "OPTION_INVALID",
    `${name} takes ISO 8601 ("2026-01-31T12:00:00Z"), a Date or whole milliseconds since 1970, not ${preview(point)}`,
  );
}

function parse(text: string): number {
  if (/^[+-]?\d+$/.test(text)) return Number(text);
  const match = ISO.exec(text);
  if (match === null) return Number.NaN;
  const [, time, , , zone] = match;
  return Date.parse(time !== undefined && zone === undefined ? `${text}Z` : text);
}

/** The least range that has both in it. */
export function hull(a: TimeRange, b: TimeRange): TimeRange {
  return { from: Math.min(a.from, b.from), to: Math.max(a.to, b.to) };
}

const DAY_MS = 86_400_000;

/** Longer than any: zones have set their clocks by up to a day. */
const CALENDAR_DAYS: Readonly<Record<CalendarUnit, number>> = {
  hour: 2,
  day: 3,
  week: 9,
  month: 33,
  quarter: 95,
  year: 369,
};

/** How long a window may be; +Infinity where that hangs on its records. */
export function longestMs(windows: WindowAssigner): number {
  switch (windows.kind) {
    case "aligned":
      return windows.sizeMs;
    case "cumulating":
      return windows.maxSizeMs;
    case "calendar":
      return CALENDAR_DAYS[windows.unit] * DAY_MS;
    default:
      return Number.POSITIVE_INFINITY;
  }
}

/** The records of all windows that lie in the range. */
export const recordsInside = (windows: WindowAssigner, range: TimeRange): TimeRange =>
  longestMs(windows) === Number.POSITIVE_INFINITY ? EVERYTHING : range;

/** The records of all windows whose results (of the time end - 1) lie in the range. */
export function recordsBefore(windows: WindowAssigner, { from, to }: TimeRange): TimeRange {
  const ms = longestMs(windows);
  return ms === Number.POSITIVE_INFINITY ? EVERYTHING : { from: from - ms, to };
}
