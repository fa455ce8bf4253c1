/** Drives one partition the way the loop of a job does: it polls again at once only while polls are full. */
import assert from "node:assert/strict";
import type { Json } from "../../src/core/json.ts";
import { type Ports, systemPorts } from "../../src/core/ports.ts";
import type { Malformed, Origin, Partition, Source } from "../../src/connector/contract.ts";

const UNTOUCHED = Symbol("untouched");
const WAKE_LIMIT_MS = 5000;

export interface Opened<T> {
  readonly partitions: readonly Partition<T>[];
  readonly rejected: Malformed[];
  /** Resolves at the first wake since the last call, or rejects when there is none for a long time. */
  woken(): Promise<void>;
}

export async function openSource<T>(
  source: Source<T>,
  ports: Ports = systemPorts,
  reject?: (partition: string, malformed: Malformed) => void,
  positions: ReadonlyMap<string, Json> | null = null,
): Promise<Opened<T>> {
  const rejected: Malformed[] = [];
  let pending = false;
  let waiting: (() => void) | undefined;
  const partitions = await source.open({
    ports,
    positions,
    wake() {
      pending = true;
      waiting?.();
    },
    reject: reject ?? ((_, malformed) => rejected.push(malformed)),
  });
  return {
    partitions,
    rejected,
    async woken() {
      if (!pending) {
        await new Promise<void>((resolve, fail) => {
          const timer = setTimeout(() => fail(new Error("no wake")), WAKE_LIMIT_MS);
          waiting = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      pending = false;
      waiting = undefined;
    },
  };
}

/** One poll, checked against the contract. */
export function pollOnce<T>(partition: Partition<T>, max: number): T[] {
  const margin = 2;
  const into: unknown[] = new Array(margin + max + margin).fill(UNTOUCHED);
  const n = partition.poll(into as T[], margin, max);
  assert.ok(Number.isInteger(n) && n >= 0 && n <= max, `poll(max ${max}) gave ${n}`);
  const outside = [...into.slice(0, margin), ...into.slice(margin + n)];
  assert.ok(
    outside.every((slot) => slot === UNTOUCHED),
    "poll wrote outside of what it gave",
  );
  assert.equal(into.length, 2 * margin + max, "poll made the array longer");
  return into.slice(margin, margin + n) as T[];
}

/** All records of a partition; throws what a poll throws, with the records before it as `records`. */
export async function pollAll<T>(
  opened: Opened<T>,
  partition: Partition<T>,
  max: number,
  each: (origin: Origin, record: T) => void = () => {},
): Promise<T[]> {
  const records: T[] = [];
  while (!partition.ended) {
    let given: T[];
    try {
      given = pollOnce(partition, max);
    } catch (error) {
      throw Object.assign(error as Error, { records });
    }
    const origins = given.map((_, i) => partition.locate(i));
    for (const [i, record] of given.entries()) each(origins[i]!, record);
    // Origins may be asked for in any order, and more than once.
    for (const i of given.keys().toArray().reverse()) {
      if (i % 3 === 0) partition.progress?.();
      assert.deepEqual(partition.locate(i), origins[i]);
    }
    records.push(...given);
    if (given.length < max && !partition.ended) await opened.woken();
  }
  assert.deepEqual(pollOnce(partition, max), [], "a partition that has ended gave more");
  assert.ok(partition.ended, "ended went back");
  assert.ok(partition.caughtUp, "ended, but not caught up");
  return records;
}

/** Opens the source, takes everything from its only partition, and closes it. */
export async function recordsOf<T>(source: Source<T>, ports?: Ports, max = 100): Promise<T[]> {
  const opened = await openSource(source, ports);
  const records = await pollAll(opened, opened.partitions[0]!, max);
  await opened.partitions[0]!.close();
  return records;
}
