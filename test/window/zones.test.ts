/**
 * Calendar windows of every zone that this Node knows, around every change of offset from 1970 to 2040 and at random
 * instants, held against the fields that Intl writes.
 *
 * What is caught where: a change that the search of zone.ts misses or sees twice (the changes are found a second time,
 * from the fields, at another step); a gap, an overlap, a wrong bound (around the changes); an error of the date
 * arithmetic (random instants).
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CalendarUnit } from "../../src/window/assigner.ts";
import { calendarOf } from "../../src/window/calendar.ts";
import { zoneOf } from "../../src/window/zone.ts";
import { seed } from "../connector/seed.ts";
import { seededRandom } from "../durability/random.ts";
import { checkWindow } from "./check-window.ts";
import { DAY_MS, HOUR_MS, type Reading, UNITS, wallClock } from "./wall-clock.ts";

const FROM = Date.UTC(1970, 0);
const TO = Date.UTC(2041, 0);
const long = process.env["MILLRACE_LONG"] === "1";
/** Of the second search for changes. The long suite would find that clocks were changed for half a day only. */
const STEP_MS = (long ? 5 : 47) * HOUR_MS;
const RANDOM_INSTANTS = long ? 10_000 : 1000;

const zones = Intl.supportedValuesOf("timeZone");

/** Where local time and UTC change their distance, by the fields: a change is the first instant of the new one. */
function changesByFields(clock: (timestamp: number) => Reading): number[] {
  const offsetAt = (timestamp: number): number => clock(timestamp).wallMs - timestamp;
  const changes: number[] = [];
  let offset = offsetAt(FROM);
  for (let probe = FROM; probe < TO; ) {
    const next = Math.min(probe + STEP_MS, TO);
    const offsetThere = offsetAt(next);
    while (offset !== offsetThere) {
      let [before, change] = [probe, next];
      while (change - before > 1) {
        const middle = Math.floor((before + change) / 2);
        if (offsetAt(middle) === offset) before = middle;
        else change = middle;
      }
      changes.push(change);
      offset = offsetAt(change);
      probe = change;
    }
    probe = next;
  }
  return changes;
}

/** The same by the spans of zone.ts. */
function changesBySpans(name: string): number[] {
  const zone = zoneOf(name);
  const changes: number[] = [];
  let span = zone.spanAt(FROM);
  while (span.to <= TO) {
    const next = zone.spanAt(span.to);
    assert.equal(next.from, span.to);
    if (next.offsetMs !== span.offsetMs) changes.push(next.from);
    span = next;
  }
  return changes;
}

/** What one zone's windows were checked for, and where the calendar is not Intl's: by window and unit. */
function checkZone(name: string): { changes: number; apart: Set<string> } {
  const clock = remembered(wallClock(name));
  const changes = changesByFields(wallClock(name));
  assert.deepEqual(changesBySpans(name), changes);
  const calendars = UNITS.map((unit) => [unit, calendarOf(zoneOf(name), unit)] as const);
  const apart = new Set<string>();

  const check = (timestamp: number): void => {
    for (const [unit, calendar] of calendars) {
      if (checkWindow(calendar, unit, timestamp, clock)) continue;
      apart.add(`${unit} ${calendar.startOf(timestamp)}`);
      assertSetBack(unit, timestamp, calendar.endOf(timestamp), changes, clock);
    }
  };

  const random = seededRandom(`${seed} ${name}`);
  const below = (limit: number): number => Math.floor(random() * limit);
  for (const change of changes) {
    for (const at of [-1, 0]) check(change + at);
    for (let i = 0; i < 6; i++) check(change - 2 * HOUR_MS + below(4 * HOUR_MS));
    for (let day = -3; day < 3; day++) check(change + day * DAY_MS + below(DAY_MS));
  }
  for (let i = 0; i < RANDOM_INSTANTS; i++) check(FROM + below(TO - FROM));
  return { changes: changes.length, apart };
}

/** A later date than the window's is only shown where the clock is set back to the window's within a day. */
function assertSetBack(
  unit: CalendarUnit,
  timestamp: number,
  end: number,
  changes: readonly number[],
  clock: (timestamp: number) => Reading,
): void {
  const back = changes.find((change) => change > timestamp);
  assert.ok(back !== undefined && back < end && back - timestamp <= DAY_MS, `${unit} of ${timestamp}`);
  assert.ok(clock(back).wallMs < clock(back - 1).wallMs, `${unit} of ${timestamp}: not set back at ${back}`);
}

/** Readings of one zone: around a change the same ones are needed for all units. */
function remembered(clock: (timestamp: number) => Reading): (timestamp: number) => Reading {
  const readings = new Map<number, Reading>();
  return (timestamp) => {
    let reading = readings.get(timestamp);
    if (reading === undefined) {
      reading = clock(timestamp);
      readings.set(timestamp, reading);
    }
    return reading;
  };
}

describe(`calendar windows of all ${zones.length} zones (tz ${process.versions["tz"]}, MILLRACE_SEED=${seed})`, () => {
  it("have no gap and no overlap and agree with Intl, around each change of 1970 to 2040 and at random", () => {
    let changes = 0;
    const apart: string[] = [];
    for (const name of zones) {
      try {
        const checked = checkZone(name);
        changes += checked.changes;
        for (const window of checked.apart) apart.push(`${name} ${window}`);
      } catch (error) {
        throw new Error(`${name}, MILLRACE_SEED=${seed}`, { cause: error });
      }
    }
    assert.ok(changes > 10_000, `only ${changes} changes`);
    console.log(
      `# ${changes} changes of offset; ${apart.length} windows hold a moment that Intl counts to the next`,
    );
  });
});
