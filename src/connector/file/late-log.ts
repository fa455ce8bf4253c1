/**
 * Late records in a file, each with the timestamp that it had: a record alone can't tell it once functions have changed it,
 * and to count a record in its windows takes both.
 */
import { MillraceError, preview } from "../../core/errors.ts";
import type { Files } from "../../core/ports.ts";
import { NdjsonDecoder } from "../../format/ndjson.ts";
import type { LateRecord, Sink } from "../contract.ts";
import { ndjsonFile } from "./ndjson-sink.ts";
import { fileUnreadable } from "./open-file.ts";
import { wholeLinesBytes } from "./torn-line.ts";

const CHUNK_BYTES = 512 * 1024;

/**
 * Keeps the late records of a window for `millrace reprocess`, which counts them where they belong. It is an `ndjsonFile`,
 * with its guarantees, whose lines are `{"timestamp":...,"value":...}`: the record as the window got it, and its event time.
 * Records are plain JSON: what JSON has not (Dates, bigints, NaN) comes back as something else, or can't be written.
 *
 * @example
 * const totals = orders.keyBy((o) => o.user).window(tumbling("1h")).aggregate(sum((o) => o.amount));
 * totals.late.to(lateLog("late.ndjson"));
 * @throws FILE_UNWRITABLE when opened, naming the path
 * @throws SINK_FAILED when a record is no JSON or has no timestamp, or the file system fails later
 * @throws SINK_STATE_MISSING, STATE_BEHIND_SINK when the file is not as the job's state says
 */
export function lateLog<T>(path: string): Sink<T> {
  const lines = ndjsonFile<LateRecord>(path);
  return {
    ...lines,
    description: `lateLog(${JSON.stringify(path)})`,
    lateRecords: ({ files }) => readLog(files, path),
    async open(context) {
      const file = await lines.open(context);
      return {
        write: (values, timestamps, from, to) =>
          file.write(withTimestamps(values, timestamps, from, to), timestamps, 0, to - from),
        flush: () => file.flush(),
        close: () => file.close(),
        ...(file.epochs === undefined ? {} : { epochs: file.epochs }),
      };
    },
  } as Sink<T>;
}

function withTimestamps(
  values: readonly unknown[],
  timestamps: Float64Array,
  from: number,
  to: number,
): LateRecord[] {
  const records: LateRecord[] = [];
  for (let i = from; i < to; i++) {
    const timestamp = timestamps[i];
    const value = values[i];
    const why = Number.isNaN(timestamp) ? "has no timestamp" : isNothing(value) ? "is no JSON" : null;
    if (why !== null) {
      const text = preview(value);
      throw new MillraceError("SINK_FAILED", `lateLog: the record ${text} ${why}`, { text });
    }
    records.push({ timestamp, value });
  }
  return records;
}

/** JSON would leave the field out. */
const isNothing = (value: unknown): boolean => value === undefined || typeof value === "function";

/** What is whole of the log; a job may be writing it. */
async function readLog(files: Files, path: string): Promise<readonly LateRecord[]> {
  const decoder = new NdjsonDecoder<LateRecord>();
  const records: LateRecord[] = [];
  const take = (): void => {
    while (!decoder.drained) {
      decoder.mark();
      decoder.decode(records, records.length, 1024);
      const fault = decoder.takeFault();
      if (fault !== undefined) throw new Error(`line ${fault.line} is no late record: ${fault.reason}`);
    }
  };
  try {
    const bytes = await wholeLinesBytes(files, path);
    if (bytes === 0) return records;
    const file = await files.openRead(path);
    try {
      const chunk = new Uint8Array(Math.min(CHUNK_BYTES, bytes));
      for (let at = 0; at < bytes; ) {
        const n = await file.read(chunk.subarray(0, Math.min(chunk.length, bytes - at)), at);
        if (n === 0) throw new Error(`it became shorter than ${bytes} bytes`);
        at += n;
        decoder.push(chunk.subarray(0, n));
        take();
      }
      decoder.end();
      take();
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw fileUnreadable(path, cause);
  }
  const stranger = records.findIndex((record) => !Number.isFinite(record?.timestamp) || !("value" in record));
  if (stranger >= 0)
    throw fileUnreadable(path, new Error(`its record ${stranger + 1} is no line of a lateLog`));
  return records;
}
