/**
 * The journal of a table whose rows are durable: which rows changed in the epoch at hand, and how they get into the log.
 *
 * At the barrier the changed rows become those of the past epoch, and are written down between batches, in slices. A
 * row that is touched meanwhile is written down first. So an epoch's rows are those of its barrier, and nothing stops.
 *
 * Removals go into the log at once. A bucket that is dropped costs one change, whatever it held.
 *
 * Cost per change of a row that was changed in this epoch before: one comparison.
 */
import { MillraceError, preview } from "../core/errors.ts";
import { keyOf, type Token } from "../core/key.ts";
import type { Codec } from "../schema/codec.ts";
import type { Bucket, Cell } from "./bucket.ts";
import type { ChangeLog, Which } from "./change-log.ts";
import { Cursor } from "./cursor.ts";
import { CLEAN, type NumberKeeper } from "./number-cell.ts";
import type { Keeper, Rows } from "./table.ts";

/** Rows between two looks at the clock. */
const ROWS_PER_LOOK = 32;

export interface JournalOptions<V extends Cell> {
  readonly rows: Rows<V>;
  readonly codec: Codec<V>;
  readonly changes: ChangeLog;
  /** The epoch at hand. */
  readonly epoch: number;
}

export class Journal<V extends Cell> implements Keeper<V> {
  readonly cold: boolean = false;
  mark: number;
  readonly rows: Rows<V>;
  readonly codec: Codec<V>;
  protected readonly changes: ChangeLog;
  /** The mark of the epoch that is being written down; 0 where none is. */
  protected past = 0;
  protected dirty: Bucket<V>[] = [];
  private numberKeepers: { readonly bucket: Bucket<V>; mark: number }[] = [];
  private draining: Bucket<V>[] = [];

  constructor({ rows, codec, changes, epoch }: JournalOptions<V>) {
    this.rows = rows;
    this.codec = codec;
    this.changes = changes;
    this.mark = epoch;
  }

  absent(_bucket: Bucket<V>, _token: Token): void {}

  touch(bucket: Bucket<V>, token: Token, row: V): void {
    if (row.mark > 0) this.write("past", bucket, token, row);
    row.mark = this.mark;
    this.note(bucket, token);
  }

  insert(bucket: Bucket<V>, token: Token, row: V): void {
    row.mark = this.mark;
    this.note(bucket, token);
  }

  remove(bucket: Bucket<V>, token: Token): void {
    const row = bucket.rows.get(token) as V;
    if (row.mark > 0 && row.mark === this.past) this.write("past", bucket, token, row);
    const address = this.rows.address(bucket, token);
    this.changes.remove("now", this.rows.groupAt(address), address);
  }

  drop(bucket: Bucket<V>): void {
    if (bucket.owner !== null) this.writePending(bucket);
    bucket.dirty = [];
    bucket.isGone = true;
    // What of it is still to be written down for the past epoch stays as it is: nobody changes it any more.
    if (!bucket.logged && bucket.draining.length === 0) return;
    this.changes.removeRange((from, to) => this.rows.rangeOf(bucket, from, to));
  }

  want(_bucket: Bucket<V>, _token: Token): void {}

  wantAll(_bucket: Bucket<V>): void {}

  all(_bucket: Bucket<V>): void {}

  page(_bucket: Bucket<V>): Iterable<[Token, V]> | null {
    return null;
  }

  numbersOf(bucket: Bucket<V>): NumberKeeper {
    const keeper = {
      bucket,
      mark: numberMark(this.mark),
      note: (token: Token) => this.note(bucket, token),
      write: (token: Token, values: ArrayLike<number>, seq: number) =>
        this.writeNumbers(bucket, token, values, seq),
    };
    this.numberKeepers.push(keeper);
    return keeper;
  }

  private note(bucket: Bucket<V>, token: Token): void {
    if (bucket.dirty.length === 0) this.dirty.push(bucket);
    bucket.dirty.push(token);
  }

  /** The epoch ends here. The one before must have been drained. */
  barrier(): void {
    this.past = this.mark;
    this.mark += 1;
    this.numberKeepers = this.numberKeepers.filter(({ bucket }) => !bucket.isGone);
    for (const keeper of this.numberKeepers) keeper.mark = numberMark(this.mark);
    for (const bucket of this.dirty) {
      if (bucket.dirty.length === 0) continue; // dropped
      bucket.draining = bucket.dirty;
      bucket.dirty = [];
      this.draining.push(bucket);
    }
    this.dirty = [];
  }

