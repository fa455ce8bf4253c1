/** Time zones: names, and the search for the changes of their offsets. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type OffsetSpan, type Zone, zoneFrom, zoneOf } from "../../src/window/zone.ts";
import { propertyOptions } from "../connector/seed.ts";
import { offsetArbitrary, spansOf, zoneOfSpans } from "./clocks.ts";
import { DAY_MS, HOUR_MS, wallClock } from "./wall-clock.ts";

const MINUTE_MS = 60_000;
const YEAR_MS = 365.2425 * DAY_MS;

/** The spans of [from, to), neighbours of one offset joined; checks that they touch. */
function spansBetween(zone: Zone, from: number, to: number): OffsetSpan[] {
  const spans: OffsetSpan[] = [];
  for (let at = from; at < to; ) {
    const span = zone.spanAt(at);
    assert.ok(span.from <= at && at < span.to, `[${span.from}, ${span.to}) doesn't hold ${at}`);
    assert.deepEqual(zone.spanAt(Math.min(span.to, to) - 1), span);
    const last = spans.at(-1);
    const joined = { from: at, to: Math.min(span.to, to), offsetMs: span.offsetMs };
    if (last?.offsetMs === span.offsetMs) spans[spans.length - 1] = { ...joined, from: last.from };
    else spans.push(joined);
    at = span.to;
  }
  return spans;
}

/** Counts how often it is asked. */
function counted(offsetAt: (timestamp: number) => number): { zone: Zone; asked: () => number } {
  let asked = 0;
  const zone = zoneFrom("counted", (timestamp) => {
    asked += 1;
    return offsetAt(timestamp);
  });
  return { zone, asked: () => asked };
}

test("a name of Node's time zone data, an alias and a fixed offset are zones", () => {
  const offset = (name: string): number => zoneOf(name).spanAt(Date.UTC(2024, 0)).offsetMs / MINUTE_MS;
  assert.deepEqual(
    ["Europe/Berlin", "europe/berlin", "US/Eastern", "Asia/Kolkata", "Asia/Calcutta", "+05:45", "-03:30"].map(
      offset,
    ),
    [60, 60, -300, 330, 330, 345, -210],
  );
  assert.equal(zoneOf("US/Eastern"), zoneOf("US/Eastern"));
  assert.equal(zoneOf("US/Eastern").name, "US/Eastern");
});

test("UTC under any of its names is one span without end", () => {
  for (const name of ["UTC", "utc", "Etc/UTC", "GMT", "Zulu"]) {
    const { from, to, offsetMs } = zoneOf(name).spanAt(Number.MAX_SAFE_INTEGER);
    assert.deepEqual([from, to, offsetMs], [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 0]);
  }
});

test("another name is refused, and the error names the argument and shows it", () => {
  for (const name of [
    "Mars/Phobos",
    "",
    "local",
    "UTC+1",
    " Europe/Berlin",
    undefined,
    null,
    1,
    {},
    ["UTC"],
  ]) {
    assert.throws(() => zoneOf(name as string), {
      code: "WINDOW_INVALID",
      message: /^zone: .* is no time zone \[WINDOW_INVALID\]/,
    });
  }
  assert.throws(() => zoneOf("Mars/Phobos"), /"Mars\/Phobos"/);
});

test("offsets have seconds where the zone has them", () => {
  // Liberia went from 44 minutes and 30 seconds behind to UTC on 7 January 1972.
  const change = Date.UTC(1972, 0, 7, 0, 44, 30);
  const zone = zoneOf("Africa/Monrovia");
  assert.equal(zone.spanAt(change - 1).offsetMs, -(44 * 60 + 30) * 1000);
  assert.equal(zone.spanAt(change - 1).to, change);
  assert.equal(zone.spanAt(change).offsetMs, 0);
});

