/**
 * Reprocessing corrects a table: after a run with late data it gives the output of a run in which nothing was late.
 *
 * The property catches: late records lost or counted twice, rows of windows that are no more (sessions that are one now),
 * windows at the borders of the range that are changed or wrongly removed, records that a range needs and that were left
 * out, and anything that hangs on the kind of window. The cases name what it would find by chance only.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  calendar,
  cumulating,
  everyCount,
  onTime,
  session,
  sliding,
  tumbling,
  type WindowAssigner,
} from "../../src/index.ts";
import { propertyOptions } from "../connector/seed.ts";
import {
  accepted,
  type Order,
  ReprocessCase,
  type Row,
  rowsWithoutLateness,
  type Shape,
} from "./reprocess-case.ts";
import { scratch } from "./scratch.ts";

const path = scratch();
let made = 0;

/** A day on which the clocks of Berlin are set forward. */
const DST_DAY = Date.UTC(2026, 2, 28);
const HOUR = 3_600_000;

const WINDOWS: Record<
  string,
  { readonly windows: WindowAssigner<Order>; readonly unit: number; readonly start: number }
> = {
  tumbling: { windows: tumbling(10), unit: 1, start: -50 },
  "tumbling with an offset": { windows: tumbling(10, { offset: 3 }), unit: 1, start: -50 },
  sliding: { windows: sliding(12, 5), unit: 1, start: -50 },
  "sliding with gaps": { windows: sliding(4, 7), unit: 1, start: -50 },
  cumulating: { windows: cumulating(20, 5), unit: 1, start: -50 },
  sessions: { windows: session(4), unit: 1, start: -50 },
  "sessions of gaps of their own": { windows: session(({ n }: Order) => n + 1), unit: 1, start: -50 },
  "sessions that are cut": { windows: session(4, { maxDuration: 9 }), unit: 1, start: -50 },
  "days of Berlin": { windows: calendar("day", { zone: "Europe/Berlin" }), unit: HOUR, start: DST_DAY },
};

/** Time goes on in small steps; one in four is some steps behind it. */
const orders = (unit: number, start: number): fc.Arbitrary<Order[]> =>
  fc
    .array(
      fc.record({
        user: fc.constantFrom("ada", "bob"),
        step: fc.nat(4),
        behind: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(15) }),
        n: fc.nat(5),
      }),
      { maxLength: 40, size: "max" },
    )
    .map((list) => {
      let now = start;
      return list.map(({ user, step, behind, n }, id) => {
        now += step * unit;
        return { id, user, at: now - behind * unit, n };
      });
    });

const kind = fc.constantFrom("sessions", ...Object.keys(WINDOWS));

const shaped = kind.chain((name) => {
  const { windows, unit, start } = WINDOWS[name];
  return fc.record({
    name: fc.constant(name),
    orders: orders(unit, start),
    lateness: fc.constantFrom(0, 0, 3 * unit),
    bound: fc.constantFrom(0, 2 * unit),
    early: fc.boolean(),
    over: fc.constantFrom(undefined, undefined, tumbling(30 * unit), sliding(30 * unit, 13 * unit)),
    changelog: fc.boolean(),
    // Cumulating windows begin together; so may a cut session and one that was there before.
    byEnd: name === "cumulating" || name === "sessions that are cut" ? fc.constant(true) : fc.boolean(),
    /** Whether the history has the late records, too: "some" of them. */
    history: fc.constantFrom("all" as const, "accepted" as const, "some" as const),
    range: fc.option(
      fc.tuple(fc.nat(100), fc.nat(100)).map(([a, b]) => ({
        from: start + Math.min(a, b) * unit,
        to: start + (Math.max(a, b) + 1) * unit,
      })),
      { freq: 4 },
    ),
    windows: fc.constant(windows),
  });
});

const isInside = ({ windowStart, windowEnd }: Row, { from, to }: { from: number; to: number }): boolean =>
  windowStart >= from && windowEnd <= to;

