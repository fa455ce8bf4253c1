/**
 * Calendar windows as pure functions of timestamps: the hours, days, weeks, months, quarters and years of a zone, as
 * half-open intervals of instants [start, end) without gap or overlap.
 *
 * Clocks that are set forward skip local times, clocks that are set back show some twice. What a window is then:
 *
 * - **Day, week (from Monday), month, quarter, year:** it begins with the first instant from which on the zone's
 *   calendar never shows an earlier date again, and ends where the next one begins. So a day has 23, 24, 25 hours; a
 *   day without midnight begins with its first instant; a day whose hour from 0:00 is repeated begins with the first of
 *   the two midnights, since between them the date is never the one before. A date that was skipped as a whole
 *   (Pacific/Apia 2011-12-30) has no window; one that was shown twice in a row has one window.
 *   All instants of a window show its dates, but for one case: clocks that are set back over midnight from after it.
 *   St. John's of 2010 went from Sunday 00:01 back to Saturday 23:01: that first minute of Sunday is Saturday's, and
 *   Sunday begins with the second midnight. (java.time and Temporal begin Sunday with the first, which would make the
 *   59 minutes of Saturday behind it Sunday's.) Since 1970 there are three such zones, with a minute in the autumns
 *   until 2011, and once two hours (Antarctica/Casey 2010).
 * - **Hour:** it ends when the clock shows another hour or is set back. So no reading of the clock occurs twice in a
 *   window, and all its instants show its hour. An hour that is repeated is two windows; of Lord Howe, whose clocks go
 *   from 2:00 back to 1:30, the hour from 1:00 and the half hour from 1:30. An hour of which the first part was skipped
 *   is a shorter window. It is never longer than 60 minutes.
 *
 * The calendar is the Gregorian one for all times, the weeks are those of ISO 8601. The first and the last window of
 * all may reach out of the range of timestamps.
 *
 * Cost: a timestamp in the window of the one before costs two comparisons and allocates nothing; another one some
 * look-ups of offsets (zone.ts) and a few divisions.
 *
 * Source of the date arithmetic: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
 */
import { MillraceError, preview } from "../core/errors.ts";
import type { CalendarUnit } from "./assigner.ts";
import { type Zone, zoneOf } from "./zone.ts";

/** The windows of one unit in one zone. */
export interface Calendar {
  /** The first instant of the timestamp's window. */
  startOf(timestamp: number): number;
  /** The first instant behind the timestamp's window. */
  endOf(timestamp: number): number;
}

interface Interval {
  start: number;
  end: number;
}

/** Sets the interval to the window that holds the timestamp. */
type Find = (timestamp: number, window: Interval) => void;

