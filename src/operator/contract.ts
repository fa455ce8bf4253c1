/**
 * The operator contract.
 *
 * A *head* is the operator at the beginning of a stage: a source's forwarder, a union, a window. It is written as one
 * factory function that uses nothing but its parameter object and JavaScript's globals, because the stage compiler
 * makes it anew from its own source text for every stage: each stage then has call sites of its own, and V8 inlines
 * the user's functions there. The factory called directly is the closure path: the same code, shared.
 *
 * `run` is called with the input batches filled. It goes on from where it stopped, slot by slot, until all are read
 * (true) or an output is full (false; it looks only between two steps, so one record's outputs may exceed the limit).
 * A step is one record, or one advance of the watermark; each begins with `begin()`. A read of state may throw MISS
 * out of `run`: the engine then undoes the step's emissions and counts and calls `run` again, so a step reads before it
 * changes its own variables, timers or rows. (Where user code reads, in any order, what it changes is kept aside until it
 * is through: process-step.ts.)
 *
 * Order within a step: the record is judged by the watermark before it; then the watermark advances; then what is due
 * fires, in the order of time; then `mark` says the new output watermark. An operator that can still emit below its
 * input watermark marks less than that (a hold): nothing it emits is below its own last mark, marked late panes and
 * the late side output excepted (INV-6).
 */
import type { Key, Token } from "../core/key.ts";
import type { Cell } from "../state/bucket.ts";
import type { NumberKeeper } from "../state/number-cell.ts";
import type { NumberRows } from "../state/number-rows.ts";
import type { Table } from "../state/table.ts";
import type { TokenRows } from "../state/token-rows.ts";
import type { Batch } from "./batch.ts";

export type Emit = (value: unknown, timestamp: number) => void;

/** What every head is given. */
export interface HeadPorts {
  readonly inputs: readonly Batch[];
  /** Output port 0: the results. */
  readonly emit: Emit;
  /** Output port 1, where there is one: the late records. */
  readonly side: Emit;
  /** Output ports 1, 2, ... */
  readonly sides: readonly Emit[];
  /** The output watermark of port 0; with +Infinity also of port 1, which has none before the end. */
  readonly mark: (watermark: number) => void;
  readonly idle: () => void;
  readonly full: () => boolean;
  /** How many records can be emitted before `full` has to be asked again; 0 when it is full. */
  readonly room: () => number;
  readonly begin: () => void;
  /** The ordinal of the input slot at hand, for ordered edges. */
  readonly position: { ordinal: number };
  /** Deals with a failed record as operator `index` of the stage is told to: returns if it is left out, else throws. */
  readonly fail: (index: number, error: unknown, value: unknown) => void;
  /** The stage's counters: see COUNT. */
  readonly counts: Float64Array;
  /**
   * The clock of operators that ask for the time: it moves only between two turns, and never back. What is due by it
   * fires before the turn's first record.
   */
  readonly clock: { readonly tick: number };
  readonly NONE: unknown;
  readonly IDLE: unknown;
}

export interface Head {
  run(): boolean;
  /** The least tick at which it has something to do without a record; +Infinity for none. */
  nextTick?(): number;
  /** After `run` threw: which slot of the input it was at. */
  slotAtHand?(): number;
  /** Where rows are elsewhere: asks for those that the inputs will touch. Only an optimisation. */
  prefetch?(maxRows: number): void;
  /** What the head must remember beside its rows, as numbers; called between two turns. */
  save(): number[];
  /** Before the first run: what `save` gave. Its rows, where they are in memory, are there already. */
  restore(saved: readonly number[]): void;
}

/** Where a head counts, at the beginning of its stage's counters. */
export const COUNT = {
  /** Records read from the inputs. */
  in: 0,
  /** Records late for all their windows. */
  late: 1,
  /** (Record, window) pairs that were missed. */
  missedWindows: 2,
  /** Records that lie in no window. */
  betweenWindows: 3,
  /** Panes emitted. */
  panes: 4,
  /** Timers fired, those that failed included. */
  timers: 5,
  failedTimers: 6,
  /** Values that expired. */
  expired: 7,
} as const;
/** Behind them, by output port: records that process() gave. */
export const HEAD_COUNTS = 8;

/** How a window's records become an accumulator and a result: made per stage by aggregator.ts. */
export interface Aggregator<Acc> {
  create(): Acc;
  /** Changes the cell only if no user function throws. */
  add(cell: Acc, value: unknown, timestamp: number): void;
  /**
   * Throws where `add` would, and changes nothing: for a record that goes into several cells, all or none. null where
   * only the inputs can throw, and so the first `add` of the record.
   */
  readonly probe: ((cell: Acc | undefined, value: unknown, timestamp: number) => void) | null;
  /** `from` is not used again. */
  merge(into: Acc, from: Acc): void;
  result(
    cell: Acc,
    key: Key,
    start: number | null,
    end: number | null,
    pane: string,
    index: number,
    replaces: unknown,
  ): unknown;
}

/** The same over rows of numbers (state/number-rows.ts, token-rows.ts). `at` is a row's place in `slots`. */
export interface NumberAggregator {
  /** Value of a row that counts the panes it has fired; only rows that outlive a firing have it. */
  readonly panesAt: number;
  /**
   * @param expected rows that are to be expected
   * @param keeper null where rows are not durable
   */
  newNumberRows(expected: number, keeper: NumberKeeper | null): NumberRows;
  newTokenRows(keeper: NumberKeeper | null): TokenRows;
  /** Adds to the row of the key, which it makes if there is none, and returns its place. */
  add(rows: NumberRows | TokenRows, token: Token, value: unknown, timestamp: number): number;
  reset(slots: Float64Array, at: number): void;
  result(
    slots: Float64Array,
    at: number,
    key: Key,
    start: number,
    end: number,
    pane: string,
    index: number,
  ): unknown;
}

/** The loop of a head with state: step-loop.ts. */
export type StepLoop = (
  ports: HeadPorts,
  process: (value: unknown, timestamp: number) => void,
  advance: (to: number) => boolean,
) => () => boolean;

/** What both window heads are given. */
export interface WindowPorts<Row extends Cell, Acc> extends HeadPorts, Aggregator<Acc> {
  readonly table: Table<Row>;
  readonly keyOf: (value: unknown) => unknown;
  readonly tokenOf: (key: unknown) => Token;
  readonly keyOfToken: (token: Token) => Key;
  readonly latenessMs: number;
  /** How far the head stays behind its input's watermark. */
  readonly holdMs: number;
  readonly discard: boolean;
  readonly stepLoop: StepLoop;
}
