/** SQLite tables as sinks, by the database that comes with Node. */
export { sqliteTable } from "./table.ts";
export type { SqliteTableOptions } from "./table-sink.ts";
