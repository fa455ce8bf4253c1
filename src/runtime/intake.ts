/**
 * Intake: takes what the sources have now and numbers it. The order in which records are taken is the trace that
 * results are a function of (INV-1).
 *
 * - All sources bounded: records merge by (timestamp, source, partition), so that runs are reproducible; without
 *   event time one partition comes after the other.
 * - Otherwise: what is there, partition after partition, each source with its share.
 */
import { MillraceError, reasonOf } from "../core/errors.ts";
import { Alignment } from "./alignment.ts";
import type { PartitionState, SavedSource } from "./partition-state.ts";
import { type IntakeOptions, type RecordOrigin, type Run, SourceIntake } from "./source-intake.ts";

/**
 * How far behind a clock may be that is a source's watermark, while records wait for it and none comes: windows of
 * processing time fire as late as that. A turn without records costs some microseconds.
 */
const CLOCK_STEP_MS = 10;

export class Intake {
  readonly sources: readonly SourceIntake[];
  protected readonly options: IntakeOptions;
  private readonly merging: boolean;
  private readonly alignment: Alignment;
  /** Of this turn, in arrival order. */
  private readonly runs: Run[] = [];
  /** Of this turn, when merging: by ordinal, which source's partition gave the record, and as its which one. */
  private readonly mergedFrom: { source: SourceIntake; state: PartitionState }[] = [];
  private readonly mergedIndex: number[] = [];

  constructor(options: IntakeOptions) {
    this.options = options;
    this.sources = options.nodes.map((node, i) => new SourceIntake(node, options.batches[i], options));
    this.merging = options.nodes.every((node) => node.source.bounded);
    this.alignment = new Alignment(this.sources);
  }

  /** @param saved by source name: where the run before left off */
  async open(saved: { readonly [source: string]: SavedSource } | null): Promise<void> {
    for (const source of this.sources) await source.open(saved?.[source.node.name] ?? null);
    this.alignment.align();
  }

  /** Between two turns: what a restart needs. */
  save(): { [source: string]: SavedSource } {
    return Object.fromEntries(this.sources.map((source) => [source.node.name, source.save()]));
  }

  /** Every source has ended, and said so downstream. */
  get ended(): boolean {
    return this.sources.every((source) => source.ended);
  }

  /** Fills the sources' batches with what is there now, at most `max` records. False: there was nothing, wait. */
  take(max: number): boolean {
    this.runs.length = 0;
    this.mergedFrom.length = 0;
    this.tick();
    const only = this.sources.length === 1 && this.sources[0].partitions.length === 1;
    for (const source of this.sources) source.gave = false;
    const isMerged = this.merging && !only;
    let slots = isMerged ? this.takeMerged(max) : this.takeArrivals(max);
    for (const { node, time, watermark, batch } of this.sources) {
      if (!node.watermark.byClock || this.options.clock.tick - watermark < CLOCK_STEP_MS) continue;
      const before = batch.n;
      time.followClock(slots);
      slots += batch.n - before;
    }
    // Who was paused and may go on was not polled yet, and will not call.
    const isReleased = !isMerged && this.alignment.align();
    return slots > 0 || isReleased || this.sources.some((source) => source.gave);
  }

  /** The clock moves: once in a turn, and never back. */
  protected tick(): void {
    const { clock, ports } = this.options;
    clock.tick = Math.max(clock.tick, ports.clock.now());
  }

  /** Milliseconds until there is something to do although no source calls; +Infinity where nothing will be. */
  get wakeInMs(): number {
    return Math.min(this.idleInMs, this.clockInMs);
  }

  /** Until a partition may turn idle. */
  private get idleInMs(): number {
    // Bounded inputs that merge wait for one another: none is passed over.
    if (this.merging) return Number.POSITIVE_INFINITY;
    const at = Math.min(...this.sources.map(({ time }) => time.idleAt));
    return at === Number.POSITIVE_INFINITY ? at : Math.max(1, at - this.options.ports.clock.monotonic());
  }

  /** Until a clock that is a watermark must be read again. */
  private get clockInMs(): number {
    const { batchMode, isPending, ports } = this.options;
    const watermarks = this.sources.flatMap(({ node, watermark }) =>
      node.watermark.byClock ? [watermark] : [],
    );
    if (batchMode || watermarks.length === 0 || !isPending()) return Number.POSITIVE_INFINITY;
    return Math.max(1, Math.min(...watermarks) + CLOCK_STEP_MS - ports.clock.now());
  }

  /** Where the record of this turn with the ordinal came from; null where no record has it. */
  locate(ordinal: number): RecordOrigin | null {
    const merged = this.mergedFrom[ordinal];
    if (merged !== undefined) return merged.source.locate(merged.state, this.mergedIndex[ordinal]);
    const run = this.runs.find((r) => r.ordinal <= ordinal && ordinal < r.ordinal + r.records);
    return run === undefined ? null : run.source.locate(run.state, ordinal - run.ordinal);
  }

  async close(): Promise<void> {
    const partitions = this.sources.flatMap((source) => source.partitions.map(({ partition }) => partition));
    const closed = await Promise.allSettled(partitions.map((partition) => partition.close()));
    const failed = closed.find((result) => result.status === "rejected");
    if (failed === undefined) return;
    if (failed.reason instanceof MillraceError) throw failed.reason;
    const what = `A source can't be closed: ${reasonOf(failed.reason)}`;
    throw new MillraceError("SOURCE_FAILED", what, {}, failed.reason);
  }

  private takeArrivals(max: number): number {
    // Each source has its share, so that a busy one starves none.
    const share = Math.max(1, Math.floor(max / this.sources.length));
    let taken = 0;
    for (const source of this.sources) taken += source.takeArrivals(share, taken, this.runs);
    return taken;
  }

  private takeMerged(max: number): number {
    const slots = (): number => this.sources.reduce((n, source) => n + source.batch.n, 0);
    const before = slots();
    let waiting = false;
    // Each partition is polled once a turn at the most, so that its records can still be located.
    for (const source of this.sources) if (!source.fill(max, 0)) waiting = true;
    const live = this.sources
      .flatMap((source) => source.partitions.map((state) => ({ source, state })))
      .filter((p) => !p.state.ended);
    // Ends of partitions took slots already; ordinals count slots.
    for (let taken = slots() - before; taken < max && live.length > 0 && !waiting; taken++) {
      let best = live[0];
      let least = Number.POSITIVE_INFINITY;
      for (const candidate of live) {
        const at = candidate.source.nextAt(candidate.state);
        if (at < least) {
          best = candidate;
          least = at;
        }
      }
      this.mergedFrom[taken] = best;
      this.mergedIndex[taken] = best.state.next;
      best.source.takeMerged(best.state, taken);
      waiting = best.state.next === best.state.n;
    }
    return slots() - before;
  }
}
