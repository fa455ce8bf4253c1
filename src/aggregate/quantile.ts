/** Quantiles of numbers with a guaranteed relative error (log-bins.ts). */
import { type Aggregate, builtIn } from "./contract.ts";
import { argument, takeOrdered } from "./input.ts";
import { type Bins, binsAt, countBin, logBins } from "./log-bins.ts";

export interface QuantileOptions {
  /** The greatest relative error: 0.001 to 0.5. Default 0.01 */
  readonly accuracy?: number;
}

function sketch<In, Out>(
  name: string,
  of: (value: In) => number,
  { accuracy = 0.01 }: QuantileOptions,
  result: (valuesAt: (share: readonly number[]) => number[]) => Out,
): Aggregate<In, Bins, Out> {
  const isGood = typeof accuracy === "number" && accuracy >= 0.001 && accuracy <= 0.5;
  argument(`${name}: accuracy`, "a number from 0.001 to 0.5", accuracy, isGood);
  const { binOf, numberOf, most } = logBins(accuracy);
  const create = (): Bins => new Map();
  const put = (into: Bins, bins: Bins, sign: 1 | -1): Bins => {
    for (const [bin, count] of bins) countBin(into, bin, sign * count);
    return into;
  };
  return {
    ...builtIn,
    name: accuracy === 0.01 ? name : `${name} within ${accuracy}`,
    takes: "number",
    input: takeOrdered(name, of),
    create,
    add: (bins, x: number) => countBin(bins, binOf(x), 1),
    merge: (a, b) => put(a, b, 1),
    result: (bins) => result((share) => binsAt(bins, share).map(numberOf)),
    retract: (bins, x: number) => countBin(bins, binOf(x), -1),
    running: { create, put, accumulator: (bins) => bins },
    bound: { elements: most },
  };
}

const isShare = (q: unknown): boolean => typeof q === "number" && q >= 0 && q <= 1;

/**
 * The number below which lies a share q of all: of n numbers in order, that of rank floor(q (n - 1)), counted from 0.
 * What it gives is at most `accuracy` of that number away from it (numbers nearer to 0 than 2.3e-308 count as 0).
 *
 * One accumulator has a count per bin that has a number: some 116 bins for a factor of 10 between least and greatest; 141,817
 * at most.
 *
 * @param q 0 (least) to 1 (greatest)
 * @example quantile(0.99, (r: { ms: number }) => r.ms)
 * @throws OPTION_INVALID; AGGREGATE_INPUT_INVALID (by the operator's onError) for what is no number, and NaN
 *
 * Source: DDSketch (Masson et al. 2019).
 */
export function quantile<In>(
  q: number,
  of: (value: In) => number,
  options: QuantileOptions = {},
): Aggregate<In, Bins, number> {
  argument("quantile: q", "a number from 0 to 1", q, isShare(q));
  return sketch(`quantile(${q})`, of, options, (valuesAt) => valuesAt([q])[0]);
}

/**
 * Several quantiles from one accumulator, in the order in which they are asked for.
 * @param shares 1 to 100 numbers from 0 to 1
 * @example quantiles([0.5, 0.9, 0.99], (r: { ms: number }) => r.ms)
 * @throws as quantile
 */
export function quantiles<In>(
  shares: readonly number[],
  of: (value: In) => number,
  options: QuantileOptions = {},
): Aggregate<In, Bins, number[]> {
  const isGood = Array.isArray(shares) && shares.length >= 1 && shares.length <= 100 && shares.every(isShare);
  const asked = argument("quantiles: shares", "1 to 100 numbers from 0 to 1", shares, isGood).slice();
  return sketch(`quantiles(${asked.join(", ")})`, of, options, (valuesAt) => valuesAt(asked));
}

/**
 * The number in the middle, within `accuracy`; of an even number of them, the lower of the two: quantile(0.5).
 * @example median((r: { ms: number }) => r.ms)
 * @throws as quantile
 */
export function median<In>(
  of: (value: In) => number,
  options: QuantileOptions = {},
): Aggregate<In, Bins, number> {
  return sketch("median", of, options, (valuesAt) => valuesAt([0.5])[0]);
}
