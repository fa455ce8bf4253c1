/**
 * What every source does, whatever it reads. Catches: records lost, doubled or out of order at the edges of polls;
 * an end told too early; a loop left asleep; origins of the wrong record; a failure that swallows records before it.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Ports } from "../../src/core/ports.ts";
import type { Origin, Source } from "../../src/connector/contract.ts";
import { openSource, pollAll, pollOnce } from "./poll-all.ts";

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

const MAXES = [1, 2, 3, 7, 64, 1000];

export function sourceSuite<T>(
  name: string,
  make: () => SourceCase<T> | Promise<SourceCase<T>>,
  makeFailing?: () => FailingCase<T>,
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
