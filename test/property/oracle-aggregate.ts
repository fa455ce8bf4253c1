/** The oracle's aggregates: functions of the complete list of a pane's records, by sorting and scanning. */
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
  top1: (held) => top(held, 1),
  top2: (held) => top(held, 2),
  top3: (held) => top(held, 3),
};
