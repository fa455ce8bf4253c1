/**
 * State towards a backend: rows and three verbs.
 *
 * A state row is (operator, key group, key, sub-key) -> value. Its address is one string with a byte in each
 * character, ordered as its parts are, so that a backend can scan by prefix:
 *
 *   by key:   table · key group · key · time        (values, sessions)
 *   by time:  table · time · key group · key        (panes: what is due is one range)
 *
 * Operators see neither addresses nor the backend; they work on tables (table.ts), which keep rows as live objects.
 */
import { encodeNumber, encodeToken, keyGroupOf, type Token } from "../core/key.ts";

/** Plain data: what structuredClone copies unchanged. */
export type StateValue = unknown;

export interface Row {
  readonly address: string;
  readonly value: StateValue;
}

/** A new value of a row, or its removal (undefined). */
export interface Change {
  readonly address: string;
  readonly value: StateValue | undefined;
}

/** What a state backend does, and nothing else. Called only at the edges of a turn. */
export interface RowStore {
  /** The values at the addresses, in their order; undefined where there is none. */
  load(addresses: readonly string[]): Promise<readonly (StateValue | undefined)[]>;
  /** At most `limit` rows with from <= address < to, in order. */
  scan(from: string, to: string, limit: number): Promise<readonly Row[]>;
  /** All changes, or none; a later change of one address wins. */
  apply(changes: readonly Change[]): Promise<void>;
}

/** Which layout a table's rows have: see above. */
export type RowLayout = "by-key" | "by-time";

/** The prefix of all rows of a table: operator and table name, each ended by NUL. */
export function tablePrefix(operator: string, table: string): string {
  return `${Buffer.from(operator, "utf8").toString("latin1")}\0${table}\0`;
}

/** The address of one row. */
export function rowAddress(prefix: string, layout: RowLayout, time: number, token: Token): string {
  const group = keyGroupOf(token);
  const key = String.fromCharCode(group >> 8, group & 0xff) + encodeToken(token);
  return layout === "by-time" ? prefix + encodeNumber(time) + key : prefix + key + encodeNumber(time);
}

/** The range of a by-time table's rows with from < time <= to (or all times up to `to`, from -Infinity). */
export function timeRange(prefix: string, from: number, to: number): { from: string; to: string } {
  const after = (time: number): string => `${prefix}${encodeNumber(time)}\xff\xff\xff`;
  return { from: from === Number.NEGATIVE_INFINITY ? prefix : after(from), to: after(to) };
}