/** A unit of whole days: the days and the units are counted from any origin, days from 1970-01-01. */
interface DateUnit {
  readonly of: (day: number) => number;
  readonly firstDay: (unit: number) => number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

const months = (size: number): DateUnit => ({
  of: (day) => Math.floor(monthOf(day) / size),
  firstDay: (unit) => firstDayOfMonth(unit * size),
});

const DATE_UNITS: Readonly<Record<Exclude<CalendarUnit, "hour">, DateUnit>> = {
  day: { of: (day) => day, firstDay: (day) => day },
  // 1970-01-01 was a Thursday.
  week: { of: (day) => Math.floor((day + 3) / 7), firstDay: (week) => week * 7 - 3 },
  month: months(1),
  quarter: months(3),
  year: months(12),
};

/** @throws WINDOW_INVALID where there is no such unit */
export function calendarOf(zone: Zone, unit: CalendarUnit): Calendar {
  const find = unit === "hour" ? hoursOf(zone) : datesOf(zone, dateUnit(unit));
  const last: Interval = { start: 0, end: 0 };
  return {
    startOf(timestamp) {
      if (timestamp < last.start || timestamp >= last.end) find(timestamp, last);
      return last.start;
    },
    endOf(timestamp) {
      if (timestamp < last.start || timestamp >= last.end) find(timestamp, last);
      return last.end;
    },
  };
}

/**
 * The calendar of the zone with the name, for records that each have a zone. It costs two Map look-ups.
 *
 * @throws WINDOW_INVALID where there is no such unit; from the function, where there is no such zone
 */
export function calendarsOf(unit: CalendarUnit): (zone: string) => Calendar {
  if (unit !== "hour") dateUnit(unit);
  const calendars = new WeakMap<Zone, Calendar>();
  return (name) => {
    const zone = zoneOf(name);
    let calendar = calendars.get(zone);
    if (calendar === undefined) {
      calendar = calendarOf(zone, unit);
      calendars.set(zone, calendar);
    }
    return calendar;
  };
}

function dateUnit(unit: Exclude<CalendarUnit, "hour">): DateUnit {
  if (Object.hasOwn(DATE_UNITS, unit)) return DATE_UNITS[unit];
  throw new MillraceError(
    "WINDOW_INVALID",
    `unit: a calendar has hour, ${Object.keys(DATE_UNITS).join(", ")}, not ${preview(unit)}`,
  );
}

function datesOf(zone: Zone, { of, firstDay }: DateUnit): Find {
  /** The instant behind the last one that shows a date before the unit's. */
  function beginning(unit: number): number {
    const midnight = firstDay(unit) * DAY_MS;
    // Offsets are below a day: here and later no clock shows a date before.
    let span = zone.spanAt(midnight + DAY_MS);
    while (span.from + span.offsetMs >= midnight) span = zone.spanAt(span.from - 1);
    return Math.min(span.to, midnight - span.offsetMs);
  }

  return (timestamp, window) => {
    const day = Math.floor((timestamp + zone.spanAt(timestamp).offsetMs) / DAY_MS);
    let unit = of(day) + 1;
    let start = beginning(unit);
    let end: number;
    // Once, or more often where the calendar will go back to an earlier unit.
    do {
      end = start;
      unit -= 1;
      start = beginning(unit);
    } while (start > timestamp);
    window.start = start;
    window.end = end;
  };
}

function hoursOf(zone: Zone): Find {
  /** Whether the hour goes on where one span follows another. */
  function goesOn(before: number, after: number, at: number): boolean {
    return after >= before && Math.floor((at - 1 + before) / HOUR_MS) === Math.floor((at + after) / HOUR_MS);
  }

  return (timestamp, window) => {
    const here = zone.spanAt(timestamp);
    const hour = Math.floor((timestamp + here.offsetMs) / HOUR_MS);

    let span = here;
    let start = hour * HOUR_MS - span.offsetMs;
    while (start < span.from) {
      const before = zone.spanAt(span.from - 1);
      const isOne = goesOn(before.offsetMs, span.offsetMs, span.from);
      start = isOne ? hour * HOUR_MS - before.offsetMs : span.from;
      span = isOne ? before : span;
    }

    span = here;
    let end = (hour + 1) * HOUR_MS - span.offsetMs;
    while (end > span.to) {
      const after = zone.spanAt(span.to);
      const isOne = goesOn(span.offsetMs, after.offsetMs, span.to);
      end = isOne ? (hour + 1) * HOUR_MS - after.offsetMs : span.to;
      span = isOne ? after : span;
    }
    window.start = start;
    window.end = end;
  };
}

/** Of a day: how many months it is behind January of the year 0. */
function monthOf(day: number): number {
  // From 0000-03-01, so that the leap day is the last of its year; in eras of 400 years, which are all alike.
  const days = day + 719_468;
  const era = Math.floor(days / 146_097);
  const ofEra = days - era * 146_097;
  const years = Math.floor(
    (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365,
  );
  const ofYear = ofEra - (365 * years + Math.floor(years / 4) - Math.floor(years / 100));
  const fromMarch = Math.floor((5 * ofYear + 2) / 153);
  return (era * 400 + years) * 12 + fromMarch + 2;
}

/** The other way round: the month's first day. */
function firstDayOfMonth(month: number): number {
  const year = Math.floor((month - 2) / 12);
  const fromMarch = month - 2 - year * 12;
  const leapDays = Math.floor(year / 4) - Math.floor(year / 100) + Math.floor(year / 400);
  return year * 365 + leapDays + Math.floor((153 * fromMarch + 2) / 5) - 719_468;
}
