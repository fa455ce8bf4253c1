/** What the core costs against the same job written by hand. */
import type { Group } from "../benchmark.ts";

export const core: Group = {
  chain8: {
    what: "8 stateless operators over 8 object shapes",
    target: 1.5,
    run: async (settings) => (await import("./chain8.ts")).chain8(settings),
  },
  "chain8-large": {
    what: "the same with user functions of over 200 bytes of bytecode each",
    target: 1.5,
    run: async (settings) => (await import("./chain8-large.ts")).chain8Large(settings),
  },
  "count-1k": {
    what: "tumbling count per key, 1,000 random integer keys",
    target: 2,
    run: async (settings) => (await import("./keyed-count.ts")).keyedCount(1000, Number, settings),
  },
  "count-100k": {
    what: "the same with 100,000 keys",
    target: 2,
    run: async (settings) => (await import("./keyed-count.ts")).keyedCount(100_000, Number, settings),
  },
  "count-1m": {
    what: "the same with 1,000,000 keys",
    target: 2,
    run: async (settings) => (await import("./keyed-count.ts")).keyedCount(1_000_000, Number, settings),
  },
  "count-100k-string": {
    what: "the same with 100,000 string keys",
    target: null,
    run: async (settings) =>
      (await import("./keyed-count.ts")).keyedCount(100_000, (i) => `user-${i}`, settings),
  },
  ndjson: {
    what: "file -> filter -> tumbling count and sum per key -> file",
    target: 1.3,
    run: async (settings) => (await import("./ndjson.ts")).ndjsonToNdjson(settings),
  },
  latency: {
    what: "from the push of a lone record to the sink's callback",
    target: null,
    run: async () => (await import("./latency.ts")).latency(),
  },
  memory: {
    what: "100 million records through a keyed window: the heap stays flat (--quick: 10 million)",
    target: null,
    run: async (settings) => (await import("./memory.ts")).memory(settings),
  },
};
