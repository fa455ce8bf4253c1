/**
 * A tumbling count per key in event time with bounded disorder. By hand: one Map per open window, windows closed by
 * the same rule (greatest timestamp so far - bound >= end), results to the same callback; counters as objects or as
 * numbers in the Map, whichever is faster for the number of keys.
 */
import { count, forEach, fromIterable, pipeline, tumbling } from "../../src/index.ts";
import { compared, type Outcome, type Settings } from "../benchmark.ts";
import { compare } from "../compare.ts";
import { randomFrom } from "../random.ts";

interface Visit<K> {
  readonly key: K;
  readonly at: number;
}

interface Result<K> {
  readonly key: K;
  readonly windowStart: number;
  readonly windowEnd: number;
  readonly value: number;
}

const RECORDS = 4_000_000;
const WINDOWS = 4;
const RECORDS_PER_MS = 10;
const DISORDER_MS = 2000;
const SIZE_MS = RECORDS / WINDOWS / RECORDS_PER_MS;
const BEGIN = Date.UTC(2026, 0, 1);

export async function keyedCount<K extends number | string>(
  keys: number,
  keyOf: (i: number) => K,
  { runs }: Settings,
): Promise<Outcome> {
  const random = randomFrom(keys);
  const records = Array.from({ length: RECORDS }, (_, i): Visit<K> => {
    const at = BEGIN + Math.floor(i / RECORDS_PER_MS) - Math.floor(random() * DISORDER_MS);
    return { key: keyOf(Math.floor(random() * keys)), at };
  });

  let results = 0;
  let checksum = 0;
  const take = (r: Result<K>): void => {
    results += 1;
    // Results of one window come in any order.
    const key = typeof r.key === "number" ? r.key : r.key.length;
    checksum = (checksum + Math.imul(key + 1, r.value * 31 + (r.windowStart % 1_000_003))) | 0;
  };
  const result = (late: number) => {
    const taken = { results, checksum, late };
    results = checksum = 0;
    return taken;
  };

  const ours = async () => {
    const app = pipeline("count");
    app
      .source(fromIterable(records), {
        timestamp: (r) => r.at,
        watermark: { maxOutOfOrderness: DISORDER_MS },
      })
      .keyBy((r) => r.key as number)
      .window(tumbling(SIZE_MS))
      .aggregate(count())
      .to(forEach(take as (r: unknown) => void));
    const { operators } = await app.run();
    return result(operators.reduce((late, operator) => late + operator.done.late, 0));
  };

  const objects = () => result(countInObjects(records, take));
  const numbers = () => result(countInNumbers(records, take));
  return compared(await compare({ records: records.length, ours, byHand: { objects, numbers } }, runs));
}

/** Returns the number of late records. */
function countInObjects<K>(records: readonly Visit<K>[], take: (result: Result<K>) => void): number {
  const windows = new Map<number, Map<K, { n: number }>>();
  let watermark = Number.NEGATIVE_INFINITY;
  let nextEnd = Number.POSITIVE_INFINITY;
  let late = 0;
  let lastStart = Number.NaN;
  let last: Map<K, { n: number }> | undefined;

  const close = (): void => {
    nextEnd = Number.POSITIVE_INFINITY;
    for (const start of [...windows.keys()].sort((a, b) => a - b)) {
      const windowEnd = start + SIZE_MS;
      if (windowEnd > watermark) {
        nextEnd = windowEnd;
        break;
      }
      for (const [key, counter] of windows.get(start)!)
        take({ key, windowStart: start, windowEnd, value: counter.n });
      windows.delete(start);
    }
    lastStart = Number.NaN;
  };

  for (const { key, at } of records) {
    const start = Math.floor(at / SIZE_MS) * SIZE_MS;
    if (start + SIZE_MS <= watermark) {
      late += 1;
    } else {
      if (start !== lastStart) {
        last = windows.get(start);
        if (last === undefined) {
          last = new Map();
          windows.set(start, last);
          nextEnd = Math.min(nextEnd, start + SIZE_MS);
        }
        lastStart = start;
      }
      const counter = last!.get(key);
      if (counter === undefined) last!.set(key, { n: 1 });
      else counter.n += 1;
    }
    if (at - DISORDER_MS > watermark) {
      watermark = at - DISORDER_MS;
      if (watermark >= nextEnd) close();
    }
  }
  watermark = Number.POSITIVE_INFINITY;
  close();
  return late;
}

/** The same with numbers for counters: no object per key, but a second look-up per record. */
function countInNumbers<K>(records: readonly Visit<K>[], take: (result: Result<K>) => void): number {
  const windows = new Map<number, Map<K, number>>();
  let watermark = Number.NEGATIVE_INFINITY;
  let nextEnd = Number.POSITIVE_INFINITY;
  let late = 0;
  let lastStart = Number.NaN;
  let last: Map<K, number> | undefined;

  const close = (): void => {
    nextEnd = Number.POSITIVE_INFINITY;
    for (const start of [...windows.keys()].sort((a, b) => a - b)) {
      const windowEnd = start + SIZE_MS;
      if (windowEnd > watermark) {
        nextEnd = windowEnd;
        break;
      }
      for (const [key, value] of windows.get(start)!) take({ key, windowStart: start, windowEnd, value });
      windows.delete(start);
    }
    lastStart = Number.NaN;
  };

  for (const { key, at } of records) {
    const start = Math.floor(at / SIZE_MS) * SIZE_MS;
    if (start + SIZE_MS <= watermark) {
      late += 1;
    } else {
      if (start !== lastStart) {
        last = windows.get(start);
        if (last === undefined) {
          last = new Map();
          windows.set(start, last);
          nextEnd = Math.min(nextEnd, start + SIZE_MS);
        }
        lastStart = start;
      }
      last!.set(key, (last!.get(key) ?? 0) + 1);
    }
    if (at - DISORDER_MS > watermark) {
      watermark = at - DISORDER_MS;
      if (watermark >= nextEnd) close();
    }
  }
  watermark = Number.POSITIVE_INFINITY;
  close();
  return late;
}
