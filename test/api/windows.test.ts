/** Windows of event time: which record is in which, when they fire, what comes too late, batch mode. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  collect,
  count,
  fromIterable,
  type Pipeline,
  session,
  sliding,
  type Stream,
  sum,
  tumbling,
  type WindowAssigner,
  type WindowOptions,
} from "../../src/index.ts";
import { type Both, type BothOptions, done, operator, runBoth } from "./run-both.ts";

interface Tick {
  readonly at: number;
  readonly key: string;
}

const tick = (at: number, key = "k"): Tick => ({ at, key });

const ticks = (app: Pipeline, times: readonly (number | Tick)[], boundMs = 0): Stream<Tick> =>
  app.source(fromIterable(times.map((t) => (typeof t === "number" ? tick(t) : t))), {
    timestamp: (r) => r.at,
    watermark: { maxOutOfOrderness: boundMs },
  });

interface Case extends WindowOptions {
  readonly times: readonly (number | Tick)[];
  readonly boundMs?: number;
  readonly run?: BothOptions;
}

/** The panes as "[start, end) kind index: times", and the late records' times. */
function panes(
  windows: WindowAssigner,
  { times, boundMs, run, ...options }: Case,
): Promise<Both<{ out: Stream<string>; late: Stream<number> }>> {
  return runBoth((app) => {
    const results = ticks(app, times, boundMs)
      .keyBy((r) => r.key)
      .window(windows, options)
      .aggregate({ times: collect((r) => r.at) });
    return {
      out: results.map(
        (w) => `${w.key} [${w.windowStart}, ${w.windowEnd}) ${w.pane} ${w.paneIndex}: ${w.times}`,
      ),
      late: results.late.map((r) => r.at),
    };
  }, run);
}

describe("tumbling windows", () => {
  test("begin at multiples of their size, before 1970 too", async () => {
    const { out } = await panes(tumbling(10), { times: [-21, -20, -11, -10, -1, 0, 9, 10] });
    assert.deepEqual(out, [
      "k [-30, -20) on-time 0: -21",
      "k [-20, -10) on-time 0: -20,-11",
      "k [-10, 0) on-time 0: -10,-1",
      "k [0, 10) on-time 0: 0,9",
      "k [10, 20) on-time 0: 10",
    ]);
  });

  test("are shifted by their offset, forwards or backwards", async () => {
    const times = [-8, -7, 2, 3, 12, 13];
    const expected = [
      "k [-17, -7) on-time 0: -8",
      "k [-7, 3) on-time 0: -7,2",
      "k [3, 13) on-time 0: 3,12",
      "k [13, 23) on-time 0: 13",
    ];
    assert.deepEqual((await panes(tumbling(10, { offset: 3 }), { times })).out, expected);
    assert.deepEqual((await panes(tumbling(10, { offset: -7 }), { times })).out, expected);
    assert.deepEqual((await panes(tumbling("10ms", { offset: "3ms" }), { times })).out, expected);
  });

  test("fire in the order of their ends, however far the watermark jumps, and only where there are records", async () => {
    const { out, report } = await panes(tumbling(10), { times: [5, 25, 15, 1000], boundMs: 50 });
    assert.deepEqual(out, [
      "k [0, 10) on-time 0: 5",
      "k [10, 20) on-time 0: 15",
      "k [20, 30) on-time 0: 25",
      "k [1000, 1010) on-time 0: 1000",
    ]);
    assert.equal(operator(report, "window").rows, 0);
  });

  test("take timestamps at both ends of the range", async () => {
    const { out } = await panes(tumbling("1d"), { times: [-8.64e15, 8.64e15] });
    assert.deepEqual(out, [
      "k [-8640000000000000, -8639999913600000) on-time 0: -8640000000000000",
      "k [8640000000000000, 8640000086400000) on-time 0: 8640000000000000",
    ]);
  });

  test("drop the fraction of a timestamp", async () => {
    const { out } = await panes(tumbling(10), { times: [-0.5, 0.5, 9.9] });
    assert.deepEqual(out, ["k [-10, 0) on-time 0: -0.5", "k [0, 10) on-time 0: 0.5,9.9"]);
  });

  test("are a key's own: each key has a result of its own", async () => {
    const { out } = await panes(tumbling(10), { times: [tick(1, "a"), tick(2, "b"), tick(3, "a")] });
    assert.deepEqual(out.toSorted(), ["a [0, 10) on-time 0: 1,3", "b [0, 10) on-time 0: 2"]);
  });

  test("of thousands of keys fire all of them", async () => {
    const times = Array.from({ length: 5000 }, (_, i) => tick(i % 10, `k${i}`));
    const { out, report } = await panes(tumbling(10), { times, boundMs: 100 });
    assert.equal(new Set(out).size, 5000);
    assert.equal(operator(report, "window").out, 5000);
  });
});

