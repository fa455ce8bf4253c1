/** Positions in a Parquet file: a row, and what tells the file from another under its name. */
import { crc32 } from "node:zlib";
import type { AsyncBuffer, FileMetaData } from "hyparquet";
import { preview } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import { positionLost } from "../file/open-file.ts";

export type ParquetPosition = {
  readonly row: number;
  /** Rows of the whole file. */
  readonly rows: number;
  readonly footer: number;
};

/** Length of the footer and "PAR1", behind it. */
const BEHIND_FOOTER_BYTES = 8;

/** CRC-32 of the footer, which holds size, place and (mostly) extremes of every column chunk. */
export async function footerChecksum(file: AsyncBuffer, metadata: FileMetaData): Promise<number> {
  const end = file.byteLength - BEHIND_FOOTER_BYTES;
  return crc32(new Uint8Array(await file.slice(end - metadata.metadata_length, end)));
}

/** The row at which reading goes on; 0 where there is no position. @throws SOURCE_POSITION_LOST */
export function rowIn(
  json: Json | undefined,
  { path, rows, footer }: { path: string; rows: number; footer: number },
): number {
  if (json === undefined) return 0;
  const position = json as Partial<ParquetPosition> | null;
  const row = position?.row;
  if (typeof row !== "number" || !Number.isSafeInteger(row) || row < 0) {
    throw positionLost(path, null, `${preview(json)} is no position in a Parquet file`);
  }
  // Where nothing was read yet, any file will do.
  if (row > 0 && (position?.rows !== rows || position.footer !== footer || row > rows)) {
    throw positionLost(path, null, `row ${row} was in another file that had this name`);
  }
  return row;
}
