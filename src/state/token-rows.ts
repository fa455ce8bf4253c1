/**
 * Rows whose values are numbers, for keys of any kind: a map from the key to a row of a typed array. As NumberRows, but
 * the look-up is a Map's; no object per key. Value i of a row stands at its place + 1 + i, as there; the value before
 * it, where NumberRows has the key, is the row's mark. Rows lie in the order of their arrival.
 */
import type { Token } from "../core/key.ts";
import { KeyMap } from "./key-map.ts";
import { CLEAN, type NumberKeeper } from "./number-cell.ts";

/** Rows at the beginning; a window of a few keys must cost little. */
const FIRST_ROWS = 16;

export class TokenRows {
  readonly stride: number;
  readonly index = new KeyMap<number>();
  size = 0;
  slots: Float64Array;
  private readonly keeper: NumberKeeper | null;

  /**
   * @param values numbers in a row
   * @param keeper null where rows are not durable
   */
  constructor(values: number, keeper: NumberKeeper | null) {
    this.stride = 1 + values;
    this.keeper = keeper;
    this.slots = new Float64Array(FIRST_ROWS * this.stride);
  }

  /** The place of the key's row; negative where there is none. */
  find(token: Token): number {
    const at = this.index.get(token);
    return at === undefined ? -1 : at;
  }

  /** A row for a key that has none. Returns its place. */
  insert(_free: number, token: Token): number {
    const at = this.claim(token);
    this.keeper?.note(token);
    return at;
  }

  /** A row as it was written down. Rows come back in the order of their arrival. */
  restore(token: Token, values: ArrayLike<number>): void {
    const at = this.claim(token);
    this.slots.set(values, at + 1);
    this.setMark(at, CLEAN);
  }

  private claim(token: Token): number {
    const at = this.size * this.stride;
    if (at === this.slots.length) {
      const wider = new Float64Array(this.slots.length * 2);
      wider.set(this.slots);
      this.slots = wider;
    }
    this.index.set(token, at);
    this.size += 1;
    if (this.keeper !== null) this.slots[at] = this.keeper.mark;
    return at;
  }

  /** The row at a place is about to be changed. */
  touch(at: number, token: Token): void {
    const { keeper, slots } = this;
    if (keeper === null || slots[at] === keeper.mark) return;
    if (slots[at] !== CLEAN) keeper.write(token, this.valuesAt(at), this.seqAt(at));
    slots[at] = keeper.mark;
    keeper.note(token);
  }

  markAt(at: number): number {
    return this.slots[at];
  }

  setMark(at: number, mark: number): void {
    this.slots[at] = mark;
  }

  /** Its place in the order of arrival. */
  seqAt(at: number): number {
    return at / this.stride;
  }

  valuesAt(at: number): Float64Array {
    return this.slots.subarray(at + 1, at + this.stride);
  }

  /** Key and place of each row, in the order of arrival; rows may be added meanwhile. */
  entries(): IterableIterator<[Token, number]> {
    return this.index.entries();
  }
}
