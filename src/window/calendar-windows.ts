/** Windows of the calendar and the clocks of a zone. */
import type { CalendarUnit, CalendarWindows } from "./assigner.ts";
import { calendarsOf } from "./calendar.ts";

/**
 * The hours, days, weeks (from Monday, ISO 8601), months, quarters or years of a time zone: a day has 23, 24 or 25
 * hours. Which instants a window holds where clocks are set forward or back: docs/reference/windows.md.
 *
 * @param options.zone an IANA zone ("Europe/Berlin"), or a function that says each record's own; default "UTC". A
 *   function's result that is no zone fails the record (by the operator's onError)
 * @example calendar("day", { zone: "Europe/Berlin" })
 * @example calendar("month", { zone: (order: { zone: string }) => order.zone })
 * @throws WINDOW_INVALID for a unit or a zone that there isn't
 */
export function calendar<T>(
  unit: CalendarUnit,
  options: { zone?: string | ((value: T) => string) } = {},
): CalendarWindows<T> {
  const { zone = "UTC" } = options;
  const calendars = calendarsOf(unit);
  if (typeof zone !== "function") calendars(zone);
  return { kind: "calendar", unit, zone };
}
