/** Whether the store has the counts that the runs of count-keys.ts must have left: of the frequent keys, and of some others. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { systemPorts } from "../../src/core/ports.ts";
import { readDirectory } from "../../src/epoch/facts.ts";
import { ByteReader } from "../../src/schema/bytes.ts";
import { Shapes } from "../../src/schema/shapes.ts";
import { structural } from "../../src/schema/structural.ts";
import type { RowStore } from "../../src/state/contract.ts";
import { openRocksStore } from "../../src/state/rocksdb/store.ts";
import { addressOf } from "./fill-counts.ts";
import { type CountTask, keysOf } from "./count-keys.ts";

const FREQUENT = 2000;
const OTHERS = 10_000;

export interface CountedTask {
  readonly task: CountTask;
  /** How many records it took. */
  readonly counted: number;
}

/** @param each what the row of each key said at first */
export async function checkCounts(
  folder: string,
  keys: number,
  each: number,
  runs: readonly CountedTask[],
): Promise<void> {
  const counts = new Uint32Array(keys).fill(each);
  for (const { task, counted } of runs) {
    const next = keysOf(task);
    for (let n = 0; n < counted; n++) counts[next()] += 1;
  }
  const { chosen } = await readDirectory(systemPorts.files, folder);
  const codec = structural(Shapes.from((chosen?.body as { shapes?: unknown })?.shapes));
  const frequent = runs.flatMap(({ task }) => Array.from({ length: FREQUENT }, keysOf(task)));
  const others = Array.from({ length: OTHERS }, (_, i) => Math.floor((i * keys) / OTHERS));
  const store = await openRocksStore(join(folder, "rows"));
  try {
    const sample = [...frequent, ...others];
    const found = await countsOf(store, sample, (bytes) => codec.decode(new ByteReader(bytes)));
    assert.deepEqual(
      found,
      sample.map((key) => counts[key]),
    );
  } finally {
    await store.close();
  }
}

async function countsOf(
  store: RowStore,
  keys: readonly number[],
  decode: (bytes: Uint8Array) => unknown,
): Promise<number[]> {
  const [first] = await store.scan("", "\xff", 1);
  const rows = await store.load(keys.map((key) => addressOf(first.address, key)));
  return rows.map((row) => (row === undefined ? 0 : (decode(row) as { a0: number }).a0));
}
