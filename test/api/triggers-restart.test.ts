/** Windows with a trigger in a job that keeps its state: stopped and failed anywhere, and down when the clock passed. */
import { systemPorts } from "../../src/core/ports.ts";
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  collect,
  count,
  everyCount,
  everyProcessingTime,
  globalWindow,
  type JobOptions,
  memory,
  MillraceError,
  onTime,
  pipeline,
  repeatedly,
  sliding,
  type StateBackend,
  tumbling,
  type WindowAssigner,
  type WindowOptions,
} from "../../src/index.ts";
import { rocksdb } from "../../src/state/rocksdb/index.ts";
import { propertyOptions } from "../connector/seed.ts";
import { Feed, Ledger } from "../job/feed.ts";
import { hastyPorts, scratch } from "../job/scratch.ts";
import { runDisturbed } from "../job/disturbed.ts";
import { until } from "../job/until.ts";
import { anyTrigger } from "./trigger-arbitrary.ts";

const folder = scratch();
let made = 0;

const backends: readonly (readonly [string, number, () => StateBackend])[] = [
  ["memory", 30, () => memory(folder(`m${made++}`))],
  ["rocksdb", 8, () => rocksdb(folder(`r${made++}`), { cacheBytes: 0 })],
];

interface Item {
  readonly key: string;
  readonly at: number;
}

interface World {
  readonly feed: Feed<Item>;
  readonly shown: Ledger<string>;
  readonly windows: WindowAssigner;
  readonly options: WindowOptions;
  readonly perPoll: number;
}

function build({ feed, shown, windows, options, perPoll }: World, job: JobOptions) {
  const app = pipeline("triggers", job);
  app
    .source(feed.source({ perPoll }), {
      name: "in",
      timestamp: (r) => r.at,
      watermark: { maxOutOfOrderness: 5 },
    })
    .keyBy((r) => r.key)
    .window(windows, options)
    .aggregate({ n: count(), times: collect((r) => r.at) })
    .map(
      ({ key, windowEnd, pane, paneIndex, n, times }) =>
        `${key} ${windowEnd} ${pane} ${paneIndex} ${n}: ${times}`,
    )
    .to(shown.transactional());
  return app;
}

/** The order is promised per key. */
const byKey = (shown: readonly string[]): string[] =>
  shown.toSorted((a, b) => a.charCodeAt(0) - b.charCodeAt(0));

const windows = fc.oneof(
  fc.integer({ min: 1, max: 20 }).map((size) => tumbling(size)),
  fc
    .tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 2, max: 10 }))
    .map((sizes) => sliding(...sizes)),
  fc.constant(globalWindow()),
);
const items = fc.array(
  fc.record({ key: fc.constantFrom("a", "b", "c"), at: fc.integer({ min: -20, max: 60 }) }),
  { minLength: 1, maxLength: 30 },
);

for (const [name, runs, backend] of backends) {
  describe(`triggers with state in ${name}`, () => {
    test("go on after a stop, and after failures, as if there had been none (INV-4)", async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.record({
            windows,
            trigger: anyTrigger({ byClock: false }),
            lateness: fc.constantFrom(0, 8),
            discard: fc.boolean(),
          }),
          items,
          fc.record({
            perPoll: fc.integer({ min: 1, max: 6 }),
            records: fc.integer({ min: 1, max: 12 }),
            failsAt: fc.array(fc.nat(30), { maxLength: 3 }),
            stopsAt: fc.nat(30),
          }),
          async (window, list, { perPoll, records, failsAt, stopsAt }) => {
            const options: WindowOptions = {
              trigger: window.trigger,
              allowedLateness: window.windows.kind === "global" ? 0 : window.lateness,
              panes: window.discard ? "discarding" : "accumulating",
            };
            const worldOf = (feed: Feed<Item>): World => ({
              feed,
              shown: new Ledger<string>(),
              windows: window.windows,
              options,
              perPoll,
            });
            const whole = worldOf(new Feed<Item>().push(...list).end());
            await build(whole, { state: memory(folder(`w${made++}`)) }).run({ handleSignals: false });

            const feed = new Feed<Item>();
            const world = worldOf(feed);
            const job: JobOptions = {
              state: backend(),
              commit: { every: "1h", records },
              restart: { attempts: 5, backoff: 0, maxBackoff: 0 },
            };
            await runDisturbed(() => build(world, job), feed, list, { failsAt, stopsAt });
            assert.deepEqual(byKey(world.shown.visible), byKey(whole.shown.visible));
          },
        ),
        propertyOptions(runs),
      );
    });

    test("end the job where its rows are those of another trigger", async () => {
      const state = backend();
      const feed = new Feed<Item>().push({ key: "a", at: 1 });
      const run = async (n: number) => {
        const options = { trigger: repeatedly(everyCount(n)) };
        const world = { feed, shown: new Ledger<string>(), windows: tumbling(10), options, perPoll: 1 };
        const job = build(world, { state, commit: { every: "1h", records: 1 } }).start({
          handleSignals: false,
        });
        await Promise.race([job.done, until(() => feed.handed === feed.records.length)]);
        await job.stop();
      };
      await run(2);
      feed.push({ key: "a", at: 2 });
      await assert.rejects(
        run(3),
        (error: unknown) => error instanceof MillraceError && error.code === "STATE_SCHEMA_CHANGED",
      );
    });

    for (const [kind, assigner] of [
      ["a window", tumbling(1000)],
      ["the global window", globalWindow()],
    ] as const) {
      test(`fire once, when ${kind} is up again, what the clock made due while it was down`, async () => {
        const feed = new Feed<Item>();
        const { ports, pass } = hastyPorts();
        // Waiting takes no time from the clock: only `pass` moves it.
        const still = { ...ports, timers: systemPorts.timers };
        const each = everyProcessingTime(1e6);
        const world: World = {
          feed,
          shown: new Ledger<string>(),
          windows: assigner,
          options: { trigger: kind === "a window" ? onTime({ early: each }) : repeatedly(each) },
          perPoll: 10,
        };
        const { visible } = world.shown;
        const job: JobOptions = { state: backend(), commit: { every: "1h", records: 1 } };
        const end = kind === "a window" ? "1000" : "null";
        feed.push({ key: "a", at: 1 }, { key: "b", at: 2 });
        const first = build(world, job).start({ handleSignals: false, ports: still });
        await until(() => feed.handed === 2);
        await first.stop();
        assert.deepEqual(visible, []);

        pass(5e6);
        const second = build(world, job).start({ handleSignals: false, ports });
        await until(() => visible.length > 0);
        await second.stop();
        assert.deepEqual(visible, [`a ${end} early 0 1: 1`, `b ${end} early 0 1: 2`]);

        // Nothing came since then: nothing is waited for.
        pass(5e6);
        feed.push({ key: "b", at: 3 });
        const third = build(world, job).start({ handleSignals: false, ports });
        await until(() => feed.handed === 3 && visible.length > 2);
        await third.stop();
        assert.deepEqual(visible.slice(2), [`b ${end} early 1 2: 2,3`]);
      });
    }
  });
}
