/**
 * A job of one sink, as far as epochs go: it writes numbered records, prepares, decides, commits, dies and goes on from
 * what was decided. The disk is in memory; after every effect on it a reader looks whether it sees what it should.
 */
import assert from "node:assert/strict";
import type { OpenSink, Sink, SinkContext, SinkEpochs } from "../../src/connector/contract.ts";
import type { Json } from "../../src/core/json.ts";
import { systemPorts } from "../../src/core/ports.ts";
import { CrashDisk, type Fate } from "../epoch/crash-files.ts";

export interface Written {
  readonly id: number;
}

export interface EpochCase {
  /** Opened anew after every crash, over the same disk. */
  readonly sink: () => Sink<Written>;
  /** What a reader finds, in order. Records of several lanes are only ordered within their lane. */
  visible(disk: CrashDisk): readonly Written[];
  /** Default: one lane. */
  readonly lane?: (record: Written) => number;
  /** True where all of an epoch is visible once it is committed; otherwise only what is in finished files. */
  readonly atOnce: boolean;
  /** The files that must be the same whatever happened on the way. */
  outcome(disk: CrashDisk): Record<string, string>;
}

export interface Script {
  readonly records: number;
  /** Records per write, in turn. */
  readonly batches: readonly number[];
  /** Writes per epoch, in turn; 0 is an epoch without records. */
  readonly epochs: readonly number[];
  /** Decided epochs that wait until they are committed, at most. */
  readonly waiting: number;
}

export interface Decided {
  readonly epoch: number;
  readonly position: number;
  readonly ended: boolean;
  readonly handles: readonly { readonly epoch: number; readonly handle: Json }[];
}

type Fault = { readonly fate: Fate; readonly loss: "process" | "power" };

/** Of a fault, by the number of the effect since the beginning. Effects without one happen. */
export type Faults = (effect: number) => Fault | undefined;

export const record = (id: number): Written => ({ id });
export const records = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => record(from + i));

export function sinkContext(overrides: Partial<SinkContext> = {}): SinkContext {
  return {
    ports: systemPorts,
    guarantee: "none",
    job: "job",
    name: "sink",
    generation: 1,
    recovered: null,
    ...overrides,
  };
}

export class EpochRun {
  readonly disk: CrashDisk;
  readonly #of: EpochCase;
  readonly #script: Script;
  readonly #faults: Faults;
  decided: Decided | null = null;
  /** All that was ever decided, and whether its commit made more visible. */
  readonly history: (Decided & { showed: boolean })[] = [];
  lives = 0;
  effects = 0;
  /** Where each decided epoch ends. */
  readonly ends = new Map<number, number>();
  #seen = 0;
  /** The last epoch whose commit has returned. */
  #committed = 0;
  #endedAt = -1;
  #violation: unknown;

  constructor(
    of: EpochCase,
    script: Script,
    faults: Faults = () => undefined,
    random: () => number = () => 0.5,
  ) {
    this.disk = new CrashDisk(random);
    this.#of = of;
    this.#script = script;
    this.#faults = faults;
  }

  /** Lives on until the last epoch is committed. */
  async toEnd(): Promise<this> {
    while (!(await this.live())) assert.ok(++this.lives < 1000, "it never ends");
    return this;
  }

