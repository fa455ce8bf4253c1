/**
 * Calendar windows: worked examples from the history of clocks, and invented clocks against brute force.
 *
 * The examples say what is meant; brute force, which goes through time by the minute, finds what goes wrong where
 * changes follow one another, days are skipped or shown twice, and a change falls into the first minutes of a year.
 * Real zones are in zones.test.ts.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { CalendarUnit } from "../../src/window/assigner.ts";
import { calendarOf, calendarsOf } from "../../src/window/calendar.ts";
import { zoneFrom, zoneOf } from "../../src/window/zone.ts";
import { propertyOptions } from "../connector/seed.ts";
import { checkWindow } from "./check-window.ts";
import { offsetArbitrary, spansOf, zoneOfSpans } from "./clocks.ts";
import { DAY_MS, HOUR_MS, UNITS, readingOf, wallClock } from "./wall-clock.ts";

const MINUTE_MS = 60_000;

/** `count` windows from the one that holds the instant: where each begins and where the last ends, in local time. */
function windows(zone: string, unit: CalendarUnit, instant: string, count: number): string[] {
  const calendar = calendarOf(zoneOf(zone), unit);
  const bounds: number[] = [];
  let at = Date.parse(instant);
  for (let i = 0; i < count; i++) {
    bounds.push(calendar.startOf(at));
    at = calendar.endOf(at);
  }
  return [...bounds, at].map((bound) => local(zone, bound));
}

/** "2024-03-31T00:00+01:00" */
function local(zone: string, instant: number): string {
  const { offsetMs } = zoneOf(zone).spanAt(instant);
  const minutes = Math.abs(offsetMs) / MINUTE_MS;
  const two = (n: number): string => String(Math.floor(n)).padStart(2, "0");
  const time = new Date(instant + offsetMs).toISOString().slice(0, 16);
  return `${time}${offsetMs < 0 ? "-" : "+"}${two(minutes / 60)}:${two(minutes % 60)}`;
}

test("days have 23, 24 and 25 hours where clocks are set forward and back", () => {
  assert.deepEqual(windows("Europe/Berlin", "day", "2024-03-30T12:00Z", 3), [
    "2024-03-30T00:00+01:00",
    "2024-03-31T00:00+01:00",
    "2024-04-01T00:00+02:00",
    "2024-04-02T00:00+02:00",
  ]);
  const calendar = calendarOf(zoneOf("Europe/Berlin"), "day");
  const hours = ["2024-03-30T12:00Z", "2024-03-31T12:00Z", "2024-10-27T12:00Z"].map((instant) => {
    const at = Date.parse(instant);
    return (calendar.endOf(at) - calendar.startOf(at)) / HOUR_MS;
  });
  assert.deepEqual(hours, [24, 23, 25]);
});

test("the first and the last instant of a window are in it, its end is in the next one", () => {
  const calendar = calendarOf(zoneOf("Asia/Tokyo"), "month");
  const start = Date.parse("2024-02-01T00:00+09:00");
  const end = Date.parse("2024-03-01T00:00+09:00");
  for (const at of [start, end - 1])
    assert.deepEqual([calendar.startOf(at), calendar.endOf(at)], [start, end]);
  assert.equal(calendar.startOf(end), end);
  assert.equal(calendar.endOf(start - 1), start);
  assert.equal(calendar.endOf(start), end);
  assert.equal(calendar.endOf(end), Date.parse("2024-04-01T00:00+09:00"));
});

