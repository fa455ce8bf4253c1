import { MillraceError, preview } from "../../core/errors.ts";
import type { InputFile, Ports } from "../../core/ports.ts";
import { type Duration, durationMs } from "../../core/time.ts";
import { MAX_LINE_BYTES } from "../../format/ndjson.ts";
import type { Partition, Source, SourceContext } from "../contract.ts";
import { FollowedFile } from "./followed-file.ts";
import { parsePosition } from "./line-position.ts";
import { NdjsonPartition } from "./ndjson-partition.ts";
import { Rotation } from "./rotation.ts";
import { openAll, positionLost } from "./open-file.ts";
import { WholeFile } from "./whole-file.ts";

export interface NdjsonOptions {
  /** A longer line is malformed, and only its first 64 KiB are kept. Default 64 MiB, at most 256 MiB. */
  readonly maxLineBytes?: number;
  /** True: the source never ends; it reads on as the files grow, through rotations, as `tail -F` does. Default false */
  readonly follow?: boolean;
  /** How often a followed file is looked at when all of it is read. Default 100 ms, at least 1 ms. */
  readonly pollEvery?: Duration;
}

/** Bytes per read. Measured: 64 KiB to 4 MiB differ by less than the noise; above 1 MiB only memory grows. */
const CHUNK_BYTES = 512 * 1024;
/** All files of one source are open at once: many share this many bytes of buffers, down to 64 KiB each. */
const ALL_BUFFERS_BYTES = 64 * 1024 * 1024;
const LEAST_CHUNK_BYTES = 64 * 1024;
/** A line becomes one string, and V8's longest has 2^29 - 24 units. */
const MOST_LINE_BYTES = 2 ** 28;

interface Reading {
  readonly maxLineBytes: number;
  readonly chunkBytes: number;
  /** Null: to the end of the file. */
  readonly pollEveryMs: number | null;
}

/**
 * Reads files of newline-delimited JSON, UTF-8: one record per line, one partition per file (its id is the path).
 *
 * Blank lines and a byte order mark are skipped; "\r\n" ends a line too; the last line needs no end. A line that is
 * no JSON is malformed and goes where the source's `onError` says, with file, line, column, byte offset and bytes.
 *
 * With `follow` a file may be missing yet, and a line is handed over once its end is written. After a rotation
 * (`app.log` becomes `app.log.1`, `app.log-20260131`, ...; a new `app.log` is made) the old file is read to its end,
 * then the new one. A file that was cut short is read from its beginning.
 *
 * Replayable: a restarted job goes on at the line behind the last one that counts.
 *
 * @example
 * app.source(ndjson<Order>("orders.ndjson"), { timestamp: (order) => order.at })
 * @throws OPTION_INVALID for no path, a path given twice, a `maxLineBytes` that is no whole number from 1 to 2^28, or
 *   `pollEvery` without `follow`
 * @throws DURATION_INVALID for a `pollEvery` that is no duration
 * @throws FILE_UNREADABLE when opened, naming the path
 * @throws SOURCE_POSITION_LOST when opened, where the file is not any more what was read, naming the path
 */
export function ndjson<T>(path: string | readonly string[], options: NdjsonOptions = {}): Source<T> {
  const paths = typeof path === "string" ? [path] : [...path];
  const { maxLineBytes = MAX_LINE_BYTES, follow = false } = options;
  if (!Number.isInteger(maxLineBytes) || maxLineBytes < 1 || maxLineBytes > MOST_LINE_BYTES) {
    throw new MillraceError(
      "OPTION_INVALID",
      `ndjson: maxLineBytes takes a whole number from 1 to ${MOST_LINE_BYTES}, not ${preview(maxLineBytes)}`,
    );
  }
  checkPaths("ndjson", paths);
  const share = Math.floor(ALL_BUFFERS_BYTES / paths.length);
  const chunkBytes = Math.min(CHUNK_BYTES, Math.max(LEAST_CHUNK_BYTES, share));
  const reading: Reading = { maxLineBytes, chunkBytes, pollEveryMs: pollEveryMs(options) };
  return {
    description: describePaths("ndjson", paths, follow),
    bounded: !follow,
    replayable: true,
    ...(follow ? { history: () => fileHistory<T>(paths, reading) } : {}),
    open: (context) => openAll(paths, (one) => openPartition<T>(one, context, reading)),
  };
}

/** What was written to followed files so far: a partition for each, and for each of its older generations. */
function fileHistory<T>(paths: readonly string[], { maxLineBytes, chunkBytes }: Reading): Source<T> {
  return {
    description: describePaths("ndjson", paths, false),
    bounded: true,
    replayable: true,
    async open(context) {
      const generations = await openAll(paths, (one) => openGenerations(one, context.ports));
      return openAll(
        generations.flatMap(({ files }) => files),
        async ({ id, path, file }) => {
          const steps = await WholeFile.upToNow(path, file, chunkBytes);
          return new NdjsonPartition<T>(id, steps, context, maxLineBytes).start();
        },
      );
    },
  };
}

interface Generations {
  readonly files: readonly { readonly id: string; readonly path: string; readonly file: InputFile }[];
  close(): Promise<void>;
}

async function openGenerations(path: string, { files }: Ports): Promise<Generations> {
  const opened = await new Rotation(files, path).openAll();
  return {
    // Their names may have moved on already.
    files: opened.map((file, i) => ({ id: `${path}#${i}`, path, file })),
    async close() {
      for (const file of opened) await file.close();
    },
  };
}

async function openPartition<T>(
  path: string,
  context: SourceContext,
  { maxLineBytes, chunkBytes, pollEveryMs }: Reading,
): Promise<Partition<T>> {
  const json = context.positions?.get(path);
  const position = json === undefined ? null : parsePosition(json);
  if (json !== undefined && position === null) {
    throw positionLost(path, null, `${preview(json)} is no position in an NDJSON file`);
  }
  const { ports } = context;
  const steps =
    pollEveryMs === null
      ? await WholeFile.open(path, ports, position, chunkBytes)
      : await FollowedFile.open(path, ports, position, { chunkBytes, pollEveryMs });
  return new NdjsonPartition<T>(path, steps, context, maxLineBytes).start();
}

function pollEveryMs({ follow = false, pollEvery }: NdjsonOptions): number | null {
  if (!follow && pollEvery !== undefined) {
    throw new MillraceError(
      "OPTION_INVALID",
      "ndjson: pollEvery is for files that are followed: { follow: true }",
    );
  }
  if (!follow) return null;
  const ms = durationMs(pollEvery ?? 100, "ndjson: pollEvery");
  if (ms >= 1) return ms;
  throw new MillraceError("OPTION_INVALID", "ndjson: pollEvery takes 1 ms at least");
}

function checkPaths(name: string, paths: readonly string[]): void {
  if (paths.length === 0) throw new MillraceError("OPTION_INVALID", `${name}: there is no path in the list`);
  const twice = paths.find((path, i) => paths.indexOf(path) < i);
  if (twice !== undefined) {
    throw new MillraceError("OPTION_INVALID", `${name}: the path ${preview(twice)} is given twice`);
  }
}

function describePaths(name: string, paths: readonly string[], follow: boolean): string {
  const first = JSON.stringify(paths[0]);
  const followed = follow ? ", followed" : "";
  return paths.length === 1
    ? `${name}(${first}${followed})`
    : `${name}(${paths.length} files, ${first} first${followed})`;
}
