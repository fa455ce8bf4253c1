/**
 * Rows of a range of time, computed anew, in place of those that a table has.
 *
 * They are gathered in temporary tables of the connection, which nobody else sees and which are gone with it, however it
 * ends; they lie where SQLite keeps temporary files. Then one transaction removes the rows of the range that are not among
 * them, and puts those that are new or different. The epochs of jobs are not touched.
 *
 * A row is of the range if its columns `windowStart` and `windowEnd` say so. Where they don't tell, nothing is removed.
 *
 * Cost: each row is written twice. The transaction works in slices, but for the removal: one statement that reads the
 * whole table.
 */
import type { Corrected, Correction, CorrectionContext } from "../contract.ts";
import { writingFailed } from "../file/file-failure.ts";
import { Connection } from "./connection.ts";
import type { Cell, DatabaseDriver, Statement } from "./database.ts";
import { quoted, type RowChange, type RowChanges } from "./row-change.ts";
import { listOf, onConflict, type RowStatements, rowStatements } from "./row-statements.ts";
import type { PlaceOptions } from "./table-place.ts";
import { TargetTable } from "./target-table.ts";

const START = "windowStart";
const END = "windowEnd";
/** Rows of one statement. */
const SLICE_ROWS = 500;

/** Once the columns are known. */
interface Gathered extends RowStatements {
  readonly columns: readonly string[];
  readonly keep: Statement;
}

export class TableCorrection<T> implements Correction<T> {
  readonly #connection: Connection;
  readonly #target: TargetTable;
  readonly #options: PlaceOptions;
  readonly #rows: RowChanges;
  readonly #range: Pick<CorrectionContext, "from" | "to">;
  /** The key but for the time: rows that have it in common may stand for one another. */
  readonly #who: readonly string[];
  #gathered: Gathered | null = null;
  #stale: string | null = null;

  private constructor(
    options: PlaceOptions,
    connection: Connection,
    target: TargetTable,
    rows: RowChanges,
    range: CorrectionContext,
  ) {
    this.#options = options;
    this.#connection = connection;
    this.#target = target;
    this.#rows = rows;
    this.#range = range;
    this.#who = options.key.filter((column) => column !== START && column !== END);
  }

  /** @throws FILE_UNWRITABLE where the table can't take such rows */
  static async open<T>(
    options: PlaceOptions,
    driver: DatabaseDriver,
    columns: readonly string[] | null,
    rowsFor: (target: TargetTable) => RowChanges,
    context: CorrectionContext,
  ): Promise<TableCorrection<T>> {
    const { path, table, key } = options;
    const connection = await Connection.open(context.ports, driver, path);
    try {
      const target = new TargetTable(connection, path, table, key);
      target.check(columns ?? []);
      return new TableCorrection<T>(options, connection, target, rowsFor(target), context);
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  write(values: readonly T[], _timestamps: Float64Array, from: number, to: number): Promise<void> {
    return this.#each(values, from, to, ({ put, retract, columns }, { retracts, cells }) => {
      (retracts ? retract : put).run(...cells);
      this.#stale ??= this.#whyUnbounded(columns, cells);
    });
  }

