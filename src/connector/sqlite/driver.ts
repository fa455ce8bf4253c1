/** The SQLite that comes with Node: the only file that knows node:sqlite. Every call is synchronous. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import type { Cell, Database, DatabaseDriver, Statement } from "./database.ts";

/** Pages in memory, per connection. With SQLite's own 2 MiB, large transactions write and read the same pages many times. */
const CACHE_KIB = 16 * 1024;
/** SQLITE_BUSY. Above the low byte stands the particular case. */
const BUSY = 5;

export const sqlite: DatabaseDriver = {
  async open(_ports, path, readOnly) {
    const db = new DatabaseSync(path, { readOnly });
    try {
      db.exec(`PRAGMA cache_size = -${CACHE_KIB}`);
      if (!readOnly) demandLog(db);
    } catch (error) {
      db.close();
      throw error;
    }
    return new NodeDatabase(db);
  },
  isBusy: (error) => (((error as { errcode?: number } | null)?.errcode ?? 0) & 0xff) === BUSY,
};

/** With a write-ahead log readers see the last commit while the next one is being written, and hold nobody up. */
function demandLog(db: DatabaseSync): void {
  const { journal_mode: mode } = db.prepare("PRAGMA journal_mode = WAL").get() as { journal_mode: string };
  if (mode !== "wal") throw new Error(`SQLite can't keep a write-ahead log there; it has "${mode}"`);
}

class NodeDatabase implements Database {
  readonly #db: DatabaseSync;
  #durable: boolean | undefined;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  prepare(sql: string): Statement {
    return new NodeStatement(this.#db.prepare(sql));
  }

  begin(durable: boolean): void {
    if (durable !== this.#durable) this.#db.exec(`PRAGMA synchronous = ${durable ? "FULL" : "NORMAL"}`);
    this.#durable = durable;
    this.#db.exec("BEGIN IMMEDIATE");
  }

  async commit(): Promise<void> {
    this.#db.exec("COMMIT");
  }

  rollback(): void {
    if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }
}

class NodeStatement implements Statement {
  readonly #statement: StatementSync;

  constructor(statement: StatementSync) {
    this.#statement = statement;
    statement.setReadBigInts(true);
  }

  run(...cells: readonly Cell[]): void {
    this.#statement.run(...cells.map(bound));
  }

  all(...cells: readonly Cell[]): { [column: string]: Cell }[] {
    return this.#statement.all(...cells.map(bound)) as { [column: string]: Cell }[];
  }
}

/** Node stores every number as REAL, and 1 would be read as 1.0. */
const bound = (cell: Cell): SQLInputValue =>
  typeof cell === "number" && Number.isSafeInteger(cell) ? BigInt(cell) : cell;
