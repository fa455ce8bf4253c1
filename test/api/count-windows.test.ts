/** Count windows: which records they hold, what they say of themselves, what they keep, in every way of running. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  aggregate,
  avg,
  collect,
  count,
  countWindow,
  distinctCount,
  exactSum,
  first,
  forEach,
  fromIterable,
  histogram,
  last,
  max,
  median,
  type Pipeline,
  pipeline,
  stddev,
  type Stream,
  sum,
  topN,
  tumbling,
} from "../../src/index.ts";
import { operatorHarness } from "../../src/testing/harness.ts";
import { testDriver, type TraceItem } from "../../src/testing/index.ts";
import { propertyOptions } from "../connector/seed.ts";
import { done, failBoth, operator, runBoth } from "./run-both.ts";

interface Item {
  readonly key: string;
  readonly n: number;
  readonly at: number;
}

/** Records 1, 2, ... of the keys of the text: "aba". */
const itemsOf = (keys: string, at: (n: number) => number = (n) => n): Item[] =>
  Array.from(keys, (key, i) => ({ key, n: i + 1, at: at(i + 1) }));

const counted = (items: Stream<Item>, size: number, slide?: number): Stream<string> =>
  items
    .keyBy((r) => r.key)
    .window(countWindow(size, slide))
    .aggregate({ n: collect((r) => r.n) })
    .map((w) => `${w.key} ${w.pane} ${w.paneIndex}: ${w.n}`);

const run = (keys: string, size: number, slide?: number) =>
  runBoth((app) => ({
    out: counted(app.source(fromIterable(itemsOf(keys)), { timestamp: (r) => r.at }), size, slide),
  }));

describe("countWindow(n)", () => {
  test("gives n records of a key one result, and never one that is not full", async () => {
    const { out, report } = await run("abaababb", 3);
    assert.deepEqual(out, ["a on-time 0: 1,3,4", "b on-time 0: 2,5,7"]);
    assert.deepEqual(done(report, "window"), { contributed: 8 });
    assert.equal(operator(report, "window").rows, 2, "6 of a and 8 of b wait");
  });

  test("forgets a key when its window has fired: the next one begins anew", async () => {
    const { out, report } = await run("aaaabb", 2);
    assert.deepEqual(out, ["a on-time 0: 1,2", "a on-time 0: 3,4", "b on-time 0: 5,6"]);
    assert.equal(operator(report, "window").rows, 0);
  });

  test("of one record fires with each, and keeps nothing", async () => {
    const { out, report } = await run("aba", 1);
    assert.deepEqual(out, ["a on-time 0: 1", "b on-time 0: 2", "a on-time 0: 3"]);
    assert.equal(operator(report, "window").rows, 0);
  });

  test("takes the records as they come, whatever their time: none is late", async () => {
    const times = [100, -5, 70, 3, 100];
    const { out, report } = await runBoth((app) => {
      const items = itemsOf("aaaaa", (n) => times[n - 1]);
      return { out: counted(app.source(fromIterable(items), { timestamp: (r) => r.at }), 2) };
    });
    assert.deepEqual(out, ["a on-time 0: 1,2", "a on-time 0: 3,4"]);
    assert.deepEqual(done(report, "window"), { contributed: 5 });
  });
});

describe("countWindow(n, s)", () => {
  test("gives the last n records every s records; the first windows are shorter", async () => {
    assert.deepEqual((await run("aaaaaaa", 3, 1)).out, [
      "a on-time 0: 1",
      "a on-time 0: 1,2",
      "a on-time 0: 1,2,3",
      "a on-time 0: 2,3,4",
      "a on-time 0: 3,4,5",
      "a on-time 0: 4,5,6",
      "a on-time 0: 5,6,7",
    ]);
  });

  test("takes a slide that doesn't divide the size", async () => {
    assert.deepEqual((await run("aaaaaaaaaa", 5, 3)).out, [
      "a on-time 0: 1,2,3",
      "a on-time 0: 2,3,4,5,6",
      "a on-time 0: 5,6,7,8,9",
    ]);
    assert.deepEqual((await run("aaaaaaaa", 3, 2)).out, [
      "a on-time 0: 1,2",
      "a on-time 0: 2,3,4",
      "a on-time 0: 4,5,6",
      "a on-time 0: 6,7,8",
    ]);
  });

  test("with a slide above the size counts the records between two windows, and keeps nothing of them", async () => {
    const { out, report } = await run("aaaaaaa", 2, 3);
    assert.deepEqual(out, ["a on-time 0: 2,3", "a on-time 0: 5,6"]);
    assert.deepEqual(done(report, "window"), { contributed: 4, betweenWindows: 3 });
    assert.equal(operator((await run("aaaaaa", 2, 3)).report, "window").rows, 0);
  });

  test("counts each key for itself", async () => {
    assert.deepEqual((await run("abababab", 3, 2)).out, [
      "a on-time 0: 1,3",
      "b on-time 0: 2,4",
      "a on-time 0: 3,5,7",
      "b on-time 0: 4,6,8",
    ]);
  });

  test("is, for any size, slide and keys, the last n of every s", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 12 }),
        fc.array(fc.constantFrom("a", "b"), { maxLength: 60, size: "max" }),
        async (size, slide, keys) => {
          const lists: Record<string, number[]> = { a: [], b: [] };
          const expected = keys.flatMap((key, i) => {
            const list = lists[key];
            list.push(i + 1);
            if (list.length % slide !== 0) return [];
            return [`${key} on-time 0: ${list.slice(-size)}`];
          });
          assert.deepEqual((await run(keys.join(""), size, slide)).out, expected);
        },
      ),
      propertyOptions(100),
    );
  });
});

