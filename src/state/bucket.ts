/**
 * Buckets: the rows of a table that share a time (panes, timers) or an owner (the entries of one key's map). Rows are
 * objects which the operator changes in place, or numbers in typed arrays (number-rows.ts, token-rows.ts).
 */
import type { Token } from "../core/key.ts";
import { KeyMap } from "./key-map.ts";
import type { NumberRows } from "./number-rows.ts";
import type { TokenRows } from "./token-rows.ts";

/** A row. Beside its value it says when it was last changed, for those who must write it down (journal.ts). */
export interface Cell {
  /**
   * The epoch in which it was changed and since which it is not written down; minus the epoch that wrote it down; 0 for
   * a row as it was loaded or, where state is not durable, always.
   */
  mark: number;
  /** Place in the order of arrival within the bucket, where the order of firing hangs on it. */
  seq?: number;
}

export class Bucket<V extends Cell> {
  /** Of a by-time table; else 0. */
  readonly time: number;
  /** Of a by-owner table: whose rows these are. */
  readonly owner: Token | null;
  readonly rows = new KeyMap<V>();
  /** Rows that are numbers only, where their owner keeps them so; only while state is in memory. */
  numbers: NumberRows | null = null;
  /** The same for keys that are no numbers. */
  tokens: TokenRows | null = null;

  /** Keys of the rows with a mark of the epoch at hand, in the order of their change. */
  dirty: Token[] = [];
  /** The same of the epoch that is being written down. */
  draining: Token[] = [];
  /** It was dropped; nobody changes it any more. */
  isGone = false;
  /** What the addresses of its rows begin with; made by the table when it is needed first. */
  addressPrefix: string | null = null;
  /** The log or the backend may have rows of it. */
  logged = false;

  /** The epoch in which all its rows were removed, where it lives on after that; else 0. */
  dropped = 0;
  /** Backends other than memory: no row of it is elsewhere. */
  complete = true;
  /** The same, where it is not complete: keys that have no row. */
  readonly absent = new Set<Token>();

  constructor(time: number, owner: Token | null = null) {
    this.time = time;
    this.owner = owner;
  }

  /** Rows in memory. */
  get size(): number {
    return this.rows.size + (this.numbers?.size ?? 0) + (this.tokens?.size ?? 0);
  }
}
