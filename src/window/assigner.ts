/**
 * The kinds of windows, as data. A window is half open, [start, end); a result's own timestamp is end - 1. The
 * constructors are beside this file: grid.ts, session.ts, calendar-windows.ts, by-arrival.ts.
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

/** Windows that begin every `maxSizeMs` and grow by a step until they are as long: each step ends one of them. */
export interface CumulatingWindows {
  readonly kind: "cumulating";
  readonly maxSizeMs: number;
  readonly stepMs: number;
  readonly offsetMs: number;
}

export type CalendarUnit = "hour" | "day" | "week" | "month" | "quarter" | "year";

/** Hours, days, weeks, months, quarters, years as a zone's clocks and calendars show them. */
export interface CalendarWindows<T = any> {
  readonly kind: "calendar";
  readonly unit: CalendarUnit;
  /** An IANA zone, or which one each record has. */
  readonly zone: string | ((value: T) => string);
}

/** Windows of one key's activity: records at a distance of at most the gap belong together. */
export interface SessionWindows<T = any> {
  readonly kind: "session";
  /** Fixed, or each record's own. */
  readonly gapMs: number | ((value: T) => number);
  /** A session is cut this long after its start; null: never. */
  readonly maxDurationMs: number | null;
}

/** Windows of so many records of a key, in the order of arrival; a new one every `slide` records. */
export interface CountWindows {
  readonly kind: "count";
  readonly size: number;
  readonly slide: number;
}

/** One window per key, which never ends. */
export interface GlobalWindow {
  readonly kind: "global";
}

/** Windows without bounds in time. */
export type UntimedWindows = CountWindows | GlobalWindow;

/** Windows whose bounds hang on nothing but a record's timestamp, and on its zone. */
export type FixedWindows<T = any> = AlignedWindows | CumulatingWindows | CalendarWindows<T>;

export type WindowAssigner<T = any> = FixedWindows<T> | SessionWindows<T> | UntimedWindows;

export const WINDOW_KINDS: readonly string[] = [
  "aligned",
  "cumulating",
  "calendar",
  "session",
  "count",
  "global",
] satisfies WindowAssigner["kind"][];

/**
 * Whether each record brings bounds of its own: then two windows of a key may have one end, and a window is known by both
 * its bounds. Sessions, and calendar windows with a zone per record.
 */
export function isPerRecord(windows: WindowAssigner): windows is SessionWindows | CalendarWindows {
  return windows.kind === "session" || (windows.kind === "calendar" && typeof windows.zone === "function");
}

/** @throws DURATION_INVALID, WINDOW_INVALID naming `what` */
export function positive(duration: Duration, what: string): number {
  const ms = durationMs(duration, what);
  if (ms === 0) throw new MillraceError("WINDOW_INVALID", `${what} must be above zero`);
  return ms;
}

/** An assigner in the words of its constructor. */
export function describeWindows(windows: WindowAssigner): string {
  switch (windows.kind) {
    case "aligned": {
      const { sizeMs, slideMs, offsetMs } = windows;
      return slideMs === sizeMs
        ? call("tumbling", [formatDuration(sizeMs)], offsetMs)
        : call("sliding", [formatDuration(sizeMs), formatDuration(slideMs)], offsetMs);
    }
    case "cumulating": {
      const { maxSizeMs, stepMs, offsetMs } = windows;
      return call("cumulating", [formatDuration(maxSizeMs), formatDuration(stepMs)], offsetMs);
    }
    case "calendar":
      return `calendar(${windows.unit}, zone ${typeof windows.zone === "string" ? windows.zone : "of each record"})`;
    case "session": {
      const { gapMs, maxDurationMs } = windows;
      const gap = typeof gapMs === "number" ? formatDuration(gapMs) : "gap of each record";
      return `session(${gap}${maxDurationMs === null ? "" : `, at most ${formatDuration(maxDurationMs)}`})`;
    }
    case "count": {
      const { size, slide } = windows;
      return size === slide ? `countWindow(${size})` : `countWindow(${size}, ${slide})`;
    }
    case "global":
      return "globalWindow()";
  }
}

function call(name: string, parameters: readonly string[], offsetMs: number): string {
  const offset = offsetMs === 0 ? [] : [`offset ${offsetMs}ms`];
  return `${name}(${[...parameters, ...offset].join(", ")})`;
}
