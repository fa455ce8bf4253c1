/** One row group of a Parquet file, decoded column by column: an array of values for each. */
import type { AsyncBuffer, DecodedArray, FileMetaData } from "hyparquet";
import type { ParquetDriver } from "./driver.ts";
import { exactNumber, plainValue, timeParsers } from "./values.ts";

/** Values of one column, as many as the group has rows. */
export type Column = ArrayLike<unknown>;

export interface OpenedParquet {
  readonly driver: ParquetDriver;
  readonly file: AsyncBuffer;
  readonly metadata: FileMetaData;
  /** Columns in the order in which records have them. */
  readonly columns: readonly string[];
}

/** Decodes the rows `rowStart ... rowEnd - 1`, which make up one row group. */
export async function readRowGroup(
  { driver, file, metadata, columns }: OpenedParquet,
  rowStart: number,
  rowEnd: number,
): Promise<Column[]> {
  const chunks = new Map<string, { from: number; data: DecodedArray }[]>(columns.map((name) => [name, []]));
  await driver.hyparquet.parquetRead({
    file,
    metadata,
    compressors: driver.compressors,
    parsers: timeParsers,
    columns: [...columns],
    rowStart,
    rowEnd,
    onChunk: (chunk) =>
      chunks.get(chunk.columnName)?.push({ from: chunk.rowStart - rowStart, data: chunk.columnData }),
  });
  return columns.map((name) => oneColumn(name, chunks.get(name)!, rowEnd - rowStart));
}

function oneColumn(name: string, chunks: { from: number; data: DecodedArray }[], rows: number): Column {
  const covered = chunks.reduce((sum, { data }) => sum + data.length, 0);
  if (covered !== rows) throw new Error(`the column ${name} has ${covered} values for ${rows} rows`);
  const only = chunks.length === 1 ? chunks[0]!.data : undefined;
  const values: unknown[] = Array.isArray(only) ? only : new Array(rows);
  for (const { from, data } of chunks) {
    for (let i = 0; i < data.length; i++) {
      const value: unknown = data[i];
      values[from + i] =
        typeof value === "bigint"
          ? exactNumber(value)
          : typeof value === "object" && value !== null
            ? plainValue(value)
            : value;
    }
  }
  return values;
}
