/** Calendar windows through the API: test/window has their arithmetic, zone by zone. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  calendar,
  type CalendarUnit,
  count,
  everyCount,
  forEach,
  fromIterable,
  onTime,
  type Pipeline,
  pipeline,
  type WindowOptions,
} from "../../src/index.ts";
import { operatorHarness, runChecked } from "../../src/testing/harness.ts";
import type { TraceItem } from "../../src/testing/scripted-intake.ts";
import { propertyOptions } from "../connector/seed.ts";
import { done, runBoth } from "./run-both.ts";

interface Visit {
  readonly key: string;
  readonly zone: string;
  readonly at: number;
}

interface Result {
  readonly key: string;
  readonly windowStart: number;
  readonly windowEnd: number;
  readonly value: number;
}

const ZONES = ["UTC", "Europe/Berlin", "Europe/Paris", "America/New_York", "Australia/Lord_Howe"] as const;
const at = (text: string): number => Date.parse(text);
const shown = ({ windowStart, windowEnd, value }: Result): string =>
  `${new Date(windowStart).toISOString()} ${(windowEnd - windowStart) / 3_600_000} h: ${value}`;

/** @param zone null: each record's own */
function visitsApp(unit: CalendarUnit, zone: string | null, options: WindowOptions = {}): Pipeline {
  const app = pipeline("visits");
  const results = app
    .source(fromIterable<Visit>([]), { name: "in", timestamp: (v) => v.at, watermark: "none" })
    .keyBy((v) => v.key)
    .window(calendar<Visit>(unit, { zone: zone ?? ((v) => v.zone) }), options)
    .aggregate(count());
  results.to(
    forEach(() => {}),
    { name: "out" },
  );
  results.late.to(
    forEach(() => {}),
    { name: "late" },
  );
  return app;
}

