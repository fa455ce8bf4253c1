/**
 * Rows that may be elsewhere: a table's journal over a backend that is not memory, and its share of the cache.
 *
 * Memory holds some rows of the backend, knows some to be absent, and has rows that the backend doesn't have yet. A
 * read of anything else is a miss: the engine undoes the step, loads what was asked for, and runs the step again.
 *
 * A row may be given up once the backend has it: its epoch is applied. Where memory is short within an epoch, changed
 * rows are *spilled*: written into the log as part of the epoch, and for reading kept by the backend under a shadow
 * address, where no table looks for them.
 */
import { ByteReader } from "../schema/bytes.ts";
import type { Token } from "../core/key.ts";
import type { Bucket, Cell } from "./bucket.ts";
import { endOfTable, type Row, type RowStore } from "./contract.ts";
import { Hand } from "./hand.ts";
import { Journal } from "./journal.ts";
import type { Which } from "./change-log.ts";
import { MISS } from "./miss.ts";

/** Rows of one page of a walk, and of one scan. */
export const PAGE_ROWS = 1000;
/** Before an address: of a spilled row. No operator's name begins so, being UTF-8. */
export const SHADOW = "\xff";
/** What a live row takes beside its content, roughly: objects, map entries, marks. */
const ROW_BYTES = 160;
/** What an owner takes in memory beside its rows, roughly. */
const OWNER_BYTES = 400;
/** Live content per encoded byte, roughly. */
const LIVE_PER_ENCODED = 2;
/** Keys of a bucket that are remembered to have no row, from one turn to the next. */
const ABSENT_KEYS = 1000;
/** Rows that were loaded or changed in the last so many epochs stay, if others can go. */
const YOUNG_EPOCHS = 3;
/** Where too few rows could go, so many times as many must be there for another look. */
const LOOK_AGAIN_AT = 9 / 8;

interface Walk<V extends Cell> {
  readonly bucket: Bucket<V>;
  /** Of the rows that were in memory, or spilled, when the walk began; by address, descending. */
  readonly known: { address: string; token: Token }[];
  from: string | null;
  page: [Token, V][] | null;
}

export class ColdRows<V extends Cell> extends Journal<V> {
  override readonly cold: boolean = true;
  private readonly wanted = new Map<Bucket<V>, Set<Token>>();
  private readonly wantedWhole = new Set<Bucket<V>>();
  /** Rows that are removed and may still be in the backend, each with the epoch of its removal. */
  private readonly tombstones = new Map<string, number>();
  /** Rows that are to be read under their shadow address, each with the epoch in which it was spilled. */
  private readonly spilled = new Map<Bucket<V>, Map<Token, number>>();
  private walk: Walk<V> | null = null;
  private wantsPage = false;
  /** Buckets that remember many keys without a row. */
  private readonly crowded = new Set<Bucket<V>>();
  private readonly hand = new Hand<V>(this.rows);
  /** Rows below which there is nothing to give up. */
  private fruitlessBelow = 0;
  private readonly reader = new ByteReader(Buffer.alloc(0));
  private live = 0;
  private averageBytes = ROW_BYTES;
  /** The last epoch that the backend has. */
  private appliedEpoch = this.mark - 1;

  /** An estimate of what the rows in memory take. */
  get bytes(): number {
    return this.live * this.averageBytes + this.rows.owners * OWNER_BYTES;
  }

  override absent(bucket: Bucket<V>, token: Token): void {
    if (this.isKnown(bucket, token)) return;
    this.ask(bucket, token);
    throw MISS;
  }

  private isKnown(bucket: Bucket<V>, token: Token): boolean {
    return bucket.complete || bucket.absent.has(token);
  }

  override insert(bucket: Bucket<V>, token: Token, row: V): void {
    super.insert(bucket, token, row);
    bucket.absent.delete(token);
    this.live += 1;
  }

  override touch(bucket: Bucket<V>, token: Token, row: V): void {
    super.touch(bucket, token, row);
    // A walk hands out rows that may have been given up since.
    if (bucket.rows.get(token) !== row) {
      bucket.rows.set(token, row);
      this.live += 1;
    }
    this.spilled.get(bucket)?.delete(token);
  }

