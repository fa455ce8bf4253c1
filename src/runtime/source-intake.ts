/**
 * The intake of one source: polls its partitions, stamps what they give, and puts it into the source's batch. How its
 * watermark moves is in source-time.ts.
 */
import { compileStamp, type Refusal, type Stamp } from "../compile/stamp.ts";
import type { Origin, Partition, Source, SourceContext } from "../connector/contract.ts";
import { MillraceError, reasonOf } from "../core/errors.ts";
import { jsonOfNumber, numberOfJson } from "../core/json.ts";
import type { Ports } from "../core/ports.ts";
import type { Batch } from "../operator/batch.ts";
import type { SourceNode } from "../plan/node.ts";
import { newPartition, type PartitionState, type SavedSource, savePartition } from "./partition-state.ts";
import { malformedInput, refusedRecord } from "./refused-record.ts";
import { SourceTime } from "./source-time.ts";

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
  /** What operators see of the clock: the intake moves it, at the beginning of a turn. */
  readonly clock: { tick: number };
  readonly batchMode: boolean;
  readonly generated: boolean;
  /** A source has something, or ended, or failed. */
  readonly wake: () => void;
  /** Whether an operator keeps rows for which time may come. */
  readonly isPending: () => boolean;
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
  readonly time: SourceTime;
  partitions: PartitionState[] = [];
  records = 0;
  /** Some poll of this turn gave records. */
  gave = false;
  private readonly options: IntakeOptions;
  /** null: records have no event time, or that of the clock. */
  private stamp: Stamp | null = null;
  /** By slot of the batch; what its records tell of time beside their timestamps. */
  private marks = new Float64Array(0);
  private polling: PartitionState | null = null;
  /** Where the next turn begins among the partitions, so that none is favoured. */
  private turnFrom = 0;

  constructor(node: SourceNode, batch: Batch, options: IntakeOptions) {
    this.node = node;
    this.batch = batch;
    this.options = options;
    const { ports, clock, batchMode, generated } = options;
    this.time = new SourceTime({ node, batch, clock: ports.clock, ticking: clock, batchMode });
    const { timestamp, watermark } = node;
    if (typeof timestamp !== "function") return;
    const refuse = (index: number, value: unknown, refusal: Refusal): void =>
      this.refuse(index, value, refusal);
    const { punctuated, maxFutureSkewMs: skewMs } = watermark;
    this.stamp = compileStamp({ timestampOf: timestamp, punctuated, refuse, skewMs, clock }, generated);
  }

  get watermark(): number {
    return this.time.watermark;
  }

  /** @param saved where the run before left off */
  async open(saved: SavedSource | null): Promise<void> {
    const { ports, wake, refuse } = this.options;
    const savedPartitions = new Map(Object.entries(saved?.partitions ?? {}));
    const partitions = await this.openSource(this.node.source, {
      ports,
      wake,
      positions:
        saved === null ? null : new Map(Array.from(savedPartitions, ([id, { position }]) => [id, position])),
      reject: (partition, malformed) => {
        if (this.isSkipped(malformed.offset)) return;
        const error = malformedInput({ source: this.node.name, partition }, malformed);
        refuse(this.node, error, partition, malformed, undefined);
      },
    });
    if (saved !== null) {
      this.records = saved.records;
      this.time.restore(numberOfJson(saved.watermark));
    }
    const now = ports.clock.monotonic();
    const { boundMs } = this.node.watermark;
    this.partitions = partitions.map((partition) =>
      newPartition(partition, savedPartitions.get(partition.id), now, boundMs),
    );
    this.time.partitions = this.partitions;
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
      const what = `${name} can't be opened: ${reasonOf(error)}`;
      throw new MillraceError("SOURCE_FAILED", what, { source: name }, error);
    }
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

  /** All partitions have ended, and the watermark says so. */
  get ended(): boolean {
    return this.watermark === Number.POSITIVE_INFINITY && this.time.allEnded;
  }

  /** Arrival order: what each partition has now. Returns the slots added. */
  takeArrivals(max: number, ordinal: number, runs: Run[]): number {
    const { batch, partitions, time } = this;
    const before = batch.n;
    let looked = 0;
    for (; looked < partitions.length && batch.n - before < max; looked++) {
      const state = partitions[(this.turnFrom + looked) % partitions.length];
      if (state.ended) continue;
      if (state.paused) {
        time.excuse(state);
        continue;
      }
      const from = batch.n;
      while (batch.capacity < from + max) batch.grow();
      if (this.stamp === null) batch.ts.fill(this.timeOfClock, from, from + max);
      const marks = this.marksFor(batch.capacity);
      const n = this.poll(state, batch.values, batch.ts, marks, from, max - (from - before));
      batch.n = from + n;
      const first = ordinal + from - before;
      if (n > 0) runs.push({ source: this, state, ordinal: first, records: n });
      if (batch.ordered) for (let i = 0; i < n; i++) batch.ord[from + i] = first + i;
      time.mark(state, from, batch.n, marks, from);
      this.settle(state, ordinal + batch.n - before);
    }
    // One that was not asked, since others filled the turn, is not silent.
    for (let k = looked; k < partitions.length; k++)
      time.excuse(partitions[(this.turnFrom + k) % partitions.length]);
    this.turnFrom += 1;
    if (partitions.length === 0) time.advance(ordinal);
    time.checkIdle(ordinal + batch.n - before);
    return batch.n - before;
  }

  /** What stands for a timestamp where no function tells it. */
  private get timeOfClock(): number {
    return this.node.timestamp === "clock" ? this.options.clock.tick : Number.NaN;
  }

  private marksFor(slots: number): Float64Array | null {
    if (this.node.watermark.punctuated === null) return null;
    if (this.marks.length < slots) this.marks = new Float64Array(slots);
    return this.marks;
  }

  /** Merge: makes sure that every live partition shows its next record. False where one can't yet. */
  fill(max: number, ordinal: number): boolean {
    if (this.partitions.length === 0) this.time.advance(ordinal);
    for (const state of this.partitions) {
      if (state.ended || state.next < state.n) continue;
      if (state.ts.length < max) {
        state.ts = new Float64Array(max).fill(Number.NaN);
        state.marks = new Float64Array(this.node.watermark.punctuated === null ? 0 : max);
      }
      state.next = 0;
      state.n = this.poll(state, state.values, state.ts, state.marks, 0, max);
      if (state.n > 0) continue;
      this.settle(state, ordinal);
      if (!state.ended) return false;
    }
    return true;
  }

  /** Merge: where the partition's next record stands in time; without event time, before all others. */
  nextAt({ ts, next }: PartitionState): number {
    return this.stamp === null ? Number.NEGATIVE_INFINITY : ts[next];
  }

  /** Merge: one record of a partition becomes the next slot. */
  takeMerged(state: PartitionState, ordinal: number): void {
    this.put(state, state.values[state.next], state.ts[state.next], ordinal);
    state.next += 1;
  }

  /** For intakes that don't poll: takes one record. */
  takeOne(state: PartitionState, value: unknown, ordinal: number): void {
    this.polling = state;
    this.records += 1;
    state.refused.length = 0;
    state.next = 0;
    if (state.ts.length === 0) {
      state.ts = new Float64Array(1).fill(Number.NaN);
      state.marks = new Float64Array(1);
    }
    const { ts, marks } = state;
    if (this.stamp !== null && this.stamp([value], ts, marks, 0, 1, state) === 0) return;
    this.put(state, value, ts[0], ordinal);
  }

  /** A record of a partition, which is its next one, becomes the next slot. */
  private put(state: PartitionState, value: unknown, timestamp: number, ordinal: number): void {
    const { batch, time } = this;
    const slot = batch.n;
    time.wake(state);
    batch.push(value, this.stamp === null ? this.timeOfClock : timestamp, ordinal);
    const marks = this.node.watermark.punctuated === null ? null : state.marks;
    time.mark(state, slot, slot + 1, marks, state.next);
  }

  /** Where the record came from that is at `index` among those that the partition's last poll gave and that were kept. */
  locate(state: PartitionState, index: number): RecordOrigin {
    let at = index;
    for (const refused of state.refused) if (refused <= at) at += 1;
    return { source: this.node.name, partition: state.partition.id, origin: state.partition.locate(at) };
  }

  /** Polls a partition and stamps what it gives. Returns how many records were kept; `gave` says whether there were any. */
  private poll(
    state: PartitionState,
    into: unknown[],
    ts: Float64Array,
    marks: Float64Array | null,
    at: number,
    max: number,
  ): number {
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
      const what = `${this.node.name} failed: ${reasonOf(error)}`;
      throw new MillraceError("SOURCE_FAILED", what, context, error);
    }
    this.records += n;
    state.polled = n;
    state.gave = n > 0;
    if (n > 0) this.gave = true;
    return this.stamp === null ? n : this.stamp(values, ts, marks, at, at + n, state) - at;
  }

  /** After a poll: the partition's activity, its own word on time, its end. */
  private settle(state: PartitionState, ordinal: number): void {
    const { time } = this;
    const { partition, gave } = state;
    if (gave) time.wake(state);
    // What it gave may have been all malformed.
    if (gave || state.refusedTo !== Number.NEGATIVE_INFINITY || !partition.caughtUp) time.excuse(state);
    if (gave) return;
    const { watermark, ended } = partition;
    if (watermark !== undefined) time.tell(state, watermark, ordinal);
    if (ended) time.end(state, ordinal);
  }

  private refuse(index: number, value: unknown, refusal: Refusal): void {
    const state = this.polling as PartitionState;
    state.refused.push(index);
    const { partition } = state;
    const origin = partition.locate(index);
    if (this.isSkipped(origin.offset)) return;
    const { name, watermark } = this.node;
    const place = { source: name, partition: partition.id };
    const error = refusedRecord(place, origin, value, refusal, watermark.maxFutureSkewMs);
    this.options.refuse(this.node, error, partition.id, origin, value);
  }

  /** Notes that an input is refused. True where the run before has dealt with it already. */
  private isSkipped(offset: number): boolean {
    const { polling } = this;
    if (polling === null) return false; // while it is opened
    if (offset <= polling.dealtTo) return true;
    polling.refusedTo = Math.max(polling.refusedTo, offset);
    return false;
  }
}
