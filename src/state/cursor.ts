/** A walk over all rows of a table that may change meanwhile: each row that stays is seen, those dropped are not. */
import type { Token } from "../core/key.ts";
import type { Bucket, Cell } from "./bucket.ts";
import type { Rows } from "./table.ts";

export class Cursor<V extends Cell> {
  bucket!: Bucket<V>;
  token!: Token;
  /** The row where it is an object. */
  row: V | undefined;
  /** Its place in the bucket's rows of numbers where it is none; else -1. */
  place = -1;
  private readonly buckets: Iterator<Bucket<V>>;
  private walks: Iterator<[Token, V | number]>[] = [];

  constructor(rows: Rows<V>) {
    this.buckets = rows.buckets[Symbol.iterator]();
  }

  /** Steps to the next row; false at the end. */
  next(): boolean {
    for (;;) {
      if (this.walks.length > 0 && this.bucket.isGone) this.walks = [];
      const step = this.walks.at(-1)?.next();
      if (step === undefined) {
        const bucket = this.buckets.next();
        if (bucket.done === true) return false;
        if (bucket.value.isGone) continue;
        const { rows, numbers, tokens } = bucket.value;
        this.bucket = bucket.value;
        this.walks = [rows.entries()];
        if (numbers !== null) this.walks.push(numbers.entries());
        if (tokens !== null) this.walks.push(tokens.entries());
      } else if (step.done === true) {
        this.walks.pop();
      } else {
        const [token, found] = step.value;
        this.token = token;
        this.place = typeof found === "number" ? found : -1;
        this.row = typeof found === "number" ? undefined : found;
        return true;
      }
    }
  }
}
