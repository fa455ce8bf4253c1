/** The statements that put rows into a table, and take them away again. */
import type { Connection } from "./connection.ts";
import type { Statement } from "./database.ts";
import { quoted } from "./row-change.ts";

export interface RowStatements {
  /** Puts a row in place of the one with its key. */
  readonly put: Statement;
  /** Takes away the row that has all of these cells. */
  readonly retract: Statement;
}

export const listOf = (columns: readonly string[]): string => columns.map(quoted).join(", ");

/** @param table as it stands in SQL. Cells are in the order of the columns */
export function rowStatements(
  connection: Connection,
  table: string,
  columns: readonly string[],
  key: readonly string[],
): RowStatements {
  const marks = columns.map(() => "?").join(", ");
  const equal = columns
    .map((column) => `${quoted(column)} ${key.includes(column) ? "=" : "IS"} ?`)
    .join(" AND ");
  return {
    put: connection.prepare(
      `INSERT INTO ${table} (${listOf(columns)}) VALUES (${marks}) ${onConflict(columns, key)}`,
    ),
    retract: connection.prepare(`DELETE FROM ${table} WHERE ${equal}`),
  };
}

/** A row that is there becomes the new one. */
export function onConflict(columns: readonly string[], key: readonly string[]): string {
  const others = columns.filter((column) => !key.includes(column));
  const set = others.map((column) => `${quoted(column)} = excluded.${quoted(column)}`).join(", ");
  return `ON CONFLICT (${listOf(key)}) DO ${others.length === 0 ? "NOTHING" : `UPDATE SET ${set}`}`;
}