const builtIn = {
  n: count(),
  sum: sum((r: Item) => r.n),
  max: max((r: Item) => r.n),
  list: collect((r: Item) => r.n),
  first: first((r: Item) => r.n),
  last: last((r: Item) => r.n),
  top: topN(2, (r: Item) => r.n % 4),
  mean: avg((r: Item) => r.n),
  parities: distinctCount((r: Item) => r.n % 2),
  exact: exactSum((r: Item) => r.n),
  perTen: histogram((r: Item) => r.n, [10, 20, 30]),
  median: median((r: Item) => r.n),
  deviation: stddev((r: Item) => r.n, { over: "population" }),
};

const withOwn = {
  ...builtIn,
  // Its merge changes what it is given and keeps parts of it.
  own: aggregate({
    create: () => ({ runs: [] as { all: number[] }[] }),
    add: ({ runs }, r: Item) => ({ runs: [{ all: [...(runs[0]?.all ?? []), r.n] }, ...runs.slice(1)] }),
    merge(left, right) {
      if (left.runs.length === 0) return right;
      for (const { all } of right.runs) left.runs[0].all.push(...all);
      right.runs.length = 0;
      return left;
    },
    result: ({ runs }) => runs.flatMap(({ all }) => all),
  }),
};

describe("the results of a count window", () => {
  test("are the same in every way of running, state elsewhere included", async () => {
    for (const [size, slide, aggregates] of [
      [3, 3, builtIn],
      [7, 2, builtIn],
      [7, 2, withOwn],
      [6, 2, builtIn],
      [4, 1, withOwn],
      [2, 5, withOwn],
    ] as const) {
      const keys = Array.from({ length: 80 }, (_, i) => "abac"[(i * 7) % 4]).join("");
      const trace = [
        ...itemsOf(keys, (n) => (n * 37) % 50).map((record): TraceItem => ({ source: "in", record })),
        { source: "in", end: true as const },
      ];
      const { outputs } = await operatorHarness(
        () => {
          const app = pipeline("harness");
          app
            .source(fromIterable<Item>([]), { name: "in", timestamp: (r) => r.at })
            .keyBy((r) => r.key)
            .window(countWindow(size, slide))
            .aggregate(aggregates)
            .to(
              forEach(() => {}),
              { name: "out" },
            );
          return app;
        },
        trace,
        { end: false },
      );
      for (const { value } of outputs.get("out") ?? []) {
        const given = value as Record<string, unknown> & { list: number[] };
        const { list, own = list } = given;
        const total = list.reduce((a, b) => a + b);
        assert.deepEqual(own, list);
        assert.deepEqual(
          [given["n"], given["sum"], given["exact"], given["max"], given["mean"], given["parities"]],
          [list.length, total, total, list.at(-1), total / list.length, new Set(list.map((n) => n % 2)).size],
        );
      }
      assert.ok((outputs.get("out") ?? []).length > 10);
    }
  });

  test("have the greatest timestamp of their records, but none below what has left before", async () => {
    const app = pipeline("stamps");
    app
      .source(fromIterable<Item>([]), { name: "in", timestamp: (r) => r.at, watermark: "none" })
      .keyBy((r) => r.key)
      .window(countWindow(2))
      .aggregate(collect((r) => r.at))
      .to(
        forEach(() => {}),
        { name: "out" },
      );
    for (const codegen of ["on", "off"] as const) {
      const driver = await testDriver(app, { codegen });
      await driver.feed(itemsOf("aa", (n) => [30, 20][n - 1]).map((record) => ({ source: "in", record })));
      await driver.watermark("in", 50);
      await driver.feed(itemsOf("aa", (n) => [40, 49][n - 1]).map((record) => ({ source: "in", record })));
      await driver.feed(itemsOf("aa", (n) => [-7, 60][n - 1]).map((record) => ({ source: "in", record })));
      assert.deepEqual(
        driver.take("out").map(({ value, timestamp }) => [(value as { value: number[] }).value, timestamp]),
        [
          [[30, 20], 30],
          [[40, 49], 50],
          [[-7, 60], 60],
        ],
      );
      await driver.close();
    }
  });

  test("have no bounds in time", async () => {
    const { out } = await runBoth((app) => ({
      out: app
        .source(fromIterable(itemsOf("aa")), { timestamp: (r) => r.at })
        .keyBy((r) => r.key)
        .window(countWindow(2))
        .aggregate(count()),
    }));
    assert.deepEqual(out, [
      { key: "a", windowStart: null, windowEnd: null, pane: "on-time", paneIndex: 0, value: 2 },
    ]);
  });

  test("need no event time, and then have none: what is behind them can't ask for it", async () => {
    const build = (app: Pipeline) => counted(app.source(fromIterable(itemsOf("aabaab"))), 2);
    const { out } = await runBoth((app) => ({ out: build(app) }));
    assert.deepEqual(out, ["a on-time 0: 1,2", "a on-time 0: 4,5", "b on-time 0: 3,6"]);

    const app = pipeline("untimed");
    build(app).to(
      forEach(() => {}),
      { name: "out" },
    );
    const driver = await testDriver(app);
    await driver.feed(itemsOf("aa").map((record) => ({ source: app.plan().nodes[0].name, record })));
    assert.deepEqual(
      driver.take("out").map(({ timestamp }) => timestamp),
      [Number.NaN],
    );

    const { code, message } = await failBoth((app) => ({
      out: build(app)
        .keyBy(() => "all")
        .window(tumbling(10))
        .aggregate(count()),
    }));
    assert.equal(code, "EVENT_TIME_MISSING");
    assert.match(message, /window-2/);
  });

  test("go into windows by time, where the records have time", async () => {
    const { out } = await runBoth((app) => ({
      out: app
        .source(fromIterable(itemsOf("aabbaa", (n) => n * 10)), { timestamp: (r) => r.at })
        .keyBy((r) => r.key)
        .window(countWindow(2))
        .aggregate(count())
        .keyBy(() => "all")
        .window(tumbling(50))
        .aggregate(collect((w) => w.key)),
    }));
    assert.deepEqual(
      out.map(({ windowStart, value }) => [windowStart, value]),
      [
        [0, ["a", "b"]],
        [50, ["a"]],
      ],
    );
  });
});