describe("sliding windows", () => {
  test("overlap where the slide is smaller than the size", async () => {
    const { out } = await panes(sliding(10, 4), { times: [0, 5, 11] });
    assert.deepEqual(out, [
      "k [-8, 2) on-time 0: 0",
      "k [-4, 6) on-time 0: 0,5",
      "k [0, 10) on-time 0: 0,5",
      "k [4, 14) on-time 0: 5,11",
      "k [8, 18) on-time 0: 11",
    ]);
  });

  test("are shifted by their offset", async () => {
    const { out } = await panes(sliding(10, 5, { offset: 2 }), { times: [1, 2] });
    assert.deepEqual(out, ["k [-8, 2) on-time 0: 1", "k [-3, 7) on-time 0: 1,2", "k [2, 12) on-time 0: 2"]);
  });

  test("with a slide above the size leave out what lies between two of them, and count it", async () => {
    const { out, late, report } = await panes(sliding(3, 10), { times: [-10, -7, 0, 2, 3, 9, 10, 12, 13] });
    assert.deepEqual(out, [
      "k [-10, -7) on-time 0: -10",
      "k [0, 3) on-time 0: 0,2",
      "k [10, 13) on-time 0: 10,12",
    ]);
    assert.deepEqual(late, []);
    assert.deepEqual(done(report, "window"), { contributed: 5, betweenWindows: 4 });
  });

  test("take a record that is late for only some of its windows into the others, and count the missed ones", async () => {
    // At the watermark 21 the windows that end at 15 and 20 are over, the one that ends at 25 is not.
    const { out, late, report } = await panes(sliding(15, 5), { times: [21, 11] });
    assert.deepEqual(out, [
      "k [10, 25) on-time 0: 21,11",
      "k [15, 30) on-time 0: 21",
      "k [20, 35) on-time 0: 21",
    ]);
    assert.deepEqual(late, []);
    assert.deepEqual(done(report, "window"), { contributed: 2 });
    assert.equal(operator(report, "window").missedWindows, 2);
  });
});

