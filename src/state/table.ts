/**
 * Tables: an operator's state as live objects, by (time, key).
 *
 * A table is a short list of buckets in time order (one bucket per window end; a table without time uses bucket 0),
 * each a map from key to row. Rows are objects that the operator changes in place, after `edit` gave them to it.
 *
 * While the backend is memory, the tables are the state: `cold` is null, nothing ever misses, and a read costs one
 * look-up. Over any other backend rows may be elsewhere; `cold` then knows which, keeps what changed, and can undo.
 * The list of buckets always stays in memory: it is a number per live window end, not per key.
 */
import { keyGroupOf, keyOf, type Key, type Token } from "../core/key.ts";
import type { Change, RowLayout, RowStore } from "./contract.ts";
import { KeyMap } from "./key-map.ts";
import type { NumberRows } from "./number-rows.ts";
import type { TokenRows } from "./token-rows.ts";

export class Bucket<V> {
  readonly time: number;
  readonly rows = new KeyMap<V>();
  /** Rows that are numbers only, where their owner keeps them so (number-rows.ts); only while state is in memory. */
  numbers: NumberRows | null = null;
  /** The same for keys that are no numbers. */
  tokens: TokenRows | null = null;

  constructor(time: number) {
    this.time = time;
  }
}

/** What a table asks of rows that may be elsewhere: cold.ts. */
export interface ColdAccess<V> {
  edit(bucket: Bucket<V>, token: Token): V | undefined;
  changing(bucket: Bucket<V>, token: Token): void;
  dropping(bucket: Bucket<V>): void;
  require(from: number, to: number): void;
  want(bucket: Bucket<V>, token: Token): void;
  wantRange(from: number, to: number): void;
  begin(): void;
  undo(): void;
  evict(): Change[];
  load(store: RowStore): Promise<void>;
}

/** A row as inspection and tests see it. */
export interface StateRow {
  readonly operator: string;
  readonly table: string;
  readonly keyGroup: number;
  readonly key: Key;
  readonly time: number;
  readonly value: unknown;
}

export class Table<V> {
  readonly operator: string;
  readonly name: string;
  readonly layout: RowLayout;
  /** In time order, from `head` on; what stands before was dropped. */
  private list: (Bucket<V> | undefined)[] = [];
  private head = 0;
  cold: ColdAccess<V> | null = null;

  constructor(operator: string, name: string, layout: RowLayout) {
    this.operator = operator;
    this.name = name;
    this.layout = layout;
  }

  /** The bucket of the least time. */
  get first(): Bucket<V> | undefined {
    return this.list[this.head];
  }

  /** The bucket of the least time above `time`. */
  after(time: number): Bucket<V> | undefined {
    return this.list[this.indexAfter(time)];
  }

  /** All buckets, in time order. */
  get buckets(): readonly Bucket<V>[] {
    return this.list.slice(this.head) as Bucket<V>[];
  }

  /** The bucket of a time, made if there is none. */
  open(time: number): Bucket<V> {
    const after = this.indexAfter(time);
    const before = this.list[after - 1];
    if (after > this.head && before?.time === time) return before;
    const bucket = new Bucket<V>(time);
    this.list.splice(after, 0, bucket);
    return bucket;
  }

  private indexAfter(time: number): number {
    let low = this.head;
    for (let high = this.list.length; low < high; ) {
      const middle = (low + high) >> 1;
      if ((this.list[middle] as Bucket<V>).time <= time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The row, to be changed in place; undefined where there is none. @throws MISS */
  edit(bucket: Bucket<V>, token: Token): V | undefined {
    return this.cold === null ? bucket.rows.get(token) : this.cold.edit(bucket, token);
  }

  insert(bucket: Bucket<V>, token: Token, value: V): void {
    if (this.cold !== null) this.cold.changing(bucket, token);
    bucket.rows.set(token, value);
  }

  remove(bucket: Bucket<V>, token: Token): void {
    if (this.cold !== null) this.cold.changing(bucket, token);
    bucket.rows.delete(token);
  }

  /** Makes sure that all rows with from < time <= to are in memory. @throws MISS */
  require(from: number, to: number): void {
    if (this.cold !== null) this.cold.require(from, to);
  }

  /** Removes the first bucket with all its rows, which must be in memory (`require`). */
  dropFirst(): void {
    const bucket = this.list[this.head] as Bucket<V>;
    this.list[this.head] = undefined; // its rows are free now
    this.head += 1;
    // Moving the list up at every drop would make many windows quadratic.
    if (this.head * 2 > this.list.length) {
      this.list = this.list.slice(this.head);
      this.head = 0;
    }
    if (this.cold !== null) this.cold.dropping(bucket);
  }

  /** Live rows, those in memory. */
  get size(): number {
    return this.buckets.reduce(
      (n, bucket) => n + bucket.rows.size + (bucket.numbers?.count.rows ?? 0) + (bucket.tokens?.size ?? 0),
      0,
    );
  }

  *stateRows(): Generator<StateRow> {
    for (const bucket of this.buckets) {
      for (const [token, value] of bucket.rows.entries()) yield this.stateRow(bucket, token, value);
      const { numbers, tokens } = bucket;
      for (let at = 0; numbers !== null && at < numbers.slots.length; at += numbers.stride) {
        if (!Number.isNaN(numbers.slots[at]))
          yield this.stateRow(bucket, numbers.slots[at], valuesOf(numbers, at));
      }
      if (tokens === null) continue;
      for (const [token, at] of tokens.index.entries())
        yield this.stateRow(bucket, token, valuesOf(tokens, at));
    }
  }

  private stateRow(bucket: Bucket<V>, token: Token, value: unknown): StateRow {
    const { operator, name: table } = this;
    return { operator, table, keyGroup: keyGroupOf(token), key: keyOf(token), time: bucket.time, value };
  }
}

const valuesOf = ({ slots, stride }: NumberRows | TokenRows, at: number): number[] =>
  Array.from(slots.subarray(at + 1, at + stride));
