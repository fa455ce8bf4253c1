/**
 * Aggregates: how a window folds its records into a result without keeping them.
 *
 * An accumulator is created when the first record of a window arrives, takes one record after the other, is merged
 * where sessions join, and gives a result each time that the window fires. Accumulators are state: plain data that
 * can be copied (numbers, strings, arrays, plain objects, ...), never functions or class instances.
 */

/** How much one accumulator can hold: a fixed amount, at most `n` elements, or as much as its window brings. */
export type Bound = "constant" | "window" | { readonly elements: number };

/** Which inputs a built-in aggregate takes; others are an error that names the value. */
export type Takes = "number" | "ordered" | "anything";

declare const records: unique symbol;

export interface Aggregate<In, Acc, Out> {
  /**
   * Only in the type: the records that the aggregate takes. It is the one place where `In` stands, so that the compiler
   * finds the type of `o` in `aggregate(sum((o) => o.amount))` there and nowhere else.
   */
  readonly [records]?: (value: In) => void;
  /** For explain(), e.g. "sum". */
  readonly name: string;
  /**
   * What `add` gets of a record; without it, the record itself. It is called before any accumulator changes: what
   * `takes` can't say it refuses itself (AGGREGATE_INPUT_INVALID).
   */
  readonly input?: (value: any) => unknown;
  readonly takes: Takes;
  readonly create: () => Acc;
  /** The accumulator with one more input. Built-in ones may change and return the one they got; custom ones may not. */
  readonly add: (accumulator: Acc, input: any, timestamp: number, value: any) => Acc;
  /**
   * Both accumulators in one; `left` may be changed and returned. `right` is not changed, and shares with what is returned
   * nothing that `add` or `merge` change: slices are merged into many windows. (Custom ones get a copy for `right` there.)
   */
  readonly merge: (left: Acc, right: Acc) => Acc;
  /** A fresh value: later changes of the accumulator don't show in it. */
  readonly result: (accumulator: Acc) => Out;
  /** The accumulator without an input that was added before; aggregates that have it are invertible. */
  readonly retract?: (accumulator: Acc, input: any, timestamp: number) => Acc;
  /** Where an accumulator can be taken out of a total of several without a trace: sliding windows keep such totals. */
  readonly running?: Running<Acc, any>;
  readonly bound: Bound;
  /** True where the accumulator is always a number: it can then be kept in a typed array. */
  readonly numeric: boolean;
  /** True where the result hangs on the order of arrival (INV-2 does not hold for it). */
  readonly orderSensitive: boolean;
  /** True where it is so only among records of one timestamp: merged in the order of time, it is as if in that of arrival. */
  readonly arrivalBreaksTies?: boolean;
  /** True for user code, whose `add` may throw. */
  readonly custom: boolean;
}

/** Totals of accumulators. A total is state, as an accumulator is. */
export interface Running<Acc, Total> {
  readonly create: () => Total;
  /** The total with the accumulator (1), or without one that is in it (-1): exactly. May change and return the one it got. */
  readonly put: (total: Total, accumulator: Acc, sign: 1 | -1) => Total;
  /** What all accumulators in it come to when they are merged. */
  readonly accumulator: (total: Total) => Acc;
}

export type AnyAggregate<In = any> = Aggregate<In, any, any>;

/**
 * An aggregate of your own.
 *
 * @param parts.create a new accumulator (plain data)
 * @param parts.add the accumulator with one more record; changes neither the accumulator nor the record
 * @param parts.merge two accumulators in one; needed where sessions join, and where windows that overlap share slices
 * @param parts.result what the window shows; a fresh value
 * @param parts.retract optional: the accumulator without a record that was added before
 * @example
 * aggregate({ create: () => 0, add: (bits, r: { flag: number }) => bits | r.flag, merge: (a, b) => a | b, result: (bits) => bits })
 */
export function aggregate<In, Acc, Out>(parts: {
  create: () => Acc;
  add: (accumulator: Acc, value: In, timestamp: number) => Acc;
  merge: (left: Acc, right: Acc) => Acc;
  result: (accumulator: Acc) => Out;
  retract?: (accumulator: Acc, value: In, timestamp: number) => Acc;
}): Aggregate<In, Acc, Out> {
  // The parts are called as methods of what the user gave, on both code paths.
  return {
    name: "custom",
    takes: "anything",
    create: () => parts.create(),
    add: (accumulator, value, timestamp) => parts.add(accumulator, value, timestamp),
    merge: (left, right) => parts.merge(left, right),
    result: (accumulator) => parts.result(accumulator),
    ...(parts.retract === undefined
      ? {}
      : {
          retract: (accumulator, value, timestamp) => parts.retract?.(accumulator, value, timestamp) as Acc,
        }),
    bound: "window",
    numeric: false,
    orderSensitive: false,
    custom: true,
  };
}

/** The fixed parts of a built-in aggregate. */
export const builtIn = { custom: false, numeric: false, orderSensitive: false, bound: "constant" } as const;