describe("late records", () => {
  const times = [0, 12, 5, 21, 6, 13, 40];

  test("within the allowed lateness fire an accumulating window again, with all it has", async () => {
    const { out, late, report } = await panes(tumbling(10), { times, allowedLateness: 10 });
    assert.deepEqual(out, [
      "k [0, 10) on-time 0: 0",
      "k [0, 10) late 1: 0,5",
      "k [10, 20) on-time 0: 12",
      "k [10, 20) late 1: 12,13",
      "k [20, 30) on-time 0: 21",
      "k [40, 50) on-time 0: 40",
    ]);
    assert.deepEqual(late, [6]);
    assert.deepEqual(done(report, "window"), { contributed: 6, late: 1 });
    assert.equal(operator(report, "window").missedWindows, 1);
    assert.equal(operator(report, "window").out, 6);
  });

  test("within the allowed lateness fire a discarding window again, with what is new", async () => {
    const { out, late } = await panes(tumbling(10), {
      times: [0, 12, 5, 7, 21, 40],
      allowedLateness: 20,
      panes: "discarding",
    });
    assert.deepEqual(out, [
      "k [0, 10) on-time 0: 0",
      "k [0, 10) late 1: 5",
      "k [0, 10) late 2: 7",
      "k [10, 20) on-time 0: 12",
      "k [20, 30) on-time 0: 21",
      "k [40, 50) on-time 0: 40",
    ]);
    assert.deepEqual(late, []);
  });

  test("of a key whose window never fired make its first pane, which is a late one", async () => {
    const { out } = await panes(tumbling(10), {
      times: [tick(0, "a"), tick(12, "a"), tick(5, "b")],
      allowedLateness: 10,
    });
    assert.deepEqual(out, ["a [0, 10) on-time 0: 0", "b [0, 10) late 0: 5", "a [10, 20) on-time 0: 12"]);
  });

  test("fire every window again that holds them", async () => {
    const { out } = await panes(sliding(10, 5), { times: [3, 11, 4], allowedLateness: 10 });
    assert.deepEqual(out, [
      "k [-5, 5) on-time 0: 3",
      "k [0, 10) on-time 0: 3",
      "k [-5, 5) late 1: 3,4",
      "k [0, 10) late 1: 3,4",
      "k [5, 15) on-time 0: 11",
      "k [10, 20) on-time 0: 11",
    ]);
  });

  test("beyond it go to the late stream as they came, in their order", async () => {
    const { late, report } = await runBoth((app) => {
      const results = ticks(app, [100, tick(1, "x"), tick(90, "y"), tick(2, "z")])
        .keyBy((r) => r.key)
        .window(tumbling(10))
        .aggregate(count());
      return { late: results.late };
    });
    assert.deepEqual(late, [tick(1, "x"), tick(90, "y"), tick(2, "z")]);
    assert.deepEqual(done(report, "window"), { contributed: 1, late: 3 });
  });

  test("at the very watermark of their window's end are late, one millisecond before they are not", async () => {
    assert.deepEqual((await panes(tumbling(10), { times: [9, 10, 9] })).late, [9]);
    assert.deepEqual((await panes(tumbling(10), { times: [9, 9, 0] })).late, []);
  });

  test("may be windowed again: their stream's windows fire at the end of the input", async () => {
    const { again } = await runBoth((app) => {
      const first = ticks(app, [100, 1, 200, 2, 300])
        .keyBy((r) => r.key)
        .window(tumbling(10))
        .aggregate(count());
      return {
        again: first.late
          .keyBy(() => "late")
          .window(tumbling(10))
          .aggregate(count())
          .map((w) => [w.windowStart, w.value]),
      };
    });
    assert.deepEqual(again, [[0, 2]]);
  });
});

