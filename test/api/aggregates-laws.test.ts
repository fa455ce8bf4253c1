/**
 * Each built-in aggregate against a plain evaluator of the whole list (test/property/oracle-aggregate.ts).
 *
 * What finds what: any order and any tree of merges find an accumulator that remembers how it came about (INV-2, merge =
 * add); the codec in between finds one that is no plain data; a result that is spoilt finds one that is not fresh;
 * records added and retracted find what doesn't go away.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  type Aggregate,
  approxDistinctCount,
  avg,
  collect,
  count,
  distinctCount,
  exactSum,
  first,
  histogram,
  last,
  max,
  maxBy,
  median,
  min,
  minBy,
  quantile,
  quantiles,
  reduce,
  stddev,
  sum,
  topN,
  variance,
} from "../../src/index.ts";
import { Shapes } from "../../src/schema/shapes.ts";
import { structural } from "../../src/schema/structural.ts";
import { propertyOptions } from "../connector/seed.ts";
import { buckets, distinct, ranked, roundedSum, varianceOf } from "../property/oracle-aggregate.ts";
import { roundTrip } from "../schema/round-trip.ts";
import { accumulated, addOne, folded } from "./over.ts";

interface Rec<X> {
  readonly x: X;
  readonly at: number;
}
type Check<X> = (got: any, records: readonly Rec<X>[]) => void;

interface Law<X> {
  readonly make: () => Aggregate<Rec<X>, any, any>;
  readonly x: fc.Arbitrary<X>;
  readonly check: Check<X>;
}

const law = <X>(make: () => Aggregate<Rec<X>, any, any>, x: fc.Arbitrary<X>, check: Check<X>): Law<any> => ({
  make,
  x,
  check,
});

/** The check that the result is what `of` makes of the values in the order of arrival. */
const equals =
  <X>(of: (values: X[], records: readonly Rec<X>[]) => unknown): Check<X> =>
  (got, records) =>
    assert.deepStrictEqual(
      got,
      of(
        records.map(({ x }) => x),
        records,
      ),
    );

