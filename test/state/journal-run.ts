/**
 * A table with a journal under a random history: rows change, come and go while an epoch is written down in slices. A
 * reader replays the log, as a restart does, after every epoch.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type Token, tokenOf } from "../../src/core/key.ts";
import { ByteReader } from "../../src/schema/bytes.ts";
import type { Codec } from "../../src/schema/codec.ts";
import type { Bucket, Cell } from "../../src/state/bucket.ts";
import { ChangeLog, changesOf } from "../../src/state/change-log.ts";
import type { Cursor } from "../../src/state/cursor.ts";
import { Journal } from "../../src/state/journal.ts";
import { NumberRows } from "../../src/state/number-rows.ts";
import { Slab } from "../../src/state/slab.ts";
import { OwnedTable } from "../../src/state/owned-table.ts";
import { type Rows, Table } from "../../src/state/table.ts";
import { TokenRows } from "../../src/state/token-rows.ts";

export interface Counter extends Cell {
  n: number;
}

export const counter = (n: number): Counter => ({ mark: 0, n });

export const counterCodec: Codec<Counter> = {
  shape: "counter",
  encode: ({ n }, into) => into.f64(n),
  decode: (from) => counter(from.f64()),
};

/** Keys of either form of number rows. */
export const tokenAt = (i: number): Token => tokenOf(i % 3 === 0 ? `k${i}` : i);

/** What happens to the rows of one bucket: so many of them, from one on. */
export interface Deed {
  readonly kind: "change" | "remove" | "drop";
  readonly bucket: number;
  readonly from: number;
  readonly rows: number;
}

export type Step = Deed | "slice" | "barrier" | "rewrite";

export const deedArbitrary: fc.Arbitrary<Deed> = fc.record({
  kind: fc.constantFrom("change", "change", "change", "remove", "drop"),
  bucket: fc.nat(2),
  from: fc.nat(80),
  rows: fc.integer({ min: 1, max: 90 }),
});

export const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: deedArbitrary },
  { weight: 3, arbitrary: fc.constant("slice" as const) },
  { weight: 2, arbitrary: fc.constant("barrier" as const) },
  { weight: 1, arbitrary: fc.constant("rewrite" as const) },
);

/** Which table: its rows as objects, or as numbers. */
export type Kind = "objects" | "numbers" | "owners";

/** By address: the value. */
type State = Map<string, number>;

interface Rewrite {
  readonly cursor: Cursor<Counter>;
  /** By log: where it began. */
  readonly from: readonly number[];
  isDone: boolean;
  /** The epoch at hand when it was. */
  endedIn: number;
}

export class JournalRun {
  readonly logs: Uint8Array[][];
  readonly table: Rows<Counter>;
  readonly journal: Journal<Counter>;
  readonly changes: ChangeLog;
  private readonly kind: Kind;
  /** The state at the barrier of the epoch that is being written down. */
  private past: State | null = null;
  private rewriting: Rewrite | null = null;
  private next = 1;

  constructor(kind: Kind, logs: number) {
    this.kind = kind;
    this.logs = Array.from({ length: logs }, () => []);
    this.changes = new ChangeLog({ append: (log, payload) => this.logs[log].push(payload) }, logs);
    this.table = kind === "owners" ? new OwnedTable("op", "rows") : new Table("op", "rows", "by-time");
    if (kind === "numbers") this.table.numberForm = { cellOf: (values) => counter(values[0]) };
    this.journal = new Journal({ rows: this.table, codec: counterCodec, changes: this.changes, epoch: 1 });
    this.table.keeper = this.journal;
  }

  run(steps: readonly Step[]): void {
    for (const step of steps) {
      if (step === "slice") this.slice();
      else if (step === "barrier") this.barrier();
      else if (step === "rewrite") this.beginRewrite();
      else this.act(step);
    }
    do this.barrier();
    while (this.rewriting !== null);
  }

  private bucketAt(i: number): Bucket<Counter> {
    return this.table instanceof Table
      ? this.table.open(i)
      : (this.table as OwnedTable<Counter>).open(`o${i}`);
  }

