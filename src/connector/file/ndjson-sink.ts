import { resolve } from "node:path";
import { MillraceError } from "../../core/errors.ts";
import type { Sink } from "../contract.ts";
import { encodeLine } from "./encode-record.ts";
import { FileWriter } from "./file-writer.ts";

/** UTF-16 units handed on at a time: a batch of large records could be too long for one string. */
const PIECE_UNITS = 1024 * 1024;

/**
 * Writes records to a file as newline-delimited JSON, UTF-8: one line per record. The file is made, or emptied, when
 * the job starts. One write runs at a time; when more than about 1 MiB waits for it, the job waits too.
 *
 * A `bytes` field that is a Uint8Array, as dead letters have one, is written in base64.
 *
 * @example
 * totals.to(ndjsonFile("totals.ndjson"))
 * @throws FILE_UNWRITABLE when opened, naming the path
 * @throws SINK_FAILED when a record is no JSON (bigint, undefined, a function) or the file system fails later
 */
export function ndjsonFile<T>(path: string): Sink<T> {
  return {
    description: `ndjsonFile(${JSON.stringify(path)})`,
    resource: `file:${resolve(path)}`,
    async open({ ports }) {
      let writer: FileWriter;
      try {
        writer = new FileWriter(path, await ports.files.openWrite(path));
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw new MillraceError("FILE_UNWRITABLE", `${path} can't be written: ${reason}`, {}, cause);
      }
      return {
        write(values, _timestamps, from, to) {
          let text = "";
          try {
            for (let i = from; i < to; i++) {
              text += `${encodeLine(values[i])}\n`;
              if (text.length < PIECE_UNITS) continue;
              writer.add(text);
              text = "";
            }
          } finally {
            // Also when a record can't be encoded: those before it are written.
            writer.add(text);
          }
          return writer.room();
        },
        flush: () => writer.flush(),
        close: () => writer.close(),
      };
    },
  };
}
