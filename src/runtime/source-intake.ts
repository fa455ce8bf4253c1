/**
 * The intake of one source: its partitions, the timestamp and watermark of each record, idleness and the end.
 *
 * Watermarks are per partition; the source's is the least of its active ones, and never falls. A partition that ended
 * counts as +Infinity, an idle one not at all. In batch mode there is none before the end.
 */
import { compileStamp, type Stamp } from "../compile/stamp.ts";
import type { Origin, Partition, Source, SourceContext } from "../connector/contract.ts";
import { MillraceError, preview, reasonOf } from "../core/errors.ts";
import { jsonOfNumber, numberOfJson } from "../core/json.ts";
import type { Ports } from "../core/ports.ts";
import { type Batch, IDLE, NONE } from "../operator/batch.ts";
import type { SourceNode } from "../plan/node.ts";
import { newPartition, type PartitionState, type SavedSource, savePartition } from "./partition-state.ts";

/** Records of a turn that one partition gave one after the other. */
export interface Run {
  readonly source: SourceIntake;
  readonly state: PartitionState;
  readonly ordinal: number;
  readonly records: number;
}

export interface IntakeOptions {
  readonly nodes: readonly SourceNode[];
  /** By node; the input of the source's stage. */
  readonly batches: readonly Batch[];
  readonly ports: Ports;
  readonly batchMode: boolean;
  readonly generated: boolean;
  /** A source has something, or ended, or failed. */
  readonly wake: () => void;
  /** Deals with a record that could not be taken, as the node's onError says: returns or throws. */
  readonly refuse: (
    node: SourceNode,
    error: MillraceError,
    partition: string,
    origin: Origin,
    value: unknown,
  ) => void;
}

export interface RecordOrigin {
  readonly source: string;
  readonly partition: string;
  readonly origin: Origin;
}

export class SourceIntake {
  readonly node: SourceNode;
  readonly batch: Batch;
  partitions: PartitionState[] = [];
  watermark = Number.NEGATIVE_INFINITY;
  records = 0;
  /** Some poll of this turn gave records. */
  gave = false;
  private stamp: Stamp | null = null;
  private readonly options: IntakeOptions;
  private polling: PartitionState | null = null;
  private idle = false;
  /** Where the next turn begins among the partitions, so that none is favoured. */
  private turnFrom = 0;

  constructor(node: SourceNode, batch: Batch, options: IntakeOptions) {
    this.node = node;
    this.batch = batch;
    this.options = options;
    const { timestamp } = node;
    if (timestamp !== undefined) {
      const refuse = (index: number, value: unknown, got: unknown, error: unknown): void =>
        this.refuse(index, value, got, error);
      this.stamp = compileStamp({ timestampOf: timestamp, refuse }, options.generated);
    }
  }

  /** @param saved where the run before left off */
  async open(saved: SavedSource | null): Promise<void> {
    const { ports, wake, refuse } = this.options;
    const source: Source<unknown> = this.node.source;
    const savedPartitions = new Map(Object.entries(saved?.partitions ?? {}));
    const partitions = await this.openSource(source, {
      ports,
      wake,
      positions:
        saved === null ? null : new Map(Array.from(savedPartitions, ([id, { position }]) => [id, position])),
      reject: (partition, malformed) => {
        if (this.isSkipped(malformed.offset)) return;
        const { offset, line, column, reason, bytes } = malformed;
        const error = new MillraceError("RECORD_MALFORMED", reason, {
          source: this.node.name,
          partition,
          offset,
          ...(line === undefined ? {} : { line }),
          ...(column === undefined ? {} : { column }),
          ...(bytes === undefined
            ? {}
            : { text: preview(Buffer.from(bytes.subarray(0, 400)).toString("utf8")) }),
        });
        refuse(this.node, error, partition, malformed, undefined);
      },
    });
    const now = ports.clock.monotonic();
    if (saved !== null) {
      this.records = saved.records;
      this.watermark = numberOfJson(saved.watermark);
      this.batch.start = this.watermark;
      this.batch.last = this.watermark;
    }
    this.partitions = partitions.map((partition) =>
      newPartition(partition, savedPartitions.get(partition.id), now),
    );
  }

  /** Between two turns: what a restart needs. Only of replayable sources. */
  save(): SavedSource {
    const saved = this.partitions.map((state) => [state.partition.id, savePartition(state)] as const);
    return {
      watermark: jsonOfNumber(this.watermark),
      records: saved.reduce((records, [, { ahead }]) => records - ahead, this.records),
      partitions: Object.fromEntries(saved.map(([id, { partition }]) => [id, partition])),
    };
  }

  /** Notes that an input is refused. True where the run before has dealt with it already. */
  private isSkipped(offset: number): boolean {
    const { polling } = this;
    if (polling === null) return false; // while it is opened
    if (offset <= polling.dealtTo) return true;
    polling.refusedTo = Math.max(polling.refusedTo, offset);
    return false;
  }

