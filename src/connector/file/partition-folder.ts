/** Folders named after a record's fields, as Hive, Spark and DuckDB read them: `country=DE/day=2024-01-01`. */
import { MillraceError, preview } from "../../core/errors.ts";
import { sinkFailed } from "../failure.ts";

/** What can name a folder. */
export type PartitionValue = string | number | bigint | boolean | null | undefined;

export type PartitionBy<T> =
  | readonly (keyof T & string)[]
  | ((record: T) => { readonly [field: string]: PartitionValue });

/** Bytes of one folder's name: most file systems have 255 for any name. */
const MOST_NAME_BYTES = 255;
const PLAIN = /^[A-Za-z0-9.-][A-Za-z0-9._-]*$/;

/**
 * A function that gives a record's folder, "" for the sink's own.
 *
 * @throws OPTION_INVALID; the function throws SINK_FAILED for a value that names no folder
 */
export function partitionFolders<T>(by: PartitionBy<T> | undefined): (record: T) => string {
  if (by === undefined) return () => "";
  if (typeof by === "function") {
    return (record) => {
      let fields: { readonly [field: string]: PartitionValue };
      try {
        fields = by(record);
      } catch (cause) {
        throw sinkFailed("files: partitionBy", cause);
      }
      return Object.entries(fields)
        .map(([field, value]) => component(field, value))
        .join("/");
    };
  }
  const names = Array.isArray(by) ? by.map((name) => ({ name, encoded: fieldName(name) })) : [];
  if (names.length === 0 || new Set(by).size !== names.length) {
    throw new MillraceError(
      "OPTION_INVALID",
      `files: partitionBy takes a function or a list of different field names, not ${preview(by)}`,
    );
  }
  return (record) => {
    const fields = record as Record<string, PartitionValue> | null | undefined;
    let folder = "";
    for (const { name, encoded } of names) {
      folder += `${folder === "" ? "" : "/"}${withValue(encoded, name, fields?.[name])}`;
    }
    return folder;
  };
}

const component = (field: string, value: PartitionValue) => withValue(fieldName(field), field, value);

function withValue(encodedField: string, field: string, value: PartitionValue): string {
  const folder = `${encodedField}=${encodeValue(field, value)}`;
  if (folder.length <= MOST_NAME_BYTES) return folder;
  throw new MillraceError(
    "SINK_FAILED",
    `files: partitionBy: the field ${field} has a value too long for a folder's name: ${preview(value)}`,
  );
}

function encodeValue(field: string, value: PartitionValue): string {
  switch (typeof value) {
    case "string":
      if (PLAIN.test(value)) return value;
      // Names that begin so stand for what is no text.
      return value === ""
        ? "__empty__"
        : value.startsWith("__")
          ? `%5F${encode(value.slice(1))}`
          : encode(value);
    case "number":
    case "bigint":
    case "boolean":
      return encode(String(value));
    default:
      if (value === null || value === undefined) return "__null__";
      throw new MillraceError(
        "SINK_FAILED",
        `files: partitionBy: the field ${field} has the value ${preview(value)}, which names no folder; give a string or a number`,
      );
  }
}

/** Readers take names that begin with "_" or "." for hidden ones. */
function fieldName(field: unknown): string {
  if (typeof field !== "string" || field === "") {
    throw new MillraceError("OPTION_INVALID", `files: partitionBy: ${preview(field)} is no name of a field`);
  }
  const encoded = encode(field);
  return /^[_.]/.test(encoded) ? `%${hex(encoded.charCodeAt(0))}${encoded.slice(1)}` : encoded;
}

const hex = (byte: number) => byte.toString(16).toUpperCase().padStart(2, "0");

const encode = (text: string) =>
  PLAIN.test(text)
    ? text
    : text.replace(/[^A-Za-z0-9._-]+/g, (run) =>
        Array.from(Buffer.from(run), (byte) => `%${hex(byte)}`).join(""),
      );
