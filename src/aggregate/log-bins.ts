/**
 * DDSketch: counts of numbers in bins whose bounds grow by one ratio, so that each bin's value stands for all numbers in
 * it with a bounded relative error.
 *
 * Bin i > 0 has the numbers in (gamma^(j-1), gamma^j], gamma = (1 + accuracy) / (1 - accuracy), where j counts from
 * the least normal number; bin -i has their negatives, bin 0 what is nearer to 0 than that; +-Infinity is a bin of its
 * own. So bins are ordered as their numbers are. Bins are never joined: there can't be more than `most`, and the error
 * holds for every number. Which bins there are follows from the numbers alone: any order and any merging gives the same.
 *
 * Cost of a number: a logarithm and a look-up. Space: the bins that have a number; a factor of 10 between least and
 * greatest makes some 116 bins at an accuracy of 0.01.
 *
 * Source: Masson, Rim, Lee, "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees"
 * (PVLDB 12, 2019).
 */

/** How many numbers by their bin; bins without a number are not there. */
export type Bins = Map<number, number>;

export interface LogBins {
  readonly binOf: (x: number) => number;
  readonly numberOf: (bin: number) => number;
  readonly most: number;
}

const MIN_NORMAL = 2 ** -1022;

export function logBins(accuracy: number): LogBins {
  // A hair better than promised: what logarithm and exponential are off by must not break the promise.
  const alpha = accuracy * (1 - 1e-9);
  const logGamma = Math.log1p((2 * alpha) / (1 - alpha));
  const middle = Math.log1p(-alpha);
  const indexOf = (magnitude: number): number => Math.ceil(Math.log(magnitude) / logGamma);
  const below = indexOf(MIN_NORMAL) - 1;
  return {
    binOf(x) {
      const magnitude = Math.abs(x);
      if (magnitude < MIN_NORMAL) return 0;
      return Math.sign(x) * (indexOf(magnitude) - below);
    },
    /** The number that stands for all of the bin. */
    numberOf(bin) {
      if (bin === 0 || !Number.isFinite(bin)) return bin;
      // 2 gamma^j / (gamma + 1) = gamma^j (1 - alpha): as far from the bin's one end as from the other.
      const magnitude = Math.exp((Math.abs(bin) + below) * logGamma + middle);
      return Math.sign(bin) * Math.min(magnitude, Number.MAX_VALUE);
    },
    most: 2 * (indexOf(Number.MAX_VALUE) - below) + 3,
  };
}

export function countBin(bins: Bins, bin: number, by: number): Bins {
  const count = (bins.get(bin) ?? 0) + by;
  if (count === 0) bins.delete(bin);
  else bins.set(bin, count);
  return bins;
}

/** The bins in which the numbers of these ranks are, in the order of the ranks; rank 0 is the least number. */
export function binsAt(bins: Bins, share: readonly number[]): number[] {
  const ordered = [...bins].sort(([a], [b]) => a - b);
  const total = ordered.reduce((sum, [, count]) => sum + count, 0);
  return share.map((q) => {
    let rank = Math.floor(q * (total - 1));
    const found = ordered.find(([, count]) => (rank -= count) < 0);
    return (found as [number, number])[0];
  });
}
