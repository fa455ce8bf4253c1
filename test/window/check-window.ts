/** What src/window/calendar.ts promises of one window, held against a clock that says what is shown at an instant. */
import assert from "node:assert/strict";
import type { CalendarUnit } from "../../src/window/assigner.ts";
import type { Calendar } from "../../src/window/calendar.ts";
import type { Reading } from "./wall-clock.ts";

/**
 * Checks the window that holds the timestamp, and that its neighbours touch it.
 *
 * @returns whether the clock shows the window's unit at the timestamp
 */
export function checkWindow(
  calendar: Calendar,
  unit: CalendarUnit,
  timestamp: number,
  clock: (timestamp: number) => Reading,
): boolean {
  const start = calendar.startOf(timestamp);
  const end = calendar.endOf(timestamp);
  const holds = (ok: boolean, what: string, at = timestamp): void => {
    if (!ok) assert.fail(`${unit} of ${timestamp}, [${start}, ${end}): ${what} ${at}`);
  };
  const shown = (at: number): number => clock(at).units[unit];

  holds(start <= timestamp && timestamp < end, "doesn't hold");
  holds(calendar.endOf(start - 1) === start, "a gap or an overlap before", start);
  holds(calendar.startOf(end) === end, "a gap or an overlap at", end);
  for (const at of [start, end - 1]) {
    holds(calendar.startOf(at) === start, "another start at", at);
    holds(calendar.endOf(at) === end, "another end at", at);
  }

  if (unit === "hour") {
    for (const at of [start, timestamp, end - 1]) {
      holds(shown(at) === shown(start), "shows another hour at", at);
      holds(clock(at).wallMs - clock(start).wallMs >= at - start, "set back before", at);
    }
    for (const at of [start, end]) {
      const isSetBack = clock(at).wallMs <= clock(at - 1).wallMs;
      holds(isSetBack || shown(at) !== shown(at - 1), "no reason to cut at", at);
    }
    return true;
  }
  // The last instant always shows the window's own dates; the first one might show later ones, never earlier ones.
  const own = shown(end - 1);
  holds(shown(start - 1) < own, "the window before has its dates, too, at", start - 1);
  holds(shown(start) >= own, "an earlier date at", start);
  holds(shown(timestamp) >= own, "an earlier date at");
  holds(shown(end) > own, "its dates go on at", end);
  return shown(timestamp) === own;
}
