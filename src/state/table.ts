/**
 * Tables: an operator's state as live objects.
 *
 * A table is a set of buckets, each a map from key to row. Rows are objects that the operator changes in place, after
 * `edit` gave them to it. What is to be done beside that, because rows are durable or may be elsewhere, is its
 * keeper's business (journal.ts, cold-rows.ts). While state is in memory and not durable there is no keeper, and a
 * read costs one look-up.
 *
 * The list of buckets always stays in memory: it is a number per live window end, not per key.
 */
import {
  decodeNumber,
  decodeToken,
  encodeNumber,
  encodeToken,
  keyGroupOf,
  keyGroupOfEncoded,
  keyOf,
  type Key,
  type Token,
} from "../core/key.ts";
import type { Codec } from "../schema/codec.ts";
import type { Shapes } from "../schema/shapes.ts";
import { Bucket, type Cell } from "./bucket.ts";
import { type RowLayout, tablePrefix } from "./contract.ts";
import type { NumberKeeper } from "./number-cell.ts";

/** What a table asks of those who keep its rows. */
export interface Keeper<V extends Cell> {
  /** Rows may be elsewhere. */
  readonly cold: boolean;
  /** The epoch at hand. */
  readonly mark: number;
  /** Memory has no such row. @throws MISS where that doesn't say that there is none */
  absent(bucket: Bucket<V>, token: Token): void;
  /** The row is about to be changed, for the first time in this epoch. */
  touch(bucket: Bucket<V>, token: Token, row: V): void;
  insert(bucket: Bucket<V>, token: Token, row: V): void;
  remove(bucket: Bucket<V>, token: Token): void;
  drop(bucket: Bucket<V>): void;
  /** Asks for a row in the next load, unless it is known. */
  want(bucket: Bucket<V>, token: Token): void;
  /** Asks for all rows of a bucket in the next load, unless they are in memory. */
  wantAll(bucket: Bucket<V>): void;
  /** @throws MISS unless all rows of the bucket are in memory */
  all(bucket: Bucket<V>): void;
  /** The next page of the walk through a bucket that is not complete; null at its end. @throws MISS */
  page(bucket: Bucket<V>): Iterable<[Token, V]> | null;
  /** For rows of numbers. */
  numbersOf(bucket: Bucket<V>): NumberKeeper;
}

/** How rows of numbers look as objects; where a table has them. */
export interface NumberForm<V extends Cell> {
  cellOf(values: ArrayLike<number>, seq: number): V;
}

/** A row as inspection and tests see it. */
export interface StateRow {
  readonly operator: string;
  readonly table: string;
  readonly keyGroup: number;
  readonly key: Key;
  readonly time: number;
  /** By-owner tables: the key within the owner's rows. */
  readonly subKey?: Key;
  readonly value: unknown;
}

/** The end of a walk through a bucket. */
const WALKED = Symbol("walked");

export abstract class Rows<V extends Cell> {
  readonly operator: string;
  readonly name: string;
  readonly layout: RowLayout;
  readonly prefix: string;
  keeper: Keeper<V> | null = null;
  /** Walks go by address also while state is in memory, as they do where it is not. */
  byAddress = false;
  numberForm: NumberForm<V> | null = null;
  /** What its rows mean: rows are of use to another program only where this is the same. */
  signature = "rows";
  /** Of the values in it that users declare: see schema/versioned.ts. `upcastsFrom` is the oldest that can be read. */
  version: { readonly current: number; readonly upcastsFrom: number } = { current: 1, upcastsFrom: 1 };
  /** How its rows become bytes; without it, structurally. */
  codec: ((shapes: Shapes) => Codec<V>) | null = null;
  /** How far the walk is through the bucket that it is in. */
  private walking: Bucket<V> | typeof WALKED | null = null;

  constructor(operator: string, name: string, layout: RowLayout) {
    this.operator = operator;
    this.name = name;
    this.layout = layout;
    this.prefix = tablePrefix(operator, name);
  }

