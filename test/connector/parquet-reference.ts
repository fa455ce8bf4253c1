/** Flights as hyparquet's own row reader gives them, with its bigints and dates as numbers. */
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";

export async function parquetReference(path: string, rowStart: number, rowEnd: number): Promise<unknown[]> {
  const file = await asyncBufferFromFile(path);
  const rows = await parquetReadObjects({ file, compressors, rowStart, rowEnd });
  const plain = (value: unknown) =>
    typeof value === "bigint" ? Number(value) : value instanceof Date ? value.getTime() : value;
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)])),
  );
}
