/**
 * Real flights, in the order in which they left.
 *
 * The file is sorted by scheduled departure. A feed of departures would come by actual departure (schedule + delay),
 * and that is what the replay makes of it: the flights as columns, and the order of their rows.
 */
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parquet } from "../src/connector/parquet/index.ts";
import { forEach, type Progress, pipeline } from "../src/index.ts";
import type { Flight } from "./flights.ts";

const MINUTE_MS = 60_000;

/** The file of the development dependency `vega-datasets`. @throws where it is not installed */
export function flightsFile(): string {
  let path: string;
  try {
    path = fileURLToPath(new URL("../data/flights-3m.parquet", import.meta.resolve("vega-datasets")));
  } catch {
    path = "";
  }
  if (existsSync(path)) return path;
  throw new Error(
    "The flights come with the development dependency vega-datasets, which is missing: run npm install",
  );
}

export interface Replay {
  readonly length: number;
  /** The flight that left as number i. */
  at(i: number): Flight;
  /** When it left, in milliseconds since 1970. */
  leftAt(i: number): number;
  /** What the set-up took. */
  readonly readMs: number;
  readonly sortMs: number;
}

/** Reads the first `limit` flights (default: all) and puts them in order. */
export async function loadReplay(
  path: string,
  limit = Number.POSITIVE_INFINITY,
  onProgress: (progress: Progress) => void = () => {},
): Promise<Replay> {
  const began = performance.now();
  const dates: number[] = [];
  const delays: number[] = [];
  const origins: string[] = [];
  const destinations: string[] = [];
  const enough = new AbortController();
  const reader = pipeline("read flights");
  reader.source(parquet<Flight>(path, { columns: ["date", "delay", "origin", "destination"] })).to(
    forEach(({ date, delay, origin, destination }) => {
      if (dates.length >= limit) return enough.abort();
      dates.push(date);
      delays.push(delay);
      origins.push(origin);
      destinations.push(destination);
    }),
  );
  await reader.run({ signal: enough.signal, handleSignals: false, onProgress });
  const read = performance.now();

  const leftAt = (row: number) => dates[row] + delays[row] * MINUTE_MS;
  const order = sortedRows(dates.length, leftAt);
  return {
    length: dates.length,
    at(i) {
      const row = order[i];
      return { date: dates[row], delay: delays[row], origin: origins[row], destination: destinations[row] };
    },
    leftAt: (i) => leftAt(order[i]),
    readMs: read - began,
    sortMs: performance.now() - read,
  };
}

/**
 * The rows 0 ... n - 1 by time; equal times keep their order. Time in minutes and row make one number, because numbers
 * in a typed array sort far faster than rows by a comparison: 2^29 minutes are 1,000 years, 2^24 rows 16 million, and
 * their product 2^53 is where numbers cease to be exact.
 */
function sortedRows(n: number, timeOf: (row: number) => number): Uint32Array {
  const ROWS = 2 ** 24;
  if (n > ROWS) throw new RangeError(`A replay holds ${ROWS} flights at most, not ${n}`);
  const keys = new Float64Array(n);
  for (let row = 0; row < n; row++) keys[row] = (timeOf(row) / MINUTE_MS) * ROWS + row;
  keys.sort();
  return Uint32Array.from(keys, (key) => key % ROWS);
}

/**
 * The flights as they leave, with time passing `speed` times as fast as it does. An iterator, not a generator: a
 * generator that sleeps hears of the job's end when it wakes up, and the next flight may be hours away.
 */
export function paced(replay: Replay, speed: number): AsyncIterable<Flight> {
  return {
    [Symbol.asyncIterator]() {
      const began = performance.now();
      const stop = new AbortController();
      let i = 0;
      return {
        async next() {
          if (i === replay.length) return { done: true, value: undefined };
          const dueMs = (replay.leftAt(i) - replay.leftAt(0)) / speed;
          const waitMs = began + dueMs - performance.now();
          if (waitMs > 0) await sleep(Math.ceil(waitMs), undefined, { signal: stop.signal }).catch(() => {});
          return stop.signal.aborted
            ? { done: true, value: undefined }
            : { done: false, value: replay.at(i++) };
        },
        async return() {
          stop.abort();
          return { done: true, value: undefined };
        },
      };
    },
  };
}
