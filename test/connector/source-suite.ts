/**
 * What every source does, whatever it reads. Catches: records lost, doubled or out of order at the edges of polls;
 * an end told too early; a loop left asleep; origins of the wrong record; a failure that swallows records before it;
 * and, of replayable ones, a position that leads anywhere but to its record.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Json } from "../../src/core/json.ts";
import type { Ports } from "../../src/core/ports.ts";
import type { Origin, Source } from "../../src/connector/contract.ts";
import { type Opened, openSource, pollAll, pollOnce } from "./poll-all.ts";
import { type Polling, stored, takeUntil } from "./replay.ts";
import { propertyOptions } from "./seed.ts";

export interface SourceCase<T> {
  readonly source: Source<T>;
  readonly ports?: Ports;
  /** The records of each partition, by its id. */
  readonly expected: Readonly<Record<string, readonly T[]>>;
  /** Where record `index` of a partition comes from; default: its running number. */
  readonly origin?: (partition: string, index: number) => Origin;
  readonly bounded?: boolean;
}

export interface FailingCase<T> {
  readonly source: Source<T>;
  readonly ports?: Ports;
  /** What the only partition gives before it fails. */
  readonly before: readonly T[];
  readonly code: string;
}

export interface SuiteOptions<T> {
  readonly failing?: () => FailingCase<T>;
  /** Whether the replay law holds; default false. */
  readonly replayable?: boolean;
}

const MAXES = [1, 2, 3, 7, 64, 1000];

