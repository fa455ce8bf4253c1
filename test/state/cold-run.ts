/**
 * A table over a backend under a random history: rows are given up, spilled, loaded and walked through while epochs
 * are written down and, some time later, applied. Whatever is read is what a plain map holds.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Token } from "../../src/core/key.ts";
import type { Bucket } from "../../src/state/bucket.ts";
import { ChangeLog, changesOf } from "../../src/state/change-log.ts";
import { ColdRows, SHADOW } from "../../src/state/cold-rows.ts";
import type { Change } from "../../src/state/contract.ts";
import { memoryStore } from "../../src/state/memory.ts";
import { MISS } from "../../src/state/miss.ts";
import { OwnedTable } from "../../src/state/owned-table.ts";
import { type Rows, Table } from "../../src/state/table.ts";
import { type Counter, counter, counterCodec, type Deed, deedArbitrary, tokenAt } from "./journal-run.ts";

export type ColdStep =
  | Deed
  | {
      readonly kind: "read" | "walk" | "whole";
      readonly bucket: number;
      readonly from: number;
      readonly gives: boolean;
    }
  | "slice"
  | "barrier"
  | "apply"
  | "give up"
  | "spill"
  | "restart";

const look = fc.record({
  kind: fc.constantFrom("read" as const, "walk" as const, "whole" as const),
  bucket: fc.nat(2),
  from: fc.nat(80),
  gives: fc.boolean(),
});

export const coldStepArbitrary: fc.Arbitrary<ColdStep> = fc.oneof(
  { weight: 5, arbitrary: deedArbitrary },
  { weight: 4, arbitrary: look },
  { weight: 6, arbitrary: fc.constantFrom("slice", "barrier", "apply", "give up", "spill") },
  { weight: 1, arbitrary: fc.constant("restart" as const) },
);

type State = Map<string, number>;

export class ColdRun {
  readonly store = memoryStore();
  table!: Rows<Counter>;
  rows!: ColdRows<Counter>;
  private readonly owned: boolean;
  private readonly log: Uint8Array[] = [];
  private changes!: ChangeLog;
  private state: State = new Map();
  /** At the last barrier whose epoch is in the log. */
  private decided: State = new Map();
  private past: State | null = null;
  /** Payloads of the log that are decided, and those of them that the store has. */
  private decidedTo = 0;
  private appliedTo = 0;
  private decidedEpoch = 0;
  private appliedEpoch = 0;
  private hasShadows = false;
  private next = 1;
  /** Times below it are past: no bucket is opened there again. */
  private floor = 0;

  private constructor(owned: boolean) {
    this.owned = owned;
  }

  static async open(owned: boolean): Promise<ColdRun> {
    const run = new ColdRun(owned);
    await run.begin();
    return run;
  }

  /** A process that has nothing but the store and what is decided. */
  private async begin(): Promise<void> {
    this.log.length = this.decidedTo;
    this.state = new Map(this.decided);
    this.past = null;
    await this.apply();
    const { log } = this;
    this.changes = new ChangeLog({ append: (_, payload) => log.push(payload) }, 1);
    this.table = this.owned ? new OwnedTable("op", "rows") : new Table("op", "rows", "by-time");
    const epoch = this.decidedEpoch + 1;
    const options = { rows: this.table, codec: counterCodec, changes: this.changes, epoch };
    this.rows = new ColdRows(options);
    this.table.keeper = this.rows;
    await this.rows.recall(this.store);
  }

  async run(steps: readonly ColdStep[]): Promise<void> {
    for (const step of steps) {
      if (step === "slice") this.slice(() => true);
      else if (step === "barrier") this.barrier();
      else if (step === "apply") await this.apply();
      else if (step === "give up") this.giveUp();
      else if (step === "spill") await this.spill();
      else if (step === "restart") await this.begin();
      else if (step.kind === "read") await this.read(step.bucket, tokenAt(step.from));
      else if (step.kind === "walk") await this.walk(step.bucket, step.gives);
      else if (step.kind === "whole") await this.whole(step.bucket);
      else await this.act(step as Deed);
    }
    for (let bucket = 0; bucket < 3; bucket++) await this.walk(bucket, true);
    this.barrier();
    this.slice(() => false);
    await this.apply();
    assert.deepEqual(await this.stored(), sorted(this.state));
  }

  /** What the engine does with a step: at a miss it loads what was asked for and tries again. */
  private async step<R>(step: () => R): Promise<R> {
    for (let tries = 0; ; tries++) {
      assert.ok(tries < 100, "a step finds its rows in the end");
      try {
        return step();
      } catch (signal) {
        if (signal !== MISS) throw signal;
        assert.ok(this.rows.asks);
        await this.rows.load(this.store);
      }
    }
  }

  private bucketAt(i: number): Bucket<Counter> {
    return this.table instanceof Table
      ? this.table.open(this.floor + i)
      : (this.table as OwnedTable<Counter>).open(`o${i}`);
  }

  private async act({ kind, bucket: at, from, rows }: Deed): Promise<void> {
    if (kind === "drop") {
      const { table } = this;
      if (!(table instanceof OwnedTable)) return this.dropFirst(table as Table<Counter>);
      this.forget(table.open(`o${at}`));
      table.drop(`o${at}`);
      return;
    }
    for (let i = from; i < from + rows; i++) {
      const token = tokenAt(i);
      await this.step(() => {
        const bucket = this.bucketAt(at);
        const row = this.table.edit(bucket, token);
        const address = this.table.address(bucket, token);
        if (kind === "remove") {
          if (row !== undefined) this.table.remove(bucket, token);
          this.state.delete(address);
          return;
        }
        const n = this.next++;
        if (row === undefined) this.table.insert(bucket, token, counter(n));
        else row.n = n;
        this.state.set(address, n);
      });
    }
  }

  private dropFirst(table: Table<Counter>): void {
    if (table.first === undefined) return;
    this.forget(table.first);
    this.floor = Math.max(this.floor, table.first.time + 1);
    table.dropFirst();
  }

  private forget(bucket: Bucket<Counter>): void {
    const { from, to } = this.table.rangeOf(bucket, 0, 128) as { from: string; to: string };
    for (const address of [...this.state.keys()])
      if (address >= from && address < to) this.state.delete(address);
  }

  private async read(at: number, token: Token): Promise<void> {
    const row = await this.step(() => this.table.peek(this.bucketAt(at), token));
    assert.equal(row?.n, this.state.get(this.table.address(this.bucketAt(at), token)));
  }

  /** Everything that an owner has is in memory at once. */
  private async whole(at: number): Promise<void> {
    if (!this.owned) return;
    await this.step(() => this.rows.all(this.bucketAt(at)));
    const bucket = this.bucketAt(at);
    const { from, to } = this.table.rangeOf(bucket, 0, 128) as { from: string; to: string };
    const expected = sorted(this.state).filter(([address]) => address >= from && address < to);
    const found = Array.from(bucket.rows.entries(), ([token, { n }]): [string, number] => [
      this.table.address(bucket, token),
      n,
    ]);
    assert.deepEqual(sorted(new Map(found)), expected);
  }

  /** @param gives rows are given up on the way, which happens to walks that last longer than a step: those by time */
  private async walk(at: number, gives: boolean): Promise<void> {
    const bucket = this.bucketAt(at);
    const { from, to } = this.table.rangeOf(bucket, 0, 128) as { from: string; to: string };
    const expected = sorted(this.state).filter(([address]) => address >= from && address < to);
    const found: [string, number][] = [];
    this.table.walk(bucket);
    for (;;) {
      const page = await this.step(() => this.table.nextRows());
      if (page === null) break;
      let n = 0;
      for (const [token, row] of page) {
        if (gives && !this.owned && n++ % 2 === 0) this.giveUp();
        found.push([this.table.address(bucket, token), row.n]);
        if (row.n % 3 !== 0) continue;
        this.table.changing(bucket, token, row);
        row.n = this.next++;
        this.state.set(this.table.address(bucket, token), row.n);
      }
    }
    assert.deepEqual(found, expected);
  }

  private giveUp(): void {
    this.rows.evict(this.appliedEpoch, () => false);
  }

  private async spill(): Promise<void> {
    this.slice(() => false); // the log has one epoch after the other
    const copies: Change[] = [];
    this.rows.spill((address, value) => copies.push({ address, value }));
    this.changes.flush();
    if (copies.length > 0) this.hasShadows = true;
    await this.store.apply(copies, null);
    this.giveUp();
  }

  private barrier(): void {
    this.slice(() => false);
    this.past = new Map(this.state);
    this.changes.barrier();
    this.rows.barrier();
  }

  private slice(isOver: () => boolean): void {
    if (this.past === null || !this.rows.drain(isOver)) return;
    this.changes.settle();
    this.rows.settled();
    this.decided = this.past;
    this.decidedTo = this.log.length;
    this.decidedEpoch += 1;
    this.past = null;
  }

  private async apply(): Promise<void> {
    const payloads = this.log.slice(this.appliedTo, this.decidedTo);
    for (const payload of payloads) await this.store.apply([...changesOf(payload)], null);
    this.appliedTo = this.decidedTo;
    this.appliedEpoch = this.decidedEpoch;
    assert.deepEqual(await this.stored(), sorted(this.decided));
    if (this.rows?.applied(this.appliedEpoch) !== true || !this.hasShadows) return;
    this.hasShadows = false;
    await this.store.apply([{ from: SHADOW, to: `${SHADOW}\xff` }], null);
  }

  private async stored(): Promise<[string, number][]> {
    const rows = await this.store.scan("", SHADOW, Number.POSITIVE_INFINITY);
    return rows.map(({ address, value }) => [address, Buffer.from(value).readDoubleLE(0)]);
  }
}

const sorted = (state: State): [string, number][] => [...state].sort(([a], [b]) => (a < b ? -1 : 1));
