/**
 * Epochs at work: when one ends, and what happens until it is decided, applied and committed.
 *
 *   running --barrier--> draining --all rows in the log--> deciding --manifest durable--> running
 *
 * The barrier stands between two turns, where nothing is under way between operators. From there on the loop goes on
 * with the next epoch: rows of the last one are written down between turns in slices, and the rest waits for the disk
 * without anybody waiting for it. The loop waits only where the log, or a sink with two decided epochs, falls behind.
 *
 * exactly-once   sinks prepare at the barrier, and commit once the epoch is decided
 * at-least-once  sinks flush before the epoch is decided
 * at-most-once   output is held back until the epoch is decided
 */
import type { Guarantee } from "../connector/contract.ts";
import type { Json } from "../core/json.ts";
import type { Ports } from "../core/ports.ts";
import { mayStartEpoch } from "../epoch/decide.ts";
import type { Epochs } from "../epoch/epochs.ts";
import type { Manifest } from "../epoch/manifest.ts";
import { type LogContent, type LogPosition, isBefore } from "../epoch/position.ts";
import { applyLog } from "./apply-log.ts";
import { exportRows } from "./export-rows.ts";
import type { SavedAtBarrier, SavedJob } from "./saved-job.ts";
import type { SinkEdge } from "./sink-edge.ts";
import type { StateKeeping } from "./state-keeping.ts";

export interface CommitOptions {
  readonly epochs: Epochs;
  /** Logs that state changes are spread over. */
  readonly logs: number;
  readonly guarantee: Exclude<Guarantee, "none">;
  /** An epoch ends after so long ... */
  readonly everyMs: number;
  /** ... or after so many records. */
  readonly records: number;
  /** Operators or stores whose stored rows are given up where they don't fit the program. */
  readonly dropState?: readonly string[];
}

/** What commits ask of the loop. */
export interface CommitPorts {
  readonly ports: Ports;
  readonly keeping: StateKeeping;
  readonly sinks: readonly SinkEdge[];
  save(): SavedAtBarrier;
  /** Something happened that the loop may wait for. */
  wake(): void;
}

/** Between two turns the loop stands still this long at the most while rows are written down. */
const SLICE_MS = 2;
/** Held back output, in records: above it an epoch ends early. */
const HELD_RECORDS = 32 * 1024;
/** A log of live rows is written anew when it is twice what it was then, and this much more. */
const REWRITE_SLACK_BYTES = 16 * 1024 * 1024;
/** Rewritten per epoch, beside as much as the epoch's own changes. */
const REWRITE_EPOCH_BYTES = 4 * 1024 * 1024;
/** Over a backend the log is only needed until the backend is safe: above this it is made so. */
const APPLIED_LOG_BYTES = 64 * 1024 * 1024;

export class Commits {
  readonly options: CommitOptions;
  /** The last decided epoch. */
  decided: number;
  /** The last epoch that the backend has. */
  private applied: number;
  private readonly world: CommitPorts;
  private phase: "running" | "draining" | "deciding" = "running";
  private barrierAt: number;
  private records = 0;
  private isChanged = false;
  private failure: { readonly error: unknown } | null = null;
  private past: {
    readonly epoch: number;
    readonly last: boolean;
    readonly prepared: Promise<unknown>;
    readonly saved: SavedAtBarrier;
  } | null = null;
  private deciding: Promise<void> = Promise.resolve();
  private applying: Promise<void> = Promise.resolve();
  /** Where the log begins that a rewrite under way makes. */
  private rewriteFrom: readonly LogPosition[] | null = null;
  /** The same of one that has seen every row: the next epoch drops the log before it. */
  private rewritten: readonly LogPosition[] | null = null;
  private ownBytes = 0;
  private liveBytes: number;
  /** See SavedJob. */
  private wholeLog: boolean;
  private trimTo: readonly LogPosition[] | null = null;

  constructor(options: CommitOptions, world: CommitPorts) {
    this.options = options;
    this.world = world;
    this.decided = options.epochs.decided.epoch;
    this.applied = this.decided;
    this.wholeLog = (options.epochs.recovered?.body as unknown as SavedJob | null)?.wholeLog ?? true;
    this.liveBytes = options.epochs.bytes / 2;
    this.barrierAt = world.ports.clock.monotonic();
    world.keeping.finishPast = () => this.drain(Number.POSITIVE_INFINITY);
  }

