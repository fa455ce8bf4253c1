import type { Sink } from "../contract.ts";
import { sqlite } from "./driver.ts";
import { type SqliteTableOptions, tableSink } from "./table-sink.ts";

/**
 * Keeps a table of an SQLite database up to date: a record takes the place of the row with its key, whether it is new
 * or comes again. Of a changelog, +I and +U put their row, and -U and -D take away the row that they name.
 *
 * The database is made where there is none, and so is the table; rows that are there stay. It has a write-ahead log: others
 * may read it meanwhile, and see whole batches or, with "exactly-once", whole epochs. The last epoch is kept in a table
 * `millrace_epochs` beside it, and what is not committed yet in hidden files beside the database's.
 *
 * Strings, numbers, bigints of 64 bits and Uint8Arrays are stored as they are, null and undefined as NULL, booleans as 1 and
 * 0, Dates as ISO 8601 text, objects and arrays as JSON text. NaN is NULL.
 *
 * @example
 * totals.to(sqliteTable("totals.db", { table: "totals", key: ["key", "windowStart"] }))
 * @throws OPTION_INVALID
 * @throws FILE_UNWRITABLE when opened: no database can be there, or the table has other columns or another key
 * @throws SINK_FAILED when a record is no row of the table, or writing fails later
 * @throws SINK_STATE_MISSING, STATE_BEHIND_SINK when the table is not as the job's state says
 */
export function sqliteTable<T>(path: string, options: SqliteTableOptions<T>): Sink<T> {
  return tableSink(sqlite, path, options);
}
