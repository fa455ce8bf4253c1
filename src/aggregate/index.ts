export { type Aggregate, type AnyAggregate, aggregate, type Bound } from "./contract.ts";
export { approxDistinctCount, distinctCount } from "./distinct.ts";
export { collect, first, last, maxBy, minBy, reduce, topN } from "./elements.ts";
export { exactSum } from "./exact-sum.ts";
export { histogram } from "./histogram.ts";
export type { Distinct } from "./input.ts";
export { avg, count, max, min, type Ordered, sum } from "./numeric.ts";
export { median, type QuantileOptions, quantile, quantiles } from "./quantile.ts";
export { stddev, type VarianceOptions, variance } from "./variance.ts";
