/** The sink over any database driver. */
import { resolve } from "node:path";
import { MillraceError, preview } from "../../core/errors.ts";
import type { Ports } from "../../core/ports.ts";
import type { RowOf, Sink, SinkContext } from "../contract.ts";
import { fileUnwritable, outputMissing } from "../file/file-failure.ts";
import { TableCorrection } from "./correction.ts";
import type { DatabaseDriver } from "./database.ts";
import { RowChanges, sameForSqlite } from "./row-change.ts";
import { StagedTable } from "./staged-table.ts";
import { type PlaceOptions, type TableHandle, TablePlace } from "./table-place.ts";
import type { TargetTable } from "./target-table.ts";
import { openVisible } from "./visible-table.ts";

/** T: the records, rows or changes of rows. */
export interface SqliteTableOptions<T> {
  /** Letters, digits and "_"; not beginning with a digit, `sqlite_` or `millrace_`. Made where there is none. */
  readonly table: string;
  /** The fields that tell rows apart: one row of the table for each of their values. */
  readonly key: readonly (keyof RowOf<T> & string)[];
  /**
   * The fields that become columns; others are left out. Default: the columns of the table where it exists, else the
   * fields of the first record; then a record with a further field is an error.
   */
  readonly columns?: readonly (keyof RowOf<T> & string)[];
}

export function tableSink<T>(driver: DatabaseDriver, path: string, options: SqliteTableOptions<T>): Sink<T> {
  const { table, key, columns = null } = checked(path, options);
  const place: PlaceOptions = { path, table, key };
  const rowsFor = (target: TargetTable, changelog: boolean): RowChanges =>
    new RowChanges({ table, key, columns, changelog, tableColumns: () => target.columns() });
  return {
    description: `sqliteTable(${JSON.stringify(path)}, ${table})`,
    resource: `sqlite:${resolve(path)}:${table.toLowerCase()}`,
    form: "upsert",
    transactional: true,
    lastEpoch: (ports, job) => shownEpoch(place, driver, ports, job),
    async open(context) {
      try {
        const opened = await openPlace(place, driver, context);
        const rows = rowsFor(opened.target, context.changelog === true);
        try {
          return context.guarantee === "exactly-once"
            ? await StagedTable.open<T>(opened, rows, columns, context)
            : await openVisible<T>(opened, rows, columns, context);
        } catch (error) {
          await opened.close();
          throw error;
        }
      } catch (cause) {
        throw fileUnwritable(path, cause);
      }
    },
    async correct(context) {
      try {
        const rows = (target: TargetTable): RowChanges => rowsFor(target, context.changelog);
        return await TableCorrection.open<T>(place, driver, columns, rows, context);
      } catch (cause) {
        throw fileUnwritable(path, cause);
      }
    },
  };
}

async function openPlace(
  options: PlaceOptions,
  driver: DatabaseDriver,
  { ports, job, recovered }: SinkContext,
): Promise<TablePlace> {
  // Opening it would make it.
  const isThere = (await ports.files.stat(options.path)) !== null;
  const newest = recovered?.handles.at(-1)?.handle as TableHandle | null | undefined;
  const hadRows =
    typeof newest?.path === "string" &&
    resolve(newest.path) === resolve(options.path) &&
    newest.after !== null;
  if (!isThere && hadRows)
    throw outputMissing(options.path, `is gone, where epoch ${newest.after} was committed`);
  return TablePlace.open(options, driver, ports, job);
}

async function shownEpoch(
  options: PlaceOptions,
  driver: DatabaseDriver,
  ports: Ports,
  job: string,
): Promise<number | null> {
  if ((await ports.files.stat(options.path)) === null) return null;
  const place = await TablePlace.open(options, driver, ports, job, true);
  try {
    return place.lastEpoch();
  } finally {
    await place.close();
  }
}

function checked<T>(path: string, options: SqliteTableOptions<T>): SqliteTableOptions<T> {
  const { table, key, columns } = options;
  if (typeof path !== "string" || path === "" || path === ":memory:") {
    throw invalid(`takes the path of a file, not ${preview(path)}`);
  }
  if (typeof table !== "string" || !/^(?!sqlite_|millrace_)[a-z_][a-z0-9_]*$/i.test(table)) {
    throw invalid(
      `table takes letters, digits and "_", and no name that begins with a digit, sqlite_ or millrace_; not ${preview(table)}`,
    );
  }
  demandNames(key, "key");
  if (columns !== undefined) {
    demandNames(columns, "columns");
    const missing = key.find((field) => !columns.includes(field));
    if (missing !== undefined) throw invalid(`columns must name the field ${preview(missing)} of key, too`);
  }
  return options;
}

function demandNames(names: readonly string[], option: string): void {
  const isNames =
    Array.isArray(names) &&
    names.length > 0 &&
    names.every((name) => typeof name === "string" && name !== "" && !name.includes("\0")) &&
    sameForSqlite(names) === undefined;
  if (isNames) return;
  throw invalid(
    `${option} takes a list of names of fields, different ones also where upper and lower case count as one; not ${preview(names)}`,
  );
}

const invalid = (what: string): MillraceError => new MillraceError("OPTION_INVALID", `sqliteTable: ${what}`);