/** Of a session that reaches over a border, what the table had stays. */
const standsFor = (whole: Row, row: Row): boolean =>
  whole.key === row.key && whole.windowStart < row.windowEnd && whole.windowEnd > row.windowStart;

/** Which pane it is: here each window has one. */
const withoutPane = ({ pane: _pane, paneIndex: _index, replaces: _replaces, ...row }: Row): object => row;

test("after a run with late data, reprocessing gives the table of a run in which nothing was late", async () => {
  await fc.assert(
    fc.asyncProperty(shaped, async (drawn) => {
      const { windows, lateness, bound, over, changelog, history } = drawn;
      const isSession = windows.kind === "session";
      const shape: Shape = {
        windows,
        options: {
          allowedLateness: lateness,
          ...(drawn.early ? { trigger: onTime({ early: everyCount(3) }) } : {}),
        },
        watermark: { maxOutOfOrderness: bound },
        changelog,
        ...(drawn.byEnd ? { key: ["key", "windowStart", "windowEnd"] as const } : {}),
        // Panes before the last would count in windows over them.
        ...(over === undefined || drawn.early || lateness > 0 ? {} : { over }),
      };
      const name = `random-${made++}`;
      const expected = await rowsWithoutLateness(shape, drawn.orders, path);
      const run = new ReprocessCase(shape, path, name);
      await run.run(drawn.orders);
      const late = await run.late();
      const before = run.rows();
      const taken = accepted(drawn.orders, late);
      const past =
        history === "all"
          ? drawn.orders
          : history === "accepted"
            ? taken
            : drawn.orders.filter((order) => taken.includes(order) || order.id % 2 === 0);
      const range = drawn.range ?? { from: -1e15, to: 1e15 };
      const report = await run.reprocess(past, range.from, range.to);
      const after = run.rows();
      run.remove();

      const across =
        isSession && shape.over === undefined
          ? expected.filter(
              (row) => !isInside(row, range) && row.windowStart < range.to && row.windowEnd > range.from,
            )
          : [];
      const kept = before.filter(
        (row) => !isInside(row, range) || across.some((whole) => standsFor(whole, row)),
      );
      const wanted = [...expected.filter((row) => isInside(row, range)), ...kept];
      const order = (rows: readonly Row[]): object[] =>
        rows
          .toSorted((a, b) =>
            `${a.key}` < `${b.key}`
              ? -1
              : `${a.key}` > `${b.key}`
                ? 1
                : a.windowStart - b.windowStart || a.windowEnd - b.windowEnd,
          )
          .map(withoutPane);
      assert.deepEqual(order(after), order(wanted));
      assert.equal(report.corrected[0]?.stale, null);
      assert.equal(report.left.length, 0);
      if (history === "all") assert.equal(report.lateRecords, 0);
      if (history === "accepted" && drawn.range === null) assert.equal(report.lateRecords, late.length);
    }),
    propertyOptions(40),
  );
});

// --- by hand ---

const at = (id: number, at: number, user = "ada"): Order => ({ id, user, at, n: 1 });

/** Where the windows of the table lie. */
const bounds = (rows: readonly Row[]): string[] =>
  rows.map(({ key, windowStart, windowEnd, orders }) => `${key} [${windowStart}, ${windowEnd}) ${orders}`);

/** 6 makes one session of those from 0 and 12, and is late; bob's moves time on. */
const LATE_LINK = [at(0, 0), at(1, 12), at(2, 100, "bob"), at(3, 6)];

test("sessions that late data makes one are one row, and the others are gone", async () => {
  const run = new ReprocessCase({ windows: session(7) }, path, "one");
  await run.run(LATE_LINK);
  assert.deepEqual(bounds(run.rows()), ["ada [0, 7) 1", "ada [12, 19) 1", "bob [100, 107) 1"]);
  const { corrected } = await run.reprocess(LATE_LINK, 0, 50);
  assert.deepEqual(bounds(run.rows()), ["ada [0, 19) 3", "bob [100, 107) 1"]);
  assert.deepEqual(corrected, [{ name: "totals", rows: 1, changed: 1, removed: 1, stale: null }]);
});

