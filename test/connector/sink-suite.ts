/**
 * What every sink does, wherever it writes. Catches: records lost or out of order, arrays kept beyond the call, the
 * range from ... to ignored, a slow end that does not slow the job, a close that leaves records behind.
 *
 * And what every transactional sink does: a crash or failure at every single effect on the disk, and many at random.
 * Catches: output of an undecided epoch that is seen, a decided one that is lost, doubled or torn, a commit that can't
 * be done again, a sync left out, a sink that does not know that it is ahead.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { randomFrom } from "../../bench/random.ts";
import { type Ports, systemPorts } from "../../src/core/ports.ts";
import type { Sink, SinkContext } from "../../src/connector/contract.ts";
import { CrashDisk, type CrashFiles, type Fate } from "../epoch/crash-files.ts";
import {
  type EpochCase,
  EpochRun,
  record,
  records,
  type Script,
  sinkContext,
  type Written,
} from "./epoch-run.ts";
import { propertyOptions } from "./seed.ts";

export interface SinkCase {
  readonly sink: Sink<Written>;
  readonly ports?: Ports;
  /** What arrived; called after close. */
  received(): readonly Written[] | Promise<readonly Written[]>;
  /** For sinks that can be slow: holds what they write back until the returned function is called. */
  readonly hold?: () => () => void;
}