test("rules go on at the ends of time", () => {
  const clock = wallClock("America/New_York");
  const zone = zoneOf("America/New_York");
  for (const year of [-271_000, -1, 1900, 2038, 2500, 9999, 275_000]) {
    const from = new Date(0).setUTCFullYear(year, 0, 1);
    for (const { offsetMs, from: at, to } of spansBetween(zone, from, from + YEAR_MS)) {
      for (const instant of [at, to - 1])
        assert.equal(clock(instant).wallMs - instant, offsetMs, `${instant}`);
    }
    assert.equal(spansBetween(zone, from, from + YEAR_MS).length, year < 1900 ? 1 : year === 1900 ? 1 : 3);
  }
  for (const border of [-8.64e15, 8.64e15]) {
    // Date can't say what is shown at the border itself, where local time may be behind it.
    const inside = border - Math.sign(border) * DAY_MS;
    const { offsetMs } = zone.spanAt(inside);
    assert.equal(offsetMs, clock(inside).wallMs - inside);
    assert.equal(zone.spanAt(border).offsetMs, offsetMs);
    assert.equal(zone.spanAt(border + Math.sign(border) * 10 * YEAR_MS).offsetMs, offsetMs);
  }
});

test("changes 19 hours apart or more are all found, to the millisecond", () => {
  const from = Date.UTC(2020, 0);
  const change = fc.record({
    afterMs: fc.oneof(
      fc.integer({ min: 19 * HOUR_MS, max: 24 * HOUR_MS }),
      fc.integer({ min: 19 * HOUR_MS, max: 60 * DAY_MS }),
    ),
    offsetMs: fc.oneof(fc.constantFrom(0, HOUR_MS), offsetArbitrary(1000)),
  });
  fc.assert(
    fc.property(offsetArbitrary(1), fc.array(change, { maxLength: 40 }), (first, changes) => {
      const made = zoneOfSpans(spansOf(from, first, changes));
      const to = from + 5 * YEAR_MS;
      const found = zoneFrom("found", (timestamp) => made.spanAt(timestamp).offsetMs);
      assert.deepEqual(spansBetween(found, from, to), spansBetween(made, from, to));
    }),
    propertyOptions(50),
  );
});

test("changes that are milliseconds or hours apart are all found where no offset comes back", () => {
  const from = Date.UTC(2020, 0);
  const gap = fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 19 * HOUR_MS }));
  const offsets = fc.uniqueArray(offsetArbitrary(1), {
    minLength: 1,
    maxLength: 20,
  });
  fc.assert(
    fc.property(offsets, fc.array(gap, { minLength: 19, maxLength: 19 }), ([first, ...others], gaps) => {
      const changes = others.map((offsetMs, i) => ({ afterMs: gaps[i], offsetMs }));
      const made = zoneOfSpans(spansOf(from, first, changes));
      const to = from + 30 * DAY_MS;
      const found = zoneFrom("found", (timestamp) => made.spanAt(timestamp).offsetMs);
      assert.deepEqual(spansBetween(found, from, to), spansBetween(made, from, to));
    }),
    propertyOptions(100),
  );
});

test("changes where two blocks of years meet are found like all others", () => {
  const border = zoneFrom("constant", () => 0).spanAt(0).to;
  for (const at of [-19 * HOUR_MS, -HOUR_MS, -1, 0, 1, HOUR_MS, 19 * HOUR_MS].map((ms) => border + ms)) {
    const zone = zoneFrom("changed", (timestamp) => (timestamp < at ? 0 : HOUR_MS));
    assert.deepEqual(spansBetween(zone, border - 30 * DAY_MS, border + 30 * DAY_MS), [
      { from: border - 30 * DAY_MS, to: at, offsetMs: 0 },
      { from: at, to: border + 30 * DAY_MS, offsetMs: HOUR_MS },
    ]);
  }
});

test("nothing is asked before the first look-up, and nothing again in years that were seen", () => {
  const { zone, asked } = counted(() => HOUR_MS);
  assert.equal(asked(), 0);
  zone.spanAt(0);
  const once = asked();
  assert.ok(once > 0 && once < 1000, `${once}`);
  for (let year = 0; year <= 100; year++) zone.spanAt(year * YEAR_MS);
  const all = asked();
  for (let i = 0; i < 100_000; i++) zone.spanAt(((i * 7919) % 100_000) * (YEAR_MS / 1000));
  assert.equal(asked(), all);
});

test("a zone keeps a bounded number of years", () => {
  const { zone, asked } = counted(() => HOUR_MS);
  for (let year = 0; year < 2000; year++) zone.spanAt(year * YEAR_MS);
  const all = asked();
  zone.spanAt(1999 * YEAR_MS);
  zone.spanAt(1800 * YEAR_MS);
  assert.equal(asked(), all, "the last ones are there");
  zone.spanAt(0);
  assert.ok(asked() > all, "the first one is not");
});
