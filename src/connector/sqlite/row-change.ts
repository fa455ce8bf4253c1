/**
 * Records as changes of a table's rows.
 *
 * A plain record is put: it takes the place of the row with its key. Of a changelog +I and +U are put too. -U and -D
 * *retract*: they take away the row that they name, and leave it if it has become another one. So the order of changes
 * that touch one key under two names (two rows swap their places in a ranking) does no harm, and between -U and +U the
 * table is what the changelog says: without the row. A -U whose +U follows at once, with the same key, is left out: the
 * same result by one step less.
 */
import { MillraceError, preview } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import type { Change } from "../contract.ts";
import { encodeLine } from "../file/encode-record.ts";
import { cellOf, cellOfJson, jsonOfCell } from "./cell.ts";
import type { Cell } from "./database.ts";

export interface RowChange {
  readonly retracts: boolean;
  /** In the order of the columns. */
  readonly cells: readonly Cell[];
}

type Row = { readonly [field: string]: unknown };

export interface RowsOptions {
  /** For messages. */
  readonly table: string;
  readonly key: readonly string[];
  readonly changelog: boolean;
  /** The fields to write; null: those of the table, or of the first record. */
  readonly columns: readonly string[] | null;
  /** Those of the table, where there is one. */
  readonly tableColumns: () => readonly string[] | null;
}

export class RowChanges {
  readonly #options: RowsOptions;
  #columns: readonly string[];
  #keyAt: readonly number[] = [];
  /** Fields that a record may have; null where others are left out. */
  #known: ReadonlySet<string> | null = null;

  constructor(options: RowsOptions) {
    this.#options = options;
    this.#columns = options.columns ?? [];
    if (options.columns !== null) this.#use(options.columns);
  }

  /** None before the first record, where no options name them. */
  get columns(): readonly string[] {
    return this.#columns;
  }

  /** Puts the changes of `records[from ... to - 1]` behind those in `into`. @throws SINK_FAILED; those before it are there */
  read(records: readonly unknown[], from: number, to: number, into: RowChange[]): void {
    if (!this.#options.changelog) {
      for (let i = from; i < to; i++) into.push({ retracts: false, cells: this.#cells(records[i]) });
      return;
    }
    let updates: RowChange | null = null;
    for (let i = from; i < to; i++) {
      const { op, row } = records[i] as Change<unknown>;
      const change = { retracts: op === "-U" || op === "-D", cells: this.#cells(row) };
      if (op === "+U" && updates !== null && this.#haveOneKey(updates, change)) into.pop();
      into.push(change);
      updates = op === "-U" ? change : null;
    }
  }

  #cells(record: unknown): Cell[] {
    if (typeof record !== "object" || record === null || Array.isArray(record)) {
      throw this.#refused(record, "it is no object, and has no fields for the columns");
    }
    const row = record as Row;
    if (this.#keyAt.length === 0) this.#infer(row);
    const known = this.#known;
    if (known !== null) {
      for (const field in row)
        if (!known.has(field) && row[field] !== undefined) throw this.#unknown(row, field);
    }
    const cells = this.#columns.map((column) => this.#cell(row, column));
    for (const at of this.#keyAt) if (cells[at] === null) throw this.#keyless(row, this.#columns[at]);
    return cells;
  }

  #infer(row: Row): void {
    const columns = this.#options.tableColumns() ?? Object.keys(row);
    const missing = this.#options.key.find((field) => !columns.includes(field));
    if (missing !== undefined) throw this.#keyless(row, missing);
    const twice = sameForSqlite(columns);
    if (twice !== undefined) {
      throw this.#refused(row, `SQLite can't tell the columns ${twice.join(" and ")} from each other`);
    }
    this.#known = new Set(columns);
    this.#use(columns);
  }

  #use(columns: readonly string[]): void {
    this.#columns = columns;
    this.#keyAt = this.#options.key.map((field) => columns.indexOf(field));
  }

  #cell(row: Row, column: string): Cell {
    try {
      const cell = cellOf(row[column]);
      return cell instanceof Uint8Array ? new Uint8Array(cell) : cell;
    } catch (cause) {
      // A letter about a record must not fail over what was wrong with the record.
      return cellOf(letterOf(row)?.[column] ?? this.#fail(row, column, cause as Error));
    }
  }

  #fail(row: Row, column: string, cause: Error): never {
    throw this.#refused(
      row,
      `its field ${JSON.stringify(column)} has no place in a column: ${cause.message}`,
      cause,
    );
  }

  #unknown(row: Row, field: string): MillraceError {
    const { table } = this.#options;
    return this.#refused(
      row,
      `the table has no column for its field ${JSON.stringify(field)}: add it (ALTER TABLE ${quoted(table)} ADD COLUMN ${quoted(field)}), or name the fields to write by the option columns`,
    );
  }

  #keyless(row: Row, field: string): MillraceError {
    return this.#refused(
      row,
      `its field ${JSON.stringify(field)} is part of the key, and has no value that tells rows apart`,
    );
  }

  #refused(record: unknown, why: string, cause?: unknown): MillraceError {
    const text = preview(record);
    return new MillraceError(
      "SINK_FAILED",
      `sqliteTable: the record ${text} is no row of the table ${this.#options.table}: ${why}`,
      { text },
      cause,
    );
  }

  #haveOneKey(a: RowChange, b: RowChange): boolean {
    return this.#keyAt.every((at) => a.cells[at] === b.cells[at]);
  }
}

/** A dead letter as JSON has it, its value as text; undefined for other records: what no cell can hold, JSON can't either. */
function letterOf(row: Row): Row | undefined {
  try {
    return JSON.parse(encodeLine(row));
  } catch {
    return undefined;
  }
}

/** Two names that SQLite takes for one. */
export function sameForSqlite(names: readonly string[]): readonly [string, string] | undefined {
  const seen = new Map<string, string>();
  for (const name of names) {
    const plain = name.toLowerCase();
    const other = seen.get(plain);
    if (other !== undefined) return [other, name];
    seen.set(plain, name);
  }
  return undefined;
}

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** As a line of a staged file. */
export const jsonOfChange = ({ retracts, cells }: RowChange): Json => [retracts, ...cells.map(jsonOfCell)];

/** The change that `jsonOfChange` was given. */
export function changeOfJson(json: Json): RowChange {
  const [retracts, ...cells] = json as readonly Json[];
  return { retracts: retracts as boolean, cells: cells.map(cellOfJson) };
}
