/** A partition that is left in the middle, and gone on with from the position there: what a crash does. */
import assert from "node:assert/strict";
import type { Json } from "../../src/core/json.ts";
import type { Partition } from "../../src/connector/contract.ts";
import { type Opened, pollOnce } from "./poll-all.ts";

/** How a partition is polled: the sizes in turn; `late` takes a position between two polls as the later one's first. */
export interface Polling {
  readonly sizes: readonly number[];
  readonly late: boolean;
}

/** As it comes out of a manifest. */
export const stored = (position: Json): Json => JSON.parse(JSON.stringify(position));

/** Polls for `count` records, and mostly more, and gives those and the position behind them. */
export async function takeUntil<T>(
  opened: Opened<T>,
  partition: Partition<T>,
  count: number,
  { sizes, late }: Polling,
): Promise<{ records: T[]; position: Json }> {
  const records: T[] = [];
  let position = partition.position!(0);
  for (let poll = 0; ; poll++) {
    const before = records.length;
    if (before > count || (before === count && !late)) break;
    const max = sizes[poll % sizes.length]!;
    const given = pollOnce(partition, max);
    records.push(...given);
    const index = count - before;
    if (index <= given.length) position = stored(partition.position!(index));
    if (partition.ended) break;
    if (given.length < max) await opened.woken();
  }
  assert.ok(records.length >= count, `only ${records.length} records instead of ${count}`);
  return { records: records.slice(0, count), position };
}