  override remove(bucket: Bucket<V>, token: Token): void {
    super.remove(bucket, token);
    this.live -= 1;
    bucket.absent.add(token);
    this.spilled.get(bucket)?.delete(token);
    this.tombstones.set(this.rows.address(bucket, token), this.mark);
  }

  override drop(bucket: Bucket<V>): void {
    if (!bucket.complete) bucket.logged = true;
    super.drop(bucket);
    this.live -= bucket.rows.size;
    this.spilled.delete(bucket);
    this.wanted.delete(bucket);
    this.wantedWhole.delete(bucket);
    if (this.walk?.bucket === bucket) this.walk = null;
    if (bucket.owner === null) {
      this.crowded.delete(bucket);
      this.hand.reset(); // it would keep the rows from being collected
    } else {
      // The backend still has its rows, until this epoch is applied: the bucket stays, and knows better.
      bucket.rows.clear();
      bucket.absent.clear();
      bucket.complete = true;
      bucket.dropped = this.mark;
    }
  }

  override want(bucket: Bucket<V>, token: Token): void {
    if (bucket.rows.get(token) === undefined && !this.isKnown(bucket, token)) this.ask(bucket, token);
  }

  override wantAll(bucket: Bucket<V>): void {
    if (!bucket.complete) this.wantedWhole.add(bucket);
  }

  override all(bucket: Bucket<V>): void {
    if (bucket.complete) return;
    this.wantedWhole.add(bucket);
    throw MISS;
  }

  private ask(bucket: Bucket<V>, token: Token): void {
    const tokens = this.wanted.get(bucket);
    if (tokens === undefined) this.wanted.set(bucket, new Set([token]));
    else tokens.add(token);
  }

  override page(bucket: Bucket<V>): Iterable<[Token, V]> | null {
    const walk = this.walk?.bucket === bucket ? this.walk : this.beginWalk(bucket);
    this.walk = walk;
    if (walk.page !== null) {
      const { page } = walk;
      walk.page = null;
      return page;
    }
    if (walk.from === null) {
      this.walk = null;
      return null;
    }
    this.wantsPage = true;
    throw MISS;
  }

  private beginWalk(bucket: Bucket<V>): Walk<V> {
    const tokens = new Set<Token>(this.spilled.get(bucket)?.keys());
    for (const [token] of bucket.rows.entries()) tokens.add(token);
    const known = Array.from(tokens, (token) => ({ address: this.rows.address(bucket, token), token }));
    known.sort((a, b) => (a.address < b.address ? 1 : -1));
    const { from } = this.rows.rangeOf(bucket, 0, 0x7fff) as { from: string };
    return { bucket, known, from, page: null };
  }

  /** Whether a load would do anything. */
  get asks(): boolean {
    return this.wantsPage || this.wanted.size > 0 || this.wantedWhole.size > 0;
  }

  /** Fetches what was asked for. */
  async load(store: RowStore): Promise<void> {
    if (this.wantsPage && this.walk !== null) await this.loadPage(store, this.walk);
    this.wantsPage = false;
    for (const bucket of this.wantedWhole) await this.loadWhole(store, bucket);
    await this.loadWanted(store);
    for (const bucket of this.wantedWhole) {
      bucket.complete = true;
      bucket.absent.clear();
    }
    this.wantedWhole.clear();
  }

  private async loadWanted(store: RowStore): Promise<void> {
    if (this.wanted.size === 0) return;
    const asked: { bucket: Bucket<V>; token: Token; address: string }[] = [];
    for (const [bucket, tokens] of this.wanted)
      for (const token of tokens) asked.push({ bucket, token, address: this.rows.address(bucket, token) });
    this.wanted.clear();
    const values = await store.load(
      asked.map(({ bucket, token, address }) =>
        this.spilled.get(bucket)?.has(token) ? SHADOW + address : address,
      ),
    );
    asked.forEach(({ bucket, token, address }, i) => {
      this.place(bucket, token, address, values[i]);
    });
  }

