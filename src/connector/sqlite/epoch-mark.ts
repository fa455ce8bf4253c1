/**
 * How far a table is: a row of `millrace_epochs` in the same database, by job and table, written in the transaction that
 * puts an epoch's rows. So the mark is never above or below what readers see.
 *
 *   epoch    the last one whose rows the table has; NULL where the job has committed none
 *   flushes  counts up, only so that there is something to write where all that was written is to be durable
 */
import type { Connection } from "./connection.ts";

const MAKE = `CREATE TABLE IF NOT EXISTS millrace_epochs (
  job TEXT NOT NULL, target TEXT NOT NULL, epoch INTEGER, flushes INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (job, target)) WITHOUT ROWID`;
const READ = "SELECT epoch FROM millrace_epochs WHERE job = ? AND target = ?";
const WRITE = `INSERT INTO millrace_epochs (job, target, epoch) VALUES (?, ?, ?)
  ON CONFLICT DO UPDATE SET epoch = excluded.epoch`;
const FLUSH = `INSERT INTO millrace_epochs (job, target, flushes) VALUES (?, ?, 1)
  ON CONFLICT DO UPDATE SET flushes = flushes + 1`;

export class EpochMark {
  readonly #connection: Connection;
  readonly #of: readonly [job: string, target: string];

  constructor(connection: Connection, job: string, table: string) {
    this.#connection = connection;
    this.#of = [job, table.toLowerCase()];
  }

  read(): number | null {
    if (this.#connection.prepare("SELECT * FROM pragma_table_xinfo('millrace_epochs')").all().length === 0) {
      return null;
    }
    const [row] = this.#connection.prepare(READ).all(...this.#of);
    return row === undefined || row["epoch"] === null ? null : Number(row["epoch"]);
  }

  /** Within a transaction, as the two below. The job has committed nothing. */
  begin(): void {
    this.write(null);
  }

  write(epoch: number | null): void {
    this.#connection.prepare(MAKE).run();
    this.#connection.prepare(WRITE).run(...this.#of, epoch);
  }

  flush(): void {
    this.#connection.prepare(MAKE).run();
    this.#connection.prepare(FLUSH).run(...this.#of);
  }
}
