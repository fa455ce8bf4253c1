/**
 * A clock hand over the rows of a table: it goes round and round, and each sweep begins where the one before stopped.
 * So nobody looks again and again at the rows that come first.
 */
import type { Token } from "../core/key.ts";
import type { Bucket, Cell } from "./bucket.ts";
import type { Rows } from "./table.ts";

export class Hand<V extends Cell> {
  private readonly rows: Rows<V>;
  private buckets: Iterator<Bucket<V>> | null = null;
  private at: { readonly bucket: Bucket<V>; readonly rows: Iterable<[Token, V]> } | null = null;

  constructor(rows: Rows<V>) {
    this.rows = rows;
  }

  /** The next sweep begins at the beginning: it must hold on to nothing that is gone. */
  reset(): void {
    this.buckets = null;
    this.at = null;
  }

  /**
   * To the end of the table, or until `look` says that it is enough (true).
   *
   * @param look may delete the row
   * @param leave a bucket all of whose rows were looked at
   */
  sweep(
    look: (bucket: Bucket<V>, token: Token, row: V) => boolean,
    leave: (bucket: Bucket<V>) => void,
  ): boolean {
    this.buckets ??= this.rows.buckets[Symbol.iterator]();
    for (;;) {
      if (this.at !== null) {
        const { bucket, rows } = this.at;
        // An iterator of rows goes on where it was left.
        for (const [token, row] of rows) if (look(bucket, token, row)) return true;
        leave(bucket);
      }
      const next = this.buckets.next();
      if (next.done === true) break;
      this.at = { bucket: next.value, rows: next.value.rows.entries() };
    }
    this.reset();
    return false;
  }
}
