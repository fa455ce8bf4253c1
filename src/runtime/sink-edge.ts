/** A sink as the loop sees it: the batch that it reads, and its part in epochs. */
import type { Guarantee, OpenSink, SinkContext } from "../connector/contract.ts";
import { MillraceError, reasonOf } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import { commitsDue, sinkVerdict } from "../epoch/decide.ts";
import type { Batch } from "../operator/batch.ts";
import { carriesChanges } from "../plan/changelog.ts";
import type { DeadLetterSinkNode, SinkNode } from "../plan/node.ts";
import type { SavedSink } from "./saved-job.ts";

interface Held {
  readonly values: unknown[];
  readonly timestamps: Float64Array;
}

export class SinkEdge {
  readonly node: SinkNode | DeadLetterSinkNode;
  readonly batch: Batch;
  /** Prepared and not known to be committed. */
  handles: { readonly epoch: number; readonly handle: Json }[] = [];
  /** Settles with the last commit that was begun. Behind one that failed none is tried: epochs come in order. */
  committing: Promise<void> = Promise.resolve();
  heldRecords = 0;
  private open: OpenSink<unknown> | null = null;
  /** Output of the epoch at hand, and of the one before, that must not leave yet. */
  private holding: Held[] = [];
  private sealed: Held[] = [];

  constructor(node: SinkNode | DeadLetterSinkNode, batch: Batch) {
    this.node = node;
    this.batch = batch;
  }

  /** @throws STATE_BEHIND_SINK, and whatever opening it throws */
  async start(
    context: Omit<SinkContext, "name" | "recovered" | "changelog">,
    recovered: { readonly epoch: number; readonly saved: SavedSink } | null,
  ): Promise<void> {
    const { name, sink } = this.node;
    await this.guard(async () => {
      this.open = await sink.open({
        ...context,
        name,
        changelog: this.node.kind === "sink" && carriesChanges(this.node.input),
        recovered: recovered === null ? null : { epoch: recovered.epoch, handles: recovered.saved.handles },
      });
    });
    const epochs = this.open?.epochs;
    if (epochs === undefined) return;
    const { lastEpoch } = epochs;
    const decided = recovered?.epoch ?? 0;
    if (sinkVerdict({ decided, lastEpoch }) === "STATE_BEHIND_SINK") {
      throw new MillraceError(
        "STATE_BEHIND_SINK",
        `${name} shows epoch ${lastEpoch}, and the state is that of epoch ${decided}`,
        { operator: name },
      );
    }
    this.handles = commitsDue({ decided, waiting: recovered?.saved.handles ?? [] });
    for (const { epoch, handle } of this.handles.slice()) {
      await this.guard(() => epochs.commit(epoch, handle));
      this.handles.shift();
    }
  }

  /** The batch goes to the sink; or waits, where `holds`. */
  async write(holds: boolean): Promise<void> {
    const { batch, open } = this;
    const { waiting } = batch;
    if (waiting !== null) {
      batch.waiting = null;
      await this.guard(async () => {
        await waiting;
      });
    }
    if (batch.n > 0) {
      if (holds) {
        this.holding.push({ values: batch.values.slice(0, batch.n), timestamps: batch.ts.slice(0, batch.n) });
        this.heldRecords += batch.n;
      } else {
        await this.guard(() => open?.write(batch.values, batch.ts, 0, batch.n));
      }
    }
    batch.clear();
  }

  /** The epoch of what is held back ends here. */
  seal(): void {
    this.sealed.push(...this.holding.splice(0));
  }

  /** The epoch is decided: what was held back for it leaves. */
  async release(): Promise<void> {
    for (const { values, timestamps } of this.sealed.splice(0)) {
      await this.guard(() => this.open?.write(values, timestamps, 0, values.length));
      this.heldRecords -= values.length;
    }
    await this.flush();
  }

  /** The barrier: resolves when the epoch may be decided. */
  async prepare(guarantee: Guarantee, epoch: number, last: boolean): Promise<void> {
    if (guarantee === "at-most-once") return;
    const epochs = this.open?.epochs;
    if (epochs === undefined) return this.flush();
    await this.guard(async () => {
      const handle = await epochs.prepare(epoch, last);
      this.handles.push({ epoch, handle });
    });
  }

  /** The epoch is decided. Doesn't wait. */
  commit(epoch: number, failed: (error: unknown) => void): void {
    const epochs = this.open?.epochs;
    const prepared = this.handles.find((handle) => handle.epoch === epoch);
    if (epochs === undefined || prepared === undefined) return;
    this.committing = this.committing
      .then(() => this.guard(() => epochs.commit(epoch, prepared.handle)))
      .then(() => {
        this.handles = this.handles.filter((handle) => handle.epoch !== epoch);
      });
    this.committing.catch(failed);
  }

  /** The last epoch that it has committed, where `decided` is the last that it could have. */
  committed(decided: number): number {
    return (this.handles[0]?.epoch ?? decided + 1) - 1;
  }

  flush(): Promise<void> {
    return this.guard(() => this.open?.flush());
  }

  async close(): Promise<void> {
    await this.committing.catch(() => {}); // told already
    await this.guard(() => (this.open === null ? this.node.sink.abandon?.() : this.open.close()));
  }

  private async guard(call: () => void | Promise<void> | undefined): Promise<void> {
    try {
      const pending = call();
      if (pending !== undefined) await pending;
    } catch (error) {
      if (error instanceof MillraceError) throw error;
      const { name } = this.node;
      throw new MillraceError("SINK_FAILED", `${name} failed: ${reasonOf(error)}`, { operator: name }, error);
    }
  }
}
