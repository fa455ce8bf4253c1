/** Sliding and cumulating windows by slices: bounds, late records, what a firing costs, what explain() says of them. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  aggregate,
  type Aggregate,
  collect,
  count,
  cumulating,
  forEach,
  fromIterable,
  max,
  pipeline,
  type Pipeline,
  sliding,
  sum,
  variance,
  type WindowAssigner,
  type WindowOptions,
} from "../../src/index.ts";
import { failBoth, operator, runBoth } from "./run-both.ts";

interface Tick {
  readonly at: number;
  readonly x: number;
  readonly key: string;
}

const tick = (at: number, x = 1, key = "k"): Tick => ({ at, x, key });

/** The two ways in which totals are kept. */
const ways: Readonly<Record<string, Aggregate<Tick, any, number>>> = {
  "a running total": sum((r) => r.x),
  stacks: aggregate<Tick, number, number>({
    create: () => 0,
    add: (total, { x }) => total + x,
    merge: (a, b) => a + b,
    result: (total) => total,
  }),
};

const source = (app: Pipeline, ticks: readonly Tick[], bound = 0) =>
  app.source(fromIterable(ticks), { timestamp: (r) => r.at, watermark: { maxOutOfOrderness: bound } });

/** The panes as "key [start, end) kind index: value", and what was late. */
function panes(
  windows: WindowAssigner,
  by: Aggregate<Tick, any, unknown>,
  ticks: readonly Tick[],
  { bound = 0, ...options }: WindowOptions & { readonly bound?: number } = {},
) {
  return runBoth((app) => {
    const results = source(app, ticks, bound)
      .keyBy((r) => r.key)
      .window(windows, options)
      .aggregate({ value: by });
    return {
      out: results.map(
        (w) => `${w.key} [${w.windowStart}, ${w.windowEnd}) ${w.pane} ${w.paneIndex}: ${w.value}`,
      ),
      late: results.late.map((r) => r.at),
    };
  });
}