  /** Writes down rows of the past epoch until none is left (true) or the time is over. */
  drain(isOver: () => boolean): boolean {
    let rows = 0;
    for (let bucket = this.draining.at(-1); bucket !== undefined; bucket = this.draining.at(-1)) {
      const { draining } = bucket;
      for (let token = draining.pop(); token !== undefined; token = draining.pop()) {
        this.writeIfPending(bucket, token);
        if (++rows % ROWS_PER_LOOK === 0 && isOver()) return false;
      }
      this.draining.pop();
    }
    return true;
  }

  /** All of the past epoch is in the log. */
  settled(): void {
    this.past = 0;
  }

  /** A walk over all rows, for writing down again what has not changed for long. */
  cursor(): Cursor<V> {
    return new Cursor(this.rows);
  }

  /** Writes down unchanged rows from the cursor on. True when it has seen all; false when the time is over. */
  rewrite(cursor: Cursor<V>, isOver: () => boolean): boolean {
    for (let rows = 1; cursor.next(); rows++) {
      const { bucket, token, place } = cursor;
      const typed = this.typedOf(bucket, token);
      const mark = place < 0 || typed === null ? cursor.row?.mark : typed.markAt(place);
      // A row that is to be written down for this epoch or the next needs nothing more.
      if (mark !== undefined && mark <= 0) {
        if (place < 0 || typed === null) this.write("past", bucket, token, cursor.row as V);
        else this.writeNumbers(bucket, token, typed.valuesAt(place), typed.seqAt(place));
      }
      if (rows % ROWS_PER_LOOK === 0 && isOver()) return false;
    }
    return true;
  }

  private typedOf(bucket: Bucket<V>, token: Token): Bucket<V>["numbers"] | Bucket<V>["tokens"] {
    const isNumber = typeof token === "number" && !Number.isNaN(token);
    return isNumber ? bucket.numbers : bucket.tokens;
  }

  private writePending(bucket: Bucket<V>): void {
    for (const token of bucket.draining.splice(0)) this.writeIfPending(bucket, token);
  }

  private writeIfPending(bucket: Bucket<V>, token: Token): void {
    const row = bucket.rows.get(token);
    if (row !== undefined) {
      if (row.mark !== this.past) return;
      this.write("past", bucket, token, row);
      row.mark = -this.past;
      return;
    }
    const typed = this.typedOf(bucket, token);
    if (typed === null) return;
    const at = typed.find(token as never);
    if (at < 0 || typed.markAt(at) !== numberMark(this.past)) return;
    this.writeNumbers(bucket, token, typed.valuesAt(at), typed.seqAt(at));
    typed.setMark(at, CLEAN);
  }

  protected write(which: Which, bucket: Bucket<V>, token: Token, row: V): Uint8Array {
    bucket.logged = true;
    const address = this.rows.address(bucket, token);
    try {
      return this.changes.put(which, this.rows.groupAt(address), address, this.codec, row);
    } catch (error) {
      throw this.refused(error, bucket, token);
    }
  }

  /** A value that can't be kept, with its place. */
  private refused(error: unknown, bucket: Bucket<V>, token: Token): unknown {
    if (!(error instanceof MillraceError) || error.code !== "STATE_VALUE_REFUSED") return error;
    const key = preview(keyOf(bucket.owner ?? token));
    const what = `State ${this.rows.name} of ${this.rows.operator} has for the key ${key} a value that can't be kept`;
    return new MillraceError(error.code, `${what}: ${error.what}`, { operator: this.rows.operator });
  }

  private writeNumbers(bucket: Bucket<V>, token: Token, values: ArrayLike<number>, seq: number): void {
    const { numberForm } = this.rows;
    if (numberForm !== null) this.write("past", bucket, token, numberForm.cellOf(values, seq));
  }
}

/** Of rows of numbers: two epochs at the most are under way, and 0 is CLEAN. */
const numberMark = (epoch: number): number => 1 + (epoch % 2);
