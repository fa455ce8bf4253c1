/**
 * Rows whose values are numbers, for keys of any kind: a map from the key to a row of a typed array. As NumberRows, but
 * the look-up is a Map's; no object per key. Value i of a row stands at its place + 1 + i, as there.
 */
import type { Token } from "../core/key.ts";
import { KeyMap } from "./key-map.ts";

/** Rows at the beginning; a window of a few keys must cost little. */
const FIRST_ROWS = 16;

export class TokenRows {
  readonly stride: number;
  readonly index = new KeyMap<number>();
  size = 0;
  slots: Float64Array;

  /** @param values numbers in a row */
  constructor(values: number) {
    this.stride = 1 + values;
    this.slots = new Float64Array(FIRST_ROWS * this.stride);
  }

  /** The place of the key's row; negative where there is none. */
  find(token: Token): number {
    const at = this.index.get(token);
    return at === undefined ? -1 : at;
  }

  /** Makes a row for a key that has none, and returns its place. */
  claim(_free: number, token: Token): number {
    const at = this.size * this.stride;
    if (at === this.slots.length) {
      const wider = new Float64Array(this.slots.length * 2);
      wider.set(this.slots);
      this.slots = wider;
    }
    this.index.set(token, at);
    this.size += 1;
    return at;
  }
}