test("weeks begin on Monday; months, quarters and years on their first day, in leap years and before 1970, too", () => {
  const bounds = (unit: CalendarUnit, instant: string): string =>
    windows("UTC", unit, instant, 1)
      .map((bound) => bound.slice(0, bound.indexOf("T")))
      .join(" ");
  assert.equal(bounds("week", "2024-12-31T00:00Z"), "2024-12-30 2025-01-06");
  assert.equal(bounds("week", "1970-01-01T00:00Z"), "1969-12-29 1970-01-05");
  assert.equal(bounds("month", "2024-02-29T23:59Z"), "2024-02-01 2024-03-01");
  assert.equal(bounds("month", "1900-02-28T23:59Z"), "1900-02-01 1900-03-01");
  assert.equal(bounds("quarter", "1969-12-31T23:59Z"), "1969-10-01 1970-01-01");
  assert.equal(bounds("year", "1969-12-31T23:59Z"), "1969-01-01 1970-01-01");
  assert.equal(bounds("year", "0000-02-29T00:00Z"), "0000-01-01 0001-01-01");
});

test("a day without midnight begins with its first instant", () => {
  // São Paulo went from Saturday 24:00 to Sunday 01:00.
  assert.deepEqual(windows("America/Sao_Paulo", "day", "2018-11-03T12:00Z", 2), [
    "2018-11-03T00:00-03:00",
    "2018-11-04T01:00-02:00",
    "2018-11-05T00:00-02:00",
  ]);
});

test("a day whose evening is repeated ends with the second one", () => {
  // São Paulo went from Saturday 24:00 back to 23:00.
  assert.deepEqual(windows("America/Sao_Paulo", "day", "2019-02-16T12:00Z", 2), [
    "2019-02-16T00:00-02:00",
    "2019-02-17T00:00-03:00",
    "2019-02-18T00:00-03:00",
  ]);
});

test("a day whose first hour is repeated begins with the first of its two midnights", () => {
  // Havana went from Sunday 01:00 back to 00:00.
  assert.deepEqual(windows("America/Havana", "day", "2023-11-04T16:00Z", 2), [
    "2023-11-04T00:00-04:00",
    "2023-11-05T00:00-04:00",
    "2023-11-06T00:00-05:00",
  ]);
});

test("where clocks go back over midnight from after it, the day begins with the second midnight", () => {
  // St. John's went from Sunday 00:01 back to Saturday 23:01.
  assert.deepEqual(windows("America/St_Johns", "day", "2010-11-06T12:00Z", 2), [
    "2010-11-06T00:00-02:30",
    "2010-11-07T00:00-03:30",
    "2010-11-08T00:00-03:30",
  ]);
});

test("a day that was skipped has no window, and its week is a day shorter", () => {
  // Samoa went from Thursday 2011-12-29 24:00 to Saturday, Kwajalein from Friday 1993-08-20 24:00 to Sunday.
  assert.deepEqual(windows("Pacific/Apia", "day", "2011-12-29T20:00Z", 2), [
    "2011-12-29T00:00-10:00",
    "2011-12-31T00:00+14:00",
    "2012-01-01T00:00+14:00",
  ]);
  assert.deepEqual(windows("Pacific/Kwajalein", "day", "1993-08-21T00:00Z", 2), [
    "1993-08-20T00:00-12:00",
    "1993-08-22T00:00+12:00",
    "1993-08-23T00:00+12:00",
  ]);
  const calendar = calendarOf(zoneOf("Pacific/Apia"), "week");
  const at = Date.parse("2011-12-29T20:00Z");
  assert.equal(calendar.endOf(at) - calendar.startOf(at), 6 * DAY_MS);
});

test("an hour that is repeated is two windows, one that is skipped is none", () => {
  assert.deepEqual(windows("America/New_York", "hour", "2024-11-03T04:30Z", 4), [
    "2024-11-03T00:00-04:00",
    "2024-11-03T01:00-04:00",
    "2024-11-03T01:00-05:00",
    "2024-11-03T02:00-05:00",
    "2024-11-03T03:00-05:00",
  ]);
  assert.deepEqual(windows("America/New_York", "hour", "2024-03-10T06:30Z", 2), [
    "2024-03-10T01:00-05:00",
    "2024-03-10T03:00-04:00",
    "2024-03-10T04:00-04:00",
  ]);
});

