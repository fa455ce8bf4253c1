/**
 * How long a commit holds the loop up: exactly-once, 200,000 keys, all of them changed in every epoch of a second.
 *
 * A turn is measured from its first record to the first record of the next one, as the source sees it: the records'
 * own processing, a slice of the commit, and whatever else the process did. Counted are the turns that begin between a
 * barrier and the last work of its commit. Turns outside of commits are told beside them.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Sink, StateBackend } from "../../src/index.ts";
import { count, generator, memory, pipeline, tumbling } from "../../src/index.ts";
import { BATCH_RECORDS } from "../../src/operator/batch.ts";
import { rocksdb } from "../../src/state/rocksdb/index.ts";
import type { Outcome, Settings } from "../benchmark.ts";
import { collectGarbage, quantile } from "../compare.ts";

const KEYS = 200_000;
const EPOCHS = 12;
const QUICK_EPOCHS = 4;
/** Code is compiled in the first ones. */
const WARM_UP_EPOCHS = 2;
const TARGET_MS = 20;

interface Pauses {
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly p50Ms: number;
  readonly turns: number;
  readonly outsideP99Ms: number;
}

export async function pause({ quick }: Settings): Promise<Outcome> {
  const epochs = quick ? QUICK_EPOCHS : EPOCHS;
  const inMemory = await pausesOver(memory, epochs, (i) => i % KEYS);
  const texts = Array.from({ length: KEYS }, (_, i) => `key-${i}`);
  const asTexts = await pausesOver(memory, epochs, (i) => texts[i % KEYS]);
  const inRocksdb = await pausesOver(rocksdb, epochs, (i) => i % KEYS);
  const told = (name: string, { p50Ms, p99Ms, maxMs, turns, outsideP99Ms }: Pauses): string =>
    `${name}: ${turns} turns in commits: p50 ${p50Ms.toFixed(1)}, p99 ${p99Ms.toFixed(1)}, max ${maxMs.toFixed(1)} ms (outside p99 ${outsideP99Ms.toFixed(1)} ms)`;
  return {
    json: {
      ratio: inMemory.p99Ms,
      targetMs: TARGET_MS,
      keys: KEYS,
      memory: inMemory,
      memoryTexts: asTexts,
      rocksdb: inRocksdb,
    },
    lines: [
      told("memory, number keys", inMemory),
      told("memory, text keys", asTexts),
      told("rocksdb", inRocksdb),
    ],
  };
}

async function pausesOver(
  backend: (folder: string) => StateBackend,
  epochs: number,
  keyAt: (i: number) => number | string,
): Promise<Pauses> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-bench-"));
  const state = backend(folder);
  /** Turns since the barrier belong to a commit; over a store its writes follow the decision, so all turns do. */
  const isStored = state.cold !== null;
  let inCommit = isStored;
  let committed = 0;
  const within: number[] = [];
  const outside: number[] = [];
  let turnBegan = Number.NaN;
  let wasInCommit = false;
  const turn = (): void => {
    const now = performance.now();
    if (committed >= WARM_UP_EPOCHS && !Number.isNaN(turnBegan)) {
      (wasInCommit ? within : outside).push(now - turnBegan);
    }
    turnBegan = now;
    wasInCommit = inCommit;
    if (committed === WARM_UP_EPOCHS + epochs && !stopping) {
      stopping = true;
      void job.stop();
    }
  };
  let stopping = false;
  let made = 0;
  const app = pipeline("pauses", { state, commit: { every: "1s" } });
  app
    .source(
      generator((i) => {
        if (i % BATCH_RECORDS === 0) turn();
        made = i + 1;
        return { key: keyAt(i) };
      }),
      { timestamp: () => 0 },
    )
    .keyBy((r) => r.key)
    .window(tumbling("1h"))
    .aggregate(count())
    .to(
      watching({
        begun: () => {
          inCommit = true;
        },
        decided: () => {
          inCommit = isStored;
          committed += 1;
        },
      }),
    );
  collectGarbage();
  const job = app.start();
  try {
    const { operators } = await job.done;
    const counted = operators.find(({ kind }) => kind === "window")?.done.contributed;
    if (counted !== made) throw new Error(`${counted} records were counted of ${made}`);
    if (within.length < 50 * epochs)
      throw new Error(`${within.length} turns in ${epochs} commits are too few`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return {
    p50Ms: quantile(within, 0.5),
    p99Ms: quantile(within, 0.99),
    maxMs: Math.max(...within),
    turns: within.length,
    outsideP99Ms: outside.length === 0 ? 0 : quantile(outside, 0.99),
  };
}

/** A transactional sink that throws everything away: it is told when an epoch ends, and when it is decided. */
function watching({ begun, decided }: { begun(): void; decided(): void }): Sink<unknown> {
  return {
    description: "watching()",
    transactional: true,
    open: async () => ({
      write: () => {},
      flush: async () => {},
      close: async () => {},
      epochs: {
        lastEpoch: null,
        async prepare(epoch) {
          begun();
          return epoch;
        },
        async commit() {
          decided();
        },
      },
    }),
  };
}