  private async openSource(
    source: Source<unknown>,
    context: SourceContext,
  ): Promise<readonly Partition<unknown>[]> {
    try {
      return await source.open(context);
    } catch (error) {
      if (error instanceof MillraceError) throw error;
      const { name } = this.node;
      throw new MillraceError(
        "SOURCE_FAILED",
        `${name} can't be opened: ${reasonOf(error)}`,
        { source: name },
        error,
      );
    }
  }

  /** All partitions have ended, and the watermark says so. */
  get ended(): boolean {
    return this.watermark === Number.POSITIVE_INFINITY && this.allEnded;
  }

  private get allEnded(): boolean {
    return this.partitions.every((state) => state.ended);
  }

  /** Arrival order: what each partition has now. Returns the slots added. */
  takeArrivals(max: number, ordinal: number, runs: Run[]): number {
    const { batch, partitions } = this;
    const before = batch.n;
    let polled = 0;
    for (; polled < partitions.length && batch.n - before < max; polled++) {
      const state = partitions[(this.turnFrom + polled) % partitions.length];
      if (state.ended) continue;
      const from = batch.n;
      while (batch.capacity < from + max) batch.grow();
      if (this.stamp === null) batch.ts.fill(Number.NaN, from, from + max);
      const n = this.poll(state, batch.values, batch.ts, from, max - (from - before));
      batch.n = from + n;
      const first = ordinal + from - before;
      if (n > 0) runs.push({ source: this, state, ordinal: first, records: n });
      if (batch.ordered) for (let i = 0; i < n; i++) batch.ord[from + i] = first + i;
      this.markRecords(state, from, batch.n);
      this.settle(state, state.gave, ordinal + batch.n - before);
    }
    this.turnFrom += 1;
    this.excuseUnpolled(polled);
    if (partitions.length === 0) this.advance(ordinal);
    this.checkIdle(ordinal + batch.n - before);
    return batch.n - before;
  }

  /** A partition that was not asked, since others filled the turn, is not silent. */
  private excuseUnpolled(polled: number): void {
    const { partitions } = this;
    if (this.node.watermark.idleAfterMs === null || polled === partitions.length) return;
    const now = this.options.ports.clock.monotonic();
    for (let k = polled; k < partitions.length; k++)
      partitions[(this.turnFrom - 1 + k) % partitions.length].activeAt = now;
  }

  /** Merge: makes sure that every live partition shows its next record. False where one can't yet. */
  fill(max: number, ordinal: number): boolean {
    if (this.partitions.length === 0) this.advance(ordinal);
    for (const state of this.partitions) {
      if (state.ended || state.next < state.n) continue;
      if (state.ts.length < max) state.ts = new Float64Array(max).fill(Number.NaN);
      state.next = 0;
      state.n = this.poll(state, state.values, state.ts, 0, max);
      if (state.n > 0) continue;
      this.settle(state, state.gave, ordinal);
      if (!state.ended) return false;
    }
    return true;
  }

  /** Merge: one record of a partition becomes the next slot. */
  takeMerged(state: PartitionState, ordinal: number): void {
    this.put(state, state.values[state.next], state.ts[state.next], ordinal);
    state.next += 1;
  }

  /** A record of a partition becomes the next slot. */
  put(state: PartitionState, value: unknown, timestamp: number, ordinal: number): void {
    const { batch } = this;
    const slot = batch.n;
    state.idle = false;
    this.idle = false;
    batch.push(value, timestamp, ordinal);
    this.markRecords(state, slot, slot + 1);
  }

  /** A partition says itself how far time is. */
  tell(state: PartitionState, watermark: number, ordinal: number): void {
    if (watermark <= state.told) return;
    state.told = watermark;
    state.idle = false;
    this.idle = false;
    this.advance(ordinal);
  }

  /** A partition has ended. */
  end(state: PartitionState, ordinal: number): void {
    state.ended = true;
    this.advance(ordinal);
  }

  /** Where the record came from that is at `index` among those that the partition's last poll gave and that were kept. */
  locate(state: PartitionState, index: number): RecordOrigin {
    let at = index;
    for (const refused of state.refused) if (refused <= at) at += 1;
    return { source: this.node.name, partition: state.partition.id, origin: state.partition.locate(at) };
  }

  /** When, by the clock, a partition may turn idle next; +Infinity where none can. */
  get idleAt(): number {
    const { idleAfterMs } = this.node.watermark;
    if (idleAfterMs === null) return Number.POSITIVE_INFINITY;
    const waiting = this.partitions.filter((state) => !state.ended && !state.idle);
    return Math.min(...waiting.map((state) => state.activeAt + idleAfterMs), Number.POSITIVE_INFINITY);
  }

  /** The timestamp of one record, for intakes that don't poll; undefined where it was refused. */
  stampOne(state: PartitionState, value: unknown): number | undefined {
    this.polling = state;
    this.records += 1;
    state.refused.length = 0;
    if (this.stamp === null) return Number.NaN;
    const ts = new Float64Array(1);
    return this.stamp([value], ts, 0, 1) === 1 ? ts[0] : undefined;
  }