for (const [way, by] of Object.entries(ways)) {
  describe(`windows by slices, with ${way}`, () => {
    test("have two slices per slide where the slide does not divide the size, before 1970 too", async () => {
      const ticks = [-4, -3, -2, -1, 0, 1, 2, 3, 4, 5].map((at) => tick(at, 2 ** (at + 4)));
      const { out, report } = await panes(sliding(5, 3), by, ticks);
      assert.deepEqual(out, [
        "k [-6, -1) on-time 0: 7",
        "k [-3, 2) on-time 0: 62",
        "k [0, 5) on-time 0: 496",
        "k [3, 8) on-time 0: 896",
      ]);
      assert.equal(operator(report, "window").rows, 0);
    });

    test("take timestamps at both ends of the range", async () => {
      const { out } = await panes(sliding("2d", "1d"), by, [tick(-8.64e15), tick(8.64e15)]);
      assert.deepEqual(out, [
        "k [-8640000086400000, -8639999913600000) on-time 0: 1",
        "k [-8640000000000000, -8639999827200000) on-time 0: 1",
        "k [8639999913600000, 8640000086400000) on-time 0: 1",
        "k [8640000000000000, 8640000172800000) on-time 0: 1",
      ]);
    });

    test("fire once more, each that holds the late record's slice, and count their panes", async () => {
      const ticks = [tick(1, 1), tick(12, 2), tick(3, 4), tick(7, 8), tick(30, 16)];
      const { out } = await panes(sliding(10, 5), by, ticks, { allowedLateness: 10 });
      assert.deepEqual(out, [
        "k [-5, 5) on-time 0: 1",
        "k [0, 10) on-time 0: 1",
        "k [-5, 5) late 1: 5",
        "k [0, 10) late 1: 5",
        "k [0, 10) late 2: 13",
        "k [5, 15) on-time 0: 10",
        "k [10, 20) on-time 0: 2",
        "k [25, 35) on-time 0: 16",
        "k [30, 40) on-time 0: 16",
      ]);
    });

    test("fire their first pane late where they had no record before", async () => {
      const { out } = await panes(sliding(10, 5), by, [tick(20), tick(14), tick(14)], {
        allowedLateness: 10,
      });
      assert.deepEqual(out.slice(0, 4), [
        "k [5, 15) late 0: 1",
        "k [10, 20) late 0: 1",
        "k [5, 15) late 1: 2",
        "k [10, 20) late 1: 2",
      ]);
    });

    test("take no record at their end + lateness, and one before that", async () => {
      const at = (watermark: number) =>
        panes(sliding(10, 5), by, [tick(watermark), tick(2)], { allowedLateness: 10 });
      const last = await at(19);
      assert.deepEqual(last.out.slice(0, 1), ["k [0, 10) late 0: 1"]);
      assert.equal(last.report.operators.find(({ name }) => name === "window")?.missedWindows, 1);
      const past = await at(20);
      assert.deepEqual(past.late, [2]);
      assert.equal(past.report.operators.find(({ name }) => name === "window")?.missedWindows, 2);
    });

    test("have a record in those that have not fired where it missed others", async () => {
      const { out, late, report } = await panes(sliding(10, 5), by, [
        tick(1, 1),
        tick(12, 2),
        tick(7, 4),
        tick(3, 8),
      ]);
      assert.deepEqual(out, [
        "k [-5, 5) on-time 0: 1",
        "k [0, 10) on-time 0: 1",
        "k [5, 15) on-time 0: 6",
        "k [10, 20) on-time 0: 2",
      ]);
      assert.deepEqual(late, [3]);
      assert.equal(operator(report, "window").missedWindows, 3);
    });

    test("have a record in all slices that were merged before it came", async () => {
      // The stacks were turned at 40, with the slices of 33 and 34 in them.
      const ticks = [
        ...Array.from({ length: 41 }, (_, at) => tick(at)),
        tick(33, 100),
        tick(34, 1000),
        tick(60),
      ];
      const { out } = await panes(sliding(10, 1), by, ticks);
      const valueAt = (end: number): string | undefined =>
        out.find((pane) => pane.includes(`[${end - 10}, ${end})`))?.split(": ")[1];
      assert.deepEqual([40, 41, 42, 43, 44, 45, 49, 50].map(valueAt), [
        "10",
        "1110",
        "1109",
        "1108",
        "1007",
        "6",
        "2",
        "1",
      ]);
    });

    test("have no record that came too late for them, though its slice is there for others", async () => {
      const ticks = [tick(-31), tick(-7, 0, "clock"), tick(-18, 2, "b"), tick(-17, 4, "b")];
      const { out } = await panes(sliding(15, 7, { offset: 4 }), by, ticks, { allowedLateness: 3 });
      assert.deepEqual(
        out.filter((pane) => pane.startsWith("b")),
        ["b [-24, -9) late 0: 2", "b [-24, -9) late 1: 6", "b [-17, -2) on-time 0: 4"],
      );
    });

    test("that fire late leave those to come as they are", async () => {
      const ticks = [...Array.from({ length: 41 }, (_, at) => tick(at)), tick(36, 100), tick(60)];
      const { out } = await panes(sliding(10, 1), by, ticks, { allowedLateness: 5 });
      const late = [37, 38, 39, 40].map((end) => `k [${end - 10}, ${end}) late 1: 110`);
      assert.deepEqual(
        out.filter((pane) => pane.includes("late")),
        late,
      );
      const onTime = [110, 109, 108, 107, 106, 105, 4, 3, 2, 1];
      assert.deepEqual(
        out.slice(out.indexOf(late[3]) + 1, -10),
        onTime.map((value, i) => `k [${31 + i}, ${41 + i}) on-time 0: ${value}`),
      );
    });

    test("with records of no key emit nothing, and forget the key", async () => {
      const { out, report } = await panes(sliding(10, 5), by, [
        tick(0, 1, "a"),
        tick(20, 1, "b"),
        tick(60, 1, "a"),
      ]);
      assert.deepEqual(out, [
        "a [-5, 5) on-time 0: 1",
        "a [0, 10) on-time 0: 1",
        "b [15, 25) on-time 0: 1",
        "b [20, 30) on-time 0: 1",
        "a [55, 65) on-time 0: 1",
        "a [60, 70) on-time 0: 1",
      ]);
      assert.equal(operator(report, "window").rows, 0);
    });

    test("cumulate from the beginning of each set", async () => {
      const ticks = [tick(0, 1), tick(1, 2), tick(3, 4), tick(5, 8), tick(6, 16), tick(2, 32)];
      const { out, report } = await panes(cumulating(6, 2), by, ticks, { bound: 1 });
      assert.deepEqual(out, [
        "k [0, 2) on-time 0: 3",
        "k [0, 4) on-time 0: 7",
        "k [0, 6) on-time 0: 47",
        "k [6, 8) on-time 0: 16",
        "k [6, 10) on-time 0: 16",
        "k [6, 12) on-time 0: 16",
      ]);
      assert.equal(operator(report, "window").missedWindows, 1);
      assert.equal(operator(report, "window").rows, 0);
    });
  });
}