  abstract readonly buckets: Iterable<Bucket<V>>;
  /** The bucket that the address lies in, made if there is none; and the row's key in it. */
  protected abstract bucketOf(time: number, owner: Token | null): Bucket<V>;
  /** Removes the bucket of a time or an owner, as replaying a log says. */
  abstract forget(time: number, owner: Token | null): void;

  /** Owners in memory, with rows or without; 0 where a table has none. */
  get owners(): number {
    return 0;
  }

  /** Memory has no row of the bucket: those who can open it again need not keep it. */
  release(_bucket: Bucket<V>): void {}

  /** The row, to be changed in place; undefined where there is none. @throws MISS */
  edit(bucket: Bucket<V>, token: Token): V | undefined {
    const row = bucket.rows.get(token);
    const { keeper } = this;
    if (keeper === null) return row;
    if (row === undefined) keeper.absent(bucket, token);
    else if (row.mark !== keeper.mark) keeper.touch(bucket, token, row);
    return row;
  }

  /** The row, not to be changed before `changing` was called. @throws MISS */
  peek(bucket: Bucket<V>, token: Token): V | undefined {
    const row = bucket.rows.get(token);
    if (row === undefined && this.keeper !== null) this.keeper.absent(bucket, token);
    return row;
  }

  /** The row that `peek` or a walk gave is about to be changed in place. */
  changing(bucket: Bucket<V>, token: Token, row: V): void {
    const { keeper } = this;
    if (keeper !== null && row.mark !== keeper.mark) keeper.touch(bucket, token, row);
  }

  insert(bucket: Bucket<V>, token: Token, row: V): void {
    if (this.keeper !== null) this.keeper.insert(bucket, token, row);
    bucket.rows.set(token, row);
  }

  /** The row must be in memory. */
  remove(bucket: Bucket<V>, token: Token): void {
    if (this.keeper !== null) this.keeper.remove(bucket, token);
    bucket.rows.delete(token);
  }

  /** Begins a walk through all rows of a bucket. */
  walk(bucket: Bucket<V>): void {
    this.walking = bucket;
  }

  /**
   * The next rows of the walk, a page where they are elsewhere; null at the end. Rows of numbers are not among them.
   * In the order of arrival while state is in memory, unless `byAddress`; else in that of addresses. @throws MISS
   */
  nextRows(): Iterable<[Token, V]> | null {
    const { walking, keeper } = this;
    if (walking === WALKED || walking === null) return null;
    if (keeper !== null && keeper.cold) return keeper.page(walking);
    this.walking = WALKED;
    return this.byAddress ? this.rowsByAddress(walking) : walking.rows.entries();
  }

  private rowsByAddress(bucket: Bucket<V>): Iterable<[Token, V]> {
    const rows = Array.from(bucket.rows.entries(), (row) => ({ row, address: this.address(bucket, row[0]) }));
    rows.sort((a, b) => (a.address < b.address ? -1 : 1));
    return rows.map(({ row }) => row);
  }

  /** The address of a row. */
  address(bucket: Bucket<V>, token: Token): string {
    const { owner } = bucket;
    bucket.addressPrefix ??=
      owner !== null
        ? this.ownerPrefix(owner)
        : this.layout === "by-time"
          ? this.prefix + encodeNumber(bucket.time)
          : this.prefix;
    const encoded = encodeToken(token);
    return owner === null
      ? bucket.addressPrefix + groupText(keyGroupOfEncoded(encoded)) + encoded
      : bucket.addressPrefix + encoded;
  }

  /** The key group that an address of this table says. */
  groupAt(address: string): number {
    const at = this.prefix.length + (this.layout === "by-time" ? 8 : 0);
    return address.charCodeAt(at) * 256 + address.charCodeAt(at + 1);
  }

  /** The rows of a bucket whose key groups lie in [from, to). */
  rangeOf(bucket: Bucket<V>, fromGroup: number, toGroup: number): { from: string; to: string } | null {
    const { prefix, layout } = this;
    if (layout === "by-owner") {
      const group = keyGroupOf(bucket.owner as Token);
      if (group < fromGroup || group >= toGroup) return null;
      const from = this.ownerPrefix(bucket.owner as Token);
      return { from, to: `${from}\xff` };
    }
    const start = layout === "by-time" ? prefix + encodeNumber(bucket.time) : prefix;
    return { from: start + groupText(fromGroup), to: start + groupText(toGroup) };
  }

