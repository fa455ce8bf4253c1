/**
 * Changelogs in a job that keeps state, stopped and killed again and again: what becomes visible is what a run gives that
 * nothing disturbed, with state in memory and over a store whose cache holds next to nothing. Finds rows, and panes that
 * wait, which a restart forgets or shows twice.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Change, forEach, fromIterable, memory, pipeline, type StateBackend } from "../../src/index.ts";
import { rocksdb } from "../../src/state/rocksdb/index.ts";
import { testDriver } from "../../src/testing/index.ts";
import { propertyOptions } from "../connector/seed.ts";
import { runDisturbed } from "../job/disturbed.ts";
import { Feed, Ledger } from "../job/feed.ts";
import { scratch } from "../job/scratch.ts";
import { type Item, itemLists, type Program, programs, resultsOf, type Row } from "./changelog-program.ts";

const folder = scratch();
let made = 0;

const backends: readonly (readonly [string, number, (directory: string) => StateBackend])[] = [
  ["memory", 60, memory],
  ["rocksdb", 12, (directory) => rocksdb(directory, { cacheBytes: 0 })],
];

/** What doesn't hang on the clock: no window fires by it, and no interval ends within the test. */
const timeless = programs.filter(({ options }) => options.trigger?.name.includes("Processing") !== true);
const throttles = fc.constantFrom(undefined, "12h" as const);

type Throttle = "12h" | undefined;
const optionsOf = (throttle: Throttle) => (throttle === undefined ? {} : { throttle });

/** By key, as the order is promised per key. */
function byKey(changes: readonly Change<Row>[]): Record<string, readonly Change<Row>[]> {
  return Object.groupBy(changes, ({ row }) => row.key) as Record<string, readonly Change<Row>[]>;
}

async function undisturbed(program: Program, items: readonly Item[], throttle: Throttle) {
  const app = pipeline("undisturbed");
  resultsOf(app, fromIterable<Item>([]), program)
    .changelog(optionsOf(throttle))
    .to(
      forEach(() => {}),
      { name: "out" },
    );
  const driver = await testDriver(app);
  await driver.feed(items.map((record) => ({ source: "in", record })));
  await driver.end();
  return driver.take("out").map(({ value }) => value as Change<Row>);
}

for (const [name, runs, backend] of backends) {
  describe(`changelogs with state in ${name}`, () => {
    it("go on after a stop, and after a failure, as if there had been none (INV-4)", async () => {
      await fc.assert(
        fc.asyncProperty(
          timeless,
          itemLists(40),
          throttles,
          fc.record({ perPoll: fc.integer({ min: 1, max: 6 }), records: fc.integer({ min: 1, max: 12 }) }),
          fc.array(fc.nat(30), { maxLength: 4 }),
          fc.nat(30),
          async (program, items, throttle, { perPoll, records }, failsAt, stopsAt) => {
            const feed = new Feed<Item>();
            const ledger = new Ledger<Change<Row>>();
            const state = backend(folder(`d${made++}`));
            const app = () => {
              const job = pipeline("changes", {
                state,
                commit: { every: "1h", records },
                restart: { attempts: 5, backoff: 0, maxBackoff: 0 },
              });
              const results = resultsOf(job, feed.source({ perPoll }), program);
              results.changelog(optionsOf(throttle)).to(ledger.transactional());
              return job;
            };
            await runDisturbed(app, feed, items, { failsAt, stopsAt });
            const wanted = await undisturbed(program, items, throttle);
            assert.deepEqual(byKey(ledger.visible), byKey(wanted));
          },
        ),
        propertyOptions(runs),
      );
    });
  });
}