  /** One life. True when it came to its end. */
  async live(): Promise<boolean> {
    const ended = await this.#live().catch((error: unknown) => {
      throw this.#violation ?? error;
    });
    if (this.#violation !== undefined) throw this.#violation;
    return ended;
  }

  async #live(): Promise<boolean> {
    let fault: Fault | undefined;
    const files = this.disk.boot(() => {
      this.#look();
      const next = this.#faults(this.effects++);
      if (next !== undefined) fault = next;
      return next?.fate ?? "happens";
    });
    let open: OpenSink<Written> | undefined;
    try {
      open = await this.#of.sink().open(
        sinkContext({
          ports: { ...systemPorts, files },
          guarantee: "exactly-once",
          generation: this.lives + 1,
          recovered: this.decided,
        }),
      );
      await this.#work(open, open.epochs!, () => files.crashed);
      await open.close();
      this.#look();
      return true;
    } catch (error) {
      if (fault === undefined) throw error;
      await open?.close().catch(() => {});
      if (files.crashed) {
        this.disk.lose(fault.loss);
        // What a reader saw of a decided epoch may be gone until it is committed again.
        if (fault.loss === "power") this.#seen = 0;
      }
      this.#look();
      return false;
    }
  }

  async #work(open: OpenSink<Written>, epochs: SinkEpochs, crashed: () => boolean): Promise<void> {
    const script = this.#script;
    const { lastEpoch } = epochs;
    assert.ok(lastEpoch === null || lastEpoch <= (this.decided?.epoch ?? -1), "ahead of what was decided");
    // Nothing is visible of an epoch above the one that the sink's place tells of.
    this.#isBeginning(this.#of.visible(this.disk), lastEpoch === null ? 0 : this.ends.get(lastEpoch)!);
    let waiting = [...(this.decided?.handles ?? [])];
    const commit = async () => {
      const [{ epoch, handle }] = waiting;
      const before = this.#of.visible(this.disk).length;
      await epochs.commit(epoch, handle);
      const showed = this.#of.visible(this.disk).length > before;
      for (const state of this.history) if (state.epoch === epoch) state.showed ||= showed;
      this.#committed = epoch;
      waiting = waiting.slice(1);
      this.#look();
    };
    while (waiting.length > 0) await commit();
    let { position = 0, epoch = 0 } = this.decided ?? {};
    const write = async () => {
      const size = Math.min(script.batches[position % script.batches.length], script.records - position);
      const batch = records(position, position + size);
      const writing = open.write(batch, new Float64Array(size), 0, size);
      batch.fill(record(-1));
      position += size;
      await writing;
    };
    while (this.decided?.ended !== true) {
      for (let i = script.epochs[epoch % script.epochs.length]; i > 0; i--) await write();
      const [end, last] = [position, position >= script.records];
      const preparing = epochs.prepare(++epoch, last);
      preparing.catch(() => {});
      // Belongs to the next epoch.
      if (!last && script.batches[epoch % script.batches.length] > 1) await write();
      waiting = [...waiting, { epoch, handle: JSON.parse(JSON.stringify(await preparing)) }];
      if (crashed()) throw new Error("a dead process decides nothing");
      this.decided = { epoch, position: end, ended: last, handles: waiting };
      this.ends.set(epoch, end);
      this.history.push({ ...this.decided, showed: false });
      if (last) this.#endedAt = epoch;
      if (last || waiting.length > script.waiting) while (waiting.length > 0) await commit();
    }
  }

  /** What a reader sees at any instant: decided records, all before them, and never fewer than before. */
  #check(): void {
    const visible = this.#of.visible(this.disk);
    this.#isBeginning(visible, this.decided?.position ?? 0);
    assert.ok(visible.length >= this.#seen, "what a reader saw is gone");
    this.#seen = visible.length;
    const all = this.#of.atOnce || this.#committed === this.#endedAt;
    const least = all ? (this.ends.get(this.#committed) ?? 0) : 0;
    assert.ok(visible.length >= least, `${visible.length} of ${least} committed records are visible`);
  }

  #look(): void {
    try {
      this.#check();
    } catch (error) {
      // The sink would hide it behind an error of its own.
      this.#violation ??= error;
    }
  }

  /** Each lane begins with the first of its records, none of them from `end` on. */
  #isBeginning(visible: readonly Written[], end: number): void {
    const next = new Map<number, number>();
    for (const { id } of visible) {
      assert.ok(id < end, `record ${id} is visible, and what is decided ends at ${end}`);
      const lane = this.#lane(id);
      assert.equal(id, this.#following(lane, next.get(lane) ?? 0), "the next record of its lane");
      next.set(lane, id + 1);
    }
  }

  #following(lane: number, id: number): number {
    while (this.#lane(id) !== lane) id++;
    return id;
  }

  #lane(id: number): number {
    return this.#of.lane?.(record(id)) ?? 0;
  }
}