  /** Output waits until its epoch is decided. */
  get holds(): boolean {
    return this.options.guarantee === "at-most-once";
  }

  /** Rows are being written down: the loop is to come back soon even if there is nothing to read. */
  get isDraining(): boolean {
    return this.phase === "draining";
  }

  /** Milliseconds until the epoch is to end; +Infinity where nothing happened in it. */
  get dueInMs(): number {
    if (!this.isChanged || this.phase !== "running") return Number.POSITIVE_INFINITY;
    return Math.max(0, this.barrierAt + this.options.everyMs - this.world.ports.clock.monotonic());
  }

  /**
   * Between two turns. Gives a promise where the loop has to wait.
   *
   * @param records taken in the turn
   * @param isChanged something happened in it
   */
  afterTurn(records: number, isChanged: boolean): Promise<void> | undefined {
    this.check();
    this.records += records;
    if (isChanged) this.isChanged = true;
    if (this.phase === "draining") this.drain(SLICE_MS);
    const room = this.options.epochs.room();
    if (room !== undefined) return room;
    if (!this.isDue) return undefined;
    // Held back output can't grow for ever.
    if (this.phase !== "running") return this.holds && this.held > HELD_RECORDS ? this.settled() : undefined;
    if (!this.mayStart) return this.caughtUp();
    this.begin(false);
    return undefined;
  }

  private get isDue(): boolean {
    return (
      this.isChanged &&
      (this.dueInMs === 0 ||
        this.records >= this.options.records ||
        this.world.keeping.wantsCommit ||
        (this.holds && this.held > HELD_RECORDS))
    );
  }

  private get held(): number {
    return this.world.sinks.reduce((n, sink) => n + sink.heldRecords, 0);
  }

  /** The last epoch that every sink has committed. */
  private get committed(): number {
    return Math.min(this.decided, ...this.world.sinks.map((sink) => sink.committed(this.decided)));
  }

  /** Neither the sinks nor the backend are so far behind that the loop has to wait. */
  private get mayStart(): boolean {
    const { decided, committed, applied } = this;
    return mayStartEpoch({ decided, committed: Math.min(committed, applied) });
  }

  /** Every sink has committed, and the backend has, what is decided. */
  private async caughtUp(): Promise<void> {
    await Promise.all([this.applying, ...this.world.sinks.map((sink) => sink.committing)]);
    this.check();
  }

  /** The epoch under way is decided. */
  private async settled(): Promise<void> {
    if (this.phase === "draining") this.drain(Number.POSITIVE_INFINITY);
    await this.deciding;
    this.check();
  }

  private check(): void {
    if (this.failure !== null) throw this.failure.error;
  }

  /** The barrier. */
  private begin(last: boolean): void {
    const { keeping, sinks, ports } = this.world;
    const epoch = this.decided + 1;
    const prepared = Promise.all(sinks.map((sink) => sink.prepare(this.options.guarantee, epoch, last)));
    prepared.catch(() => {}); // awaited once the rows are written down
    this.past = { epoch, last, prepared, saved: this.world.save() };
    if (this.holds) for (const sink of sinks) sink.seal();
    keeping.barrier();
    this.phase = "draining";
    this.barrierAt = ports.clock.monotonic();
    this.records = 0;
    this.isChanged = false;
    this.ownBytes = 0;
  }

  private drain(sliceMs: number): void {
    const { keeping, ports } = this.world;
    if (this.phase !== "draining") return;
    const { clock } = ports;
    const end = clock.monotonic() + sliceMs;
    const isOver = (): boolean => clock.monotonic() >= end;
    if (!keeping.drain(isOver)) return;
    if (this.ownBytes === 0) this.ownBytes = keeping.pastBytes + REWRITE_EPOCH_BYTES;
    if (this.rewritten !== null) {
      // Rows that were changed while the rewrite came to its end are in this epoch's part of the log.
      this.options.epochs.trim(this.rewritten);
      this.rewritten = null;
      this.liveBytes = this.options.epochs.bytes;
    }
    if (keeping.isRewriting) {
      const isEnough = (): boolean => isOver() || keeping.pastBytes >= 2 * this.ownBytes;
      if (keeping.rewrite(isEnough)) {
        this.rewritten = this.rewriteFrom;
        this.rewriteFrom = null;
      } else if (keeping.pastBytes < 2 * this.ownBytes) {
        return; // more of it in the next slice
      }
    }
    keeping.settle();
    this.phase = "deciding";
    const sealed = this.options.epochs.seal();
    this.deciding = this.decide(sealed).catch((error: unknown) => this.fail(error));
  }