describe("calendar windows", () => {
  it("of a zone are days of 23, 24 and 25 hours", async () => {
    const { days } = await runBoth((app) => ({
      days: app
        .source(
          fromIterable([
            at("2026-03-28T22:59:59.999Z"),
            at("2026-03-28T23:00Z"),
            at("2026-03-29T21:59:59.999Z"),
            at("2026-03-29T22:00Z"),
            at("2026-10-25T22:59:59.999Z"),
          ]),
          { timestamp: (t) => t },
        )
        .keyBy(() => "all")
        .window(calendar("day", { zone: "Europe/Berlin" }))
        .aggregate(count())
        .map(shown),
    }));
    assert.deepEqual(days, [
      "2026-03-27T23:00:00.000Z 24 h: 1",
      "2026-03-28T23:00:00.000Z 23 h: 2",
      "2026-03-29T22:00:00.000Z 24 h: 1",
      "2026-10-24T22:00:00.000Z 25 h: 1",
    ]);
  });

  it("with a zone per record are known by their bounds: zones with the same day share it", async () => {
    const visits: Visit[] = [
      { key: "a", zone: "Europe/Berlin", at: at("2026-03-29T12:00Z") },
      { key: "a", zone: "Europe/Paris", at: at("2026-03-29T13:00Z") },
      { key: "a", zone: "UTC", at: at("2026-03-29T14:00Z") },
    ];
    const { outputs } = await runChecked(
      visitsApp("day", null),
      [
        ...visits.map((record) => ({ source: "in", record })),
        { source: "in", watermark: Number.POSITIVE_INFINITY },
      ],
      { batchRecords: 1 },
    );
    assert.deepEqual(
      outputs.get("out")?.map(({ value }) => shown(value as Result)),
      ["2026-03-28T23:00:00.000Z 23 h: 2", "2026-03-29T00:00:00.000Z 24 h: 1"],
    );
  });

  it("with a zone per record are those of each zone for itself, added up by their bounds", async () => {
    await fc.assert(
      fc.asyncProperty(unitArbitrary, visitsArbitrary, async (unit, visits) => {
        const trace = (of: readonly Visit[]): TraceItem[] => [
          ...of.map((record) => ({ source: "in", record })),
          { source: "in", watermark: Number.POSITIVE_INFINITY },
        ];
        const totals = new Map<string, number>();
        for (const zone of ZONES) {
          const { outputs } = await runChecked(
            visitsApp(unit, zone),
            trace(visits.filter((v) => v.zone === zone)),
            { batchRecords: 1 },
          );
          for (const { value } of outputs.get("out") ?? []) {
            const { key, windowStart, windowEnd, value: n } = value as Result;
            const window = `${key} ${windowStart} ${windowEnd}`;
            totals.set(window, (totals.get(window) ?? 0) + n);
          }
        }
        const { outputs } = await runChecked(visitsApp(unit, null), trace(visits), { batchRecords: 1 });
        const found = (outputs.get("out") ?? []).map(({ value }) => value as Result);
        assert.deepEqual(
          found.map((w) => `${w.key} ${w.windowStart} ${w.windowEnd}: ${w.value}`).toSorted(),
          Array.from(totals, ([window, n]) => `${window}: ${n}`).toSorted(),
        );
      }),
      propertyOptions(100),
    );
  });

  for (const zone of [null, "America/New_York"]) {
    it(`with ${zone ?? "a zone per record"} come out the same in every way of running, late ones and early ones too (INV-1)`, async () => {
      await fc.assert(
        fc.asyncProperty(unitArbitrary, visitsArbitrary, fc.boolean(), async (unit, visits, early) => {
          const trace = visits.flatMap((record, i): TraceItem[] => [
            { source: "in", record },
            ...(i % 3 === 2 ? [{ source: "in", watermark: record.at - 3_600_000 }] : []),
          ]);
          const trigger = early ? { trigger: onTime({ early: everyCount(2) }) } : {};
          await operatorHarness(() => visitsApp(unit, zone, { allowedLateness: "1d", ...trigger }), trace, {
            batchSizes: [3],
          });
        }),
        propertyOptions(40),
      );
    });
  }

  it("with a zone per record replace only the pane with the same bounds in a changelog", async () => {
    const app = pipeline("days");
    app
      .source(fromIterable<Visit>([]), { name: "in", timestamp: (v) => v.at, watermark: "none" })
      .keyBy((v) => v.key)
      .window(calendar("month", { zone: (v) => v.zone }), { allowedLateness: "7d" })
      .aggregate(count())
      .changelog()
      .to(
        forEach(() => {}),
        { name: "out" },
      );
    const trace: TraceItem[] = [
      { source: "in", record: { key: "a", zone: "Europe/Berlin", at: at("2026-03-05T00:00Z") } },
      { source: "in", record: { key: "a", zone: "Africa/Lagos", at: at("2026-03-05T00:00Z") } },
      { source: "in", watermark: at("2026-04-01T00:00Z") },
      { source: "in", record: { key: "a", zone: "Europe/Berlin", at: at("2026-03-06T00:00Z") } },
    ];
    const { outputs } = await operatorHarness(() => app, trace);
    assert.deepEqual(
      outputs.get("out")?.map(({ value }) => {
        const { op, row } = value as { op: string; row: Result };
        return `${op} ${shown(row)}`;
      }),
      [
        "+I 2026-02-28T23:00:00.000Z 743 h: 1",
        "+I 2026-02-28T23:00:00.000Z 744 h: 1",
        "-U 2026-02-28T23:00:00.000Z 743 h: 1",
        "+U 2026-02-28T23:00:00.000Z 743 h: 2",
      ],
    );
  });

  it("leave a record whose zone is none to onError", async () => {
    const { out, report } = await runBoth((app) => ({
      out: app
        .source(fromIterable(["UTC", "Nowhere/None"]), { timestamp: () => 0 })
        .keyBy(() => "all")
        .window(calendar("year", { zone: (zone) => zone }), { name: "years", onError: "skip" })
        .aggregate(count())
        .map(shown),
    }));
    assert.deepEqual(out, ["1970-01-01T00:00:00.000Z 8760 h: 1"]);
    assert.deepEqual(done(report, "years"), { contributed: 1, skipped: 1 });
  });

  it("of a unit or a zone that there isn't are refused when they are written", () => {
    const unit: string = "fortnight";
    assert.throws(() => calendar(unit as CalendarUnit), /unit: a calendar has hour, day, .*not "fortnight"/);
    assert.throws(() => calendar("day", { zone: "Mars/Olympus" }), /zone: "Mars\/Olympus" is no time zone/);
  });
});

const unitArbitrary = fc.constantFrom<CalendarUnit>("hour", "day", "week", "month", "quarter", "year");

/** Around the days on which clocks are changed, in order of nothing. */
const visitsArbitrary = fc.array(
  fc.record({
    key: fc.constantFrom("a", "b"),
    zone: fc.constantFrom(...ZONES),
    at: fc
      .tuple(
        fc.constantFrom(
          at("2026-03-29T01:00Z"),
          at("2026-10-25T01:00Z"),
          at("1969-12-31T23:00Z"),
          at("2026-04-04T15:00Z"),
        ),
        fc.integer({ min: -72, max: 72 }),
        fc.integer({ min: 0, max: 3 }),
      )
      .map(([around, hours, quarters]) => around + hours * 3_600_000 + quarters * 900_000),
  }),
  { maxLength: 25 },
);
