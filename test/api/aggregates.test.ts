/** Each aggregate as a window shows it, alone and beside others. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  aggregate,
  avg,
  collect,
  count,
  first,
  fromIterable,
  last,
  max,
  min,
  reduce,
  session,
  sum,
  topN,
  tumbling,
} from "../../src/index.ts";
import { over } from "./over.ts";
import { done, failBoth, runBoth } from "./run-both.ts";

interface Sale {
  readonly at: number;
  readonly item: string;
  readonly price: number;
}

// Out of order on purpose; two share a timestamp, two a price.
const sales: readonly Sale[] = [
  { at: 3, item: "c", price: 5 },
  { at: 1, item: "a", price: 20 },
  { at: 2, item: "b", price: 20 },
  { at: 3, item: "d", price: 7.5 },
  { at: 1, item: "e", price: 1 },
];

test("count is the number of records", async () => {
  assert.equal(await over(sales, count()), 5);
});

test("sum and avg take a number of each record", async () => {
  assert.equal(
    await over(
      sales,
      sum((s) => s.price),
    ),
    53.5,
  );
  assert.equal(
    await over(
      sales,
      avg((s) => s.price),
    ),
    10.7,
  );
});

test("min and max take numbers, bigints, strings and Dates", async () => {
  assert.equal(
    await over(
      sales,
      min((s) => s.price),
    ),
    1,
  );
  assert.equal(
    await over(
      sales,
      max((s) => s.price),
    ),
    20,
  );
  assert.equal(
    await over(
      sales,
      min((s) => s.item),
    ),
    "a",
  );
  assert.equal(
    await over(
      sales,
      max((s) => s.item),
    ),
    "e",
  );
  assert.equal(
    await over(
      sales,
      max((s) => 2n ** 64n + BigInt(s.at)),
    ),
    18446744073709551619n,
  );
  assert.deepEqual(
    await over(
      sales,
      min((s) => new Date(s.at)),
    ),
    new Date(1),
  );
});

test("first and last go by timestamp; among equals the first and the last to arrive", async () => {
  assert.equal(
    await over(
      sales,
      first((s) => s.item),
    ),
    "a",
  );
  assert.equal(
    await over(
      sales,
      last((s) => s.item),
    ),
    "d",
  );
  assert.deepEqual(await over(sales, first()), { at: 1, item: "a", price: 20 });
  assert.deepEqual(await over(sales, last()), { at: 3, item: "d", price: 7.5 });
});

test("collect keeps all records in the order of arrival", async () => {
  assert.deepEqual(
    await over(
      sales,
      collect((s) => s.item),
    ),
    ["c", "a", "b", "d", "e"],
  );
  assert.deepEqual(await over(sales.slice(0, 1), collect()), [{ at: 3, item: "c", price: 5 }]);
});

test("topN keeps the records with the greatest score, among equals the earlier one first", async () => {
  const items = async (n: number) =>
    (
      await over(
        sales,
        topN(n, (s) => s.price),
      )
    ).map((s) => s.item);
  assert.deepEqual(await items(1), ["a"]);
  assert.deepEqual(await items(3), ["a", "b", "d"]);
  assert.deepEqual(await items(10), ["a", "b", "d", "c", "e"]);
  assert.deepEqual(
    (
      await over(
        sales,
        topN(2, (s) => s.item),
      )
    ).map((s) => s.item),
    ["e", "d"],
  );
});

test("reduce folds the records into one of the same type", async () => {
  assert.deepEqual(
    await over(
      sales,
      reduce((a, b) => ({ at: 0, item: a.item + b.item, price: a.price + b.price })),
    ),
    {
      at: 0,
      item: "cabde",
      price: 53.5,
    },
  );
  assert.deepEqual(
    await over(
      sales.slice(0, 1),
      reduce((): Sale => assert.fail("one record needs no function")),
    ),
    {
      at: 3,
      item: "c",
      price: 5,
    },
  );
});

describe("an aggregate of one's own", () => {
  const range = () =>
    aggregate({
      create: () => ({ low: Number.POSITIVE_INFINITY, high: Number.NEGATIVE_INFINITY, lastAt: 0 }),
      add: (acc, s: Sale, timestamp) => ({
        low: Math.min(acc.low, s.price),
        high: Math.max(acc.high, s.price),
        lastAt: Math.max(acc.lastAt, timestamp),
      }),
      merge: (a, b) => ({
        low: Math.min(a.low, b.low),
        high: Math.max(a.high, b.high),
        lastAt: Math.max(a.lastAt, b.lastAt),
      }),
      result: ({ low, high, lastAt }) => `${low}-${high} until ${lastAt}`,
    });

  test("gets each record with its timestamp", async () => {
    assert.equal(await over(sales, range()), "1-20 until 3");
  });

  test("is merged where sessions join", async () => {
    const { out } = await runBoth((app) => ({
      out: app
        .source(fromIterable([0, 18, 9].map((at) => ({ at, item: "x", price: at }))), {
          timestamp: (s) => s.at,
          watermark: { maxOutOfOrderness: 100 },
        })
        .keyBy(() => "all")
        .window(session(10))
        .aggregate({ range: range(), n: count() })
        .map((w) => [w.windowStart, w.windowEnd, w.range, w.n]),
    }));
    assert.deepEqual(out, [[0, 28, "0-18 until 18", 3]]);
  });
});

test("several aggregates are several fields of one result, in the order in which they are written", async () => {
  const { out } = await runBoth((app) => ({
    out: app
      .source(fromIterable(sales), { timestamp: (s) => s.at, watermark: { maxOutOfOrderness: 100 } })
      .keyBy(() => "all")
      .window(tumbling(10))
      .aggregate({
        z: count(),
        revenue: sum((s) => s.price),
        items: collect((s) => s.item),
        a: max((s) => s.price),
      }),
  }));
  assert.deepEqual(out, [
    {
      key: "all",
      windowStart: 0,
      windowEnd: 10,
      pane: "on-time",
      paneIndex: 0,
      z: 5,
      revenue: 53.5,
      items: ["c", "a", "b", "d", "e"],
      a: 20,
    },
  ]);
  assert.deepEqual(Object.keys(out[0]).slice(5), ["z", "revenue", "items", "a"]);
});

test("fields may be called __proto__, constructor, value and like code", async () => {
  const { out } = await runBoth((app) => ({
    out: app
      .source(fromIterable(sales), { timestamp: (s) => s.at, watermark: { maxOutOfOrderness: 100 } })
      .keyBy(() => "all")
      .window(tumbling(10))
      .aggregate({
        ["__proto__"]: count(),
        constructor: sum((s) => s.price),
        value: min((s) => s.price),
        '"]: 0 }; throw 1; //': max((s) => s.price),
        "": first((s) => s.item),
      }),
  }));
  assert.deepEqual(Object.entries(out[0]).slice(5), [
    ["__proto__", 5],
    ["constructor", 53.5],
    ["value", 1],
    ['"]: 0 }; throw 1; //', 20],
    ["", "a"],
  ]);
  assert.equal(Object.getPrototypeOf(out[0]), Object.prototype);
});

test("a pane that is out does not change when later panes do", async () => {
  const { out } = await runBoth((app) => ({
    out: app
      .source(fromIterable([0, 15, 1, 2].map((at) => ({ at }))), { timestamp: (r) => r.at })
      .keyBy(() => "all")
      .window(tumbling(10), { allowedLateness: 100 })
      .aggregate({ all: collect((r) => r.at), top: topN(2, (r) => r.at) })
      .map((w) => ({ index: w.paneIndex, all: w.all, top: w.top.map((r) => r.at) })),
  }));
  assert.deepEqual(out, [
    { index: 0, all: [0], top: [0] },
    { index: 1, all: [0, 1], top: [1, 0] },
    { index: 2, all: [0, 1, 2], top: [2, 1] },
    { index: 0, all: [15], top: [15] },
  ]);
});

describe("an input that an aggregate can't take", () => {
  const mixed = [
    { at: 1, n: 5 as unknown },
    { at: 2, n: "7" },
    { at: 3, n: null },
    { at: 4, n: undefined },
    { at: 5, n: 2 },
  ];

  test("ends the job, and the error names the aggregate and the value", async () => {
    const error = await failBoth((app) => ({
      out: app
        .source(fromIterable(mixed), { timestamp: (r) => r.at })
        .keyBy(() => "all")
        .window(tumbling(10), { name: "totals" })
        .aggregate({ total: sum((r) => r.n as number) }),
    }));
    assert.equal(error.code, "AGGREGATE_INPUT_INVALID");
    assert.match(error.message, /^total takes numbers, not "7"/);
    assert.deepEqual(error.context, { operator: "totals", text: '{"at":2,"n":"7"}' });
  });

  test("is left out by onError, from every aggregate of the window", async () => {
    const { out, report, letters } = await runBoth(
      (app) => ({
        out: app
          .source(fromIterable(mixed), { timestamp: (r) => r.at })
          .keyBy(() => "all")
          .window(tumbling(10), { onError: "dead-letter" })
          .aggregate({
            n: count(),
            total: sum((r) => r.n as number),
            all: collect((r) => r.at),
            most: max((r) => r.n as number),
          }),
      }),
      { deadLetters: true },
    );
    assert.deepEqual(out, [
      {
        key: "all",
        windowStart: 0,
        windowEnd: 10,
        pane: "on-time",
        paneIndex: 0,
        n: 2,
        total: 7,
        all: [1, 5],
        most: 5,
      },
    ]);
    assert.deepEqual(done(report, "window"), { contributed: 2, deadLettered: 3 });
    assert.deepEqual(
      letters.map((l) => [l.code, l.reason, l.offset]),
      [
        ["AGGREGATE_INPUT_INVALID", 'total takes numbers, not "7"', 1],
        ["AGGREGATE_INPUT_INVALID", "total takes numbers, not null", 2],
        ["AGGREGATE_INPUT_INVALID", "total takes numbers, not undefined", 3],
      ],
    );
  });
});

describe("a record for which one aggregate throws leaves no half of itself", () => {
  const upTo = (most: number) =>
    aggregate({
      create: () => 0,
      add: (total, r: { n: number }) => {
        if (total + r.n > most) throw new RangeError(`${total} + ${r.n} is above ${most}`);
        return total + r.n;
      },
      merge: (a, b) => a + b,
      result: (total) => total,
    });
  const records = [1, 2, 9, 3].map((n) => ({ n, at: n }));

  test("in the aggregates before and behind it", async () => {
    const { out, report } = await runBoth((app) => ({
      out: app
        .source(fromIterable(records), { timestamp: () => 0 })
        .keyBy(() => "all")
        .window(tumbling(10), { onError: "skip" })
        .aggregate({
          before: collect((r) => r.n),
          capped: upTo(8),
          behind: sum((r) => r.n),
          mean: avg((r) => r.n),
        })
        .map(({ before, capped, behind, mean }) => ({ before, capped, behind, mean })),
    }));
    assert.deepEqual(out, [{ before: [1, 2, 3], capped: 6, behind: 6, mean: 2 }]);
    assert.deepEqual(done(report, "window"), { contributed: 3, skipped: 1 });
  });

  test("nor a window: one whose only record failed has no result", async () => {
    for (const windows of [tumbling(10), session(10)]) {
      const { out, report } = await runBoth((app) => ({
        out: app
          .source(fromIterable([{ n: 100, at: 0 }]), { timestamp: (r) => r.at })
          .keyBy(() => "all")
          .window(windows, { onError: "skip" })
          .aggregate({ n: count(), capped: upTo(8) }),
      }));
      assert.deepEqual(out, []);
      assert.deepEqual(done(report, "window"), { skipped: 1 });
    }
  });
});