  private async decide(sealed: readonly LogContent[]): Promise<void> {
    const { epochs } = this.options;
    const { keeping, sinks } = this.world;
    const { epoch, last, prepared, saved } = this.past as NonNullable<typeof this.past>;
    await prepared;
    const body: SavedJob = {
      ...saved,
      sinks: Object.fromEntries(sinks.map((sink) => [sink.node.name, { handles: sink.handles }])),
      shapes: keeping.shapes.toJSON(),
      wholeLog: this.wholeLog,
    };
    const manifest = await epochs.decide(epoch, body as unknown as Json, { ended: last, sealed });
    this.decided = epoch;
    if (this.holds) for (const sink of sinks) await sink.release();
    for (const sink of sinks) sink.commit(epoch, (error) => this.fail(error));
    const { cold } = keeping;
    if (cold === null) {
      this.considerRewrite();
      await keeping.applied(epoch);
      this.applied = epoch;
    } else {
      this.applying = this.applying
        .then(() => this.apply(manifest))
        .catch((error: unknown) => this.fail(error));
    }
    this.phase = "running";
    this.world.wake();
  }

  private fail(error: unknown): void {
    this.failure ??= { error };
    this.world.wake();
  }

  private considerRewrite(): void {
    const { epochs } = this.options;
    if (
      this.rewriteFrom !== null ||
      this.rewritten !== null ||
      epochs.bytes < 2 * this.liveBytes + REWRITE_SLACK_BYTES
    )
      return;
    this.rewriteFrom = epochs.roll();
    this.world.keeping.beginRewrite();
  }

  private async apply(manifest: Manifest): Promise<void> {
    const { epochs } = this.options;
    const { keeping } = this.world;
    if (keeping.cold === null) return;
    const { store } = keeping.cold;
    await applyLog(epochs, store, manifest, this.wholeLog);
    await keeping.applied(manifest.epoch);
    this.applied = manifest.epoch;
    if (this.trimTo === null) {
      if (epochs.bytes > APPLIED_LOG_BYTES) this.trimTo = epochs.roll();
    } else if (this.trimTo.every((from, log) => !isBefore(manifest.logs[log].to, from))) {
      await store.flush();
      epochs.trim(this.trimTo);
      this.wholeLog = false;
      this.trimTo = null;
    }
    this.world.wake();
  }

  /**
   * The last epoch of the run: decided, applied and committed when it resolves.
   *
   * @param ended the input has ended
   */
  async finish(ended: boolean): Promise<void> {
    await this.settled();
    if (this.isChanged || ended) await this.endEpoch(ended);
    await this.caughtUp();
  }

  /** Begins and decides, where none is under way. */
  private async endEpoch(last: boolean): Promise<void> {
    if (!this.mayStart) await this.caughtUp();
    this.begin(last);
    await this.settled();
  }

  /** The run is over, or has failed: when it resolves nothing is under way that the next run could meet. */
  async close(): Promise<void> {
    await this.past?.prepared.catch(() => {});
    await this.deciding;
    await this.applying;
  }

  /** Ends the epoch, and writes a copy of it to a folder. Returns the epoch. */
  async savepoint(folder: string): Promise<number> {
    const { epochs } = this.options;
    const { ports, keeping } = this.world;
    await this.settled();
    // A copy of epoch 0 would be none: there is nothing in it to go on from.
    if (this.isChanged || this.decided === 0) await this.endEpoch(false);
    if (keeping.cold === null) return (await epochs.copy(folder)).epoch;
    await this.applying;
    this.check();
    await exportRows(ports, epochs.decided, keeping.cold.store, folder);
    return this.decided;
  }
}
