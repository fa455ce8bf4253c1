/**
 * What the engine asks of a source and of a sink.
 *
 * **Source.** `open` gives partitions: ordered inputs with a position. The loop asks each partition in turn with
 * `poll`, which is synchronous and never waits: it hands over what is there now. A partition fetches ahead on its own,
 * within a bound, and calls `wake()` whenever a poll that gave nothing may now give something, and when it has ended
 * or failed. A failure is thrown by the next poll. Once `poll` gave fewer than `max`, nothing more is there now.
 *
 * **Sink.** `write` takes records out of the batch before it returns (it may encode or copy them; it may not keep the
 * arrays). If it returns a promise, the loop hands over nothing more, and reads nothing more, until it resolves:
 * this is how a slow sink slows its source. After `close` everything written is where it belongs.
 *
 * **Epochs.** A job with durable state cuts its run into epochs: inputs, state changes and outputs that stand or fall
 * together. A replayable partition gives its position at the barrier, and starts from it after a crash. A transactional
 * sink keeps an epoch's output invisible until the epoch is decided (OpenSink.epochs).
 */

/** What a job promises of its output after a crash; "none" where nothing is durable. */
export type Guarantee = "exactly-once" | "at-least-once" | "at-most-once" | "none";

import type { Json } from "../core/json.ts";
import type { Ports } from "../core/ports.ts";

/** What becomes of a record that can't be processed: end the job (default), count and drop it, or send it aside. */
export type OnError = "fail" | "skip" | "dead-letter";

/** Where a record came from, as far as its source can tell. */
export interface Origin {
  /** Position within the partition: bytes for files, a running number elsewhere. */
  readonly offset: number;
  /** Line number from 1, for text. */
  readonly line?: number;
  /** The record as it was read. */
  readonly bytes?: Uint8Array;
}

/** An input that could not be decoded. */
export interface Malformed extends Origin {
  readonly reason: string;
  readonly column?: number;
}

export interface SourceContext {
  readonly ports: Ports;
  /** A poll may give something now. */
  wake(): void;
  /**
   * Where the partitions go on, by their id, as `Partition.position` gave it; null at the first start. A partition that
   * is not listed starts at its beginning.
   */
  readonly positions: ReadonlyMap<string, Json> | null;
  /** Deals with a malformed input as the source's `onError` says: returns if it may be left out, else throws. */
  reject(partition: string, malformed: Malformed): void;
}

export interface Partition<T> {
  /** Stable within the source, e.g. the file's path. */
  readonly id: string;
  /**
   * Puts at most `max` records into `into` from index `at` on, and returns how many.
   * @throws what made the partition fail
   */
  poll(into: T[], at: number, max: number): number;
  /**
   * The same for records that lie in an array already: a new array of at most `max` of them, which the engine keeps. It
   * calls one or the other.
   */
  slice?(max: number): T[];
  /** True once everything was handed over and nothing will follow. */
  readonly ended: boolean;
  /** True while nothing is pending: position = end of the log. Only then can idleness be measured. */
  readonly caughtUp: boolean;
  /**
   * What the partition itself knows of time, beside its records' timestamps: none below it follows. Read after a poll
   * that gave nothing.
   */
  readonly watermark?: number;
  /** Where the record came from that the last poll gave at `index` (0 = its first). */
  locate(index: number): Origin;
  /**
   * Replayable sources: the position at which the record is first that the last poll gave at `index`. An index equal to
   * the number it gave is the position behind all of them. Valid until the next poll.
   */
  position?(index: number): Json;
  /** Bytes (or records, where there are no bytes) handed over and in all; for progress. */
  progress?(): { readonly done: number; readonly total: number; readonly unit: "bytes" | "records" };
  close(): Promise<void>;
}

export interface Source<T> {
  /** For explain(), e.g. `ndjson("orders.ndjson")`. */
  readonly description: string;
  /** True where every partition ends by itself. */
  readonly bounded: boolean;
  /** True where a run from the same positions gives the same records: partitions have `position`. Default false */
  readonly replayable?: boolean;
  /** Sources without an end: a bounded one of all that is there when it is opened, from its beginning. */
  history?(): Source<T>;
  /** @throws SOURCE_POSITION_LOST where what a position points to is gone */
  open(context: SourceContext): Promise<readonly Partition<T>[]>;
  /** Only in the type. */
  readonly record?: T;
}

export interface SinkContext {
  readonly ports: Ports;
  readonly guarantee: Guarantee;
  readonly job: string;
  /** The sink's name in the job. */
  readonly name: string;
  /** +1 at every start of the job: fences what an earlier, dead run may have left. */
  readonly generation: number;
  /** Where the job goes on after an earlier run; null at the first start. */
  readonly recovered: {
    /** The last decided epoch. */
    readonly epoch: number;
    /** What `prepare` gave, of the decided epochs that this sink may not have committed yet; the newest is the last. */
    readonly handles: readonly { readonly epoch: number; readonly handle: Json }[];
  } | null;
  /** True where the records are changes of a table (`Change`), not rows of their own. Default false */
  readonly changelog?: boolean;
}

/**
 * A record of a changelog. Insert, or update by the row before (-U) and the row after (+U), or delete: whoever applies
 * them in order has the table.
 */
export interface Change<R> {
  readonly op: "+I" | "-U" | "+U" | "-D";
  readonly row: R;
}