describe("a record that an aggregate of one's own refuses", () => {
  const picky = aggregate({
    create: () => "",
    add(text: string, r: Item) {
      if (r.n % 3 === 0) throw new Error(`not ${r.n}`);
      return `${text}${r.n}`;
    },
    merge: (a, b) => a + b,
    result: (text) => text,
  });

  test("is left out as a whole, and not counted", async () => {
    const { out, report, letters } = await runBoth(
      (app) => ({
        out: app
          .source(fromIterable(itemsOf("aaaaaaaa")), { timestamp: (r) => r.at })
          .keyBy((r) => r.key)
          .window(countWindow(3, 2), { onError: "dead-letter" })
          .aggregate({ picky, n: count() })
          .map((w) => `${w.picky} ${w.n}`),
      }),
      { deadLetters: true },
    );
    assert.deepEqual(out, ["12 2", "245 3", "578 3"]);
    assert.deepEqual(done(report, "window"), { contributed: 6, deadLettered: 2 });
    assert.equal(letters.length, 2);
  });

  test("leaves no row behind where it is the first of its key", async () => {
    const { report } = await runBoth((app) => ({
      out: app
        .source(fromIterable(itemsOf("aaa").slice(2)), { timestamp: (r) => r.at })
        .keyBy((r) => r.key)
        .window(countWindow(3), { onError: "skip" })
        .aggregate(picky),
    }));
    assert.equal(operator(report, "window").rows, 0);
  });
});

describe("explain() of a count window", () => {
  const explained = (size: number, slide?: number): string => {
    const app = pipeline("explained");
    counted(app.source(fromIterable(itemsOf("a"))), size, slide).to(forEach(() => {}));
    return app.explain();
  };

  test("says what it keeps, and how long", () => {
    assert.match(explained(100), /countWindow\(100\): n = collect/);
    assert.match(explained(100), /an accumulator per slice, of which a window has one$/m);
    assert.match(explained(100), /bound: one row per key whose window is not full/);
    assert.match(explained(10, 3), /of which a window has up to 7$/m);
    assert.match(explained(10, 5), /of which a window has up to 2$/m);
    assert.match(explained(10, 5), /bound: one row per key, never dropped/);
    assert.match(explained(10, 5), /: the row of each key stays, as time closes no window/);
    assert.match(explained(100), /: the row of each key whose window is not full stays/);
  });
});

describe("countWindow", () => {
  test("refuses what a window without an end can't have, naming the option", async () => {
    const options = [
      { allowedLateness: 1 },
      { finalOnly: true },
      { panes: "discarding" },
      { trigger: { name: "own", onRecord() {}, onTime() {}, merge() {} } as never },
    ] as const;
    for (const option of options) {
      const error = await failBoth((app) => ({
        out: app
          .source(fromIterable(itemsOf("a")), { timestamp: (r) => r.at })
          .keyBy((r) => r.key)
          .window(countWindow(2), option)
          .aggregate(count()),
      }));
      assert.equal(error.code, "OPTION_INVALID");
      assert.match(error.message, new RegExp(Object.keys(option)[0]));
    }
  });
});
