import { resolve } from "node:path";
import type { OutputFile } from "../../core/ports.ts";
import type { OpenSink, Sink, SinkContext } from "../contract.ts";
import { fileUnwritable } from "./file-failure.ts";
import { FileWriter } from "./file-writer.ts";
import { NdjsonPlace } from "./ndjson-place.ts";
import { NdjsonStaged } from "./ndjson-staged.ts";
import { wholeLinesBytes } from "./torn-line.ts";
import { writeLines } from "./write-lines.ts";

/**
 * Writes records to a file as newline-delimited JSON, UTF-8: one line per record. The file is made, or emptied, when
 * the job starts for the first time; a job that goes on after an earlier run goes on behind what is there. One write
 * runs at a time; when more than about 1 MiB waits for it, the job waits too.
 *
 * A `bytes` field that is a Uint8Array, as dead letters have one, is written in base64.
 *
 * With "exactly-once" a record appears in the file when its epoch is committed; until then it lies in a hidden file
 * beside it. Otherwise it appears at once.
 *
 * @example
 * totals.to(ndjsonFile("totals.ndjson"))
 * @throws FILE_UNWRITABLE when opened, naming the path
 * @throws SINK_FAILED when a record is no JSON (bigint, undefined, a function) or the file system fails later
 * @throws SINK_STATE_MISSING, STATE_BEHIND_SINK when the file is not as the job's state says
 */
export function ndjsonFile<T>(path: string): Sink<T> {
  return {
    description: `ndjsonFile(${JSON.stringify(path)})`,
    resource: `file:${resolve(path)}`,
    transactional: true,
    lastEpoch: ({ files }, job) => new NdjsonPlace(files, path, job).lastEpoch(),
    async open(context) {
      const place = new NdjsonPlace(context.ports.files, path, context.job);
      try {
        if (context.guarantee === "exactly-once") return await NdjsonStaged.open<T>(place, context);
        return await openVisible<T>(place, context);
      } catch (cause) {
        throw fileUnwritable(path, cause);
      }
    },
  };
}

async function openVisible<T>(place: NdjsonPlace, context: SinkContext): Promise<OpenSink<T>> {
  const file = context.recovered === null ? await place.begin() : await goOn(place, context);
  const writer = new FileWriter(place.path, file);
  if (context.guarantee === "at-least-once") await place.syncNames();
  return {
    write: (values, _timestamps, from, to) => writeLines(writer, values, from, to),
    flush: () => (context.guarantee === "at-least-once" ? writer.sync() : writer.flush()),
    close: () => writer.close(),
  };
}

async function goOn(place: NdjsonPlace, { ports: { files }, recovered }: SinkContext): Promise<OutputFile> {
  // Of a run that was exactly-once.
  for (const { epoch, handle } of recovered!.handles) await place.commit(epoch, handle);
  await place.removeStaged([]);
  return files.openAppend(place.path, await wholeLinesBytes(files, place.path));
}
