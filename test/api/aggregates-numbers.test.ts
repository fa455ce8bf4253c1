/** variance, stddev, exactSum, histogram, median, quantile, distinctCount, minBy, maxBy: by example, and what they refuse. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type Aggregate,
  approxDistinctCount,
  avg,
  collect,
  count,
  distinctCount,
  exactSum,
  first,
  fromIterable,
  histogram,
  max,
  maxBy,
  median,
  MillraceError,
  minBy,
  quantile,
  quantiles,
  session,
  stddev,
  sum,
  topN,
  tumbling,
  variance,
} from "../../src/index.ts";
import { roundedSum } from "../property/oracle-aggregate.ts";
import { folded, over } from "./over.ts";
import { done, failBoth, runBoth } from "./run-both.ts";

interface Sale {
  readonly at: number;
  readonly item: string;
  readonly price: number;
}

const sales: readonly Sale[] = [
  { at: 3, item: "c", price: 5 },
  { at: 2, item: "b", price: 20 },
  { at: 1, item: "a", price: 20 },
  { at: 3, item: "d", price: 7.5 },
  { at: 1, item: "e", price: 20 },
  { at: 4, item: "c", price: 5 },
];
const price = (s: Sale): number => s.price;
const itself = (x: number): number => x;

test("minBy and maxBy give the record: of equals the earliest, then the first to arrive", async () => {
  assert.deepEqual(await over(sales, minBy(price)), sales[0]);
  assert.deepEqual(await over(sales, maxBy(price)), sales[2]);
  assert.deepEqual(
    await over(
      sales,
      maxBy((s) => s.item),
    ),
    sales[4],
  );
  assert.deepEqual(
    await over(
      sales,
      minBy((s) => new Date(-s.at)),
    ),
    sales[5],
  );
});

test("distinctCount and approxDistinctCount count values, not records", async () => {
  assert.equal(
    await over(
      sales,
      distinctCount((s) => s.item),
    ),
    5,
  );
  assert.equal(
    await over(
      sales,
      distinctCount((s) => [s.item, s.price]),
    ),
    5,
  );
  assert.equal(
    await over(
      sales,
      distinctCount((s) => new Date(s.at)),
    ),
    4,
  );
  assert.equal(await over(sales, approxDistinctCount(price)), 3);
});

test("median and quantiles give numbers that are within the accuracy", async () => {
  const within = (got: number, expected: number, accuracy: number): void =>
    assert.ok(Math.abs(got - expected) <= accuracy * expected, `${got} for ${expected}`);
  within(await over(sales, median(price)), 7.5, 0.01);
  within(await over(sales, quantile(0.9, price, { accuracy: 0.001 })), 20, 0.001);
  const [most, least] = await over(sales, quantiles([1, 0], price));
  within(most, 20, 0.01);
  within(least, 5, 0.01);
});

test("histogram counts per bucket: the lower boundary is in it, the upper one is not", async () => {
  assert.deepEqual(await over(sales, histogram(price, [5, 7.5, 20, 21])), [0, 2, 1, 3, 0]);
  assert.deepEqual(await over(sales, histogram(price, [6])), [2, 4]);
  assert.deepEqual(folded(histogram(itself, [0, 1]), [-1 / 0, 1 / 0, -0, 0.5, -5e-324]), [2, 2, 1]);
});

describe("variance and stddev", () => {
  test("are those of a sample, or of a population", async () => {
    const of = (s: Sale): number => s.at;
    assert.ok(Math.abs((await over(sales, variance(of))) - 22 / 15) < 1e-15);
    assert.ok(Math.abs((await over(sales, variance(of, { over: "population" }))) - 11 / 9) < 1e-15);
    assert.ok(Math.abs((await over(sales, stddev(of))) - Math.sqrt(22 / 15)) < 1e-15);
    assert.ok(Math.abs((await over(sales, stddev(of, { over: "population" }))) - Math.sqrt(11 / 9)) < 1e-15);
  });

  test("of one record are NaN as of a sample, 0 as of a population", async () => {
    assert.equal(await over(sales.slice(0, 1), variance(price)), Number.NaN);
    assert.equal(await over(sales.slice(0, 1), stddev(price, { over: "population" })), 0);
  });

  test("keep their digits where the numbers are far from 0, added or merged", () => {
    // NIST's way of testing: small whole distances on a large offset; the mean of squares has lost all digits here.
    for (const offset of [1e3, 1e6, 1e9, 1e12]) {
      const numbers = Array.from({ length: 1001 }, (_, i) => offset + (i % 2) * 0.5 - 0.25);
      const expected = 0.0625 - (0.25 / 1001) ** 2;
      const one = variance(itself, { over: "population" });
      const halves = [numbers.slice(0, 300), numbers.slice(300)].map((part) =>
        part.reduce((acc, x) => one.add(acc, x, 0, x), one.create()),
      );
      for (const got of [folded(one, numbers), one.result(one.merge(halves[0], halves[1]))])
        assert.ok(Math.abs(got / expected - 1) < 1e-13 * Math.sqrt(offset), `${got} at ${offset}`);
    }
    assert.equal(folded(variance(itself), Array(1000).fill(0.1)), 0);
  });
});

describe("exactSum", () => {
  test("is rounded once", async () => {
    assert.equal(folded(exactSum(itself), Array(10).fill(0.1)), 1);
    assert.equal(
      await over(
        sales,
        exactSum((s) => s.price / 10),
      ),
      7.75,
    );
    assert.equal(folded(exactSum(itself), [1e100, 1, -1e100, 1e-100]), 1 + 1e-100);
    assert.equal(folded(exactSum(itself), [-0, -0]), 0);
  });

  test("may pass beyond the doubles on its way", () => {
    const most = Number.MAX_VALUE;
    assert.equal(folded(exactSum(itself), [most, most, -most]), most);
    assert.equal(folded(exactSum(itself), [most, most]), Number.POSITIVE_INFINITY);
    assert.equal(folded(exactSum(itself), [-most, -most, -most, most]), Number.NEGATIVE_INFINITY);
    assert.equal(folded(exactSum(itself), [...Array(1000).fill(most), ...Array(1000).fill(-most), 0.1]), 0.1);
    // Half-way between the greatest double and 2^1024: the even one is out of range, the least bit decides.
    assert.equal(folded(exactSum(itself), [most, 2 ** 970]), Number.POSITIVE_INFINITY);
    assert.equal(folded(exactSum(itself), [most, 2 ** 970, -5e-324]), most);
    assert.equal(folded(exactSum(itself), [-most, -(2 ** 970), 2 ** -900, -(2 ** -1000)]), -most);
    assert.equal(folded(exactSum(itself), [2 ** 1023, 2 ** 970, 2 ** -1000, -(2 ** -820)]), 2 ** 1023);
    assert.equal(folded(exactSum(itself), [2 ** 961, -(2 ** 960), -(2 ** 960), 5e-324]), 5e-324);
  });

  test("has NaN and infinities as sums have, and loses them when they are retracted", () => {
    const one = exactSum(itself);
    const plus = Number.POSITIVE_INFINITY;
    assert.equal(folded(one, [1, plus, plus]), plus);
    assert.equal(folded(one, [-plus, Number.MAX_VALUE, Number.MAX_VALUE]), -plus);
    assert.equal(folded(one, [plus, -plus]), Number.NaN);
    assert.equal(folded(one, [1, Number.NaN, plus]), Number.NaN);
    const acc = [1, Number.NaN, plus, -plus].reduce((sofar, x) => one.add(sofar, x, 0, x), one.create());
    assert.equal(one.result(one.retract!(acc, Number.NaN, 0)), Number.NaN);
    assert.equal(one.result(one.retract!(acc, plus, 0)), -plus);
    assert.equal(one.result(one.retract!(acc, -plus, 0)), 1);
  });

  test("is the sum of a million numbers", () => {
    const numbers = Array.from({ length: 1_000_000 }, (_, i) => Math.sin(i) * 2 ** (i % 60));
    assert.equal(folded(exactSum(itself), numbers), roundedSum(numbers));
  });
});

test("all are merged where sessions join, on both code paths", async () => {
  const { out } = await runBoth((app) => ({
    out: app
      .source(fromIterable([0, 18, 9].map((at) => ({ at }))), {
        timestamp: (r) => r.at,
        watermark: { maxOutOfOrderness: 100 },
      })
      .keyBy(() => "all")
      .window(session(10))
      .aggregate({
        least: minBy((r) => r.at),
        most: maxBy((r) => r.at),
        exact: distinctCount((r) => r.at),
        about: approxDistinctCount((r) => r.at),
        spread: stddev((r) => r.at),
        total: exactSum((r) => r.at),
        counts: histogram((r) => r.at, [9]),
        zero: quantile(0, (r) => r.at),
      })
      .map(({ key, pane, paneIndex, replaces, ...rest }) => rest),
  }));
  assert.deepEqual(out, [
    {
      windowStart: 0,
      windowEnd: 28,
      least: { at: 0 },
      most: { at: 18 },
      exact: 3,
      about: 3,
      spread: 9,
      total: 27,
      counts: [1, 2],
      zero: 0,
    },
  ]);
});

describe("a bad argument is refused where the pipeline is built, by its name", () => {
  const bad = (what: string): any => what;
  const refusals: readonly (readonly [string, () => unknown])[] = [
    [
      "approxDistinctCount: precision is a whole number from 4 to 18, not 3",
      () => approxDistinctCount(itself, { precision: 3 }),
    ],
    [
      "approxDistinctCount: precision is a whole number from 4 to 18, not 19",
      () => approxDistinctCount(itself, { precision: 19 }),
    ],
    [
      "approxDistinctCount: precision is a whole number from 4 to 18, not 10.5",
      () => approxDistinctCount(itself, { precision: 10.5 }),
    ],
    ["quantile: q is a number from 0 to 1, not 99", () => quantile(99, itself)],
    ["quantile: q is a number from 0 to 1, not NaN", () => quantile(Number.NaN, itself)],
    ['quantile: q is a number from 0 to 1, not "0.5"', () => quantile(bad("0.5"), itself)],
    [
      "quantile(0.5): accuracy is a number from 0.001 to 0.5, not 0",
      () => quantile(0.5, itself, { accuracy: 0 }),
    ],
    ["median: accuracy is a number from 0.001 to 0.5, not 0.9", () => median(itself, { accuracy: 0.9 })],
    [
      'median: accuracy is a number from 0.001 to 0.5, not "0.1"',
      () => median(itself, { accuracy: bad("0.1") }),
    ],
    ["quantiles: shares is 1 to 100 numbers from 0 to 1, not []", () => quantiles([], itself)],
    [
      "quantiles: shares is 1 to 100 numbers from 0 to 1, not [0.5,-0.1]",
      () => quantiles([0.5, -0.1], itself),
    ],
    ["quantiles: shares is 1 to 100 numbers from 0 to 1, not 0.5", () => quantiles(0.5 as any, itself)],
    ["histogram: boundaries is 1 to 1,000 ascending finite numbers, not []", () => histogram(itself, [])],
    [
      "histogram: boundaries is 1 to 1,000 ascending finite numbers, not [1,1]",
      () => histogram(itself, [1, 1]),
    ],
    [
      "histogram: boundaries is 1 to 1,000 ascending finite numbers, not [2,1]",
      () => histogram(itself, [2, 1]),
    ],
    [
      'histogram: boundaries is 1 to 1,000 ascending finite numbers, not ["a"]',
      () => histogram(itself, [bad("a")]),
    ],
    ['variance: over is "sample" or "population", not "all"', () => variance(itself, { over: bad("all") })],
    ['stddev: over is "sample" or "population", not null', () => stddev(itself, { over: null as any })],
  ];
  for (const [message, make] of refusals) {
    test(message, () => {
      assert.throws(make, (error) => {
        assert.ok(error instanceof MillraceError);
        assert.equal(error.code, "OPTION_INVALID");
        assert.equal(error.what, message);
        return true;
      });
    });
  }

  test("so is one that should be a function, of every aggregate that takes one", () => {
    const makers: Record<string, (of: any) => unknown> = {
      ...{
        avg,
        collect,
        distinctCount,
        approxDistinctCount,
        exactSum,
        first,
        max,
        maxBy,
        minBy,
        stddev,
        sum,
        variance,
        median,
      },
      quantile: (of) => quantile(0.5, of),
      quantiles: (of) => quantiles([0.5], of),
      histogram: (of) => histogram(of, [1]),
    };
    for (const [name, make] of Object.entries(makers)) {
      assert.throws(() => make("price"), new RegExp(`${name}.*: of is a function, not "price"`), name);
    }
    assert.throws(() => topN(3, "price" as any), /topN: score is a function, not "price"/);
  });
});

describe("a value that can't be taken", () => {
  const mixed = [
    { at: 1, v: 5 as unknown },
    { at: 2, v: "7" },
    { at: 3, v: null },
    { at: 4, v: Number.NaN },
    { at: 5, v: { a: 1 } },
    { at: 6, v: new Date(Number.NaN) },
    { at: 7, v: 2 },
  ];
  type Mixed = (typeof mixed)[number];
  const number = (r: Mixed): number => r.v as number;
  const cases: readonly (readonly [Aggregate<Mixed, any, unknown>, string, readonly number[]])[] = [
    [variance(number), 'it takes numbers, not "7"', [2, 3, 5, 6]],
    [exactSum(number), 'it takes numbers, not "7"', [2, 3, 5, 6]],
    [quantile(0.5, number), 'it takes numbers, not "7"', [2, 3, 4, 5, 6]],
    [histogram(number, [1]), 'it takes numbers, not "7"', [2, 3, 4, 5, 6]],
    [
      distinctCount(number),
      "distinctCount takes strings, numbers, bigints, booleans, Dates and tuples as keys are, not null",
      [3, 5, 6],
    ],
    [
      approxDistinctCount(number),
      "approxDistinctCount takes strings, numbers, bigints, booleans, Dates and tuples as keys are, not null",
      [3, 5, 6],
    ],
    [minBy(number), "it takes numbers, bigints, strings and Dates, not null", [3, 4, 5, 6]],
  ];
  for (const [one, reason, refused] of cases) {
    test(`is AGGREGATE_INPUT_INVALID, and goes as onError says: ${one.name}`, async () => {
      const { report, letters } = await runBoth(
        (app) => ({
          out: app
            .source(fromIterable(mixed), { timestamp: (r) => r.at })
            .keyBy(() => "all")
            .window(tumbling(10), { onError: "dead-letter" })
            .aggregate({ n: count(), it: one }),
        }),
        { deadLetters: true },
      );
      assert.deepEqual(done(report, "window"), {
        contributed: mixed.length - refused.length,
        deadLettered: refused.length,
      });
      assert.ok(letters.every(({ code }) => code === "AGGREGATE_INPUT_INVALID"));
      assert.deepEqual(
        letters.map(({ value }) => (value as Mixed).at),
        refused,
      );
      assert.equal(letters[0].reason, reason);
    });
  }

  test("ends the job by default", async () => {
    const error = await failBoth((app) => ({
      out: app
        .source(fromIterable(mixed), { timestamp: (r) => r.at })
        .keyBy(() => "all")
        .window(tumbling(10), { name: "users" })
        .aggregate(distinctCount((r) => r.v as string)),
    }));
    assert.equal(error.code, "AGGREGATE_INPUT_INVALID");
    assert.deepEqual(error.context, { operator: "users", text: '{"at":3,"v":null}' });
  });
});
