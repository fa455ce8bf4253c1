/**
 * A job with 1 GB of encoded state is stopped, and started again in a fresh process: how long until its first records
 * are through. In memory all of it is read back from the log, which has a snapshot and what changed since; RocksDB
 * reads what the records need.
 *
 * The page cache is warm, as after a crash of the process. Afterwards the window fires, and every row is looked at.
 */
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BATCH_RECORDS } from "../../src/operator/batch.ts";
import type { Outcome, Settings } from "../benchmark.ts";
import { runChild } from "./child.ts";
import type { Filled, Resumed, WideTask } from "./wide-rows.ts";

const KEYS = 950_000;
const QUICK_KEYS = 95_000;
/** Rows are read into live objects. */
const NODE_OPTIONS = ["--max-old-space-size=6144"];

export async function restore(backend: WideTask["backend"], { quick }: Settings): Promise<Outcome> {
  const keys = quick ? QUICK_KEYS : KEYS;
  const folder = await mkdtemp(join(tmpdir(), "millrace-bench-"));
  try {
    const filled = Math.ceil((keys * 1.2) / BATCH_RECORDS) * BATCH_RECORDS;
    const task = JSON.stringify({ folder, backend, keys, filled } satisfies WideTask);
    const { rowBytes } = await runChild<Filled>("wide-rows.ts", ["fill", task], {
      nodeOptions: NODE_OPTIONS,
    });
    const diskBytes = await sizeOf(folder);
    const { firstRecordS, jobS, peakMb } = await runChild<Resumed>("wide-rows.ts", ["resume", task], {
      nodeOptions: NODE_OPTIONS,
    });
    const bytes = keys * rowBytes;
    const bytesPerS = Math.round(bytes / firstRecordS);
    return {
      json: {
        ratio: firstRecordS,
        seconds: firstRecordS,
        jobS,
        rowBytes,
        bytes,
        bytesPerS,
        diskBytes,
        peakMb,
      },
      lines: [
        `${firstRecordS.toFixed(2)} s from the start of the process to the first records (of the job ${jobS.toFixed(2)} s) with ${mb(bytes)} MB in ${keys.toLocaleString("en")} rows of ${rowBytes} bytes: ${mb(bytesPerS)} MB/s; ${mb(diskBytes)} MB on disk, peak ${peakMb} MB`,
      ],
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const mb = (bytes: number): string => (bytes / 1e6).toFixed(0);

async function sizeOf(folder: string): Promise<number> {
  const files = await readdir(folder, { recursive: true });
  const stats = await Promise.all(files.map((name) => stat(join(folder, name))));
  return stats.reduce((sum, { size }) => sum + size, 0);
}
