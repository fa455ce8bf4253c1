/** What rows of numbers (number-rows.ts, token-rows.ts) ask of those who write them down. */
import type { Token } from "../core/key.ts";

/**
 * The mark of a row that is written down or was never changed. Others are those of the epoch at hand and of the one
 * that is being written down.
 */
export const CLEAN = 0;

export interface NumberKeeper {
  /** The mark of rows that changed in the epoch at hand: 1 and 2 by turns. */
  readonly mark: number;
  /** The row was changed, for the first time in this epoch. */
  note(token: Token): void;
  /** The row is about to be changed, but its values belong to the epoch that is being written down. */
  write(token: Token, values: ArrayLike<number>, seq: number): void;
}
