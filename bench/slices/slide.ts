/**
 * What a record costs in windows of an hour, as far as it does not hang on the slide, and what a firing costs.
 *
 * Ingest: the watermark is held back so far that nothing fires, and the job is stopped before the input ends. Processor
 * time of the whole process, garbage collection included; runs of both slides by turns, the fastest of each counts.
 *
 * Firing: the same records with a watermark that follows them, to the end of the last window: every second a result for
 * each key with a record in the last hour. What ingest costs is taken off, the rest is divided by the results. Then no
 * row may be left, and the memory must be free.
 */
import {
  type Aggregate,
  count,
  type Duration,
  forEach,
  generator,
  max,
  pipeline,
  sliding,
} from "../../src/index.ts";
import { BATCH_RECORDS } from "../../src/operator/batch.ts";
import { compared, type Outcome, type Settings } from "../benchmark.ts";
import { collectGarbage, type Comparison, comparisonOf } from "../compare.ts";
import { randomFrom } from "../random.ts";

interface Hit {
  readonly key: number;
  readonly at: number;
}

const KEYS = 100_000;
const RECORDS = 2_000_000;
const HOUR_MS = 3_600_000;
const DISORDER_MS = 2000;
const BEGIN = Date.UTC(2026, 0, 1);
const WARM_UP_RUNS = 2;
/** A run is a third of a second: the fastest of many is needed to tell a few per cent. */
const INGESTS_PER_RUN = 3;

function hits(records: number, keys: number): Hit[] {
  const random = randomFrom(keys);
  return Array.from({ length: records }, (_, i) => ({
    key: Math.floor(random() * keys),
    at: BEGIN + Math.floor((i / records) * HOUR_MS) + Math.floor(random() * DISORDER_MS),
  }));
}

/** Nanoseconds of processor time that the work takes, garbage collection included. */
async function cpuNs(work: () => Promise<unknown>): Promise<number> {
  collectGarbage();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) * 1000;
}

/** The records without a firing. */
async function ingest(records: readonly Hit[], slide: Duration, by: Aggregate<Hit, any, number>) {
  const app = pipeline("ingest");
  app
    .source(
      generator(
        (i) => {
          if (i === records.length - 1) void job.stop();
          return records[i % records.length];
        },
        { count: records.length + 2 * BATCH_RECORDS },
      ),
      { timestamp: (r) => r.at, watermark: { maxOutOfOrderness: "3h" } },
    )
    .keyBy((r) => r.key)
    .window(sliding("1h", slide), { name: "window" })
    .aggregate(by)
    .to(
      forEach(() => {
        throw new Error("a window fired");
      }),
    );
  const job = app.start();
  await job.done;
}

async function compareIngest(runs: number): Promise<Comparison> {
  const records = hits(RECORDS, KEYS);
  const second: number[] = [];
  const minute: number[] = [];
  for (let run = -WARM_UP_RUNS; run < runs * INGESTS_PER_RUN; run++) {
    const ofSecond = await cpuNs(() => ingest(records, "1s", count()));
    const ofMinute = await cpuNs(() => ingest(records, "60s", count()));
    if (run < 0) continue;
    second.push(ofSecond / RECORDS);
    minute.push(ofMinute / RECORDS);
  }
  return comparisonOf({ records: RECORDS, oursNs: second, byHandNs: minute, byHandWay: "sliding by 60 s" });
}

interface Life {
  readonly results: number;
  readonly nsPerResult: number;
  readonly rowsLeft: number;
  readonly mbFull: number;
  readonly mbLeft: number;
}

const mbInUse = (): number => {
  // What typed arrays had is given back by the collection after the one that finds them.
  collectGarbage();
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return Math.round((heapUsed + external) / 1e5) / 10;
};

/** From the first record until the last window is past. */
async function life(keys: number, by: Aggregate<Hit, any, number>): Promise<Life> {
  const records = hits(keys * (RECORDS / KEYS), keys);
  const empty = mbInUse();
  const ingestNs = await cpuNs(() => ingest(records, "1s", by));
  let results = 0;
  let mbFull = 0;
  let lookingNs = 0;
  let rowsLeft = 0;
  const allNs = await cpuNs(async () => {
    const app = pipeline("life");
    app
      .source(
        generator(
          (i) => {
            if (i === records.length - 1) {
              const before = process.cpuUsage();
              mbFull = mbInUse() - empty;
              const { user, system } = process.cpuUsage(before);
              lookingNs = (user + system) * 1000;
            }
            return records[i];
          },
          { count: records.length },
        ),
        { timestamp: (r) => r.at, watermark: { maxOutOfOrderness: DISORDER_MS } },
      )
      .keyBy((r) => r.key)
      .window(sliding("1h", "1s"), { name: "window" })
      .aggregate(by)
      .to(
        forEach(() => {
          results += 1;
        }),
      );
    const { operators } = await app.run();
    rowsLeft = operators.reduce((rows, operator) => rows + operator.rows, 0);
  });
  return {
    results,
    nsPerResult: Math.round((allNs - lookingNs - ingestNs) / results),
    rowsLeft,
    mbFull: Math.round(mbFull * 10) / 10,
    mbLeft: Math.round((mbInUse() - empty) * 10) / 10,
  };
}

/** Of what a full hour holds, so much may be left over for other reasons. */
const FREE_SHARE = 0.05;

const told = (name: string, { results, nsPerResult, rowsLeft, mbFull, mbLeft }: Life): string =>
  `${name}: ${(results / 1e6).toFixed(1)} M results, ${nsPerResult} ns of firing each; ` +
  `${mbFull} MB with an hour in it, ${rowsLeft} rows in ${mbLeft} MB at the end`;

export async function slideOneSecond({ runs, quick }: Settings): Promise<Outcome> {
  const comparison = await compareIngest(runs);
  const keys = quick ? KEYS / 10 : KEYS;
  const running = await life(keys, count());
  const stacks = await life(
    keys,
    max((r) => r.at),
  );
  for (const { rowsLeft, mbFull, mbLeft } of [running, stacks])
    if (rowsLeft > 0 || mbLeft > mbFull * FREE_SHARE)
      throw new Error(`state is left: ${rowsLeft} rows, ${mbLeft} MB`);
  const { json, lines = [] } = compared(comparison, [
    told(`${keys} keys, count (running totals)`, running),
    told(`${keys} keys, max (stacks)`, stacks),
  ]);
  return { json: { ...json, keys, firing: { running, stacks } }, comparison, lines };
}
