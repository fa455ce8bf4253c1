import type { AsyncBuffer } from "hyparquet";
import { MillraceError, preview } from "../../core/errors.ts";
import type { InputFile } from "../../core/ports.ts";
import type { Source, SourceContext } from "../contract.ts";
import { fileUnreadable, openFile, openIfThere, positionLost } from "../file/open-file.ts";
import { loadDriver, type ParquetDriver } from "./driver.ts";
import { ParquetPartition } from "./partition.ts";
import { footerChecksum } from "./position.ts";

export interface ParquetOptions {
  /** Only these columns, in this order; nothing else is read. Default: all, as the file has them. */
  readonly columns?: readonly string[];
}

/**
 * Reads a Parquet file, row group by row group, as a bounded source of one partition (its id is the path). Needs the
 * packages `hyparquet` and `hyparquet-compressors`. Two row groups are in memory at most.
 *
 * A record is a plain object with the columns as fields, all of one shape; an absent value is null. 64-bit integers
 * are numbers where those are exact, else bigints. Timestamps and dates are numbers: milliseconds since 1970, rounded
 * down to whole ones; a timestamp without a zone counts as UTC. Text, and BYTE_ARRAY columns of no declared type, are
 * strings. Decimals are numbers, rounded. Lists, maps and structs are arrays and objects.
 *
 * @example
 * import { parquet } from "millrace/parquet";
 * app.source(parquet<Flight>("flights.parquet", { columns: ["date", "origin"] }), { timestamp: (f) => f.date })
 * @throws DRIVER_MISSING when opened without the packages
 * @throws FILE_UNREADABLE when opened, naming the path; also for a file that is not Parquet
 * @throws SOURCE_POSITION_LOST when opened to go on, where the file is not the one that was read
 * @throws OPTION_INVALID for an empty or repeating list of columns, or, when opened, a column that the file lacks
 */
export function parquet<T>(path: string, options: ParquetOptions = {}): Source<T> {
  const { columns } = options;
  if (columns !== undefined && (columns.length === 0 || new Set(columns).size < columns.length)) {
    throw new MillraceError(
      "OPTION_INVALID",
      `parquet: columns takes one name or more, each once, not ${preview(columns)}`,
    );
  }
  return {
    description: `parquet(${JSON.stringify(path)})`,
    bounded: true,
    replayable: true,
    async open(context) {
      const driver = await loadDriver();
      const goesOn = context.positions?.has(path) === true;
      const input = goesOn
        ? await openIfThere(context.ports.files, path)
        : await openFile(context.ports, path);
      if (input === null) throw positionLost(path, null, "it is gone");
      try {
        return [await openPartition<T>(path, input, context, driver, columns)];
      } catch (cause) {
        await input.close();
        throw fileUnreadable(path, cause);
      }
    },
  };
}

async function openPartition<T>(
  path: string,
  input: InputFile,
  context: SourceContext,
  driver: ParquetDriver,
  wanted: readonly string[] | undefined,
): Promise<ParquetPartition<T>> {
  const file = asyncBuffer(input);
  const metadata = await driver.hyparquet.parquetMetadataAsync(file);
  const present = driver.hyparquet.parquetSchema(metadata).children.map(({ element }) => element.name);
  const unknown = wanted?.find((name) => !present.includes(name));
  if (unknown !== undefined) {
    throw new MillraceError(
      "OPTION_INVALID",
      `parquet: ${path} has no column ${preview(unknown)}; it has ${present.join(", ")}`,
    );
  }
  const opened = { driver, file, metadata, columns: wanted ?? present };
  return new ParquetPartition<T>(path, input, context, opened, await footerChecksum(file, metadata));
}

function asyncBuffer(input: InputFile): AsyncBuffer {
  return {
    byteLength: input.sizeBytes,
    async slice(start, end = input.sizeBytes) {
      const bytes = new Uint8Array(end - start);
      const n = await input.read(bytes, start);
      if (n < bytes.length) throw new Error(`the file ends at byte ${start + n}, expected at ${end}`);
      return bytes.buffer;
    },
  };
}
