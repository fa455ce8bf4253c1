/**
 * What every sink does, wherever it writes. Catches: records lost or out of order, arrays kept beyond the call, the
 * range from ... to ignored, a slow end that does not slow the job, a close that leaves records behind.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Ports, systemPorts } from "../../src/core/ports.ts";
import type { Sink } from "../../src/connector/contract.ts";

export interface Written {
  readonly id: number;
}

export interface SinkCase {
  readonly sink: Sink<Written>;
  readonly ports?: Ports;
  /** What arrived; called after close. */
  received(): readonly Written[] | Promise<readonly Written[]>;
  /** For sinks that can be slow: holds what they write back until the returned function is called. */
  readonly hold?: () => () => void;
}

const record = (id: number): Written => ({ id });
const records = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => record(from + i));

export function sinkSuite(name: string, make: () => SinkCase): void {
  describe(`${name} as a sink`, () => {
    test("lets all records arrive in order", async () => {
      const { sink, ports = systemPorts, received } = make();
      const open = await sink.open({ ports });
      for (let at = 0; at < 100; at += 10)
        await open.write(records(at, at + 10), new Float64Array(10), 0, 10);
      await open.close();
      assert.deepEqual(await received(), records(0, 100));
    });

    test("takes only the records from `from` to `to`, and none of an empty range", async () => {
      const { sink, ports = systemPorts, received } = make();
      const open = await sink.open({ ports });
      const batch = records(0, 10);
      await open.write(batch, new Float64Array(10), 2, 5);
      await open.write(batch, new Float64Array(10), 5, 5);
      await open.write(batch, new Float64Array(10), 9, 10);
      await open.close();
      assert.deepEqual(await received(), [2, 3, 4, 9].map(record));
    });

    test("does not keep the arrays of a write", async () => {
      const { sink, ports = systemPorts, received, hold } = make();
      const release = hold?.();
      const open = await sink.open({ ports });
      const batch = records(0, 10);
      const written = open.write(batch, new Float64Array(10), 0, 10);
      batch.fill(record(-1));
      release?.();
      await written;
      await open.close();
      assert.deepEqual(await received(), records(0, 10));
    });

    test("has everything out after flush, and takes more", async () => {
      const { sink, ports = systemPorts, received } = make();
      const open = await sink.open({ ports });
      await open.write(records(0, 10), new Float64Array(10), 0, 10);
      await open.flush();
      await open.flush();
      await open.write(records(10, 20), new Float64Array(10), 0, 10);
      await open.close();
      assert.deepEqual(await received(), records(0, 20));
    });

    test("can be closed without a write, and more than once", async () => {
      const { sink, ports = systemPorts, received } = make();
      const open = await sink.open({ ports });
      await open.close();
      await open.close();
      assert.deepEqual(await received(), []);
    });

    test("describes itself", () => {
      assert.match(make().sink.description, /^\w+\(.*\)$/);
    });

    if (make().hold === undefined) return;
    test("makes the job wait while its end is slow, and no longer", async () => {
      const { sink, ports = systemPorts, received, hold } = make();
      const open = await sink.open({ ports });
      const release = hold!();
      const size = 5000;
      const writeBatch = (at: number) => open.write(records(at, at + size), new Float64Array(size), 0, size);
      let waiting = writeBatch(0);
      let at = size;
      for (; waiting === undefined && at < 200 * size; at += size) waiting = writeBatch(at);
      assert.ok(waiting !== undefined, "a million records were taken with no promise");
      let resolved = false;
      const watched = waiting.then(() => {
        resolved = true;
      });
      await new Promise((resolve) => setTimeout(resolve, 10));
      assert.equal(resolved, false, "the promise resolved while the end was held");
      release();
      await watched;
      await open.close();
      assert.deepEqual(await received(), records(0, at));
    });
  });
}