  keep(values: readonly T[], _timestamps: Float64Array, from: number, to: number): Promise<void> {
    return this.#each(values, from, to, ({ keep, columns }, { cells }) => {
      const cellOf = (column: string): Cell => cells[columns.indexOf(column)] ?? null;
      keep.run(...this.#who.map(cellOf), cellOf(START), cellOf(END));
    });
  }

  async #each(
    values: readonly T[],
    from: number,
    to: number,
    take: (gathered: Gathered, change: RowChange) => void,
  ): Promise<void> {
    const changes: RowChange[] = [];
    this.#rows.read(values, from, to, changes);
    if (changes.length === 0) return;
    const gathered = this.#gather(this.#rows.columns);
    for (const change of changes) {
      take(gathered, change);
      const pause = this.#connection.pause();
      if (pause !== undefined) await pause;
    }
  }

  #gather(columns: readonly string[]): Gathered {
    if (this.#gathered !== null) return this.#gathered;
    const { key } = this.#options;
    const make = (sql: string): void => this.#connection.prepare(sql).run();
    make(`CREATE TEMP TABLE millrace_rows (${listOf(columns)}, UNIQUE (${listOf(key)}))`);
    const kept = listOf([...this.#who, START, END]);
    make(`CREATE TEMP TABLE millrace_kept (${kept}, UNIQUE (${kept}) ON CONFLICT IGNORE)`);
    const marks = [...this.#who, START, END].map(() => "?").join(", ");
    this.#gathered = {
      columns,
      ...rowStatements(this.#connection, "temp.millrace_rows", columns, key),
      keep: this.#connection.prepare(`INSERT INTO temp.millrace_kept (${kept}) VALUES (${marks})`),
    };
    return this.#gathered;
  }

  /** Why the bounds of a row of the range can't be told by its columns. */
  #whyUnbounded(columns: readonly string[], cells: readonly Cell[]): string | null {
    const { from, to } = this.#range;
    const { table } = this.#options;
    const [start, end] = [START, END].map((column) => cells[columns.indexOf(column)]);
    if (start === undefined || end === undefined)
      return `rows of ${table} have no columns ${START} and ${END}`;
    if (typeof start === "number" && typeof end === "number" && start >= from && end <= to) return null;
    return `${START} and ${END} of ${table} are not the windows' bounds in milliseconds`;
  }

  async commit(): Promise<Corrected> {
    const result = { rows: 0, changed: 0, removed: 0, stale: this.#stale };
    try {
      await this.#connection.transaction(true, async () => {
        const columns = this.#target.columns();
        if (this.#gathered === null && columns === null) return;
        const gathered = this.#gathered ?? this.#gather(columns ?? []);
        this.#target.ensure(gathered.columns);
        result.stale ??= this.#whyNotTold();
        const isTold = result.stale === null;
        if (isTold) result.removed = this.#remove();
        result.changed = await this.#put(gathered.columns, isTold);
        result.rows = this.#number("SELECT count(*) AS n FROM temp.millrace_rows");
      });
    } catch (cause) {
      throw writingFailed(this.#options.path, cause);
    }
    return result;
  }

  #whyNotTold(): string | null {
    const columns = this.#target.columns() ?? [];
    if (columns.includes(START) && columns.includes(END)) return null;
    return `rows of ${this.#options.table} have no columns ${START} and ${END}`;
  }

  /** Rows of the range that are not computed any more, unless something that reaches out of it stands for them. */
  #remove(): number {
    const { key } = this.#options;
    const table = quoted(this.#options.table);
    const same = (other: string, columns: readonly string[]): string[] =>
      columns.map((column) => `${other}.${quoted(column)} IS old.${quoted(column)}`);
    const isComputed = same("new", key).join(" AND ");
    const isKept = [
      ...same("kept", this.#who),
      `kept."${START}" < old."${END}"`,
      `kept."${END}" > old."${START}"`,
    ].join(" AND ");
    this.#connection
      .prepare(
        `DELETE FROM main.${table} AS old WHERE old."${START}" >= ? AND old."${END}" <= ?
          AND NOT EXISTS (SELECT 1 FROM temp.millrace_rows AS new WHERE ${isComputed})
          AND NOT EXISTS (SELECT 1 FROM temp.millrace_kept AS kept WHERE ${isKept})`,
      )
      .run(this.#range.from, this.#range.to);
    return this.#number("SELECT changes() AS n");
  }

  /** @param isTold rows of other ranges are known, and stay: one key may have a row in both */
  async #put(columns: readonly string[], isTold: boolean): Promise<number> {
    const { key } = this.#options;
    const { from, to } = this.#range;
    const list = listOf(columns);
    const table = quoted(this.#options.table);
    const old = (column: string): string => `main.${table}.${quoted(column)}`;
    const others = columns.filter((column) => !key.includes(column));
    const differs = others.map((column) => `${old(column)} IS NOT excluded.${quoted(column)}`);
    const isInside = isTold ? ` AND ${old(START)} >= ${from} AND ${old(END)} <= ${to}` : "";
    const update = others.length === 0 ? "" : ` WHERE (${differs.join(" OR ")})${isInside}`;
    const put = this.#connection.prepare(
      `INSERT INTO main.${table} (${list})
        SELECT ${list} FROM temp.millrace_rows WHERE rowid > ? AND rowid <= ?
        ${onConflict(columns, key)}${update}`,
    );
    const last = this.#number("SELECT coalesce(max(rowid), 0) AS n FROM temp.millrace_rows");
    let changed = 0;
    for (let at = 0; at < last; at += SLICE_ROWS) {
      put.run(at, at + SLICE_ROWS);
      changed += this.#number("SELECT changes() AS n");
      const pause = this.#connection.pause();
      if (pause !== undefined) await pause;
    }
    return changed;
  }

  #number(sql: string): number {
    const [row] = this.#connection.prepare(sql).all();
    return Number(row?.["n"]);
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}
