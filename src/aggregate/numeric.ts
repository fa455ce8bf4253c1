/** Aggregates over numbers and other ordered values, each in constant space. */
import { type Aggregate, builtIn } from "./contract.ts";
import { type ExactTotal, exactTotal } from "./exact-sum.ts";
import { takeOf } from "./input.ts";

/**
 * How many records.
 * @example count() // 3
 */
export function count(): Aggregate<unknown, number, number> {
  return {
    ...builtIn,
    numeric: true,
    name: "count",
    takes: "anything",
    create: () => 0,
    add: (n) => n + 1,
    merge: (a, b) => a + b,
    result: (n) => n,
    retract: (n) => n - 1,
    running: {
      create: () => 0,
      put: (total: number, n, sign) => total + sign * n,
      accumulator: (total) => total,
    },
  };
}

/**
 * The sum of a number of each record, in double precision and the order of arrival.
 * @example sum((o: { amount: number }) => o.amount)
 * @throws AGGREGATE_INPUT_INVALID (by the operator's onError) where the function returns no number
 */
export function sum<In>(of: (value: In) => number): Aggregate<In, number, number> {
  return {
    ...builtIn,
    numeric: true,
    name: "sum",
    takes: "number",
    input: takeOf("sum", of),
    create: () => 0,
    add: (total, x: number) => total + x,
    merge: (a, b) => a + b,
    result: (total) => total,
    retract: (total, x: number) => total - x,
    running: exactTotal,
  };
}

/**
 * The mean of a number of each record.
 * @example avg((r: { ms: number }) => r.ms)
 * @throws AGGREGATE_INPUT_INVALID (by the operator's onError) where the function returns no number
 */
export function avg<In>(of: (value: In) => number): Aggregate<In, { n: number; total: number }, number> {
  return {
    ...builtIn,
    name: "avg",
    takes: "number",
    input: takeOf("avg", of),
    create: () => ({ n: 0, total: 0 }),
    add: (acc, x: number) => {
      acc.n += 1;
      acc.total += x;
      return acc;
    },
    merge: (a, b) => ({ n: a.n + b.n, total: a.total + b.total }),
    result: (acc) => acc.total / acc.n,
    retract: (acc, x: number) => {
      acc.n -= 1;
      acc.total -= x;
      return acc;
    },
    running: {
      create: () => ({ n: 0, total: exactTotal.create() }),
      put(all: { n: number; total: ExactTotal }, { n, total }, sign) {
        all.n += sign * n;
        exactTotal.put(all.total, total, sign);
        return all;
      },
      accumulator: ({ n, total }) => ({ n, total: exactTotal.accumulator(total) }),
    },
  };
}

/** What `min`, `max` and `topN` compare by `<`; one aggregate should see one type. */
export type Ordered = number | bigint | string | Date;

/** Accumulator of an extreme: absent until the first record. */
type Extreme<X> = { readonly x: X } | null;

function extreme<In, X extends Ordered>(
  name: string,
  of: (value: In) => X,
  wins: (a: X, b: X) => boolean,
): Aggregate<In, Extreme<X>, X> {
  return {
    ...builtIn,
    name,
    takes: "ordered",
    input: takeOf(name, of),
    create: () => null,
    add: (acc, x: X) => (acc === null || wins(x, acc.x) ? { x } : acc),
    merge: (a, b) => (a === null || (b !== null && wins(b.x, a.x)) ? b : a),
    // A window that fires has at least one record.
    result: (acc) => (acc as { x: X }).x,
  };
}

/**
 * The least of a number, bigint, string or Date of each record.
 * @example min((r: { ms: number }) => r.ms)
 * @throws AGGREGATE_INPUT_INVALID (by the operator's onError) where the function returns none of those
 */
export function min<In, X extends Ordered>(of: (value: In) => X): Aggregate<In, Extreme<X>, X> {
  return extreme("min", of, (a, b) => a < b);
}

/**
 * The greatest of a number, bigint, string or Date of each record.
 * @example max((r: { ms: number }) => r.ms)
 * @throws AGGREGATE_INPUT_INVALID (by the operator's onError) where the function returns none of those
 */
export function max<In, X extends Ordered>(of: (value: In) => X): Aggregate<In, Extreme<X>, X> {
  return extreme("max", of, (a, b) => a > b);
}
