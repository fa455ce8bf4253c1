/**
 * The batch: records in order, each with its timestamp and the watermark after it. A batch is a vehicle and never
 * visible: results are those of one record at a time (INV-1).
 *
 * Columns, one slot per record: `values`, `ts`, `wm` (the watermark once the record was dealt with) and, on ordered
 * edges, `ord` (the ordinal of the input record that caused it). `start` is the watermark before the first slot.
 * On an unordered edge a watermark that no record follows is written over the last slot's: the reader can't tell.
 * An ordered edge ends, at any distance, in a stage with several inputs or a trigger, which needs to know *when* time
 * moved; there such a watermark gets a slot of its own, with NONE for a value.
 */
import { MillraceError, reasonOf } from "../core/errors.ts";

/** In place of a record: only the watermark moved. */
export const NONE: unknown = Object.freeze({ slot: "watermark only" });
/** In place of a record: this input is idle until its next slot, and holds nobody's watermark back. */
export const IDLE: unknown = Object.freeze({ slot: "idle" });

/** Records that an edge takes before its writer must pause. Fits the second-level cache with its columns. */
export const BATCH_RECORDS = 4096;

export class Batch {
  n = 0;
  values: unknown[] = [];
  ts: Float64Array;
  wm: Float64Array;
  ord: Float64Array;
  /** Watermark before the first slot. */
  start = Number.NEGATIVE_INFINITY;
  /** Watermark after the last slot. */
  last = Number.NEGATIVE_INFINITY;
  readonly ordered: boolean;
  /** When n reaches it the writer pauses between two records. */
  readonly limit: number;
  /** Records written since the beginning, slots without a record left out. */
  written = 0;
  /** Slots of the batch that hold no record. */
  controls = 0;
  /** For messages: what reads the batch. */
  reader = "";
  /** To a callback sink: the promise that the last call returned. While there is one, records wait in the batch. */
  waiting: PromiseLike<unknown> | null = null;
  /** Ordered: slots up to the last one that a watermark was written beside; the next one gets a slot of its own. */
  private marked = 0;

  constructor(ordered: boolean, limit: number = BATCH_RECORDS) {
    this.ordered = ordered;
    this.limit = limit;
    const capacity = Math.max(16, Math.min(limit, BATCH_RECORDS) + 16);
    this.ts = new Float64Array(capacity);
    this.wm = new Float64Array(capacity);
    this.ord = new Float64Array(ordered ? capacity : 0);
  }

  get capacity(): number {
    return this.ts.length;
  }

  grow(): void {
    const double = (column: Float64Array): Float64Array => {
      const wider = new Float64Array(column.length * 2);
      wider.set(column);
      return wider;
    };
    this.ts = double(this.ts);
    this.wm = double(this.wm);
    if (this.ordered) this.ord = double(this.ord);
  }

  push(value: unknown, timestamp: number, ordinal: number): void {
    const n = this.n;
    if (n === this.ts.length) this.grow();
    this.values[n] = value;
    this.ts[n] = timestamp;
    this.wm[n] = this.last;
    if (this.ordered) this.ord[n] = ordinal;
    this.n = n + 1;
  }

  /** The watermark is `watermark` from here on. */
  mark(watermark: number, ordinal: number): void {
    if (this.ordered) {
      if (watermark === this.last) return;
      // One record may move a union's watermark twice. Merged here, that would be once, unless the batch ends between.
      if (this.n === this.marked || this.ord[this.n - 1] !== ordinal) this.pushSlot(NONE, ordinal);
      this.marked = this.n;
    }
    this.last = watermark;
    if (this.n > 0) this.wm[this.n - 1] = watermark;
    else this.start = watermark;
  }

  /** The writer has nothing and expects nothing for now. Only stages with several inputs care. */
  idle(ordinal: number): void {
    if (this.ordered) this.pushSlot(IDLE, ordinal);
  }

  /** To a callback sink: calls it at once, or lets the record wait behind the promise of an earlier call. */
  call(callback: (record: unknown, timestamp: number) => unknown, value: unknown, timestamp: number): void {
    if (this.waiting !== null) {
      this.push(value, timestamp, 0);
      return;
    }
    this.written += 1;
    let returned: unknown;
    try {
      returned = callback(value, timestamp);
    } catch (error) {
      this.refuse(error);
    }
    if (returned !== undefined) this.await(returned);
  }

  /** What a callback returned: if it is a promise, the records behind it wait. */
  await(returned: unknown): void {
    if (typeof (returned as PromiseLike<unknown> | null)?.then !== "function") return;
    const promise = Promise.resolve(returned as PromiseLike<unknown>);
    // The loop will await it; until then a rejection has a handler.
    promise.catch(() => {});
    this.waiting = promise;
  }

  /** A callback threw: no operator's failure, but the sink's. */
  refuse(cause: unknown): never {
    throw new MillraceError("SINK_FAILED", `${this.reader} failed: ${reasonOf(cause)}`, {}, cause);
  }

  /** Everything was read. */
  clear(): void {
    this.written += this.n - this.controls;
    this.controls = 0;
    if (this.n > 4 * BATCH_RECORDS) this.shrink();
    this.n = 0;
    this.marked = 0;
    this.start = this.last;
  }

  /** Lets go of the records that were read. */
  forget(): void {
    this.values.length = this.n;
  }

  /** A firing may fill an edge without limit far beyond its usual size: don't hold on to what it took. */
  private shrink(): void {
    this.values.length = 0;
    this.ts = new Float64Array(BATCH_RECORDS);
    this.wm = new Float64Array(BATCH_RECORDS);
    if (this.ordered) this.ord = new Float64Array(BATCH_RECORDS);
  }

  private pushSlot(slot: unknown, ordinal: number): void {
    this.push(slot, Number.NaN, ordinal);
    this.controls += 1;
  }
}
