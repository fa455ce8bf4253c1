/**
 * The watermark of one source, made of those of its partitions, and when it moves.
 *
 * A source's watermark is the least of its active partitions' and never falls. A partition that ended counts as
 * +Infinity, an idle one not at all. Where the clock is the watermark, partitions don't matter. In batch mode there is
 * none before the end.
 *
 * A move is written beside the record that caused it; where there was none it gets a slot of its own.
 */
import { isMovedByRecords } from "../core/watermark.ts";
import type { Clock } from "../core/ports.ts";
import { type Batch, IDLE, NONE } from "../operator/batch.ts";
import type { SourceNode } from "../plan/node.ts";
import { noteWord, ownWatermark, type PartitionState } from "./partition-state.ts";

export interface TimeOptions {
  readonly node: SourceNode;
  readonly batch: Batch;
  readonly clock: Clock;
  /** The time of this turn, as operators see it. */
  readonly ticking: { readonly tick: number };
  readonly batchMode: boolean;
}

export class SourceTime {
  watermark = Number.NEGATIVE_INFINITY;
  partitions: readonly PartitionState[] = [];
  private readonly options: TimeOptions;
  private readonly byRecords: boolean;
  private readonly byClock: boolean;
  private idle = false;

  constructor(options: TimeOptions) {
    this.options = options;
    const { node, batchMode } = options;
    this.byRecords = !batchMode && node.timestamp !== undefined && isMovedByRecords(node.watermark);
    this.byClock = !batchMode && node.watermark.byClock;
  }

  restore(watermark: number): void {
    const { batch } = this.options;
    this.watermark = watermark;
    batch.start = watermark;
    batch.last = watermark;
  }

  get allEnded(): boolean {
    return this.partitions.every((state) => state.ended);
  }

  /**
   * Writes the watermark after each of a partition's new slots.
   *
   * @param marks what the records tell beside their timestamps, from index `at` on; null where they tell nothing
   */
  mark(state: PartitionState, from: number, to: number, marks: Float64Array | null, at: number): void {
    if (to === from) return;
    const { batch, node } = this.options;
    const { wm, ts } = batch;
    if (this.byClock) this.watermark = Math.max(this.watermark, this.options.ticking.tick);
    let { watermark } = this;
    if (this.byRecords) {
      const { boundMs } = node.watermark;
      const others = this.leastBut(state);
      let { maxTimestamp: max, told } = state;
      for (let i = from; i < to; i++) {
        if (ts[i] > max) max = ts[i];
        if (marks !== null && marks[i - from + at] > told) told = marks[i - from + at];
        const own = max - boundMs > told ? max - boundMs : told;
        const least = own < others ? own : others;
        if (least > watermark) watermark = least;
        wm[i] = watermark;
      }
      state.maxTimestamp = max;
      state.told = told;
      this.watermark = watermark;
    } else {
      wm.fill(watermark, from, to);
    }
    batch.last = watermark;
  }

  /** A partition says itself how far time is. */
  tell(state: PartitionState, watermark: number, ordinal: number): void {
    if (watermark <= state.told) return;
    const { boundMs } = this.options.node.watermark;
    noteWord(state, watermark, boundMs);
    this.wake(state);
    this.excuse(state);
    this.advance(ordinal);
  }

  end(state: PartitionState, ordinal: number): void {
    state.ended = true;
    this.advance(ordinal);
  }

  /** The clock moves time on, as far as no record did. */
  followClock(ordinal: number): void {
    const { tick } = this.options.ticking;
    if (!this.byClock || tick <= this.watermark) return;
    this.watermark = tick;
    this.slot(NONE, ordinal);
  }

  // --- idleness ---

  private get idleAfterMs(): number {
    return this.options.node.watermark.idleAfterMs;
  }

  /** The partition counts again. */
  wake(state: PartitionState): void {
    state.idle = false;
    this.idle = false;
  }

  /** The partition is not silent: it gave something, lags behind, or was not asked. */
  excuse(state: PartitionState): void {
    if (this.idleAfterMs !== Number.POSITIVE_INFINITY) state.activeAt = this.options.clock.monotonic();
  }

  /** When, by the clock, a partition may turn idle next; +Infinity where none can. */
  get idleAt(): number {
    const { idleAfterMs } = this;
    if (idleAfterMs === Number.POSITIVE_INFINITY) return idleAfterMs;
    const waiting = this.partitions.filter((state) => !state.ended && !state.idle);
    return Math.min(...waiting.map((state) => state.activeAt + idleAfterMs), Number.POSITIVE_INFINITY);
  }

  /** Marks the partitions idle that were silent for long enough. */
  checkIdle(ordinal: number): void {
    const { idleAfterMs } = this;
    if (idleAfterMs === Number.POSITIVE_INFINITY) return;
    const now = this.options.clock.monotonic();
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

  // --- moving ---

  /** Time may have moved without a record. */
  advance(ordinal: number): void {
    const { partitions } = this;
    if (!this.allEnded) {
      if (this.options.batchMode || this.byClock) return;
      if (partitions.every((state) => state.ended || state.idle)) return;
    }
    const least = this.leastBut(null);
    if (least <= this.watermark) return;
    this.watermark = least;
    this.slot(NONE, ordinal);
  }

  private slot(value: unknown, ordinal: number): void {
    const { batch } = this.options;
    batch.push(value, Number.NaN, ordinal);
    batch.controls += 1;
    batch.wm[batch.n - 1] = this.watermark;
    batch.last = this.watermark;
  }

  /** The least watermark of the active partitions, one left out; +Infinity where there is none. */
  leastBut(left: PartitionState | null): number {
    const { boundMs } = this.options.node.watermark;
    let least = Number.POSITIVE_INFINITY;
    for (const state of this.partitions) {
      if (state === left || state.ended || state.idle) continue;
      least = Math.min(least, ownWatermark(state, boundMs));
    }
    return least;
  }
}
