/**
 * Memory over a long run: generated records -> filter -> 1,000 keys -> tumbling count. After every tenth of them a full
 * collection, then the bytes in use; they must not grow once the second tenth is through.
 */
import { count, forEach, generator, pipeline, tumbling } from "../../src/index.ts";
import type { Outcome, Settings } from "../benchmark.ts";
import { collectGarbage } from "../compare.ts";

const RECORDS = 100_000_000;
const SAMPLES = 10;
const KEYS = 1000;
const RECORDS_PER_MS = 10;
const DISORDER_MS = 200;
const SIZE_MS = 60_000;
const BEGIN = Date.UTC(2026, 0, 1);
/** May the last sample exceed the second by? Factor and bytes. */
const FLAT_FACTOR = 1.3;
const FLAT_MB = 16;

export async function memory({ quick }: Settings): Promise<Outcome> {
  const records = quick ? RECORDS / 10 : RECORDS;
  const every = records / SAMPLES;
  const samplesMb: number[] = [];
  let samplingMs = 0;

  const sample = (): void => {
    const began = performance.now();
    collectGarbage();
    const { heapUsed, external } = process.memoryUsage();
    samplesMb.push(Math.round((heapUsed + external) / 1e5) / 10);
    samplingMs += performance.now() - began;
  };
  const make = (i: number) => {
    if (i % every === 0 && i > 0) sample();
    const mixed = Math.imul(i, 0x9e3779b1) >>> 0;
    const at = BEGIN + Math.floor(i / RECORDS_PER_MS) - (mixed % DISORDER_MS);
    return { key: (mixed >>> 8) % KEYS, at, kept: (mixed & 15) !== 0 };
  };

  let counted = 0;
  const app = pipeline("memory");
  app
    .source(generator(make, { count: records }), {
      timestamp: (r) => r.at,
      watermark: { maxOutOfOrderness: DISORDER_MS },
    })
    .filter((r) => r.kept)
    .keyBy((r) => r.key)
    .window(tumbling(SIZE_MS))
    .aggregate(count())
    .to(
      forEach((r) => {
        counted += r.value;
      }),
    );
  const began = performance.now();
  await app.run();
  const seconds = (performance.now() - began - samplingMs) / 1000;
  sample();

  let kept = 0;
  for (let i = 0; i < records; i++) if ((Math.imul(i, 0x9e3779b1) & 15) !== 0) kept += 1;
  if (counted !== kept) throw new Error(`${counted} records were counted of ${kept}`);

  const flat = samplesMb[SAMPLES - 1] <= FLAT_FACTOR * samplesMb[1] + FLAT_MB;
  const recordsPerSecond = Math.round(records / seconds);
  return {
    json: { flat, samplesMb, recordsPerSecond, records },
    lines: [
      `${flat ? "flat" : "GROWS"}: MB in use after each ${(every / 1e6).toLocaleString("en")} M records: ${samplesMb.join(" ")}`,
      `${(recordsPerSecond / 1e6).toFixed(1)} M records/s`,
    ],
  };
}
