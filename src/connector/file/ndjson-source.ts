import { MillraceError, preview } from "../../core/errors.ts";
import { MAX_LINE_BYTES } from "../../format/ndjson.ts";
import type { Source } from "../contract.ts";
import { NdjsonPartition } from "./ndjson-partition.ts";
import { openAll, openFile } from "./open-file.ts";

export interface NdjsonOptions {
  /** A longer line is malformed, and only its first 64 KiB are kept. Default 64 MiB, at most 256 MiB. */
  readonly maxLineBytes?: number;
}

/** Bytes per read. Measured: 64 KiB to 4 MiB differ by less than the noise; above 1 MiB only memory grows. */
const CHUNK_BYTES = 512 * 1024;
/** All files of one source are open at once: many share this many bytes of buffers, down to 64 KiB each. */
const ALL_BUFFERS_BYTES = 64 * 1024 * 1024;
const LEAST_CHUNK_BYTES = 64 * 1024;
/** A line becomes one string, and V8's longest has 2^29 - 24 units. */
const MOST_LINE_BYTES = 2 ** 28;

/**
 * Reads files of newline-delimited JSON, UTF-8: one record per line, one partition per file (its id is the path).
 *
 * Blank lines and a byte order mark are skipped; "\r\n" ends a line too; the last line needs no end. A line that is
 * no JSON is malformed and goes where the source's `onError` says, with file, line, column, byte offset and bytes.
 *
 * @example
 * app.source(ndjson<Order>("orders.ndjson"), { timestamp: (order) => order.at })
 * @throws OPTION_INVALID for no path, a path given twice, or a `maxLineBytes` that is no whole number from 1 to 2^28
 * @throws FILE_UNREADABLE when opened, naming the path
 */
export function ndjson<T>(path: string | readonly string[], options: NdjsonOptions = {}): Source<T> {
  const paths = typeof path === "string" ? [path] : [...path];
  const { maxLineBytes = MAX_LINE_BYTES } = options;
  if (!Number.isInteger(maxLineBytes) || maxLineBytes < 1 || maxLineBytes > MOST_LINE_BYTES) {
    throw new MillraceError(
      "OPTION_INVALID",
      `ndjson: maxLineBytes takes a whole number from 1 to ${MOST_LINE_BYTES}, not ${preview(maxLineBytes)}`,
    );
  }
  checkPaths("ndjson", paths);
  const share = Math.floor(ALL_BUFFERS_BYTES / paths.length);
  const chunkBytes = Math.min(CHUNK_BYTES, Math.max(LEAST_CHUNK_BYTES, share));
  return {
    description: describePaths("ndjson", paths),
    bounded: true,
    open: (context) =>
      openAll(paths, async (one) => {
        const file = await openFile(context.ports, one);
        return new NdjsonPartition<T>(one, file, context, { chunkBytes, maxLineBytes }).start();
      }),
  };
}

function checkPaths(name: string, paths: readonly string[]): void {
  if (paths.length === 0) throw new MillraceError("OPTION_INVALID", `${name}: there is no path in the list`);
  const twice = paths.find((path, i) => paths.indexOf(path) < i);
  if (twice !== undefined) {
    throw new MillraceError("OPTION_INVALID", `${name}: the path ${preview(twice)} is given twice`);
  }
}

function describePaths(name: string, paths: readonly string[]): string {
  const first = JSON.stringify(paths[0]);
  return paths.length === 1 ? `${name}(${first})` : `${name}(${paths.length} files, ${first} first)`;
}
