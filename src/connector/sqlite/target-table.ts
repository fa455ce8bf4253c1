/** The table that the sink writes: whether it fits the sink, and its rows by their key. */
import { MillraceError, preview, reasonOf } from "../../core/errors.ts";
import type { Connection } from "./connection.ts";
import { quoted, type RowChange } from "./row-change.ts";
import { listOf, type RowStatements, rowStatements } from "./row-statements.ts";

interface Statements extends RowStatements {
  /** The columns that they write, in this order. */
  readonly columns: string;
}

export class TargetTable {
  readonly name: string;
  readonly #path: string;
  readonly #key: readonly string[];
  readonly #connection: Connection;
  #statements: Statements | null = null;

  constructor(connection: Connection, path: string, name: string, key: readonly string[]) {
    this.#connection = connection;
    this.#path = path;
    this.name = name;
    this.#key = key;
  }

  /** Those that can be written; null where there is no such table. */
  columns(): readonly string[] | null {
    const rows = this.#pragma("table_xinfo", this.name);
    if (rows.length === 0) return null;
    return rows.filter(({ hidden }) => hidden === 0n).map(({ name }) => name as string);
  }

  /** @throws FILE_UNWRITABLE when there is a table that rows with these columns and this key can't be put into */
  check(columns: readonly string[]): void {
    const own = this.columns();
    if (own === null) return;
    const missing = [...this.#key, ...columns].find((column) => !own.includes(column));
    if (missing !== undefined) {
      throw this.#unfit(
        `has no column ${quoted(missing)}, only ${own.map(quoted).join(", ")}: add it (ALTER TABLE ${quoted(this.name)} ADD COLUMN ${quoted(missing)}), name other fields by the option columns, or give another table`,
      );
    }
    if (this.#uniqueKeys().some((unique) => isSame(unique, this.#key))) return;
    const names = listOf(this.#key);
    throw this.#unfit(
      `has no primary key or unique index of just ${names}, by which rows could be replaced: CREATE UNIQUE INDEX ${quoted(`${this.name}_key`)} ON ${quoted(this.name)} (${names}), or give another table`,
    );
  }

  /** Within a transaction: makes the table where there is none. @throws FILE_UNWRITABLE as check */
  ensure(columns: readonly string[]): void {
    const list = listOf(columns);
    if (this.#statements?.columns === list) return;
    this.check(columns);
    const table = quoted(this.name);
    const isKey = (column: string) => this.#key.includes(column);
    // Columns have no type: what is put in comes out as it was.
    const definitions = columns.map((column) => quoted(column) + (isKey(column) ? " NOT NULL" : ""));
    this.#connection
      .prepare(
        `CREATE TABLE IF NOT EXISTS ${table} (${definitions.join(", ")}, PRIMARY KEY (${listOf(this.#key)})) WITHOUT ROWID`,
      )
      .run();
    this.#statements = {
      columns: list,
      ...rowStatements(this.#connection, table, columns, this.#key),
    };
  }

  /** Within a transaction, behind `ensure`. @throws SINK_FAILED where a constraint of the table refuses a row */
  async apply(changes: Iterable<RowChange>): Promise<void> {
    const { put, retract } = this.#statements as Statements;
    for (const { retracts, cells } of changes) {
      try {
        (retracts ? retract : put).run(...cells);
      } catch (cause) {
        const row = preview(cells.map((cell) => (typeof cell === "bigint" ? String(cell) : cell)));
        throw new MillraceError(
          "SINK_FAILED",
          `${this.#path}: the table ${this.name} refuses the row ${row}: ${reasonOf(cause)}`,
          { text: row },
          cause,
        );
      }
      const pause = this.#connection.pause();
      if (pause !== undefined) await pause;
    }
  }

  #uniqueKeys(): string[][] {
    const primary = this.#pragma("table_xinfo", this.name).filter(({ pk }) => pk !== 0n);
    const indexes = this.#pragma("index_list", this.name).filter(
      ({ unique, partial }) => unique === 1n && partial === 0n,
    );
    return [primary, ...indexes.map(({ name }) => this.#pragma("index_info", name as string))].map(
      (columns) => columns.map(({ name }) => String(name)),
    );
  }

  #pragma(name: string, of: string) {
    return this.#connection.prepare(`SELECT * FROM pragma_${name}(?)`).all(of);
  }

  #unfit(why: string): MillraceError {
    return new MillraceError("FILE_UNWRITABLE", `${this.#path}: the table ${this.name} ${why}`);
  }
}

const isSame = (a: readonly string[], b: readonly string[]) =>
  a.length === b.length && a.every((name) => b.includes(name));
