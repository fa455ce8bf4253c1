/**
 * What exactly-once costs: a count over 50,000 hot keys with an epoch every second, against the same job without state.
 * The ratio is that of throughputs: 1 costs nothing.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { count, forEach, generator, memory, pipeline, tumbling } from "../../src/index.ts";
import type { JobOptions } from "../../src/index.ts";
import type { Outcome, Settings } from "../benchmark.ts";
import { collectGarbage } from "../compare.ts";
import { randomFrom } from "../random.ts";

const KEYS = 50_000;
const POOL = 1 << 20;
/** A few seconds' worth, so that there are a few epochs. */
const RECORDS = 100_000_000;
const RECORDS_PER_MS = 1000;

export async function eosCost({ runs, quick }: Settings): Promise<Outcome> {
  const records = quick ? RECORDS / 10 : RECORDS;
  const random = randomFrom(50);
  const pool = Array.from({ length: POOL }, (_, i) => ({
    key: Math.floor(random() * KEYS),
    at: Math.floor(i / RECORDS_PER_MS),
  }));
  let checksum = 0;

  const run = async (options: JobOptions): Promise<number> => {
    collectGarbage();
    checksum = 0;
    const app = pipeline("eos-cost", options);
    app
      .source(
        generator((i) => pool[i & (POOL - 1)], { count: records }),
        { timestamp: (r) => r.at },
      )
      .keyBy((r) => r.key)
      .window(tumbling("1h"))
      .aggregate(count())
      .to(
        forEach((r) => {
          checksum = (checksum + Math.imul((r.key as number) + 1, r.value)) | 0;
        }),
      );
    const began = performance.now();
    await app.run();
    return ((performance.now() - began) * 1e6) / records;
  };

  const without: number[] = [];
  const withEpochs: number[] = [];
  let expected: number | undefined;
  for (let i = 0; i < runs + 1; i++) {
    const folder = await mkdtemp(join(tmpdir(), "millrace-bench-"));
    try {
      const plain = await run({});
      expected ??= checksum;
      const durable = await run({ state: memory(folder), commit: { every: "1s" } });
      if (checksum !== expected) throw new Error("the durable job gave another result");
      if (i === 0) continue; // warm-up
      without.push(plain);
      withEpochs.push(durable);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  const plainNs = Math.min(...without);
  const durableNs = Math.min(...withEpochs);
  const ratio = plainNs / durableNs;
  return {
    json: { ratio, plainNs, durableNs, keys: KEYS, records, runs },
    lines: [
      `eos-cost: ${plainNs.toFixed(1)} ns a record without epochs, ${durableNs.toFixed(1)} ns with one every second: throughput x ${ratio.toFixed(3)}`,
    ],
  };
}