/** Counts the calls of an aggregate's functions. */
function counted(): {
  readonly calls: { add: number; merge: number };
  readonly by: Aggregate<Tick, number, number>;
} {
  const calls = { add: 0, merge: 0 };
  return {
    calls,
    by: aggregate<Tick, number, number>({
      create: () => 0,
      add(total, { x }) {
        calls.add += 1;
        if (x === 13) throw new Error("thirteen");
        return total + x;
      },
      merge(a, b) {
        calls.merge += 1;
        return a + b;
      },
      result: (total) => total,
    }),
  };
}

describe("slices", () => {
  test("add a record once, and merge about three times per result, whatever a window holds", async () => {
    const { calls, by } = counted();
    const app = pipeline("calls");
    let results = 0;
    source(
      app,
      Array.from({ length: 3000 }, (_, at) => tick(at)),
    )
      .keyBy((r) => r.key)
      .window(sliding(1000, 1))
      .aggregate(by)
      .to(
        forEach(({ value }) => {
          results += 1;
          assert.ok(value <= 1000);
        }),
      );
    await app.run();
    assert.equal(results, 3999);
    assert.equal(calls.add, 3000);
    assert.ok(calls.merge <= 3 * results, `${calls.merge} merges`);
  });

  test("leave a record that fails out of all windows, after one call", async () => {
    for (const late of [[], [tick(20)]]) {
      const { calls, by } = counted();
      const ticks = [tick(11, 1), ...late, tick(11, 13), tick(11, 2)];
      const { out, letters } = await runBoth(
        (app) => ({
          out: source(app, ticks, 5)
            .keyBy((r) => r.key)
            .window(sliding(10, 5), { name: "window", onError: "dead-letter" })
            .aggregate(by)
            .map((w) => `[${w.windowStart}, ${w.windowEnd}) ${w.value}`),
        }),
        { deadLetters: true },
      );
      assert.deepEqual(
        out.slice(0, 2),
        ["[5, 15) 3", "[10, 20) 3"].map((pane, i) => (late.length > 0 && i === 0 ? "[5, 15) 1" : pane)),
      );
      assert.equal(letters.length, 1);
      assert.equal(calls.add, 2 * ticks.length);
    }
  });

  test("keep what they hold while windows merge them, once or again", async () => {
    const ticks = [
      ...Array.from({ length: 41 }, (_, at) => tick(at, at)),
      tick(33, 50),
      tick(35, 70),
      tick(60),
    ];
    const { out } = await panes(
      sliding(10, 1),
      variance((r) => r.x, { over: "population" }),
      ticks,
    );
    for (const end of [20, 30, 40, 41, 42, 43, 44, 45]) {
      const xs = ticks
        .filter(({ at, x }) => at >= end - 10 && at < end && (at === x || end > 40))
        .map(({ x }) => x);
      const mean = xs.reduce((a, x) => a + x, 0) / xs.length;
      const expected = xs.reduce((a, x) => a + (x - mean) ** 2, 0) / xs.length;
      const value = Number(out.find((pane) => pane.includes(`[${end - 10}, ${end})`))?.split(": ")[1]);
      assert.ok(Math.abs(value - expected) < 1e-9, `${value}, not ${expected}, at ${end}`);
    }
  });

  test("leave nothing behind in a sum: neither rounding errors nor NaN", async () => {
    const ticks = [tick(0, 1e16), tick(1, Number.NaN, "n"), tick(12, 0.1), tick(12, 0.1, "n")];
    const { out } = await panes(
      sliding(20, 5),
      sum((r) => r.x),
      ticks,
    );
    assert.deepEqual(out.filter((pane) => pane.includes("[0, 20)") || pane.includes("[5, 25)")).sort(), [
      "k [0, 20) on-time 0: 10000000000000000",
      "k [5, 25) on-time 0: 0.1",
      "n [0, 20) on-time 0: NaN",
      "n [5, 25) on-time 0: 0.1",
    ]);
  });

  test("end the job with USER_FUNCTION_FAILED where merge throws", async () => {
    const own = aggregate<Tick, number, number>({
      create: () => 0,
      add: (n) => n + 1,
      merge() {
        throw new RangeError("merge");
      },
      result: (n) => n,
    });
    const error = await failBoth((app) => ({
      out: source(app, [tick(1), tick(6), tick(30)])
        .keyBy((r) => r.key)
        .window(sliding(10, 5), { name: "subject", onError: "skip" })
        .aggregate(own),
    }));
    assert.equal(error.code, "USER_FUNCTION_FAILED");
    assert.equal(error.context.operator, "subject");
  });

  test("are for windows that overlap and may be merged: explain() says which, and why others are not", () => {
    const stateOf = (
      windows: WindowAssigner,
      by: Aggregate<Tick, any, unknown>,
      options: WindowOptions = {},
    ) => {
      const app = pipeline("explained");
      source(app, [])
        .keyBy((r) => r.key)
        .window(windows, options)
        .aggregate(by)
        .to(forEach(() => {}));
      return /state: (panes|by slices).*/.exec(app.explain())?.[0];
    };
    const bySlices = (n: number): string =>
      `state: by slices: one row per key and slice, of which a window has up to ${n}; a record is added to one. One row of totals per key`;
    assert.equal(stateOf(sliding("1h", "1s"), count()), bySlices(3600));
    assert.equal(
      stateOf(
        sliding(5, 3),
        max((r) => r.x),
      ),
      bySlices(3),
    );
    assert.equal(
      stateOf(
        sliding(10, 3),
        max((r) => r.x),
      ),
      bySlices(7),
    );
    assert.equal(stateOf(cumulating("1d", "1h"), count()), bySlices(24));
    const discarding = { panes: "discarding", allowedLateness: 1 } as const;
    assert.equal(stateOf(sliding(10, 5), count(), { panes: "discarding" }), bySlices(2));
    assert.equal(stateOf(sliding(10, 5), count(), { ...discarding, finalOnly: true }), bySlices(2));
    const why = (windows: number, reason: string): string =>
      `state: panes: one row per key and window end; a record is added to up to ${windows} (an accumulator per window, since ${reason})`;
    assert.equal(stateOf(sliding(10, 5), count(), discarding), why(2, "late panes discard what was fired"));
    assert.equal(stateOf(sliding(10, 5), collect()), why(2, "collect goes by the order of arrival"));
    assert.equal(
      stateOf(sliding(5, 10), count()),
      "state: panes: one row per key and window end; a record is added to one (an accumulator per window)",
    );
  });
});
