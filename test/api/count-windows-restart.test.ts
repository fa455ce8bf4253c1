/** Count windows in a job that keeps its state: a stop or a failure changes nothing of what they give. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  avg,
  collect,
  count,
  countWindow,
  fromIterable,
  last,
  memory,
  pipeline,
  topN,
} from "../../src/index.ts";
import { rocksdb } from "../../src/state/rocksdb/index.ts";
import { propertyOptions } from "../connector/seed.ts";
import { Feed, Ledger } from "../job/feed.ts";
import { scratch } from "../job/scratch.ts";
import { runBoth } from "./run-both.ts";

interface Item {
  readonly key: string;
  readonly n: number;
  readonly at: number;
}

const aggregates = {
  n: count(),
  mean: avg((r: Item) => r.n),
  list: collect((r: Item) => r.n),
  last: last((r: Item) => r.n),
  top: topN(2, (r: Item) => r.n % 4),
};

describe("a job with count windows", () => {
  const folder = scratch();
  let made = 0;
  const backends = [
    ["memory", 20, () => memory(folder(`m${made++}`))],
    ["rocksdb", 6, () => rocksdb(folder(`r${made++}`), { cacheBytes: 0 })],
  ] as const;

  for (const [name, runs, backend] of backends) {
    test(`goes on after a stop, and after a failure, as if there had been none, with state in ${name} (INV-4)`, async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom([3, 3], [5, 2], [4, 2], [2, 3]),
          fc.array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 40, size: "max" }),
          fc.record({ perPoll: fc.integer({ min: 1, max: 6 }), records: fc.integer({ min: 1, max: 9 }) }),
          fc.array(fc.nat(40), { maxLength: 3 }),
          fc.nat(40),
          async ([size, slide], keys, { perPoll, records }, failsAt, stopAt) => {
            const items = keys.map((key, n): Item => ({ key, n, at: (n * 13) % 20 }));
            const feed = new Feed<Item>();
            const shown = new Ledger<object>();
            const state = backend();
            const app = () => {
              const job = pipeline("counts", {
                state,
                commit: { every: "1h", records },
                restart: { attempts: 5, backoff: 0, maxBackoff: 0 },
              });
              job
                .source(feed.source({ perPoll }), { name: "in", timestamp: (r) => r.at })
                .keyBy((r) => r.key)
                .window(countWindow(size, slide))
                .aggregate(aggregates)
                .to(shown.transactional());
              return job;
            };
            const failures = failsAt.filter((at) => at < items.length).sort((a, b) => a - b);
            feed.failsAt.push(...failures.filter((at) => at < stopAt));
            feed.push(...items.slice(0, stopAt));
            const first = app().start({ handleSignals: false });
            let isOver = false;
            const ended = first.done.finally(() => {
              isOver = true;
            });
            ended.catch(() => {});
            while (!isOver && (feed.handed < feed.records.length || feed.failsAt.length > 0))
              await new Promise((resolve) => setImmediate(resolve));
            if (isOver) await ended;
            await first.stop();
            feed.failsAt.push(...failures.filter((at) => at >= stopAt));
            feed.push(...items.slice(stopAt)).end();
            await app().run({ handleSignals: false });

            const undisturbed = await runBoth((job) => ({
              out: job
                .source(fromIterable(items), { timestamp: (r) => r.at })
                .keyBy((r) => r.key)
                .window(countWindow(size, slide))
                .aggregate(aggregates),
            }));
            assert.deepEqual(shown.visible, undisturbed.out);
          },
        ),
        propertyOptions(runs),
      );
    });
  }
});
