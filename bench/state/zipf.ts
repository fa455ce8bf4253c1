/**
 * A count per key over far more keys than its process has memory for: on RocksDB, with its default cache of 64 MiB,
 * every key having a row before the first measured record. Keys follow Zipf's law with exponent 1; uniform keys, of
 * which each is a row from the disk, are told beside them.
 *
 * Each measurement is a process of its own that goes on where the one before ended, with its cache filled before the
 * clock starts. The time ends when everything counted is durable and in the store. The numbers of keys take turns, and
 * the fastest run of each counts. The processes are limited to 1 GB of memory by the kernel, the cached pages of their
 * files included; where no limit can be set, what each took is checked instead, without such pages.
 * Afterwards the counts of some thousand keys must be those of the records.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Outcome, Settings } from "../benchmark.ts";
import { FILE_THREADS, runChild } from "./child.ts";
import { checkCounts } from "./check-counts.ts";
import type { CountTask, CountTimes } from "./count-keys.ts";
import type { FilledCounts } from "./fill-counts.ts";
import { limitMemory } from "./memory-limit.ts";

const KEYS = [1_000_000, 10_000_000, 30_000_000] as const;
/** Greatest time per record over 30M keys, in times of that over 1M. */
const TARGET = 3;
const LIMIT_MB = 1024;
const ROUNDS = 3;
/** The default. */
const CACHE_BYTES = 64 * 1024 * 1024;
/** Only of the heap of JavaScript: garbage is collected in time. */
const NODE_OPTIONS = ["--max-old-space-size=400"];
const ZIPF = { distribution: "zipf", warmUp: 1_500_000, records: 1_500_000 } as const;
const UNIFORM = { distribution: "uniform", warmUp: 100_000, records: 300_000 } as const;

/** One number of keys. */
interface Side {
  readonly folder: string;
  readonly keys: number;
  /** What the row of each key said at first. */
  each: number;
  readonly runs: (CountTimes & { readonly task: CountTask })[];
}

/** Where it is to be quick, everything is a tenth: keys, records, cache. */
export async function zipf({ quick }: Settings): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-bench-"));
  const scale = quick ? 10 : 1;
  const limit = limitMemory(LIMIT_MB * 1024 * 1024);
  const prefix = limit?.prefix ?? [];
  const sides = KEYS.map((keys, i): Side => {
    return { folder: join(folder, `${i}`), keys: keys / scale, each: 0, runs: [] };
  });
  try {
    // The largest beside the others: it takes as long as they do, and no time counts yet.
    await Promise.all(
      [sides.slice(2), sides.slice(0, 2)].map(async (some) => {
        for (const side of some) {
          side.each = (await runChild<FilledCounts>("fill-counts.ts", [side.folder, `${side.keys}`])).each;
        }
      }),
    );
    for (let round = 0; round < ROUNDS; round++) {
      for (const side of sides) await measure(side, { ...ZIPF, scale, seed: round, prefix });
    }
    for (const side of sides) await measure(side, { ...UNIFORM, scale, seed: ROUNDS, prefix });
    for (const side of sides) await checkCounts(side.folder, side.keys, side.each, side.runs);
  } finally {
    limit?.remove();
    await rm(folder, { recursive: true, force: true });
  }
  const least = (distribution: CountTask["distribution"], time: "usPerRecord" | "cpuUsPerRecord"): number[] =>
    sides.map(({ runs }) =>
      Math.min(...runs.filter((r) => r.task.distribution === distribution).map((r) => r[time])),
    );
  const [zipfUs, uniformUs] = [least("zipf", "usPerRecord"), least("uniform", "usPerRecord")];
  const zipfCpuUs = least("zipf", "cpuUsPerRecord");
  const ratio = zipfUs[2] / zipfUs[0];
  const peakMb = Math.max(...sides.flatMap(({ runs }) => runs.map((r) => r.peakMb)));
  const rounded = (value: number): number => Math.round(value * 1000) / 1000;
  const byKeys = (us: readonly number[]) =>
    Object.fromEntries(sides.map(({ keys }, i) => [keys, rounded(us[i])]));
  const told = (us: readonly number[]): string =>
    sides.map(({ keys }, i) => `${keys / 1e6}M keys ${us[i].toFixed(1)}`).join(", ");
  return {
    json: {
      ratio: rounded(ratio),
      target: TARGET,
      zipfUs: byKeys(zipfUs),
      zipfCpuUs: byKeys(zipfCpuUs),
      cpuRatio: rounded(zipfCpuUs[2] / zipfCpuUs[0]),
      uniformUs: byKeys(uniformUs),
      peakMb,
      limitMb: LIMIT_MB,
      limitEnforced: limit !== null,
      records: ZIPF.records / scale,
      rounds: ROUNDS,
    },
    lines: [
      `us per record, Zipf: ${told(zipfUs)}: ratio ${ratio.toFixed(2)}, at most ${TARGET}`,
      `us of processor per record, Zipf: ${told(zipfCpuUs)}: ratio ${(zipfCpuUs[2] / zipfCpuUs[0]).toFixed(2)}`,
      `us per record, uniform: ${told(uniformUs)}`,
      `at most ${peakMb} MB of memory; limit ${LIMIT_MB} MB, ${limit === null ? "checked afterwards" : "held by the kernel"}; ${FILE_THREADS} file threads`,
    ],
  };
}

async function measure(
  { folder, keys, runs }: Side,
  { distribution, warmUp, records, scale, seed, prefix }: (typeof ZIPF | typeof UNIFORM) & Scaled,
): Promise<void> {
  const task: CountTask = {
    keys,
    distribution,
    seed,
    warmUp: warmUp / scale,
    records: records / scale,
    cacheBytes: Math.round(CACHE_BYTES / scale),
  };
  const times = await runChild<CountTimes>("count-keys.ts", [folder, JSON.stringify(task)], {
    nodeOptions: NODE_OPTIONS,
    prefix,
  });
  if (times.peakMb > LIMIT_MB) throw new Error(`${keys} keys took ${times.peakMb} MB of memory`);
  runs.push({ ...times, task });
}

interface Scaled {
  readonly scale: number;
  readonly seed: number;
  /** Sets the limit. */
  readonly prefix: readonly string[];
}