  /** All rows of a bucket but the spilled ones, which are asked for. */
  private async loadWhole(store: RowStore, bucket: Bucket<V>): Promise<void> {
    const spilled = this.spilled.get(bucket);
    for (const token of spilled?.keys() ?? []) this.want(bucket, token);
    const { from, to } = this.rows.rangeOf(bucket, 0, 0x7fff) as { from: string; to: string };
    for await (const { address, value } of stored(store, from, to)) {
      const { token } = this.rows.place(address);
      if (spilled?.has(token) !== true) this.place(bucket, token, address, value);
    }
  }

  private async loadPage(store: RowStore, walk: Walk<V>): Promise<void> {
    const { bucket } = walk;
    const { to } = this.rows.rangeOf(bucket, 0, 0x7fff) as { to: string };
    const rows = bucket.complete ? [] : await store.scan(walk.from as string, to, PAGE_ROWS);
    const isLast = rows.length < PAGE_ROWS;
    const upTo = isLast ? to : (rows.at(-1) as Row).address;
    const found: { address: string; token: Token }[] = [];
    const spilled: { address: string; token: Token }[] = [];
    const own = new Set<string>();
    for (let next = walk.known.at(-1); next !== undefined && next.address <= upTo; next = walk.known.at(-1)) {
      walk.known.pop();
      if (bucket.rows.get(next.token) !== undefined) found.push(next);
      else if (this.spilled.get(bucket)?.has(next.token)) spilled.push(next);
      else continue; // given up meanwhile: the backend has it
      own.add(next.address);
    }
    for (const { address, value } of rows) {
      if (own.has(address)) continue;
      const { token } = this.rows.place(address);
      this.place(bucket, token, address, value);
      found.push({ address, token });
    }
    const shadows = spilled.length === 0 ? [] : await store.load(spilled.map((s) => SHADOW + s.address));
    spilled.forEach(({ address, token }, i) => {
      this.place(bucket, token, address, shadows[i]);
      found.push({ address, token });
    });
    found.sort((a, b) => (a.address < b.address ? -1 : 1));
    walk.page = found.flatMap(({ token }): [Token, V][] => {
      const row = bucket.rows.get(token);
      return row === undefined ? [] : [[token, row]];
    });
    walk.from = isLast ? null : `${upTo}\0`;
  }

  /** Memory is newer than the backend where it has the row, or knows that it was removed. */
  private place(bucket: Bucket<V>, token: Token, address: string, value: Uint8Array | undefined): void {
    if (bucket.rows.get(token) !== undefined) return;
    const spilledIn = this.spilled.get(bucket)?.get(token);
    const isRemoved = bucket.dropped > this.appliedEpoch || this.tombstones.has(address);
    if (value === undefined || (spilledIn === undefined && isRemoved)) {
      bucket.absent.add(token);
      if (bucket.absent.size > ABSENT_KEYS) this.crowded.add(bucket);
      return;
    }
    this.reader.over(value);
    const row = this.codec.decode(this.reader);
    // As if it had been written down by the newest epoch that the backend has: it is wanted now.
    row.mark = 0 - (spilledIn ?? Math.min(this.appliedEpoch, this.mark - 1));
    bucket.rows.set(token, row);
    bucket.absent.delete(token);
    bucket.logged = true;
    this.live += 1;
    this.measure(value.length);
  }

  private measure(encodedBytes: number): void {
    const bytes = ROW_BYTES + encodedBytes * LIVE_PER_ENCODED;
    this.averageBytes += (bytes - this.averageBytes) / 64;
  }

  /** Between two turns, when no step hangs on it: forgets most of the keys that have no row. */
  forgetAbsent(): void {
    for (const bucket of this.crowded) bucket.absent.clear();
    this.crowded.clear();
  }

  /**
   * Gives up rows that the backend has, those first that were not used lately. It looks at a row three times at the most.
   *
   * @param applied the last epoch that the backend has
   */
  evict(applied: number, isEnough: () => boolean): void {
    this.forgetAbsent();
    if (isEnough() || this.live < this.fruitlessBelow) return;
    const leave = (bucket: Bucket<V>): void => {
      if (bucket.rows.size === 0 && bucket.dropped <= applied && !this.remembers(bucket))
        this.rows.release(bucket);
    };
    for (const leastAge of [YOUNG_EPOCHS, YOUNG_EPOCHS, 0]) {
      const look = (bucket: Bucket<V>, token: Token, { mark }: V): boolean => {
        if (mark > 0 || this.mark + mark < leastAge) return false;
        if (-mark > applied && this.spilled.get(bucket)?.has(token) !== true) return false;
        bucket.rows.delete(token);
        bucket.complete = false;
        this.live -= 1;
        return isEnough();
      };
      if (this.hand.sweep(look, leave)) return;
    }
    this.fruitlessBelow = this.live * LOOK_AGAIN_AT;
  }