describe("session windows", () => {
  test("join records at a distance of at most the gap, and end the gap after the last", async () => {
    const { out } = await panes(session(10), { times: [0, 10, 21, 25, 36] });
    assert.deepEqual(out, [
      "k [0, 20) on-time 0: 0,10",
      "k [21, 35) on-time 0: 21,25",
      "k [36, 46) on-time 0: 36",
    ]);
  });

  test("join two of them when a record falls between", async () => {
    const { out } = await panes(session(10), { times: [0, 15, 8], boundMs: 100 });
    assert.deepEqual(out, ["k [0, 25) on-time 0: 0,8,15"]);
  });

  test("say which panes a joined one stands in for", async () => {
    const { out, report } = await runBoth((app) => ({
      out: ticks(app, [0, 15, 40, 8, 100])
        .keyBy((r) => r.key)
        .window(session(10), { allowedLateness: 50 })
        .aggregate({ n: count() }),
    }));
    assert.deepEqual(out, [
      { key: "k", windowStart: 0, windowEnd: 10, pane: "on-time", paneIndex: 0, replaces: [], n: 1 },
      { key: "k", windowStart: 15, windowEnd: 25, pane: "on-time", paneIndex: 0, replaces: [], n: 1 },
      {
        key: "k",
        windowStart: 0,
        windowEnd: 25,
        pane: "late",
        paneIndex: 2,
        replaces: [
          { start: 0, end: 10 },
          { start: 15, end: 25 },
        ],
        n: 3,
      },
      { key: "k", windowStart: 40, windowEnd: 50, pane: "on-time", paneIndex: 0, replaces: [], n: 1 },
      { key: "k", windowStart: 100, windowEnd: 110, pane: "on-time", paneIndex: 0, replaces: [], n: 1 },
    ]);
    assert.deepEqual(done(report, "window"), { contributed: 5 });
  });

  test("in discarding mode replace nothing: a later pane has only what is new", async () => {
    const { out } = await runBoth((app) => ({
      out: ticks(app, [0, 15, 40, 8, 100])
        .keyBy((r) => r.key)
        .window(session(10), { allowedLateness: 50, panes: "discarding" })
        .aggregate({ times: collect((r) => r.at) })
        .map((w) => [w.windowStart, w.windowEnd, w.pane, w.paneIndex, w.replaces.length, w.times]),
    }));
    assert.deepEqual(out, [
      [0, 10, "on-time", 0, 0, [0]],
      [15, 25, "on-time", 0, 0, [15]],
      [0, 25, "late", 2, 0, [8]],
      [40, 50, "on-time", 0, 0, [40]],
      [100, 110, "on-time", 0, 0, [100]],
    ]);
  });

  test("close one millisecond after their end, so that a record at the distance of the gap joins, whenever it comes", async () => {
    // The watermark is 10, the session's end.
    const atTheEnd = await panes(session(10), { times: [tick(0), tick(10, "other"), tick(10)] });
    assert.deepEqual(atTheEnd.out.toSorted(), ["k [0, 20) on-time 0: 0,10", "other [10, 20) on-time 0: 10"]);
    // The watermark is 11.
    const behindIt = await panes(session(10), { times: [tick(0), tick(11, "other"), tick(10)] });
    assert.deepEqual(behindIt.out.toSorted(), [
      "k [0, 10) on-time 0: 0",
      "k [10, 20) on-time 0: 10",
      "other [11, 21) on-time 0: 11",
    ]);
  });

  test("take no record that is late by itself and touches no live session", async () => {
    const { out, late, report } = await panes(session(10), { times: [0, 100, 5, 95] });
    assert.deepEqual(out, ["k [0, 10) on-time 0: 0", "k [95, 110) on-time 0: 100,95"]);
    assert.deepEqual(late, [5]);
    assert.deepEqual(done(report, "window"), { contributed: 3, late: 1 });
  });
});

describe("batch mode", () => {
  const times = [35, 3, 12, 5, 21, -6];

  test("gives one final result per key and window and nothing late, whatever the order of the input", async () => {
    const expected = [
      "k [-10, 0) on-time 0: -6",
      "k [0, 10) on-time 0: 3,5",
      "k [10, 20) on-time 0: 12",
      "k [20, 30) on-time 0: 21",
      "k [30, 40) on-time 0: 35",
    ];
    for (const allowedLateness of [0, 100]) {
      const { out, late, report } = await panes(tumbling(10), {
        times,
        allowedLateness,
        run: { mode: "batch" },
      });
      assert.deepEqual(out, expected);
      assert.deepEqual(late, []);
      assert.deepEqual(done(report, "window"), { contributed: 6 });
    }
  });

  test("joins sessions over the whole input", async () => {
    const { out, late } = await panes(session(10), { times, run: { mode: "batch" } });
    assert.deepEqual(out, ["k [-6, 31) on-time 0: 3,12,5,21,-6", "k [35, 45) on-time 0: 35"]);
    assert.deepEqual(late, []);
  });

  test("of two windows in a row gives final results of both", async () => {
    const { out } = await runBoth(
      (app) => ({
        out: ticks(app, times)
          .keyBy((r) => r.key)
          .window(tumbling(10))
          .aggregate({ n: count() })
          .keyBy(() => "all")
          .window(tumbling(20))
          .aggregate({ windows: count(), records: sum((w) => w.n) })
          .map((w) => [w.windowStart, w.windows, w.records]),
      }),
      { mode: "batch" },
    );
    assert.deepEqual(out, [
      [-20, 1, 1],
      [0, 2, 3],
      [20, 2, 2],
    ]);
  });
});