const x = <X>(record: Rec<X>): X => record.x;
const whole = fc.integer({ min: -20, max: 20 });
/** The whole range, and around each place where sums round, overflow or vanish. */
const anyDouble = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc
    .tuple(
      fc.constantFrom(-1074, -1022, -947, -800, 0, 1, 53, 54, 907, 908, 959, 960, 970, 971, 1022, 1023),
      fc.integer({ min: 0, max: 3 }),
      fc.constantFrom(1, -1),
    )
    .map(([exponent, ulps, sign]) => sign * (2 ** exponent * (1 + ulps * 2 ** -52))),
  fc.constantFrom(Number.MAX_VALUE, -Number.MAX_VALUE, -0, 0.1, 0.2, 1e16),
);
const anyNumber = fc.oneof(
  { weight: 30, arbitrary: anyDouble },
  { weight: 1, arbitrary: fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY) },
);
const orderedNumber = fc.oneof(
  { weight: 20, arbitrary: anyDouble },
  { weight: 20, arbitrary: fc.double({ min: 1, max: 1000, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY) },
);
const keyPart = fc.oneof(
  fc.string({ maxLength: 2 }),
  fc.constantFrom("\0d0", "\0s", "\ud800"),
  whole,
  fc.constantFrom(-0, Number.NaN, 0.5),
  fc.bigInt({ min: -9n, max: 9n }),
  fc.boolean(),
);
const distinctValue = fc.oneof(
  keyPart,
  fc.array(keyPart, { maxLength: 2 }),
  fc.constantFrom(new Date(0), new Date(1)),
);

/** Within the promised relative error; below the least normal number, 0. */
function near(got: number, expected: number, accuracy: number): void {
  if (!Number.isFinite(expected)) assert.equal(got, expected);
  else if (Math.abs(expected) < 2 ** -1022) assert.equal(got, 0);
  else
    assert.ok(
      Math.abs(got / expected - 1) <= accuracy * (1 + 1e-12),
      `${got} for ${expected} within ${accuracy}`,
    );
}

/** The rounding of n updates of numbers that lie as far from 0 as these. */
function nearVariance(got: number, wholes: number[], besides: 0 | 1): void {
  if (wholes.length <= besides) {
    assert.ok(Number.isNaN(got));
    return;
  }
  const expected = varianceOf(wholes, besides);
  const spread = Math.max(...wholes.map(Math.abs)) * Math.sqrt(expected) + expected;
  const room = 8 * wholes.length * Number.EPSILON * spread + (wholes.length * 1e10 * Number.EPSILON) ** 2;
  assert.ok(Math.abs(got - expected) <= room, `${got} for ${expected}, room ${room}`);
}
const offsetWholes = fc.oneof(whole, fc.integer({ min: 1e9, max: 1e9 + 50 }));

const orderFree: Record<string, Law<any>> = {
  count: law(
    () => count(),
    whole,
    equals((all) => all.length),
  ),
  sum: law(() => sum(x<number>), whole, equals(roundedSum)),
  avg: law(
    () => avg(x<number>),
    whole,
    equals((all) => roundedSum(all) / all.length),
  ),
  min: law(
    () => min(x<number>),
    fc.integer(),
    equals((all) => Math.min(...all)),
  ),
  max: law(
    () => max(x<string>),
    fc.string(),
    equals((all: string[]) => all.toSorted().at(-1)),
  ),
  distinctCount: law(() => distinctCount(x<string>), distinctValue as fc.Arbitrary<string>, equals(distinct)),
  "approxDistinctCount, sparse": law(
    () => approxDistinctCount(x<string>),
    distinctValue as fc.Arbitrary<string>,
    // Two values may share an index of 25 bits.
    (got, all) => assert.ok(distinct(all.map(x)) - got <= 1 && got <= distinct(all.map(x))),
  ),
  "approxDistinctCount, dense": law(
    () => approxDistinctCount(x<number>, { precision: 5 }),
    fc.integer({ min: 0, max: 1e6 }),
    // 32 registers: a standard error of 18 %, here of some dozen values.
    (got, all) => assert.ok(Math.abs(got - distinct(all.map(x))) <= 2 + 1.1 * distinct(all.map(x))),
  ),
  quantile: law(
    () => quantile(0.9, x<number>, { accuracy: 0.02 }),
    orderedNumber,
    (got, all) => near(got, ranked(all.map(x), 0.9), 0.02),
  ),
  quantiles: law(
    () => quantiles([1, 0, 0.25, 0.25], x<number>, { accuracy: 0.001 }),
    orderedNumber,
    (got: number[], all) =>
      [1, 0, 0.25, 0.25].forEach((q, i) => {
        near(got[i], ranked(all.map(x), q), 0.001);
      }),
  ),
  median: law(
    () => median(x<number>),
    orderedNumber,
    (got, all) => near(got, ranked(all.map(x), 0.5), 0.01),
  ),
  variance: law(
    () => variance(x<number>),
    offsetWholes,
    (got, all) => nearVariance(got, all.map(x), 1),
  ),
  "variance of a population": law(
    () => variance(x<number>, { over: "population" }),
    offsetWholes,
    (got, all) => nearVariance(got, all.map(x), 0),
  ),
  stddev: law(
    () => stddev(x<number>),
    offsetWholes,
    (got, all) => nearVariance(got ** 2, all.map(x), 1),
  ),
  exactSum: law(() => exactSum(x<number>), anyNumber, equals(roundedSum)),
  histogram: law(
    () => histogram(x<number>, [-1e300, -1, 0, 2 ** -1074, 960]),
    orderedNumber,
    equals((all) => buckets(all, [-1e300, -1, 0, 2 ** -1074, 960])),
  ),
  reduce: law(
    () => reduce<Rec<number>>((a, b) => ({ x: Math.max(a.x, b.x), at: 0 })),
    whole,
    (got: Rec<number>, all) => assert.equal(got.x, Math.max(...all.map(x))),
  ),
};

const stable = <X>(records: readonly Rec<X>[], compare: (a: Rec<X>, b: Rec<X>) => number): Rec<X>[] =>
  records.toSorted((a, b) => compare(a, b) || a.at - b.at);

const orderSensitive: Record<string, Law<any>> = {
  first: law(
    () => first(),
    whole,
    equals((_, all) => stable(all, () => 0)[0]),
  ),
  last: law(
    () => last(),
    whole,
    equals((_, all) => stable(all, () => 0).at(-1)),
  ),
  minBy: law(
    () => minBy(x<number>),
    whole,
    equals((_, all) => stable(all, (a, b) => a.x - b.x)[0]),
  ),
  maxBy: law(
    () => maxBy(x<number>),
    whole,
    equals((_, all) => stable(all, (a, b) => b.x - a.x)[0]),
  ),
  topN: law(
    () => topN(3, x<number>),
    whole,
    equals((_, all) => stable(all, (a, b) => b.x - a.x).slice(0, 3)),
  ),
  collect: law(
    () => collect(x<number>),
    whole,
    equals((all) => all),
  ),
};

const traceOf = <X>(x: fc.Arbitrary<X>): fc.Arbitrary<Rec<X>[]> =>
  fc.array(fc.record({ x, at: fc.nat(3) }, { noNullPrototype: true }), {
    minLength: 1,
    maxLength: 40,
    size: "max",
  });

/** Folds the records by a tree of merges whose shape the numbers choose; 0 sends an accumulator through the codec. */
function byTree<In extends Rec<unknown>>(
  one: Aggregate<In, any, unknown>,
  records: readonly In[],
  shape: Iterator<number>,
): any {
  const next = (): number => shape.next().value ?? 1;
  const kind = next() % 4;
  const cut = next() % (records.length + 1);
  let acc =
    kind === 1 || records.length === 0
      ? records.reduce((sofar, record) => addOne(one, sofar, record, record.at), one.create())
      : kind === 2
        ? records
            .slice(cut)
            .reduce(
              (sofar, record) => addOne(one, sofar, record, record.at),
              byTree(one, records.slice(0, cut), shape),
            )
        : one.merge(byTree(one, records.slice(0, cut), shape), byTree(one, records.slice(cut), shape));
  if (next() % 3 === 0) acc = roundTrip(structural(new Shapes()), acc);
  return acc;
}

/** Spoils what a window gave, as its consumer may. */
function spoil(result: unknown): void {
  if (Array.isArray(result)) result.reverse().push("spoilt");
}

const shape = fc.array(fc.nat(1000), { maxLength: 60, size: "max" });

describe("is that of the evaluator, whatever the order and the tree of merges, through the codec (INV-2)", () => {
  for (const [name, { make, x, check }] of Object.entries(orderFree)) {
    test(name, () => {
      assert.equal(make().orderSensitive, false);
      fc.assert(
        fc.property(traceOf(x), fc.infiniteStream(fc.nat(1e6)), shape, (records, salts, shape) => {
          const one = make();
          const shuffled = records
            .map((record) => ({ record, salt: salts.next().value as number }))
            .sort((a, b) => a.salt - b.salt)
            .map(({ record }) => record);
          const acc = byTree(one, shuffled, shape.values());
          spoil(one.result(acc));
          check(one.result(acc), records);
        }),
        propertyOptions(300),
      );
    });
  }
});

describe("is that of the evaluator in the order of arrival, whatever the tree of merges, through the codec", () => {
  for (const [name, { make, x, check }] of Object.entries(orderSensitive)) {
    test(name, () => {
      assert.equal(make().orderSensitive, true);
      fc.assert(
        fc.property(traceOf(x), shape, (records, shape) => {
          const one = make();
          const acc = byTree(one, records, shape.values());
          spoil(one.result(acc));
          check(one.result(acc), records);
        }),
        propertyOptions(200),
      );
    });
  }
});

const SKETCHES = ["quantiles", "approxDistinctCount, sparse", "approxDistinctCount, dense", "histogram"];

describe("a sketch is the same state, whatever the order and the tree of merges", () => {
  for (const name of [
    "quantiles",
    "approxDistinctCount, sparse",
    "approxDistinctCount, dense",
    "histogram",
  ]) {
    test(name, () => {
      const { make, x } = orderFree[name];
      fc.assert(
        fc.property(traceOf(x), shape, (records, shape) => {
          const backwards = accumulated(make(), records.toReversed());
          assert.deepStrictEqual(byTree(make(), records, shape.values()), backwards);
        }),
        propertyOptions(200),
      );
    });
  }
});

test("the exact sum has the same bits in any order and tree of merges, where the plain sum has not", () => {
  const numbers = [1e16, 1, -1e16, 0.1, 0.2, 0.3, 1e-20, -0.6];
  assert.notEqual(
    folded(
      sum((n: number) => n),
      numbers,
    ),
    folded(
      sum((n: number) => n),
      numbers.toReversed(),
    ),
  );
  const exact = exactSum((n: number) => n);
  assert.equal(folded(exact, numbers), roundedSum(numbers));
  assert.equal(folded(exact, numbers.toReversed()), roundedSum(numbers));
});

describe("what was added and retracted again leaves nothing behind", () => {
  const invertible = Object.entries(orderFree).filter(([, { make }]) => make().retract !== undefined);

  test("for the aggregates that say they can", () => {
    const names = ["count", "sum", "avg", "quantile", "quantiles", "median", "exactSum", "histogram"];
    assert.deepEqual(
      invertible.map(([name]) => name),
      names,
    );
  });

  for (const [name, { make, x, check }] of invertible) {
    test(name, () => {
      fc.assert(
        fc.property(traceOf(x), traceOf(x), (records, others) => {
          const one = make();
          let acc = accumulated(one, [...others.slice(1), ...records, others[0]]);
          for (const other of others)
            acc = one.retract!(acc, one.input === undefined ? other : one.input(other), other.at);
          check(one.result(acc), records);
          if (SKETCHES.includes(name)) assert.deepStrictEqual(acc, accumulated(make(), records));
        }),
        propertyOptions(200),
      );
    });
  }
});
