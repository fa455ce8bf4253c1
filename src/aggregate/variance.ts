/**
 * Variance and standard deviation in one pass, without the cancellation of "mean of squares less square of mean".
 *
 * Accumulator: n, mean, and m2, the sum of squared distances from the mean. No `retract`: taking a far number out again
 * leaves its rounding error in m2, which may be more than all that remains.
 *
 * Sources: Welford, "Note on a method for calculating corrected sums of squares and products" (Technometrics 1962);
 * merge: Chan, Golub, LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances" (1979).
 */
import { type Aggregate, builtIn } from "./contract.ts";
import { argument, takeOf } from "./input.ts";

interface Moments {
  n: number;
  mean: number;
  m2: number;
}

export interface VarianceOptions {
  /**
   * Whether the records are a sample of what is asked about (m2 / (n - 1): SQL's VAR_SAMP, STDDEV_SAMP), or all of it
   * (m2 / n: VAR_POP, STDDEV_POP). Default "sample"
   */
  readonly over?: "sample" | "population";
}

function moments<In>(
  name: string,
  of: (value: In) => number,
  { over = "sample" }: VarianceOptions,
  resultOf: (variance: number) => number,
): Aggregate<In, Moments, number> {
  const isGood = over === "sample" || over === "population";
  argument(`${name}: over`, '"sample" or "population"', over, isGood);
  const besides = over === "sample" ? 1 : 0;
  return {
    ...builtIn,
    name: `${name} over ${over}`,
    takes: "number",
    input: takeOf(name, of),
    create: () => ({ n: 0, mean: 0, m2: 0 }),
    add: (acc, x: number) => {
      acc.n += 1;
      const distance = x - acc.mean;
      acc.mean += distance / acc.n;
      acc.m2 += distance * (x - acc.mean);
      return acc;
    },
    merge: (a, b) => {
      if (a.n === 0 || b.n === 0) return a.n === 0 ? { ...b } : a;
      const n = a.n + b.n;
      const distance = b.mean - a.mean;
      a.mean += distance * (b.n / n);
      a.m2 += b.m2 + distance * distance * a.n * (b.n / n);
      a.n = n;
      return a;
    },
    result: ({ n, m2 }) => resultOf(m2 / (n - besides)),
  };
}

/**
 * The variance of a number of each record. That of a sample of one is NaN, and so is one with NaN or an infinity in it.
 * @example variance((r: { ms: number }) => r.ms, { over: "population" })
 * @throws OPTION_INVALID; AGGREGATE_INPUT_INVALID (by the operator's onError) where the function returns no number
 */
export function variance<In>(
  of: (value: In) => number,
  options: VarianceOptions = {},
): Aggregate<In, Moments, number> {
  return moments("variance", of, options, (variance) => variance);
}

/**
 * The standard deviation of a number of each record: the root of its variance.
 * @example stddev((r: { ms: number }) => r.ms)
 * @throws as variance
 */
export function stddev<In>(
  of: (value: In) => number,
  options: VarianceOptions = {},
): Aggregate<In, Moments, number> {
  return moments("stddev", of, options, Math.sqrt);
}
