/** Aggregates that keep records or parts of them: first, last, minBy, maxBy, collect, topN, reduce. */
import { MillraceError, preview } from "../core/errors.ts";
import { type Aggregate, builtIn } from "./contract.ts";
import { takeOf } from "./input.ts";
import type { Ordered } from "./numeric.ts";

type Dated<X> = { readonly at: number; readonly x: X } | null;

function byTime<In, X>(
  name: string,
  of: ((value: In) => X) | undefined,
  wins: (a: number, b: number) => boolean,
): Aggregate<In, Dated<X>, X> {
  return {
    ...builtIn,
    name,
    takes: "anything",
    ...(of === undefined ? {} : { input: takeOf(name, of) }),
    create: () => null,
    add: (acc, x: X, at) => (acc === null || wins(at, acc.at) ? { at, x } : acc),
    merge: (a, b) => (a === null || (b !== null && wins(b.at, a.at)) ? b : a),
    // A window that fires has at least one record.
    result: (acc) => (acc as { x: X }).x,
    // Only among records of one timestamp does the order of arrival decide.
    orderSensitive: true,
    arrivalBreaksTies: true,
  };
}

/**
 * The record with the least timestamp, or what `of` takes of it; among equals the first to arrive.
 * @example first((o: { user: string }) => o.user)
 */
export function first<In, X = In>(of?: (value: In) => X): Aggregate<In, Dated<X>, X> {
  return byTime("first", of, (a, b) => a < b);
}

/**
 * The record with the greatest timestamp, or what `of` takes of it; among equals the last to arrive.
 * @example last((o: { user: string }) => o.user)
 */
export function last<In, X = In>(of?: (value: In) => X): Aggregate<In, Dated<X>, X> {
  return byTime("last", of, (a, b) => a >= b);
}

interface Extreme<In> {
  readonly by: Ordered;
  readonly at: number;
  readonly x: In;
}

function byExtreme<In>(
  name: string,
  of: (value: In) => Ordered,
  wins: (a: Ordered, b: Ordered) => boolean,
): Aggregate<In, Extreme<In> | null, In> {
  const better = (a: Extreme<In>, b: Extreme<In>): boolean =>
    wins(a.by, b.by) || (!wins(b.by, a.by) && a.at < b.at);
  return {
    ...builtIn,
    name,
    takes: "ordered",
    input: takeOf(name, of),
    create: () => null,
    add: (acc, by: Ordered, at, x: In) => {
      const entry = { by, at, x };
      return acc === null || better(entry, acc) ? entry : acc;
    },
    merge: (a, b) => (a === null || (b !== null && better(b, a)) ? b : a),
    // A window that fires has at least one record.
    result: (acc) => (acc as Extreme<In>).x,
    // Only among records of one value and timestamp does the order of arrival decide.
    orderSensitive: true,
    arrivalBreaksTies: true,
  };
}

/**
 * The record with the least value; among equals the earlier timestamp, then the first to arrive.
 * @example minBy((o: { price: number }) => o.price)
 * @throws OPTION_INVALID; AGGREGATE_INPUT_INVALID (by the operator's onError) where a value can't be ordered
 */
export function minBy<In>(of: (value: In) => Ordered): Aggregate<In, Extreme<In> | null, In> {
  return byExtreme("minBy", of, (a, b) => a < b);
}

/**
 * The record with the greatest value; among equals the earlier timestamp, then the first to arrive.
 * @example maxBy((o: { price: number }) => o.price)
 * @throws OPTION_INVALID; AGGREGATE_INPUT_INVALID (by the operator's onError) where a value can't be ordered
 */
export function maxBy<In>(of: (value: In) => Ordered): Aggregate<In, Extreme<In> | null, In> {
  return byExtreme("maxBy", of, (a, b) => a > b);
}

/**
 * All records, or what `of` takes of them, in the order of arrival (sessions that join: one after the other).
 * The state of a window grows with its records: explain() says so.
 * @example collect((o: { id: number }) => o.id)
 */
export function collect<In, X = In>(of?: (value: In) => X): Aggregate<In, X[], X[]> {
  return {
    ...builtIn,
    name: "collect",
    takes: "anything",
    ...(of === undefined ? {} : { input: takeOf("collect", of) }),
    create: () => [],
    add: (list, x: X) => {
      list.push(x);
      return list;
    },
    merge: (a, b) => a.concat(b),
    result: (list) => list.slice(),
    bound: "window",
    orderSensitive: true,
  };
}

interface Ranked<X> {
  readonly score: Ordered;
  readonly at: number;
  readonly x: X;
}

/**
 * The `n` records with the greatest score, greatest first; among equal scores the earlier timestamp first.
 *
 * @param n a whole number from 1 to 10,000
 * @example topN(3, (r: { delay: number }) => r.delay)
 * @throws OPTION_INVALID for another n; AGGREGATE_INPUT_INVALID (by the operator's onError) where a score can't be ordered
 */
export function topN<In>(n: number, score: (value: In) => Ordered): Aggregate<In, Ranked<In>[], In[]> {
  if (!Number.isInteger(n) || n < 1 || n > 10_000) {
    throw new MillraceError(
      "OPTION_INVALID",
      `topN takes a whole number from 1 to 10,000, not ${preview(n)}`,
    );
  }
  const before = (a: Ranked<In>, b: Ranked<In>): boolean =>
    a.score > b.score || (!(a.score < b.score) && a.at < b.at);
  const insert = (list: Ranked<In>[], entry: Ranked<In>): void => {
    if (list.length === n && !before(entry, list[n - 1])) return;
    let low = 0;
    let high = list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (before(entry, list[middle])) high = middle;
      else low = middle + 1;
    }
    list.splice(low, 0, entry);
    if (list.length > n) list.pop();
  };
  return {
    ...builtIn,
    name: `topN(${n})`,
    takes: "ordered",
    input: takeOf("topN", score, "score"),
    create: () => [],
    add: (list, score: Ordered, at, x) => {
      if (list.length < n || score >= list[n - 1].score) insert(list, { score, at, x });
      return list;
    },
    merge: (a, b) => {
      for (const entry of b) insert(a, entry);
      return a;
    },
    result: (list) => list.map((entry) => entry.x),
    bound: { elements: n },
    // Only records that are equal in score and timestamp keep the order of arrival.
    orderSensitive: true,
    arrivalBreaksTies: true,
  };
}

/**
 * Folds records (or what `of` takes of them) pairwise into one of the same type. The first one is the beginning.
 * `combine` is associative and changes neither argument; `undefined` is taken for nothing.
 * @example reduce((a: { n: number }, b) => ({ n: a.n + b.n }))
 */
export function reduce<X>(combine: (left: X, right: X) => X): Aggregate<X, X | undefined, X> {
  const both = (a: X | undefined, b: X | undefined): X | undefined =>
    a === undefined ? b : b === undefined ? a : combine(a, b);
  return {
    ...builtIn,
    name: "reduce",
    takes: "anything",
    create: () => undefined,
    add: both,
    merge: both,
    result: (acc) => acc as X,
    bound: "window",
    custom: true,
  };
}
