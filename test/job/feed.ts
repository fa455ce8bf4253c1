/**
 * A source that a test feeds, and a place that sinks write to: both outlive the runs of a job, as the world does.
 */
import assert from "node:assert/strict";
import type { Json } from "../../src/core/json.ts";
import type { OpenSink, Partition, Sink, SinkContext, Source, SourceContext } from "../../src/index.ts";

/** Records in the order in which they were pushed, for as many runs as there are. Its position is an index. */
export class Feed<T> {
  readonly records: T[] = [];
  /** Where each run began. */
  readonly starts: number[] = [];
  /** How often each run polled. */
  readonly polls: number[] = [];
  /** Records that the last run handed over, with those before its start. */
  handed = 0;
  /** Opening it fails so often. */
  failsToOpen = 0;
  /** It fails, once each, when a run has handed over so many of all records. */
  readonly failsAt: number[] = [];
  private isEnded = false;
  private wake: () => void = () => {};

  push(...records: T[]): this {
    for (const record of records) this.records.push(record);
    this.wake();
    return this;
  }

  end(): this {
    this.isEnded = true;
    this.wake();
    return this;
  }

  /** @param perPoll records that a poll gives at most: the size of the turns */
  source({ replayable = true, perPoll = Number.POSITIVE_INFINITY } = {}): Source<T> {
    return {
      description: "feed",
      bounded: false,
      replayable,
      open: async (context) => {
        if (this.failsToOpen > 0) {
          this.failsToOpen -= 1;
          throw new Error("the line is dead");
        }
        return [this.partition(context, perPoll)];
      },
    };
  }

  private partition({ wake, positions }: SourceContext, perPoll: number): Partition<T> {
    this.wake = wake;
    const { records, failsAt } = this;
    let at = (positions?.get("feed") as number | undefined) ?? 0;
    let first = at;
    this.starts.push(at);
    const run = this.polls.push(0) - 1;
    this.handed = at;
    const isOver = (): boolean => this.isEnded && at === records.length;
    return {
      id: "feed",
      poll: (into, from, max) => {
        this.polls[run] += 1;
        if (failsAt[0] !== undefined && failsAt[0] <= at) {
          failsAt.shift();
          throw new Error("the line is dead");
        }
        first = at;
        const end = Math.min(at + Math.min(max, perPoll), records.length, failsAt[0] ?? records.length);
        for (; at < end; at++) into[from + at - first] = records[at];
        this.handed = at;
        // What is left is there now, but for a poll of its own.
        if (end < records.length || failsAt.length > 0) wake();
        return at - first;
      },
      get ended() {
        return isOver();
      },
      get caughtUp() {
        return at === records.length;
      },
      locate: (index) => ({ offset: first + index }),
      position: (index) => first + index,
      close: async () => {},
    };
  }
}

/** Where sinks write to: what a reader sees, and of which epochs. */
export class Ledger<T> {
  readonly visible: T[] = [];
  /** Epochs that were made visible, in order; only with a transactional sink. */
  readonly epochs: number[] = [];
  /** How the runs opened it. */
  readonly contexts: Pick<SinkContext, "guarantee" | "generation" | "recovered">[] = [];
  /** So many commits fail. */
  failsToCommit = 0;
  /** Epochs that were prepared, in all runs. */
  prepared = 0;
  /** Commits wait for it. */
  gate: Promise<void> = Promise.resolve();

  get lastEpoch(): number | null {
    return this.epochs.at(-1) ?? null;
  }

  /** What the other had when the epoch was decided: the newest, or one after it that is not committed yet. */
  copy(other: Ledger<T>, epoch: number): void {
    assert.ok((other.lastEpoch ?? 0) <= epoch);
    this.visible.push(...other.visible);
    this.epochs.push(...other.epochs);
  }

  /** One that keeps an epoch's output to itself until the epoch is decided. */
  transactional(): Sink<T> {
    return {
      description: "ledger",
      transactional: true,
      lastEpoch: async () => this.lastEpoch,
      open: async ({ guarantee, generation, recovered }) => {
        this.contexts.push({ guarantee, generation, recovered });
        return guarantee === "exactly-once" ? this.staged() : this.direct();
      },
    };
  }

  /** One whose output is seen at once. */
  plain(): Sink<T> {
    return { description: "ledger", open: async () => this.direct() };
  }

  private direct(): OpenSink<T> {
    return {
      write: (values, _timestamps, from, to) => {
        for (let i = from; i < to; i++) this.visible.push(values[i]);
      },
      flush: async () => {},
      close: async () => {},
    };
  }

  private staged(): OpenSink<T> {
    let pending: T[] = [];
    return {
      write: (values, _timestamps, from, to) => {
        for (let i = from; i < to; i++) pending.push(values[i]);
      },
      flush: async () => {},
      close: async () => {},
      epochs: {
        lastEpoch: this.lastEpoch,
        prepare: async () => {
          this.prepared += 1;
          const handle = pending;
          pending = [];
          return handle as Json;
        },
        commit: async (epoch, handle) => {
          await this.gate;
          if (this.failsToCommit > 0) {
            this.failsToCommit -= 1;
            throw new Error("the ledger is shut");
          }
          if (epoch <= (this.lastEpoch ?? 0)) return;
          for (const record of handle as T[]) this.visible.push(record);
          this.epochs.push(epoch);
        },
      },
    };
  }
}
