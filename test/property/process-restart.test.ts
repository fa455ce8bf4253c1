/**
 * process() in a job that keeps state, stopped and killed again and again: what becomes visible is what the oracle
 * gives, with state in memory and over a store whose cache holds next to nothing.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { memory, type StateBackend } from "../../src/index.ts";
import { rocksdb } from "../../src/state/rocksdb/index.ts";
import { propertyOptions } from "../connector/seed.ts";
import { runDisturbed } from "../job/disturbed.ts";
import { Feed, Ledger } from "../job/feed.ts";
import { scratch } from "../job/scratch.ts";
import { Oracle } from "./process-oracle.ts";
import { build, eventTimeProgram, type Item, type Shown } from "./process-program.ts";

const folder = scratch();
let made = 0;

const backends: readonly (readonly [string, number, (directory: string) => StateBackend])[] = [
  ["memory", 40, memory],
  ["rocksdb", 8, (directory) => rocksdb(directory, { cacheBytes: 0 })],
];

for (const [name, runs, backend] of backends) {
  describe(`process() with state in ${name}`, () => {
    it("goes on after a stop, and after a failure, as if there had been none (INV-4)", async () => {
      await fc.assert(
        fc.asyncProperty(
          eventTimeProgram,
          fc.record({ perPoll: fc.integer({ min: 1, max: 6 }), records: fc.integer({ min: 1, max: 12 }) }),
          fc.array(fc.nat(30), { maxLength: 4 }),
          fc.nat(30),
          async (program, { perPoll, records }, failsAt, stopsAt) => {
            const oracle = new Oracle(program).run();
            const items = program.trace.flatMap((item) => ("record" in item ? [item.record as Item] : []));
            const feed = new Feed<Item>();
            const shown = new Ledger<Shown>();
            const told = new Ledger<number>();
            const state = backend(folder(`d${made++}`));
            const app = () =>
              build(program, {
                source: feed.source({ perPoll }),
                shown: shown.transactional(),
                told: told.transactional(),
                options: {
                  state,
                  commit: { every: "1h", records },
                  restart: { attempts: 5, backoff: 0, maxBackoff: 0 },
                },
              });
            await runDisturbed(app, feed, items, { failsAt, stopsAt });
            const withoutTime = ({ time, ...rest }: Shown) => rest;
            assert.deepEqual(
              shown.visible.map(withoutTime),
              oracle.shown.map(({ value }) => withoutTime(value as Shown)),
            );
            assert.deepEqual(
              told.visible,
              oracle.told.map(({ value }) => value),
            );
          },
        ),
        propertyOptions(runs),
      );
    });
  });
}