test("of a session that reaches over a border the table keeps what it has, and other keys don't matter", async () => {
  const orders = [at(4, 0, "cyd"), ...LATE_LINK, at(5, 5, "cyd")];
  for (const [from, to] of [
    [0, 15],
    [3, 50],
  ] as const) {
    const run = new ReprocessCase({ windows: session(7) }, path, `border-${made++}`);
    await run.run(orders);
    const { acrossBorders } = await run.reprocess(orders, from, to);
    assert.deepEqual(bounds(run.rows()), [
      "ada [0, 7) 1",
      "ada [12, 19) 1",
      "bob [100, 107) 1",
      from === 0 ? "cyd [0, 12) 2" : "cyd [0, 7) 1",
    ]);
    assert.equal(acrossBorders, from === 0 ? 1 : 2);
  }
});

test("a row that has moved on to a later window stays, where a key has one row", async () => {
  const run = new ReprocessCase({ windows: tumbling(10), key: ["key"] }, path, "latest");
  const orders = [at(0, 1), at(1, 2, "bob"), at(2, 31), at(3, 5), at(4, 6, "bob")];
  await run.run(orders);
  assert.deepEqual(bounds(run.rows()), ["ada [30, 40) 1", "bob [0, 10) 1"]);
  await run.reprocess(orders, 0, 20);
  assert.deepEqual(bounds(run.rows()), ["ada [30, 40) 1", "bob [0, 10) 2"]);
});

test("early panes of sessions that became one leave no row", async () => {
  const early = onTime({ early: everyCount(3) });
  const orders = [0, 1, 2, 12, 13, 14, 6, 7, 60].map((time, id) => at(id, time));
  for (const [changelog, key] of [
    [false, ["key", "windowStart"]],
    [false, ["key", "windowStart", "windowEnd"]],
    [true, ["key", "windowStart", "windowEnd"]],
  ] as const) {
    const shape = { windows: session(7), options: { trigger: early }, changelog, key };
    const run = new ReprocessCase(shape, path, `early-${made++}`);
    await run.run(orders);
    assert.ok(run.rows().length > 2, "there is something to correct");
    for (const to of [100, 15]) {
      await run.reprocess(orders, 0, to);
      // The whole range first: after that, none of its parts changes anything.
      assert.deepEqual(bounds(run.rows()), ["ada [0, 21) 8", "ada [60, 67) 1"]);
    }
  }
});

test("it can be done again, and then changes nothing", async () => {
  const run = new ReprocessCase({ windows: session(7) }, path, "again");
  await run.run(LATE_LINK);
  await run.reprocess(LATE_LINK, 0, 200);
  const before = run.rows();
  const { corrected } = await run.reprocess(LATE_LINK, 0, 200);
  assert.deepEqual(corrected, [{ name: "totals", rows: 2, changed: 0, removed: 0, stale: null }]);
  assert.deepEqual(run.rows(), before);
});

test("of records that are equal, the most that history or log has count", async () => {
  // The same order three times: two were taken, one was late.
  const same = { user: "ada", at: 5, n: 2, id: 1 };
  const orders = [same, same, at(2, 30), same];
  const history: Record<string, readonly Order[]> = {
    "all of them": orders,
    "those that were taken": [same, at(2, 30), same],
  };
  for (const [name, past] of Object.entries(history)) {
    const run = new ReprocessCase({ windows: tumbling(10) }, path, `same-${made++}`);
    await run.run(orders);
    assert.equal((await run.late()).length, 1);
    await run.reprocess(past, 0, 10);
    const [row] = run.rows();
    // An equal one that was late can't be told from one that was taken: this is why records have an id.
    assert.deepEqual([name, row?.["orders"]], [name, name === "all of them" ? 3 : 2]);
  }
});