/**
 * The part of a transactional sink that belongs to epochs. Only used with guarantee "exactly-once"; a sink whose
 * `SinkContext.guarantee` is another one writes visibly and at once.
 *
 * At a start after a crash the sink, when opened, throws away whatever it staged after the newest handle of
 * `recovered`. The engine then compares `lastEpoch`, and calls `commit` for each of `recovered.handles` in order.
 */
export interface SinkEpochs {
  /** The last epoch that was made visible, as the sink's own place says when it is opened; null where it can't tell. */
  readonly lastEpoch: number | null;
  /**
   * The barrier, between two turns. What was written before the call belongs to `epoch`, what is written after it
   * (also before the promise resolves) to the next. Resolves once the epoch's output can't be lost any more, although
   * nobody sees it. The handle is all that `commit` needs, also in another process.
   *
   * @param last nothing will be written any more: the input has ended
   */
  prepare(epoch: number, last: boolean): Promise<Json>;
  /** The epoch is decided: makes its output visible. Idempotent; epochs come in order, each at least once. */
  commit(epoch: number, handle: Json): Promise<void>;
}

export interface OpenSink<T> {
  /** Takes `values[from ... to - 1]`; `timestamps` runs beside them (unset where the pipeline has no event time). */
  write(values: readonly T[], timestamps: Float64Array, from: number, to: number): void | Promise<void>;
  /** Everything taken so far goes out, and survives a crash of the process. */
  flush(): Promise<void>;
  close(): Promise<void>;
  /** Transactional sinks, when opened for "exactly-once". */
  readonly epochs?: SinkEpochs;
}

export interface Sink<T> {
  readonly description: string;
  /**
   * Where a sink does nothing with a record but call a function: that function. It is then called from the stage's own
   * code, record by record; if it returns a promise, the records behind it wait and go through `write`.
   */
  readonly callback?: (record: T, timestamp: number) => unknown;
  /** True where it can commit by epochs (OpenSink.epochs). Others are at-least-once at best. Default false */
  readonly transactional?: boolean;
  /**
   * "upsert": it keeps one row per key, so that a record replaces the one before it, and of a changelog it is left with the
   * table. "append": it adds what it is given; the records of a changelog too, as they are. Default "append"
   */
  readonly form?: "append" | "upsert";
  /** Transactional sinks: the last epoch that they show, looked up without opening or changing anything; null for none. */
  lastEpoch?(ports: Ports, job: string): Promise<number | null>;
  /** What it writes to, where two sinks must not write to the same, e.g. "file:/data/out.ndjson". */
  readonly resource?: string;
  /** Upsert sinks: begins to replace the rows of a range of time by rows that are computed anew. */
  correct?(context: CorrectionContext): Promise<Correction<T>>;
  /** A sink that keeps late records together with their timestamps: those that it has now, in the order in which they came. */
  lateRecords?(ports: Ports): Promise<readonly LateRecord[]>;
  open(context: SinkContext): Promise<OpenSink<T>>;
  /** The job ended before it opened the sink: for sinks that somebody waits for. */
  abandon?(): Promise<void>;
  /** Only in the type: a sink of T takes any subtype of T. */
  readonly accepts?: (value: T) => void;
}

/** What an upsert sink of these records keeps: the rows of changes, or the records themselves. */
export type RowOf<T> = T extends Change<infer R> ? R : T;

/** A record that was late for all its windows. */
export interface LateRecord {
  readonly timestamp: number;
  readonly value: unknown;
}

export interface CorrectionContext {
  readonly ports: Ports;
  /** Rows of windows that lie in [from, to). */
  readonly from: number;
  readonly to: number;
  /** As SinkContext.changelog. */
  readonly changelog: boolean;
}

/** The rows of a range, while they are computed anew: nobody sees anything of it before `commit`. */
export interface Correction<T> {
  /** Takes rows of windows in the range, as OpenSink.write. */
  write(values: readonly T[], timestamps: Float64Array, from: number, to: number): void | Promise<void>;
  /** Takes rows of windows that reach out of the range: they are not written, and what they stand for is left alone. */
  keep(values: readonly T[], timestamps: Float64Array, from: number, to: number): void | Promise<void>;
  /** The rows of the range are from now on those that were written: all at once, or none. */
  commit(): Promise<Corrected>;
  /** Without a `commit` before it, nothing has happened. */
  close(): Promise<void>;
}

export interface Corrected {
  /** Rows that were written. */
  readonly rows: number;
  /** Of these, those that were not there, or not so. */
  readonly changed: number;
  /** Rows that were there and are not any more. */
  readonly removed: number;
  /** Why rows may have stayed that should have been removed; null where none has. */
  readonly stale: string | null;
}

/** A record that could not be processed, with all that is needed to mend and redrive it. */
export interface DeadLetter {
  /** The operator or source that gave up. */
  readonly operator: string;
  readonly source: string | null;
  readonly partition: string | null;
  readonly offset: number | null;
  readonly line: number | null;
  /** The error's code, and what it says. */
  readonly code: string;
  readonly reason: string;
  /** The record as it was read, where the source can still give it. */
  readonly bytes: Uint8Array | null;
  /** The value that the operator was working on; undefined where nothing was decoded. */
  readonly value: unknown;
}
