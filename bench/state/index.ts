/** What durable state costs. */
import type { Group } from "../benchmark.ts";

export const state: Group = {
  "eos-cost": {
    what: "throughput of a count over 50,000 hot keys with an epoch every second, against none (at least 0.85)",
    target: null,
    run: async (settings) => (await import("./eos-cost.ts")).eosCost(settings),
  },
  "pause-p99-ms": {
    what: "how long a commit of 200,000 changed keys holds the loop up (at most 20 ms)",
    target: null,
    run: async (settings) => (await import("./pause.ts")).pause(settings),
  },
  codec: {
    what: "rows to bytes and back, against JSON",
    target: 0.5,
    run: async (settings) => (await import("./codec.ts")).codec(settings),
  },
  "restore-memory-s": {
    what: "seconds until a job goes on with 1 GB of state in memory, from a snapshot and a log",
    target: null,
    run: async (settings) => (await import("./restore.ts")).restore("memory", settings),
  },
  "restore-rocksdb-s": {
    what: "the same with state in RocksDB",
    target: null,
    run: async (settings) => (await import("./restore.ts")).restore("rocksdb", settings),
  },
  "zipf-30m": {
    what: "time per record of a count over 30M Zipf keys in RocksDB, against 1M (at most 3)",
    target: null,
    run: async (settings) => (await import("./zipf.ts")).zipf(settings),
  },
};
