/** Values of records as cells of a table, and cells as JSON for staged rows. */
import { reasonOf } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import type { Cell } from "./database.ts";

/**
 * | value | cell |
 * |---|---|
 * | null, undefined, NaN, an invalid Date, a function | NULL |
 * | a boolean | 1 or 0 |
 * | a number | INTEGER where it is a whole number up to 2^53, else REAL |
 * | a bigint | INTEGER |
 * | a Date | TEXT, as JSON has it: 2026-01-31T12:00:00.000Z |
 * | a Uint8Array | BLOB |
 * | any other object, an array | TEXT: its JSON |
 *
 * The bytes are the record's own: who keeps the cell copies them.
 *
 * @throws Error saying why there is no cell for the value
 */
export function cellOf(value: unknown): Cell {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
      return Number.isNaN(value) ? null : value;
    case "boolean":
      return value ? 1 : 0;
    case "bigint":
      if (BigInt.asIntN(64, value) !== value) throw new Error("SQLite's integers have 64 bits");
      return value;
    case "object":
      return value === null ? null : cellOfObject(value);
    default:
      return null; // JSON leaves it out
  }
}

function cellOfObject(value: object): Cell {
  if (value instanceof Uint8Array) return value;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  try {
    return JSON.stringify(value) ?? null;
  } catch (cause) {
    throw new Error(`it can't be JSON: ${reasonOf(cause)}`, { cause });
  }
}

/** As JSON that gives the same cell again. */
export function jsonOfCell(cell: Cell): Json {
  switch (typeof cell) {
    case "number":
      return Number.isFinite(cell) ? cell : { real: String(cell) };
    case "bigint":
      return { integer: String(cell) };
    case "string":
      return cell;
    default:
      if (cell === null) return null;
      return { blob: Buffer.from(cell.buffer, cell.byteOffset, cell.byteLength).toString("base64") };
  }
}

/** The cell that `jsonOfCell` was given. */
export function cellOfJson(json: Json): Cell {
  if (typeof json !== "object" || json === null) return json as Cell;
  const { real, integer, blob } = json as { real?: string; integer?: string; blob?: string };
  if (real !== undefined) return Number(real);
  return integer === undefined ? Buffer.from(blob as string, "base64") : BigInt(integer);
}
