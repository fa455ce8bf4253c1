/**
 * Sessions under any order of arrival and any honest watermarks, against sorting and scanning.
 *
 * The scan finds wrong sessions and wrong cuts; the ways of the harness find what hangs on batches, eviction or code
 * generation; behind the watermark only what always holds is looked at: each record once, nothing too long.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { everyCount, everyEventTime, onTime, type Trigger } from "../../src/index.ts";
import { operatorHarness, runChecked } from "../../src/testing/harness.ts";
import type { TraceItem } from "../../src/testing/scripted-intake.ts";
import { propertyOptions } from "../connector/seed.ts";
import {
  foldedTable,
  honestTrace,
  movesArbitrary,
  panesOf,
  scannedTable,
  type Sessions,
  sessionsApp,
  sessionsArbitrary,
  type Visit,
} from "./session-table.ts";

describe("sessions with gaps and durations of every kind", () => {
  it("are those of a scan in the order of time, each fired once, whatever the order and the watermarks (INV-2, INV-3)", async () => {
    await fc.assert(
      fc.asyncProperty(sessionsArbitrary, movesArbitrary, async (sessions, moves) => {
        const { outputs } = await runChecked(sessionsApp(sessions), honestTrace(sessions.visits, moves), {
          batchRecords: 1,
        });
        const panes = panesOf(outputs.get("out"));
        assert.deepEqual(foldedTable(panes), scannedTable(sessions));
        for (const { pane, paneIndex, replaces } of panes)
          assert.deepEqual({ pane, paneIndex, replaces }, { pane: "on-time", paneIndex: 0, replaces: [] });
        assert.deepEqual(outputs.get("late"), []);
      }),
      propertyOptions(1500),
    );
  });

  it("come out the same in every way of running (INV-1)", async () => {
    await fc.assert(
      fc.asyncProperty(
        anyTrace,
        fc.nat(12),
        fc.boolean(),
        async ({ sessions, trace }, lateness, discards) => {
          await operatorHarness(
            () =>
              sessionsApp(sessions, {
                allowedLateness: lateness,
                panes: discards ? "discarding" : "accumulating",
              }),
            trace,
            { batchSizes: [3, 7] },
          );
        },
      ),
      propertyOptions(60),
    );
  });
});

describe("records behind the watermark", () => {
  it("are in one session or late, and no session is longer than maxDuration", async () => {
    await fc.assert(
      fc.asyncProperty(
        anyTrace,
        fc.nat(30),
        fc.boolean(),
        async ({ sessions, trace }, lateness, discards) => {
          const { outputs } = await runChecked(
            sessionsApp(sessions, {
              allowedLateness: lateness,
              panes: discards ? "discarding" : "accumulating",
            }),
            trace,
            { batchRecords: 1 },
          );
          const panes = panesOf(outputs.get("out"));
          const times = new Map(sessions.visits.map(({ id, at }) => [id, at]));
          for (const { windowStart, windowEnd, value } of panes) {
            assert.ok(windowEnd - windowStart <= sessions.maxDuration, `[${windowStart}, ${windowEnd})`);
            for (const id of value) {
              const at = times.get(id) as number;
              assert.ok(windowStart <= at && at < windowEnd, `${at} in [${windowStart}, ${windowEnd})`);
            }
          }
          const late = (outputs.get("late") ?? []).map(({ value }) => (value as Visit).id);
          const held = discards
            ? panes.flatMap(({ value }) => value)
            : Object.values(foldedTable(panes)).flatMap((lines) => lines.flatMap(idsOf));
          assert.deepEqual(
            [...late, ...held].sort((a, b) => a - b),
            sessions.visits.map(({ id }) => id),
          );
        },
      ),
      propertyOptions(500),
    );
  });
});

describe("panes of sessions with a trigger", () => {
  const triggers: readonly (readonly [string, Trigger])[] = [
    ["every second record", onTime({ early: everyCount(2) })],
    ["each record", onTime({ early: everyCount(1), late: everyCount(2) })],
    ["every 5 ms of event time", onTime({ early: everyEventTime(5) })],
  ];
  for (const [when, trigger] of triggers) {
    it(`that also fires ${when} stand for the same sessions in the end, whatever the order and the watermarks`, async () => {
      await fc.assert(
        fc.asyncProperty(sessionsArbitrary, movesArbitrary, async (sessions, moves) => {
          const { outputs } = await runChecked(
            sessionsApp(sessions, { trigger }),
            honestTrace(sessions.visits, moves),
            { batchRecords: 1 },
          );
          assert.deepEqual(foldedTable(panesOf(outputs.get("out"))), scannedTable(sessions));
          assert.deepEqual(outputs.get("late"), []);
        }),
        propertyOptions(200),
      );
    });

    it(`that also fires ${when} hold each record once where they are discarding, late ones included`, async () => {
      await fc.assert(
        fc.asyncProperty(anyTrace, fc.nat(12), async ({ sessions, trace }, lateness) => {
          const { outputs } = await runChecked(
            sessionsApp(sessions, {
              trigger,
              panes: "discarding",
              allowedLateness: lateness,
            }),
            trace,
            { batchRecords: 1 },
          );
          const late = (outputs.get("late") ?? []).map(({ value }) => (value as Visit).id);
          const held = panesOf(outputs.get("out")).flatMap(({ value }) => value);
          // Late ones that wait for a second one may never be shown.
          assert.equal(new Set([...late, ...held]).size, late.length + held.length);
          if (when !== "each record") assert.equal(late.length + held.length, sessions.visits.length);
        }),
        propertyOptions(100),
      );
    });

    it(`that also fires ${when} come out the same in every way of running (INV-1)`, async () => {
      await fc.assert(
        fc.asyncProperty(
          anyTrace,
          fc.nat(12),
          fc.boolean(),
          async ({ sessions, trace }, lateness, discards) => {
            await operatorHarness(
              () =>
                sessionsApp(sessions, {
                  trigger,
                  allowedLateness: lateness,
                  panes: discards ? "discarding" : "accumulating",
                }),
              trace,
              { batchSizes: [3, 7] },
            );
          },
        ),
        propertyOptions(30),
      );
    });
  }
});

/** Visits in any order, among watermarks that say too much. */
const anyTrace: fc.Arbitrary<{ sessions: Sessions; trace: TraceItem[] }> = fc
  .record({ sessions: sessionsArbitrary, moves: movesArbitrary })
  .map(({ sessions, moves }) => {
    let watermark = Number.NEGATIVE_INFINITY;
    const trace = honestTrace(sessions.visits, moves).map((item, i): TraceItem => {
      if ("record" in item) return item;
      if (!("watermark" in item)) return item;
      watermark = Math.max(watermark, item.watermark + moves[i % moves.length].delay);
      return { ...item, watermark };
    });
    return { sessions, trace };
  });

const idsOf = (line: string): number[] =>
  line
    .slice(line.indexOf(")") + 2)
    .split(" ")
    .map(Number);
