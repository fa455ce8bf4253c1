export { type Aggregate, type AnyAggregate, aggregate, type Bound } from "./contract.ts";
export { collect, first, last, reduce, topN } from "./elements.ts";
export { avg, count, max, min, type Ordered, sum } from "./numeric.ts";
