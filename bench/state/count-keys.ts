/** A process of its own that goes on with a count: count-keys.ts FOLDER TASK, which prints what it measured. */
import { randomFrom } from "../random.ts";
import { countJob } from "./count-job.ts";

export interface CountTask {
  readonly keys: number;
  readonly distribution: "zipf" | "uniform";
  readonly seed: number;
  /** Untimed: code is compiled, the cache fills. */
  readonly warmUp: number;
  readonly records: number;
  readonly cacheBytes: number;
}

export interface CountTimes {
  /** From the first timed record until everything is durable and in the store, and the store is closed. */
  readonly usPerRecord: number;
  /** The same of the processor: all threads, what RocksDB does beside the loop included. */
  readonly cpuUsPerRecord: number;
  /** How many records were counted, those of the warm-up included. */
  readonly counted: number;
  /** The most memory that the process had. */
  readonly peakMb: number;
}

/** A prime that divides none of the numbers of keys: neighbours by frequency are none by address. */
const SPREAD = 7_368_787;

/** The keys of the records, one after the other: the same in every run. */
export function keysOf({
  keys,
  distribution,
  seed,
}: Pick<CountTask, "keys" | "distribution" | "seed">): () => number {
  const random = randomFrom(seed);
  if (distribution === "uniform") return () => Math.floor(random() * keys);
  // Rank r has the probability log((r + 1) / r) / log(keys + 1): about Zipf's law with exponent 1.
  const log = Math.log(keys + 1);
  return () => (Math.min(keys, Math.floor(Math.exp(random() * log))) * SPREAD) % keys;
}

if (import.meta.main) {
  const [folder, task] = process.argv.slice(2);
  const { warmUp, records, cacheBytes, ...keys } = JSON.parse(task) as CountTask;
  const nextKey = keysOf(keys);
  let began = 0;
  let cpu = process.cpuUsage();
  const keyAt = (n: number): number => {
    if (n === warmUp) {
      began = performance.now();
      cpu = process.cpuUsage();
    }
    return nextKey();
  };
  const counted = await countJob(folder, warmUp + records, keyAt, { cacheBytes });
  const us = (performance.now() - began) * 1000;
  const { user, system } = process.cpuUsage(cpu);
  const times: CountTimes = {
    usPerRecord: us / (counted - warmUp),
    cpuUsPerRecord: (user + system) / (counted - warmUp),
    counted,
    peakMb: Math.round(process.resourceUsage().maxRSS / 1024),
  };
  console.log(JSON.stringify(times));
}