  /** What would be lost if the bucket were made anew. */
  private remembers(bucket: Bucket<V>): boolean {
    const { spilled, wanted, wantedWhole, walk } = this;
    return spilled.has(bucket) || wanted.has(bucket) || wantedWhole.has(bucket) || walk?.bucket === bucket;
  }

  /** Gives up all rows; every one of them must be written down. */
  evictAll(): void {
    for (const bucket of this.rows.buckets) {
      if (bucket.rows.size > 0) bucket.complete = false;
      this.live -= bucket.rows.size;
      bucket.rows.clear();
      bucket.absent.clear();
      if (!this.remembers(bucket)) this.rows.release(bucket);
    }
  }

  /**
   * Writes down the changed rows of the epoch at hand, within the epoch; there must be none being drained.
   *
   * @param copy called with each row's address and the row, which is then taken to be where spilled rows are read
   */
  spill(copy: ((address: string, bytes: Uint8Array) => void) | null): void {
    this.fruitlessBelow = 0;
    for (const bucket of this.dirty.splice(0)) {
      for (const token of bucket.dirty.splice(0)) {
        const row = bucket.rows.get(token);
        if (row === undefined || row.mark !== this.mark) continue;
        const bytes = this.write("now", bucket, token, row);
        row.mark = -this.mark;
        if (copy === null) continue;
        copy(SHADOW + this.rows.address(bucket, token), Buffer.from(bytes));
        const tokens = this.spilled.get(bucket) ?? new Map<Token, number>();
        this.spilled.set(bucket, tokens.set(token, this.mark));
      }
    }
  }

  protected override write(which: Which, bucket: Bucket<V>, token: Token, row: V): Uint8Array {
    const bytes = super.write(which, bucket, token, row);
    this.measure(bytes.length);
    return bytes;
  }

  /** Everything up to the epoch is in the backend. True when nothing is spilled any more. */
  applied(epoch: number): boolean {
    this.appliedEpoch = epoch;
    this.fruitlessBelow = 0;
    for (const [address, removedIn] of this.tombstones)
      if (removedIn <= epoch) this.tombstones.delete(address);
    for (const [bucket, tokens] of this.spilled) {
      for (const [token, spilledIn] of tokens) if (spilledIn <= epoch) tokens.delete(token);
      if (tokens.size === 0) this.spilled.delete(bucket);
    }
    return this.spilled.size === 0;
  }

  /** Finds out which buckets the backend has rows of. */
  async recall(store: RowStore): Promise<void> {
    const { prefix, layout } = this.rows;
    if (layout === "by-owner") return;
    const end = endOfTable(prefix);
    for (let from = prefix; ; ) {
      const [row] = await store.scan(from, end, 1);
      if (row === undefined) return;
      const { bucket } = this.rows.place(row.address);
      bucket.complete = false;
      bucket.logged = true;
      if (layout === "by-key") return;
      from = (this.rows.rangeOf(bucket, 0, 0x7fff) as { to: string }).to;
    }
  }

  /** Every row that the backend has, page after page; memory is left as it is. */
  async *stored(store: RowStore): AsyncGenerator<[Bucket<V>, Token, V]> {
    const { prefix } = this.rows;
    for await (const { address, value } of stored(store, prefix, endOfTable(prefix))) {
      const { bucket, token } = this.rows.place(address);
      yield [bucket, token, this.codec.decode(new ByteReader(value))];
      if (bucket.rows.size === 0) this.rows.release(bucket);
    }
  }
}

/** All rows of a range, read page after page. */
async function* stored(store: RowStore, from: string, to: string): AsyncGenerator<Row> {
  for (let at = from; ; ) {
    const rows = await store.scan(at, to, PAGE_ROWS);
    yield* rows;
    if (rows.length < PAGE_ROWS) return;
    at = `${(rows.at(-1) as Row).address}\0`;
  }
}
