import { resolve } from "node:path";
import { MillraceError, preview } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import { type Duration, durationMs } from "../../core/time.ts";
import type { OpenSink, Sink, SinkContext } from "../contract.ts";
import { countOption } from "../count-option.ts";
import { encodeLine } from "./encode-record.ts";
import { fileUnwritable, writingFailed } from "./file-failure.ts";
import { type PartitionBy, partitionFolders } from "./partition-folder.ts";
import { Parts, type PartsOptions } from "./parts.ts";
import { listedWith, type PartsHandle, PublishedParts } from "./published-parts.ts";
import { type PartsStart, recoverParts } from "./recover-parts.ts";

export interface FilesOptions<T> {
  /** Names of fields, or a function that gives an object, whose values name the folders: `country=DE/day=2024-01-01`. Default: none */
  readonly partitionBy?: PartitionBy<T>;
  /** Files are named PREFIX-00000.ndjson, PREFIX-00001.ndjson, ... in each folder. Default "part" */
  readonly prefix?: string;
  /** A file is finished with the record with which it has so many bytes. Default 128 MiB */
  readonly rollBytes?: number;
  /** A file is finished when it was begun so long ago by the clock, at the next batch or commit. Default: never */
  readonly rollEvery?: Duration;
  /** Files held open at one time; more are opened and closed in turn. Default 256 */
  readonly maxOpenFiles?: number;
}

type Settings<T> = Pick<PartsOptions, "root" | "prefix" | "rollBytes" | "rollEveryMs" | "maxOpenFiles"> & {
  readonly folderOf: (record: T) => string;
};

/**
 * Writes records to many files of newline-delimited JSON in one folder, each of bounded size, in folders named after
 * the records' fields where `partitionBy` says so.
 *
 * With "exactly-once" a file appears under its final name when it is finished and its epoch committed; the folder's
 * `_committed.json` and `_files.ndjson` tell readers which files are decided, `_SUCCESS` that the input has ended.
 * With rolling by size the files of a job that ends are the same, name by name and byte by byte, whether it was
 * restarted or not. Otherwise files have their final names at once, and a restart begins new ones.
 *
 * @example
 * orders.to(files("orders", { partitionBy: ["country"], rollBytes: 16 * 1024 * 1024 }))
 * @throws OPTION_INVALID, DURATION_INVALID
 * @throws FILE_UNWRITABLE when opened: the folder can't be written, or already holds output
 * @throws SINK_FAILED when a record is no JSON, a value names no folder, or the file system fails later
 * @throws SINK_STATE_MISSING, STATE_BEHIND_SINK when the folder is not as the job's state says
 */
export function files<T>(folder: string, options: FilesOptions<T> = {}): Sink<T> {
  const { prefix = "part", rollBytes = 128 * 1024 * 1024, rollEvery, maxOpenFiles = 256 } = options;
  if (typeof prefix !== "string" || !/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(prefix)) {
    throw new MillraceError(
      "OPTION_INVALID",
      `files: prefix takes letters, digits, "-" and "_", not ${preview(prefix)}`,
    );
  }
  const settings: Settings<T> = {
    root: folder,
    prefix,
    rollBytes: countOption(rollBytes, "files: rollBytes", 1),
    rollEveryMs:
      rollEvery === undefined ? Number.POSITIVE_INFINITY : durationMs(rollEvery, "files: rollEvery"),
    maxOpenFiles: countOption(maxOpenFiles, "files: maxOpenFiles", 1),
    folderOf: partitionFolders(options.partitionBy),
  };
  return {
    description: `files(${JSON.stringify(folder)})`,
    resource: `file:${resolve(folder)}`,
    transactional: true,
    async lastEpoch(ports, job) {
      const published = new PublishedParts(ports.files, folder, job);
      await published.open();
      return published.mark?.job === job ? published.mark.epoch : null;
    },
    async open(context) {
      const published = new PublishedParts(context.ports.files, folder, context.job);
      let start: PartsStart;
      try {
        start = await recoverParts(folder, published, context);
      } catch (cause) {
        throw fileUnwritable(folder, cause);
      }
      return openSink(settings, start, published, context);
    },
  };
}

function openSink<T>(
  { folderOf, ...settings }: Settings<T>,
  { next, open, listed, adopted }: PartsStart,
  published: PublishedParts,
  { ports, guarantee }: SinkContext,
): OpenSink<T> {
  const hidden = guarantee === "exactly-once";
  const durable = hidden || guarantee === "at-least-once";
  const parts = new Parts({ ...settings, hidden, durable, next, open }, ports.files, ports.clock);
  const sink: OpenSink<T> = {
    write(values, _timestamps, from, to) {
      parts.roll();
      for (let i = from; i < to; i++) parts.add(folderOf(values[i]), `${encodeLine(values[i])}\n`);
      return parts.room();
    },
    flush: () => parts.flush(),
    close: () => parts.close(),
  };
  if (!hidden) return sink;

  let before = listed;
  let first = adopted;
  const lastEpoch = published.mark?.epoch ?? null;
  return {
    ...sink,
    epochs: {
      lastEpoch,
      async prepare(_epoch, last): Promise<Json> {
        const { closed, open, durable } = parts.cut(last);
        const handle: PartsHandle = { closed: [...first, ...closed], open, listed: before, ended: last };
        before = listedWith(before, handle.closed);
        first = [];
        await durable.catch((cause: unknown) => {
          throw writingFailed(settings.root, cause);
        });
        return handle;
      },
      async commit(epoch, handle) {
        try {
          await published.commit(epoch, handle);
        } catch (cause) {
          throw writingFailed(settings.root, cause);
        }
      },
    },
  };
}