  /** Polls a partition and stamps what it gives. Returns how many records were kept; `gave` says whether there were any. */
  private poll(state: PartitionState, into: unknown[], ts: Float64Array, at: number, max: number): number {
    const { partition } = state;
    this.polling = state;
    let values = into;
    let n: number;
    state.refused.length = 0;
    state.refusedTo = Number.NEGATIVE_INFINITY;
    try {
      if (partition.slice !== undefined && at === 0 && into === this.batch.values) {
        // The batch is empty: a whole array takes the place of its column. A copy by record costs 2 ns each.
        values = partition.slice(max);
        n = values.length;
        this.batch.values = values;
      } else {
        n = partition.poll(values, at, max);
      }
    } catch (error) {
      if (error instanceof MillraceError) throw error;
      const context = { source: this.node.name, partition: partition.id };
      throw new MillraceError(
        "SOURCE_FAILED",
        `${this.node.name} failed: ${reasonOf(error)}`,
        context,
        error,
      );
    }
    this.records += n;
    state.polled = n;
    state.gave = n > 0;
    if (n > 0) this.gave = true;
    return this.stamp === null ? n : this.stamp(values, ts, at, at + n) - at;
  }

  private refuse(index: number, value: unknown, got: unknown, error: unknown): void {
    const state = this.polling as PartitionState;
    state.refused.push(index);
    const origin = state.partition.locate(index);
    if (this.isSkipped(origin.offset)) return;
    const what =
      error === undefined
        ? `${preview(got)} is no timestamp`
        : `the timestamp function threw ${reasonOf(error)}`;
    const partition = state.partition.id;
    const context = {
      source: this.node.name,
      partition,
      offset: origin.offset,
      ...(origin.line === undefined ? {} : { line: origin.line }),
      text: preview(value),
    };
    const code = error === undefined ? "TIMESTAMP_INVALID" : "USER_FUNCTION_FAILED";
    this.options.refuse(this.node, new MillraceError(code, what, context, error), partition, origin, value);
  }

  /** Writes the watermark after each of a partition's new slots. */
  private markRecords(state: PartitionState, from: number, to: number): void {
    const { wm, ts } = this.batch;
    const { boundMs } = this.node.watermark;
    let { watermark } = this;
    if (boundMs === null || this.stamp === null || this.options.batchMode) {
      wm.fill(watermark, from, to);
    } else {
      const others = this.leastBut(state);
      let max = state.maxTimestamp;
      for (let i = from; i < to; i++) {
        if (ts[i] > max) max = ts[i];
        const own = max - boundMs;
        const least = own < others ? own : others;
        if (least > watermark) watermark = least;
        wm[i] = watermark;
      }
      state.maxTimestamp = max;
      this.watermark = watermark;
    }
    if (to > from) this.batch.last = watermark;
  }

  /** After a poll: the partition's own word on time, its end, its activity. */
  private settle(state: PartitionState, gave: boolean, ordinal: number): void {
    if (gave) {
      state.idle = false;
      this.idle = false;
    }
    if (this.node.watermark.idleAfterMs !== null && (gave || !state.partition.caughtUp)) {
      state.activeAt = this.options.ports.clock.monotonic();
    }
    if (gave) return;
    const { watermark, ended } = state.partition;
    if (watermark !== undefined) this.tell(state, watermark, ordinal);
    if (ended) this.end(state, ordinal);
  }

  /** Marks the partitions idle that were silent for long enough. */
  checkIdle(ordinal: number): void {
    const { idleAfterMs } = this.node.watermark;
    if (idleAfterMs === null) return;
    const now = this.options.ports.clock.monotonic();
    if (this.idleAt > now) return;
    const idleSince = now - idleAfterMs;
    for (const state of this.partitions) {
      if (state.activeAt <= idleSince && !state.ended) state.idle = true;
    }
    this.advance(ordinal);
    const live = this.partitions.filter((state) => !state.ended);
    if (!this.idle && live.length > 0 && live.every((state) => state.idle)) {
      this.idle = true;
      this.slot(IDLE, ordinal);
    }
  }

  /** Time may have moved without a record. */
  private advance(ordinal: number): void {
    const { partitions } = this;
    if (!this.allEnded && (this.options.batchMode || partitions.every((state) => state.ended || state.idle)))
      return;
    const least = this.leastBut(null);
    if (least <= this.watermark) return;
    this.watermark = least;
    this.slot(NONE, ordinal);
  }

  private slot(value: unknown, ordinal: number): void {
    const { batch } = this;
    batch.push(value, Number.NaN, ordinal);
    batch.controls += 1;
    batch.wm[batch.n - 1] = this.watermark;
    batch.last = this.watermark;
  }

  /** The least watermark of the active partitions, one left out. */
  private leastBut(left: PartitionState | null): number {
    const { boundMs } = this.node.watermark;
    let least = Number.POSITIVE_INFINITY;
    for (const state of this.partitions) {
      if (state === left || state.ended || state.idle) continue;
      const own = boundMs === null ? Number.NEGATIVE_INFINITY : state.maxTimestamp - boundMs;
      least = Math.min(least, Math.max(own, state.told));
    }
    return least;
  }
}
