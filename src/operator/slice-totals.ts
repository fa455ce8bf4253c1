/**
 * Totals: what the slices of a key that lie in the window at hand come to, kept while slices enter at its end and leave
 * at its start. A total is a row of its own, and hangs on the records and the order of the firings alone: never on
 * batches, backends or restarts.
 *
 * Running totals, where every aggregate can take an accumulator out of a total *exactly*: one step per slice that enters
 * and one per slice that leaves. (Taking a double out of a sum of doubles leaves rounding errors: `sum` keeps its total as
 * an expansion, without them.)
 *
 * Stacks, for all others: two stacks that make a queue. New slices are merged into `newer`. When the oldest slice of it
 * is to leave, the stacks are turned: each slice then gets what all slices behind it come to (`after`), so that a
 * leaving slice says what is left. Each slice is merged once as it enters and once as the stacks are turned, and a
 * result is one merge more.
 *
 * An accumulator that `merge` got as its left one is nobody else's. Custom aggregates may do with the right one as they
 * like, and get a copy.
 *
 * Source of the stacks: Tangwongsan, Hirzel, Schneider, "Low-latency sliding-window aggregation in worst-case constant
 * time" (DEBS 2017), where they are called Two-Stacks.
 */
import type { Running } from "../aggregate/contract.ts";
import type { Cell } from "../state/bucket.ts";
import type { Fields } from "./aggregator.ts";

/** A row of a slice: the accumulators a0, a1, ... of one key. */
export interface SliceCell extends Cell {
  seq: number;
  /** The watermark when the row came to be: windows that had ended by then have fired without it. */
  panes: number;
  /** Stacks: what the key's slices behind this one come to, up to where the stacks were turned last; null for none. */
  after?: readonly unknown[] | null;
}

/** A row of totals. */
export interface TotalRow extends Cell {
  seq: number;
  /** How many rows of slices are in it. */
  slices: number;
}

export interface SliceTotals {
  create(): TotalRow;
  /** A slice enters, or more of one that has not been turned. */
  enter(total: TotalRow, slice: SliceCell): void;
  /** The oldest slice leaves. */
  leave(total: TotalRow, slice: SliceCell): void;
  /** All accumulators as one cell, to be looked at until the next call. */
  shown(total: TotalRow): object;
  /** Stacks only. */
  readonly turning: {
    /** Turns a slice; those behind it have been. */
    turn(total: TotalRow, slice: SliceCell): void;
    /** Turns a key's slices once more, latest first: all that were turned and have not left. */
    again(total: TotalRow, slices: readonly SliceCell[]): void;
  } | null;
}

export type CopyOf = (value: unknown) => unknown;

export function sliceTotals(fields: Fields, copyOf: CopyOf): SliceTotals {
  const runnings = fields.flatMap(({ aggregate: { running } }) => (running === undefined ? [] : [running]));
  return runnings.length === fields.length ? runningTotals(runnings) : stacks(fields, copyOf);
}

type Accumulators = Record<string, unknown>;

interface RunningRow extends TotalRow {
  readonly totals: unknown[];
}

function runningTotals(runnings: readonly Running<any, any>[]): SliceTotals {
  const names = runnings.map((_, i) => `a${i}`);
  const shown: Accumulators = {};
  const put = (total: TotalRow, slice: SliceCell, sign: 1 | -1): void => {
    const { totals } = total as RunningRow;
    for (let i = 0; i < names.length; i++)
      totals[i] = runnings[i].put(totals[i], (slice as unknown as Accumulators)[names[i]], sign);
  };
  return {
    create: (): RunningRow => ({
      mark: 0,
      seq: 0,
      slices: 0,
      totals: runnings.map(({ create }) => create()),
    }),
    enter: (total, slice) => put(total, slice, 1),
    leave: (total, slice) => put(total, slice, -1),
    shown(total) {
      const { totals } = total as RunningRow;
      for (let i = 0; i < names.length; i++) shown[names[i]] = runnings[i].accumulator(totals[i]);
      return shown;
    },
    turning: null,
  };
}

interface StackRow extends TotalRow {
  /** Of the slices that were turned; null for none. Never changed in place: a slice's `after` may be the same. */
  older: readonly unknown[] | null;
  /** Of those that came in since. */
  newer: unknown[] | null;
}

function stacks(fields: Fields, copyOf: CopyOf): SliceTotals {
  const aggregates = fields.map(({ aggregate }) => aggregate);
  const names = aggregates.map((_, i) => `a${i}`);
  /** To be the left one of a merge. */
  const owned = (i: number, accumulator: unknown): unknown => {
    const { custom, create, merge } = aggregates[i];
    return custom ? copyOf(accumulator) : merge(create(), accumulator);
  };
  /** To be the right one. */
  const lent = (i: number, accumulator: unknown): unknown =>
    aggregates[i].custom ? copyOf(accumulator) : accumulator;
  const ownedOf = (slice: SliceCell): unknown[] =>
    names.map((name, i) => owned(i, (slice as unknown as Accumulators)[name]));
  const mergeInto = (left: unknown[], rightOf: (i: number) => unknown): unknown[] => {
    for (let i = 0; i < left.length; i++) left[i] = aggregates[i].merge(left[i], lent(i, rightOf(i)));
    return left;
  };
  const turn = (total: StackRow, slice: SliceCell): void => {
    const { older } = total;
    slice.after = older;
    total.older = older === null ? ownedOf(slice) : mergeInto(ownedOf(slice), (i) => older[i]);
  };
  const shown: Accumulators = {};
  return {
    create: (): StackRow => ({ mark: 0, seq: 0, slices: 0, older: null, newer: null }),
    enter(row, slice) {
      const total = row as StackRow;
      if (total.newer === null) total.newer = ownedOf(slice);
      else mergeInto(total.newer, (i) => (slice as unknown as Accumulators)[names[i]]);
    },
    leave(total, { after = null }) {
      (total as StackRow).older = after;
    },
    shown(total) {
      const { older, newer } = total as StackRow;
      for (let i = 0; i < names.length; i++) {
        shown[names[i]] =
          older === null
            ? newer?.[i]
            : newer === null
              ? older[i]
              : aggregates[i].merge(owned(i, older[i]), lent(i, newer[i]));
      }
      return shown;
    },
    turning: {
      turn(total, slice) {
        turn(total as StackRow, slice);
        (total as StackRow).newer = null;
      },
      again(total, slices) {
        (total as StackRow).older = null;
        for (const slice of slices) turn(total as StackRow, slice);
      },
    },
  };
}