export function sinkSuite(name: string, make: () => SinkCase): void {
  describe(`${name} as a sink`, () => {
    test("lets all records arrive in order", async () => {
      const { sink, ports = systemPorts, received } = make();
      const open = await sink.open(sinkContext({ ports }));
      for (let at = 0; at < 100; at += 10)
        await open.write(records(at, at + 10), new Float64Array(10), 0, 10);
      await open.close();
      assert.deepEqual(await received(), records(0, 100));
    });

    test("takes only the records from `from` to `to`, and none of an empty range", async () => {
      const { sink, ports = systemPorts, received } = make();
      const open = await sink.open(sinkContext({ ports }));
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
      const open = await sink.open(sinkContext({ ports }));
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
      const open = await sink.open(sinkContext({ ports }));
      await open.write(records(0, 10), new Float64Array(10), 0, 10);
      await open.flush();
      await open.flush();
      await open.write(records(10, 20), new Float64Array(10), 0, 10);
      await open.close();
      assert.deepEqual(await received(), records(0, 20));
    });

    test("can be closed without a write, and more than once", async () => {
      const { sink, ports = systemPorts, received } = make();
      const open = await sink.open(sinkContext({ ports }));
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
      const open = await sink.open(sinkContext({ ports }));
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

const SCRIPT: Script = { records: 50, batches: [3, 1, 7, 2], epochs: [2, 0, 3, 1], waiting: 1 };

const FAULTS: readonly { readonly fate: Fate; readonly loss: "process" | "power" }[] = [
  { fate: "fails-before", loss: "process" },
  { fate: "fails-within", loss: "process" },
  { fate: "fails-after", loss: "process" },
  { fate: "crashes-before", loss: "process" },
  { fate: "crashes-within", loss: "process" },
  { fate: "crashes-after", loss: "process" },
  { fate: "crashes-before", loss: "power" },
  { fate: "crashes-within", loss: "power" },
  { fate: "crashes-after", loss: "power" },
];

const script: fc.Arbitrary<Script> = fc.record({
  records: fc.integer({ min: 0, max: 120 }),
  batches: fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 5 }),
  epochs: fc
    .array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 4 })
    .filter((epochs) => epochs.some((writes) => writes > 0)),
  waiting: fc.integer({ min: 0, max: 2 }),
});

/** The laws of a transactional sink. */
export function sinkEpochSuite(name: string, of: EpochCase): void {
  const undisturbed = (script: Script) => new EpochRun(of, script).toEnd();

  describe(`${name} under exactly-once`, () => {
    test("shows every record once the last epoch is committed", async () => {
      const run = await undisturbed(SCRIPT);
      assert.equal(of.visible(run.disk).length, SCRIPT.records);
    });

    for (const fault of FAULTS) {
      const how = `${fault.fate}${fault.loss === "power" ? " and loses power" : ""}`;
      test(`comes to the same when any one effect ${how} (INV-4)`, async () => {
        const expected = of.outcome((await undisturbed(SCRIPT)).disk);
        for (let at = 0; ; at++) {
          const faults = (effect: number) => (effect === at ? fault : undefined);
          const run = await new EpochRun(of, SCRIPT, faults, randomFrom(at)).toEnd();
          assert.deepEqual(of.outcome(run.disk), expected, `effect ${at}`);
          if (run.effects <= at) break;
        }
      });
    }

    test("comes to the same whatever fails and dies, again and again (INV-4)", async () => {
      await fc.assert(
        fc.asyncProperty(
          script,
          fc.integer(),
          fc.double({ min: 0.005, max: 0.1 }),
          async (script, seed, rate) => {
            const random = randomFrom(seed);
            // With no end of faults there would be none of the run.
            let left = 12;
            const faults = () =>
              left > 0 && random() < rate && left-- > 0
                ? FAULTS[Math.floor(random() * FAULTS.length)]
                : undefined;
            const run = await new EpochRun(of, script, faults, random).toEnd();
            assert.deepEqual(of.outcome(run.disk), of.outcome((await undisturbed(script)).disk));
          },
        ),
        propertyOptions(100),
      );
    });

    for (const fate of ["fails-before", "fails-after", "crashes-after"] as const) {
      test(`keeps what was committed when the power is lost, also when a commit before ${fate}`, async () => {
        let failed = true;
        for (let at = 0; failed; at++) {
          // Loses all that is not synced.
          const disk = new CrashDisk(() => 0.99);
          let effect: number | undefined;
          const life = (files: CrashFiles, recovered: SinkContext["recovered"]) =>
            of
              .sink()
              .open(sinkContext({ ports: { ...systemPorts, files }, guarantee: "exactly-once", recovered }));
          const first = await life(
            disk.boot(() => (effect !== undefined && effect++ === at ? fate : "happens")),
            null,
          );
          await first.write(records(0, 20), new Float64Array(20), 0, 20);
          const handle = await first.epochs!.prepare(1, false);
          effect = 0;
          failed = await first.epochs!.commit(1, handle).then(
            () => false,
            () => true,
          );
          await first.close().catch(() => {});
          const second = await life(disk.boot(), { epoch: 1, handles: [{ epoch: 1, handle }] });
          await second.epochs!.commit(1, handle);
          const seen = of.visible(disk);
          assert.ok(seen.length > 0);
          disk.lose("power");
          assert.deepEqual(of.visible(disk), seen, `effect ${at}`);
        }
      });
    }

    test("changes nothing when an epoch is committed again", async () => {
      const run = await undisturbed(SCRIPT);
      const before = everything(run);
      const files = run.disk.boot();
      const open = await of.sink().open(
        sinkContext({
          ports: { ...systemPorts, files },
          guarantee: "exactly-once",
          generation: 2,
          recovered: run.decided,
        }),
      );
      for (const { epoch, handle } of [...run.decided!.handles, ...run.decided!.handles]) {
        await open.epochs!.commit(epoch, handle);
      }
      await open.close();
      assert.deepEqual(everything(run), before);
    });

    test("tells an older state that it is ahead, and leaves everything as it is", async () => {
      const run = await undisturbed(SCRIPT);
      const now = everything(run);
      const shown = run.history.findLast((state) => state.showed)!.epoch;
      const older = run.history.filter(({ epoch }) => epoch < shown);
      assert.ok(older.length > 1);
      for (const state of older) {
        const open = await of.sink().open(
          sinkContext({
            ports: { ...systemPorts, files: run.disk.boot() },
            guarantee: "exactly-once",
            generation: 2,
            recovered: state,
          }),
        );
        assert.ok(open.epochs!.lastEpoch! > state.epoch);
        await open.close();
        assert.deepEqual(everything(run), now);
      }
    });

    test("asks nothing of the disk for an epoch without records", async () => {
      const disk = new EpochRun(of, SCRIPT).disk;
      const files = disk.boot();
      const open = await of
        .sink()
        .open(sinkContext({ ports: { ...systemPorts, files }, guarantee: "exactly-once" }));
      await open.write(records(0, 5), new Float64Array(5), 0, 5);
      await open.epochs!.commit(1, await open.epochs!.prepare(1, false));
      const { effects } = files;
      await open.epochs!.commit(2, await open.epochs!.prepare(2, false));
      assert.equal(files.effects, effects);
    });
  });
}

/** All that is on the disk. */
function everything({ disk }: EpochRun): Record<string, string> {
  return Object.fromEntries(
    [...disk.names].map(([path, entry]) => [
      path,
      typeof entry === "symbol" ? "" : disk.content(path).toString(),
    ]),
  );
}