test("clocks that move by half an hour leave an hour of thirty minutes", () => {
  assert.deepEqual(windows("Australia/Lord_Howe", "hour", "2024-04-06T14:15Z", 3), [
    "2024-04-07T01:00+11:00",
    "2024-04-07T01:30+10:30",
    "2024-04-07T02:00+10:30",
    "2024-04-07T03:00+10:30",
  ]);
  assert.deepEqual(windows("Australia/Lord_Howe", "hour", "2024-10-05T15:15Z", 2), [
    "2024-10-06T01:00+10:30",
    "2024-10-06T02:30+11:00",
    "2024-10-06T03:00+11:00",
  ]);
});

test("hours follow the zone's minutes: Kathmandu moved by a quarter to +05:45", () => {
  assert.deepEqual(windows("Asia/Kathmandu", "hour", "1985-12-31T17:45Z", 3), [
    "1985-12-31T23:00+05:30",
    "1986-01-01T00:15+05:45",
    "1986-01-01T01:00+05:45",
    "1986-01-01T02:00+05:45",
  ]);
});

test("an hour that loses minutes in its middle stays one window; one that is set back in its middle is two", () => {
  const at = Date.parse("2024-01-01T10:20Z");
  /** Bounds of the windows before and behind 10:20, in minutes from there; clocks change then and 5 minutes later. */
  const bounds = (first: number, second: number): number[] => {
    const changes = [
      { afterMs: 0, offsetMs: first * MINUTE_MS },
      { afterMs: 5 * MINUTE_MS, offsetMs: second * MINUTE_MS },
    ];
    const calendar = calendarOf(zoneOfSpans(spansOf(at, 0, changes)), "hour");
    return [at - 1, at + 5 * MINUTE_MS]
      .flatMap((instant) => [calendar.startOf(instant), calendar.endOf(instant)])
      .map((bound) => (bound - at) / MINUTE_MS);
  };
  assert.deepEqual(bounds(6, 6), [-20, 34, -20, 34]);
  assert.deepEqual(bounds(6, 9), [-20, 31, -20, 31]);
  assert.deepEqual(bounds(-6, -6), [-20, 0, 0, 46]);
  assert.deepEqual(bounds(-6, -4), [-20, 0, 0, 44]);
  assert.deepEqual(bounds(6, 3), [-20, 5, 5, 37]);
});

test("windows of invented clocks are those of brute force", () => {
  const change = fc.record({
    afterMs: fc
      .oneof(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 90 }),
        fc.integer({ min: 1, max: 2000 }),
      )
      .map((n) => n * MINUTE_MS),
    offsetMs: fc.oneof(
      fc.constantFrom(0, HOUR_MS, -HOUR_MS, HOUR_MS / 2, 23 * HOUR_MS, -23 * HOUR_MS),
      fc.integer({ min: -10, max: 10 }).map((n) => n * MINUTE_MS),
      offsetArbitrary(MINUTE_MS),
    ),
  });
  fc.assert(
    fc.property(
      fc.constantFrom(...UNITS),
      fc.integer({ min: -1000, max: 3000 }),
      offsetArbitrary(MINUTE_MS),
      fc.array(change, { maxLength: 6 }),
      (unit, month, firstOffsetMs, changes) => {
        const from = Date.UTC(1970, month) - 4 * DAY_MS;
        const zone = zoneOfSpans(spansOf(from, firstOffsetMs, changes));
        const minutes = Array.from({ length: (12 * DAY_MS) / MINUTE_MS }, (_, i) => from + i * MINUTE_MS);
        const shown = minutes.map((at) => readingOf(at + zone.spanAt(at).offsetMs));

        // Same window as the minute before? Dates: the earliest that is still to come is the same.
        const toCome = shown.map((reading) => reading.units[unit]);
        if (unit !== "hour") {
          for (let i = toCome.length - 2; i >= 0; i--) toCome[i] = Math.min(toCome[i], toCome[i + 1]);
        }
        const calendar = calendarOf(zone, unit);
        for (let i = 1; i < (11 * DAY_MS) / MINUTE_MS; i++) {
          const isSetBack = unit === "hour" && shown[i].wallMs <= shown[i - 1].wallMs;
          const [before, at] = [minutes[i - 1], minutes[i]];
          if (toCome[i] === toCome[i - 1] && !isSetBack) {
            assert.equal(calendar.startOf(at), calendar.startOf(before), `start at minute ${i}`);
            assert.equal(calendar.endOf(at), calendar.endOf(before), `end at minute ${i}`);
          } else {
            assert.equal(calendar.startOf(at), at, `a window begins at minute ${i}`);
            assert.equal(calendar.endOf(before), at, `a window ends at minute ${i}`);
          }
        }
      },
    ),
    propertyOptions(150),
  );
});

