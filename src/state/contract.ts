/**
 * State towards a backend: rows and three verbs.
 *
 * A state row is (operator, key group, key, sub-key) -> value. Its address is one string with a byte in each
 * character, ordered as its parts are, so that a backend can scan by prefix:
 *
 *   by key:   table · key group · key                    (values, sessions)
 *   by time:  table · time · key group · key             (panes, timers: what is due is one range)
 *   by owner: table · key group · length · key · sub-key (the entries of a map, the elements of a list)
 *
 * Operators see neither addresses nor the backend; they work on tables (table.ts), which keep rows as live objects.
 * Towards a backend a value is bytes, which a codec (schema layer) made.
 */

export interface Row {
  readonly address: string;
  readonly value: Uint8Array;
}

/** A new value of a row, or its removal (undefined); or the removal of all rows with from <= address < to. */
export type Change =
  | { readonly address: string; readonly value: Uint8Array | undefined }
  | { readonly from: string; readonly to: string };

/** What a state backend does, and nothing else. Called only at the edges of a turn. */
export interface RowStore {
  /** The values at the addresses, in their order; undefined where there is none. */
  load(addresses: readonly string[]): Promise<readonly (Uint8Array | undefined)[]>;
  /** At most `limit` rows with from <= address < to, in order. */
  scan(from: string, to: string, limit: number): Promise<readonly Row[]>;
  /**
   * All changes in their order, and the position with them, or nothing at all. Need not survive a loss of power: the
   * log from the store's position on is applied again after one.
   *
   * Calls that did not wait for each other take effect in their order; one behind a failed one fails with it.
   *
   * @param position how far the log is applied then, opaque to the store; null leaves it as it is
   */
  apply(changes: readonly Change[], position: string | null): Promise<void>;
  /** The position of the last `apply` that the store still has; null where nothing was applied. */
  position(): Promise<string | null>;
  /** When it resolves, everything applied survives the loss of power: the log before it is not needed any more. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** Which layout a table's rows have: see above. */
export type RowLayout = "by-key" | "by-time" | "by-owner";

/** The prefix of all rows of a table: operator and table name, each ended by NUL. */
export function tablePrefix(operator: string, table: string): string {
  return `${Buffer.from(operator, "utf8").toString("latin1")}\0${table}\0`;
}

/** Just behind all rows of a table. Behind the prefix any byte may follow: the time +Infinity begins with 0xff. */
export function endOfTable(prefix: string): string {
  return `${prefix.slice(0, -1)}\x01`;
}
