/**
 * Rows that may be elsewhere: what a table needs over a backend that is not memory.
 *
 * Between two loads the memory holds some rows of the store, knows some to be absent, and knows which it changed.
 * A read of anything else is a miss. `begin` marks the start of a record; `undo` takes everything back to it.
 */
import { decodeToken, type Token } from "../core/key.ts";
import { type Change, type Row, type RowStore, rowAddress, tablePrefix, timeRange } from "./contract.ts";
import { MISS } from "./miss.ts";
import type { Bucket, ColdAccess, Table } from "./table.ts";

interface Touched<V> {
  readonly bucket: Bucket<V>;
  readonly token: Token;
}

interface Undo<V> extends Touched<V> {
  readonly before: V | undefined;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

/** Rows of one scan call; a page keeps a backend's answer small. */
const PAGE_ROWS = 1000;

export class ColdRows<V> implements ColdAccess<V> {
  private readonly table: Table<V>;
  private readonly prefix: string;
  /** By address: what changed since the last eviction. */
  private readonly dirty = new Map<string, Touched<V>>();
  private readonly absent = new Set<string>();
  private readonly resident: Range[] = [];
  private readonly undoLog: Undo<V>[] = [];
  private readonly wanted = new Map<string, Touched<V>>();
  private readonly wantedRanges: Range[] = [];

  constructor(table: Table<V>) {
    this.table = table;
    this.prefix = tablePrefix(table.operator, table.name);
  }

  edit(bucket: Bucket<V>, token: Token): V | undefined {
    const value = bucket.rows.get(token);
    if (value === undefined && !this.isKnown(bucket, token)) {
      this.want(bucket, token);
      throw MISS;
    }
    this.changing(bucket, token);
    return value;
  }

  changing(bucket: Bucket<V>, token: Token): void {
    const before = bucket.rows.get(token);
    this.undoLog.push({ bucket, token, before: before === undefined ? undefined : structuredClone(before) });
    this.dirty.set(this.address(bucket, token), { bucket, token });
  }

  dropping(bucket: Bucket<V>): void {
    for (const [token] of bucket.rows.entries()) {
      this.dirty.set(this.address(bucket, token), { bucket, token });
    }
    bucket.rows.clear();
  }

  require(from: number, to: number): void {
    const first = this.table.after(from);
    if (first === undefined || first.time > to) return;
    if (this.resident.some((range) => range.from <= from && range.to >= to)) return;
    this.wantRange(from, to);
    throw MISS;
  }

  /** Asks for a row in the next load, unless it is known. */
  want(bucket: Bucket<V>, token: Token): void {
    if (bucket.rows.get(token) === undefined && !this.isKnown(bucket, token)) {
      this.wanted.set(this.address(bucket, token), { bucket, token });
    }
  }

  wantRange(from: number, to: number): void {
    this.wantedRanges.push({ from, to });
  }

  /** A record begins: nothing before it can be undone any more. */
  begin(): void {
    this.undoLog.length = 0;
  }

  undo(): void {
    for (let entry = this.undoLog.pop(); entry !== undefined; entry = this.undoLog.pop()) {
      if (entry.before === undefined) entry.bucket.rows.delete(entry.token);
      else entry.bucket.rows.set(entry.token, entry.before);
    }
  }

  /** Gives up all rows; what changed is returned for the store. */
  evict(): Change[] {
    const changes: Change[] = [];
    for (const [address, { bucket, token }] of this.dirty) {
      changes.push({ address, value: structuredClone(bucket.rows.get(token)) });
    }
    for (const bucket of this.table.buckets) bucket.rows.clear();
    this.dirty.clear();
    this.absent.clear();
    this.resident.length = 0;
    this.undoLog.length = 0;
    return changes;
  }

  /** Fetches what was asked for. */
  async load(store: RowStore): Promise<void> {
    const addresses = [...this.wanted.keys()];
    const values = addresses.length === 0 ? [] : await store.load(addresses);
    addresses.forEach((address, i) => {
      const { bucket, token } = this.wanted.get(address) as Touched<V>;
      this.place(address, bucket, token, values[i] as V | undefined);
    });
    this.wanted.clear();
    for (const range of this.wantedRanges.splice(0)) await this.loadRange(store, range);
  }

  private async loadRange(store: RowStore, range: Range): Promise<void> {
    const { from, to } = timeRange(this.prefix, range.from, range.to);
    const buckets = this.table.buckets.filter(
      (bucket) => bucket.time > range.from && bucket.time <= range.to,
    );
    for (let start = from, rows: readonly Row[]; ; start = `${rows[rows.length - 1].address}\0`) {
      rows = await store.scan(start, to, PAGE_ROWS);
      for (const { address, value } of rows) {
        const bucket = buckets.find((b) => address.startsWith(rowTimePrefix(this.prefix, b.time)));
        if (bucket === undefined) continue;
        const token = decodeToken(address.slice(this.prefix.length + 8 + 2));
        this.place(address, bucket, token, value as V);
      }
      if (rows.length < PAGE_ROWS) break;
    }
    this.resident.push(range);
  }

  /** Memory is newer than the store where a row was changed since the last eviction. */
  private place(address: string, bucket: Bucket<V>, token: Token, value: V | undefined): void {
    if (this.dirty.has(address) || bucket.rows.get(token) !== undefined) return;
    if (value === undefined) this.absent.add(address);
    else bucket.rows.set(token, value);
  }

  private isKnown(bucket: Bucket<V>, token: Token): boolean {
    const address = this.address(bucket, token);
    return (
      this.absent.has(address) ||
      this.dirty.has(address) ||
      (this.table.layout === "by-time" &&
        this.resident.some((r) => r.from < bucket.time && bucket.time <= r.to))
    );
  }

  private address(bucket: Bucket<V>, token: Token): string {
    return rowAddress(this.prefix, this.table.layout, bucket.time, token);
  }
}

function rowTimePrefix(prefix: string, time: number): string {
  return timeRange(prefix, time, time).from.slice(0, prefix.length + 8);
}
