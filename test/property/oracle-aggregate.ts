/** The oracle's aggregates: functions of the complete list of a pane's records, by sorting and scanning. */
import { canonical } from "./canonical.ts";
import { numberOf, tagOf } from "./functions.ts";
import type { AggregateName, Datum } from "./spec.ts";

export interface Held {
  readonly value: Datum;
  readonly ts: number;
}

const total = (held: readonly Held[]): number => held.reduce((sum, { value }) => sum + numberOf(value), 0);

/** Stable: records that compare equal stay in the order of arrival. */
function sorted(held: readonly Held[], compare: (a: Held, b: Held) => number): Held[] {
  return held.slice().sort(compare);
}

const byTime = (a: Held, b: Held): number => a.ts - b.ts;
const byNumber = (a: Held, b: Held): number => numberOf(a.value) - numberOf(b.value);
const top = (held: readonly Held[], n: number): Datum[] =>
  sorted(held, (a, b) => byNumber(b, a) || byTime(a, b))
    .slice(0, n)
    .map(({ value }) => value);

/** Different values, as keys are: -0 is 0. */
export const distinct = (values: readonly unknown[]): number =>
  new Set(values.map((x) => canonical(Array.isArray(x) ? x.map(withoutMinus) : withoutMinus(x)))).size;
const withoutMinus = (x: unknown): unknown => (x === 0 ? 0 : x);

/** How many of the numbers are in each of [-Infinity, b1), [b1, b2), ..., [bn, Infinity]. */
export const buckets = (numbers: readonly number[], boundaries: readonly number[]): number[] =>
  [Number.NEGATIVE_INFINITY, ...boundaries].map(
    (low, i) => numbers.filter((x) => x >= low && (i === boundaries.length || x < boundaries[i])).length,
  );

/** The sum rounded once, by whole multiples of 2^-1074. */
export function roundedSum(numbers: readonly number[]): number {
  const odd = numbers.filter((x) => !Number.isFinite(x));
  if (odd.length > 0) return odd.reduce((a, b) => a + b);
  return fromUnits(numbers.reduce((sum, x) => sum + unitsOf(x), 0n));
}

/** The variance over n less `besides`, by fractions of whole numbers; a double at the very end. */
export function varianceOf(wholes: readonly number[], besides: 0 | 1): number {
  const n = BigInt(wholes.length);
  const sum = wholes.reduce((total, x) => total + BigInt(x), 0n);
  const squares = wholes.reduce((total, x) => total + BigInt(x) ** 2n, 0n);
  return Number(n * squares - sum * sum) / Number(n) / (wholes.length - besides);
}

/** The number of rank floor(q (n - 1)) in order. */
export const ranked = (numbers: readonly number[], q: number): number =>
  numbers.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))[Math.floor(q * (numbers.length - 1))];

const scratch = new DataView(new ArrayBuffer(8));

function unitsOf(x: number): bigint {
  scratch.setFloat64(0, x);
  const bits = scratch.getBigUint64(0);
  const exponent = (bits >> 52n) & 0x7ffn;
  const fraction = bits & (2n ** 52n - 1n);
  const magnitude = exponent === 0n ? fraction : (fraction + 2n ** 52n) << (exponent - 1n);
  return x < 0 ? -magnitude : magnitude;
}

function fromUnits(units: bigint): number {
  const magnitude = units < 0n ? -units : units;
  const dropped = Math.max(0, magnitude.toString(2).length - 53);
  const step = 1n << BigInt(dropped);
  const rest = magnitude % step;
  let kept = magnitude / step;
  if (2n * rest > step || (2n * rest === step && kept % 2n === 1n)) kept += 1n;
  const rounded = Number(kept) * 2 ** (dropped - 1074);
  return units < 0n ? -rounded : rounded;
}

/** @param held not empty, in the order of arrival */
export const AGGREGATES: { readonly [N in AggregateName]: (held: readonly Held[]) => unknown } = {
  count: (held) => held.length,
  sum: total,
  avg: (held) => total(held) / held.length,
  min: (held) => numberOf(sorted(held, byNumber)[0].value),
  max: (held) => numberOf(sorted(held, byNumber).at(-1)!.value),
  maxText: (held) =>
    held
      .map(({ value }) => tagOf(value))
      .sort()
      .at(-1),
  first: (held) => tagOf(sorted(held, byTime)[0].value),
  last: (held) => tagOf(sorted(held, byTime).at(-1)!.value),
  collect: (held) => held.map(({ value }) => tagOf(value)),
  bag: (held) => held.map(({ value }) => tagOf(value)).sort(),
  minBy: (held) => sorted(held, (a, b) => byNumber(a, b) || byTime(a, b))[0].value,
  maxBy: (held) => top(held, 1)[0],
  exactSum: (held) => roundedSum(held.map(({ value }) => numberOf(value))),
  distinct: (held) => distinct(held.map(({ value }) => numberOf(value))),
  buckets: (held) =>
    buckets(
      held.map(({ value }) => numberOf(value)),
      [-1, 0, 4],
    ),
  top1: (held) => top(held, 1),
  top2: (held) => top(held, 2),
  top3: (held) => top(held, 3),
};