  private act({ kind, bucket: at, from, rows }: Deed): void {
    if (kind === "drop") {
      if (this.table instanceof OwnedTable) this.table.drop(`o${at}`);
      else if ((this.table as Table<Counter>).first !== undefined) (this.table as Table<Counter>).dropFirst();
      return;
    }
    for (let i = from; i < from + rows; i++) {
      const bucket = this.bucketAt(at);
      if (this.kind === "numbers") this.changeNumber(bucket, tokenAt(i));
      else if (kind === "change") this.change(bucket, tokenAt(i));
      else if (bucket.rows.get(tokenAt(i)) !== undefined) this.table.remove(bucket, tokenAt(i));
    }
  }

  private change(bucket: Bucket<Counter>, token: Token): void {
    const row = this.table.edit(bucket, token);
    if (row === undefined) this.table.insert(bucket, token, counter(this.next++));
    else row.n = this.next++;
  }

  private changeNumber(bucket: Bucket<Counter>, token: Token): void {
    const keeper = this.journal.numbersOf.bind(this.journal);
    const rows =
      typeof token === "number"
        ? (bucket.numbers ??= new NumberRows(1, 0, keeper(bucket), new Slab()))
        : (bucket.tokens ??= new TokenRows(1, keeper(bucket)));
    let at = rows.find(token as never);
    if (at < 0) at = rows.insert(at, token as never);
    else rows.touch(at, token);
    rows.slots[at + 1] = this.next++;
  }

  private get state(): State {
    const state: State = new Map();
    for (const bucket of this.table.buckets) {
      for (const [token, { n }] of bucket.rows.entries()) state.set(this.table.address(bucket, token), n);
      for (const typed of [bucket.numbers, bucket.tokens])
        for (const [token, at] of typed?.entries() ?? [])
          state.set(this.table.address(bucket, token), typed!.valuesAt(at)[0]);
    }
    return state;
  }

  private barrier(): void {
    this.finish();
    this.past = this.state;
    this.changes.barrier();
    this.journal.barrier();
  }

  /** Of the epoch that is being written down. */
  private slice(): void {
    if (this.past === null || !this.journal.drain(() => true) || !this.rewrites()) return;
    this.settle();
  }

  /** The same to its end: a rewrite goes on with the next epoch. */
  private finish(): void {
    if (this.past === null) return;
    this.journal.drain(() => false);
    this.rewrites();
    this.settle();
  }

  private rewrites(): boolean {
    const { rewriting } = this;
    if (rewriting === null || rewriting.isDone) return true;
    rewriting.isDone = this.journal.rewrite(rewriting.cursor, () => true);
    if (rewriting.isDone) rewriting.endedIn = this.journal.mark;
    return rewriting.isDone;
  }

  private settle(): void {
    this.changes.settle();
    this.journal.settled();
    this.expect(this.logs.map(() => 0));
    const { rewriting } = this;
    // A row that changed before the rewrite came to it is written down with the epoch after.
    if (rewriting !== null && rewriting.isDone && rewriting.endedIn < this.journal.mark) {
      this.expect(rewriting.from);
      this.rewriting = null;
    }
    this.past = null;
  }

  private beginRewrite(): void {
    // A rewrite begins between two epochs.
    this.finish();
    if (this.rewriting !== null) return;
    const from = this.logs.map((log) => log.length);
    this.rewriting = { cursor: this.journal.cursor(), from, isDone: false, endedIn: 0 };
  }

  /** What a restart would find. */
  private expect(from: readonly number[]): void {
    const found: State = new Map();
    this.logs.forEach((log, i) => {
      for (const payload of log.slice(from[i]))
        for (const change of changesOf(payload)) {
          if ("from" in change) {
            for (const address of [...found.keys()])
              if (address >= change.from && address < change.to) found.delete(address);
          } else if (change.value === undefined) found.delete(change.address);
          else found.set(change.address, counterCodec.decode(new ByteReader(change.value)).n);
        }
    });
    assert.deepEqual(new Map([...found].sort()), new Map([...(this.past as State)].sort()));
  }
}