  /** What stands at an address of this table. */
  place(address: string): { bucket: Bucket<V>; token: Token } {
    const { time, owner, rest } = this.parse(address);
    return { bucket: this.bucketOf(time, owner), token: decodeToken(rest) };
  }

  /** Replaying a log: removes what a range of `rangeOf` covers, of which `from` is the beginning. */
  forgetRange(from: string): void {
    const { time, owner } = this.parse(from);
    this.forget(time, owner);
  }

  private parse(address: string): { time: number; owner: Token | null; rest: string } {
    const at = this.prefix.length;
    if (this.layout === "by-key") return { time: 0, owner: null, rest: address.slice(at + 2) };
    if (this.layout === "by-time") {
      const time = decodeNumber(address, at);
      return { time, owner: null, rest: address.slice(at + 10) };
    }
    const length = Buffer.from(address.slice(at + 2, at + 6), "latin1").readUInt32BE(0);
    const owner = decodeToken(address.slice(at + 6, at + 6 + length));
    return { time: 0, owner, rest: address.slice(at + 6 + length) };
  }

  private ownerPrefix(owner: Token): string {
    const encoded = encodeToken(owner);
    const n = encoded.length;
    const length = String.fromCharCode(n >>> 24, (n >>> 16) & 0xff, (n >>> 8) & 0xff, n & 0xff);
    return this.prefix + groupText(keyGroupOf(owner)) + length + encoded;
  }

  /** There are no rows, nor may there be any elsewhere. */
  get isEmpty(): boolean {
    for (const bucket of this.buckets) if (bucket.size > 0 || !bucket.complete) return false;
    return true;
  }

  /** Live rows, those in memory. */
  get size(): number {
    let n = 0;
    for (const bucket of this.buckets) n += bucket.size;
    return n;
  }

  *stateRows(): Generator<StateRow> {
    for (const bucket of this.buckets) {
      for (const [token, value] of bucket.rows.entries()) yield this.stateRow(bucket, token, value);
      for (const typed of [bucket.numbers, bucket.tokens]) {
        for (const [token, at] of typed?.entries() ?? [])
          yield this.stateRow(bucket, token, typed?.valuesAt(at));
      }
    }
  }

  private stateRow(bucket: Bucket<V>, token: Token, value: unknown): StateRow {
    const { operator, name: table } = this;
    const { owner, time } = bucket;
    if (owner === null)
      return { operator, table, keyGroup: keyGroupOf(token), key: keyOf(token), time, value };
    const key = keyOf(owner);
    return { operator, table, keyGroup: keyGroupOf(owner), key, subKey: keyOf(token), time, value };
  }
}

/** Rows by (time, key), or by key alone: then in the one bucket of time 0. */
export class Table<V extends Cell> extends Rows<V> {
  /** In time order, from `head` on; what stands before was dropped. */
  private list: (Bucket<V> | undefined)[] = [];
  private head = 0;

  constructor(operator: string, name: string, layout: "by-key" | "by-time") {
    super(operator, name, layout);
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
  override get buckets(): readonly Bucket<V>[] {
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

  protected override bucketOf(time: number): Bucket<V> {
    return this.open(time);
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

  /** Removes the first bucket with all its rows. */
  dropFirst(): void {
    const bucket = this.list[this.head] as Bucket<V>;
    this.list[this.head] = undefined; // its rows are free now
    this.head += 1;
    // Moving the list up at every drop would make many windows quadratic.
    if (this.head * 2 > this.list.length) {
      this.list = this.list.slice(this.head);
      this.head = 0;
    }
    this.keeper?.drop(bucket);
  }

  override forget(time: number): void {
    const at = this.indexAfter(time) - 1;
    if (at >= this.head && this.list[at]?.time === time) this.list.splice(at, 1);
  }
}

const groupText = (group: number): string => String.fromCharCode(group >> 8, group & 0xff);