test("dates agree with Intl over the whole range of time", () => {
  const zone = "America/St_Johns";
  const clock = wallClock(zone);
  const calendars = UNITS.map((unit) => [unit, calendarOf(zoneOf(zone), unit)] as const);
  // Two years inside, since Date can't say what is shown outside.
  const most = 8.64e15 - 2 * 366 * DAY_MS;
  fc.assert(
    fc.property(fc.oneof(fc.integer({ min: -most, max: most }), fc.constantFrom(-most, most)), (at) => {
      for (const [unit, calendar] of calendars) checkWindow(calendar, unit, at, clock);
    }),
    propertyOptions(100),
  );
});

test("the first and the last timestamps have windows, which reach out of the range", () => {
  for (const name of ["UTC", "Asia/Tokyo", "America/New_York"]) {
    for (const unit of UNITS) {
      const calendar = calendarOf(zoneOf(name), unit);
      for (const at of [-8.64e15, 8.64e15]) {
        const [start, end] = [calendar.startOf(at), calendar.endOf(at)];
        assert.ok(start <= at && at < end && end - start <= 366 * DAY_MS, `${name} ${unit} ${start} ${end}`);
        assert.equal(calendar.startOf(end - 1), start);
      }
    }
  }
});

test("timestamps of a window that was found ask the zone nothing", () => {
  let asked = 0;
  const offsets = zoneFrom("counted", () => 0);
  const calendar = calendarOf(
    {
      name: "counted",
      spanAt(timestamp) {
        asked += 1;
        return offsets.spanAt(timestamp);
      },
    },
    "day",
  );
  calendar.startOf(0);
  const once = asked;
  for (let at = 0; at < DAY_MS; at += 1000) assert.equal(calendar.endOf(at) - calendar.startOf(at), DAY_MS);
  assert.equal(asked, once);
});

test("records with a zone each get the calendar of their zone, one per zone", () => {
  const of = calendarsOf("day");
  const at = Date.parse("2024-03-31T00:30Z");
  assert.deepEqual(
    ["Asia/Tokyo", "America/New_York", "Asia/Tokyo"].map((zone) => local(zone, of(zone).startOf(at))),
    ["2024-03-31T00:00+09:00", "2024-03-30T00:00-04:00", "2024-03-31T00:00+09:00"],
  );
  assert.equal(of("Asia/Tokyo"), of("Asia/Tokyo"));
  assert.throws(() => of("Asia/Atlantis"), { code: "WINDOW_INVALID", message: /^zone: "Asia\/Atlantis"/ });
});

test("another unit is refused, and the error names the argument and the units", () => {
  for (const unit of ["minute", "days", "toString", "", undefined, 7]) {
    const message = /^unit: a calendar has hour, day, week, month, quarter, year, not /;
    assert.throws(() => calendarOf(zoneOf("UTC"), unit as CalendarUnit), { code: "WINDOW_INVALID", message });
    assert.throws(() => calendarsOf(unit as CalendarUnit), { code: "WINDOW_INVALID", message });
  }
});
