/** How many numbers lie between given bounds. */
import { type Aggregate, builtIn } from "./contract.ts";
import { argument, takeOrdered } from "./input.ts";

/**
 * Counts per bucket: one more than there are boundaries. With boundaries b1 ... bn the buckets are below b1, [b1, b2),
 * ..., from bn on: each has its lower boundary and not its upper one, as windows have. Infinities are in the outer ones.
 *
 * @param boundaries 1 to 1,000 finite numbers, ascending
 * @example histogram((r: { ms: number }) => r.ms, [10, 100, 1000]) // [12, 30, 4, 0]
 * @throws OPTION_INVALID; AGGREGATE_INPUT_INVALID (by the operator's onError) for what is no number, and NaN
 */
export function histogram<In>(
  of: (value: In) => number,
  boundaries: readonly number[],
): Aggregate<In, number[], number[]> {
  const isGood =
    Array.isArray(boundaries) &&
    boundaries.length >= 1 &&
    boundaries.length <= 1000 &&
    boundaries.every((x, i) => Number.isFinite(x) && (i === 0 || x > boundaries[i - 1]));
  argument("histogram: boundaries", "1 to 1,000 ascending finite numbers", boundaries, isGood);
  const bounds = boundaries.slice();
  const bucketOf = (x: number): number => {
    let bucket = 0;
    for (let high = bounds.length; bucket < high; ) {
      const middle = (bucket + high) >> 1;
      if (bounds[middle] <= x) bucket = middle + 1;
      else high = middle;
    }
    return bucket;
  };
  const create = (): number[] => new Array<number>(bounds.length + 1).fill(0);
  const put = (into: number[], counts: readonly number[], sign: 1 | -1): number[] => {
    for (let i = 0; i < into.length; i++) into[i] += sign * counts[i];
    return into;
  };
  return {
    ...builtIn,
    name: `histogram(${bounds.join(", ")})`,
    takes: "number",
    input: takeOrdered("histogram", of),
    create,
    add: (counts, x: number) => {
      counts[bucketOf(x)] += 1;
      return counts;
    },
    merge: (a, b) => put(a, b, 1),
    result: (counts) => counts.slice(),
    retract: (counts, x: number) => {
      counts[bucketOf(x)] -= 1;
      return counts;
    },
    running: { create, put, accumulator: (counts) => counts },
    bound: { elements: bounds.length + 1 },
  };
}