export function sourceSuite<T>(
  name: string,
  make: () => SourceCase<T> | Promise<SourceCase<T>>,
  { failing: makeFailing, replayable = false }: SuiteOptions<T> = {},
): void {
  describe(`${name} as a source`, () => {
    for (const max of MAXES) {
      test(`gives all records in order, and never more than ${max} when ${max} are asked for`, async () => {
        const { source, ports, expected } = await make();
        const opened = await openSource(source, ports);
        assert.deepEqual(opened.partitions.map(({ id }) => id).sort(), Object.keys(expected).sort());
        for (const partition of opened.partitions) {
          assert.deepEqual(await pollAll(opened, partition, max), expected[partition.id]);
          await partition.close();
        }
        assert.deepEqual(opened.rejected, []);
      });
    }

    test("says that it is bounded if it is, and describes itself", async () => {
      const { source, bounded = true } = await make();
      assert.equal(source.bounded, bounded);
      assert.match(source.description, /^\w+\(/);
    });

    test("has not ended before its last record is handed over", async () => {
      const { source, ports, expected } = await make();
      const opened = await openSource(source, ports);
      for (const partition of opened.partitions) {
        let left = expected[partition.id]!.length;
        while (!partition.ended) {
          const n = pollOnce(partition, 2).length;
          left -= n;
          if (left > 0) assert.equal(partition.ended, false);
          if (n < 2 && !partition.ended) await opened.woken();
        }
        assert.equal(left, 0);
        await partition.close();
      }
    });

    test("locates each record of the last poll", async () => {
      const { source, ports, origin = (_: string, index: number) => ({ offset: index }) } = await make();
      for (const max of [1, 5, 1000]) {
        const opened = await openSource(source, ports);
        for (const partition of opened.partitions) {
          let index = 0;
          await pollAll(opened, partition, max, (found) => {
            assert.deepEqual(found, origin(partition.id, index++));
          });
          await partition.close();
        }
      }
    });

    test("counts its progress up to the total", async () => {
      const { source, ports } = await make();
      const opened = await openSource(source, ports);
      for (const partition of opened.partitions) {
        const before = partition.progress?.();
        await pollAll(opened, partition, 3);
        const after = partition.progress?.();
        if (before !== undefined && after !== undefined) {
          assert.ok(before.done <= after.done);
          assert.equal(after.done, after.total);
        }
        await partition.close();
      }
    });

    test("gives nothing and goes on when zero records are asked for", async () => {
      const { source, ports, expected } = await make();
      const opened = await openSource(source, ports);
      const partition = opened.partitions[0]!;
      assert.deepEqual(pollOnce(partition, 0), []);
      assert.deepEqual(await pollAll(opened, partition, 10), expected[partition.id]);
      await Promise.all(opened.partitions.map((one) => one.close()));
    });

    test(`${replayable ? "is" : "is not"} replayable, and says so`, async () => {
      const { source, ports } = await make();
      assert.equal(source.replayable === true, replayable);
      const opened = await openSource(source, ports);
      for (const partition of opened.partitions) {
        assert.equal(partition.position !== undefined, replayable);
        await partition.close();
      }
    });

    if (replayable) replayLaw(make);

    test("can be closed before its end, and more than once", async () => {
      const { source, ports } = await make();
      const opened = await openSource(source, ports);
      for (const partition of opened.partitions) {
        pollOnce(partition, 1);
        await partition.close();
        await partition.close();
      }
    });

    if (makeFailing === undefined) return;
    for (const max of [1, 4, 1000]) {
      test(`hands over what came before a failure, then throws it from poll, asked for ${max}`, async () => {
        const { source, ports, before, code } = makeFailing();
        const opened = await openSource(source, ports);
        const partition = opened.partitions[0]!;
        const error = await pollAll(opened, partition, max).then(
          () => assert.fail("no failure"),
          (thrown: { code: string; records: T[] }) => thrown,
        );
        assert.equal(error.code, code);
        assert.deepEqual(error.records, before);
        assert.equal(partition.ended, false);
        assert.throws(() => pollOnce(partition, max), { code }, "the failure is thrown once more");
        await partition.close();
      });
    }
  });
}

/** Run up to some record, stop, go on from the position there, and so on: all together is one whole run. */
function replayLaw<T>(make: () => SourceCase<T> | Promise<SourceCase<T>>): void {
  /** @param cutsOf where the runs end, but the last: ascending, out of the number of a partition's records */
  const holds = async (cutsOf: (records: number) => readonly number[], polling: Polling) => {
    const {
      source,
      ports,
      expected,
      origin = (_: string, index: number) => ({ offset: index }),
    } = await make();
    const runs = cutsOf(0).length;
    const got = new Map(Object.keys(expected).map((id) => [id, [] as T[]]));
    let positions: Map<string, Json> | null = null;
    for (let run = 0; run <= runs; run++) {
      const begun = positions as ReadonlyMap<string, Json> | null;
      const opened: Opened<T> = await openSource(source, ports, undefined, begun);
      positions = new Map();
      for (const partition of opened.partitions) {
        const { id } = partition;
        const records = got.get(id)!;
        if (begun !== null) assert.deepEqual(stored(partition.position!(0)), begun.get(id));
        if (run < runs) {
          const count = cutsOf(expected[id]!.length)[run]! - records.length;
          const part = await takeUntil(opened, partition, count, polling);
          records.push(...part.records);
          positions.set(id, part.position);
        } else {
          let index = records.length;
          const rest = await pollAll(opened, partition, polling.sizes[0]!, (found) =>
            assert.deepEqual(found, origin(id, index++)),
          );
          records.push(...rest);
        }
        await partition.close();
      }
      assert.deepEqual(opened.rejected, []);
    }
    assert.deepEqual(Object.fromEntries(got), expected);
  };

  for (const sizes of [[1000], [7]]) {
    test(`goes on from the position of every record, asked for ${sizes[0]}`, async () => {
      const { expected } = await make();
      const most = Math.max(...Object.values(expected).map((records) => records.length));
      for (let cut = 0; cut <= most; cut++) {
        await holds((records) => [Math.min(cut, records)], { sizes, late: false });
      }
    });
  }

  test("goes on however often it is stopped, and however it is polled", async () => {
    const polling = fc.record({
      sizes: fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
      late: fc.boolean(),
    });
    const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(cuts, polling, async (parts, how) => {
        const ascending = parts.toSorted((a, b) => a - b);
        await holds((records) => ascending.map((part) => Math.round(part * records)), how);
      }),
      propertyOptions(50),
    );
  });
}
