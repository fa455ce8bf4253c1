/**
 * Sessions of every kind in a job that keeps its state: stopped and failed anywhere, with state in memory and over a
 * store whose cache holds next to nothing; and down when the clock passed.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  collect,
  everyCount,
  everyEventTime,
  everyProcessingTime,
  type JobOptions,
  memory,
  onTime,
  pipeline,
  session,
  type StateBackend,
  type WindowOptions,
} from "../../src/index.ts";
import { rocksdb } from "../../src/state/rocksdb/index.ts";
import { propertyOptions } from "../connector/seed.ts";
import { Feed, Ledger } from "../job/feed.ts";
import { hastyPorts, scratch } from "../job/scratch.ts";
import { runDisturbed } from "../job/disturbed.ts";
import { until } from "../job/until.ts";
import { type Sessions, sessionsArbitrary, type Visit } from "./session-table.ts";

const folder = scratch();
let made = 0;

const backends: readonly (readonly [string, number, () => StateBackend])[] = [
  ["memory", 40, () => memory(folder(`m${made++}`))],
  ["rocksdb", 10, () => rocksdb(folder(`r${made++}`), { cacheBytes: 0 })],
];

interface World {
  readonly feed: Feed<Visit>;
  readonly shown: Ledger<string>;
  readonly sessions: Pick<Sessions, "gap" | "maxDuration">;
  readonly options: WindowOptions;
  readonly perPoll: number;
}

function build({ feed, shown, sessions, options, perPoll }: World, job: JobOptions) {
  const { gap, maxDuration } = sessions;
  const app = pipeline("sessions", job);
  app
    .source(feed.source({ perPoll }), {
      name: "in",
      timestamp: (visit) => visit.at,
      watermark: { maxOutOfOrderness: 12 },
    })
    .keyBy((visit) => visit.key)
    .window(
      session((visit) => (Number.isNaN(gap) ? visit.gap : gap), {
        ...(maxDuration === Number.POSITIVE_INFINITY ? {} : { maxDuration }),
      }),
      options,
    )
    .aggregate(collect((visit) => visit.id))
    .map(({ replaces, ...pane }) => {
      const instead = replaces.map(({ start, end }) => `[${start}, ${end})`);
      return `${pane.key} [${pane.windowStart}, ${pane.windowEnd}) ${pane.pane} ${pane.paneIndex}: ${pane.value} for ${instead}`;
    })
    .to(shown.transactional());
  return app;
}

const optionsArbitrary: fc.Arbitrary<WindowOptions> = fc
  .record({
    trigger: fc.constantFrom(
      undefined,
      undefined,
      onTime({ early: everyCount(2), late: everyCount(2) }),
      onTime({ early: everyEventTime(5) }),
    ),
    allowedLateness: fc.constantFrom(0, 8),
    panes: fc.constantFrom("accumulating" as const, "discarding" as const),
  })
  .map(({ trigger, ...options }) => (trigger === undefined ? options : { ...options, trigger }));

for (const [name, runs, backend] of backends) {
  describe(`sessions with state in ${name}`, () => {
    it("go on after a stop, and after failures, as if there had been none (INV-4)", async () => {
      await fc.assert(
        fc.asyncProperty(
          sessionsArbitrary,
          optionsArbitrary,
          fc.array(fc.nat(15), { minLength: 1, maxLength: 8 }),
          fc.record({
            perPoll: fc.integer({ min: 1, max: 6 }),
            records: fc.integer({ min: 1, max: 12 }),
            failsAt: fc.array(fc.nat(30), { maxLength: 3 }),
            stopsAt: fc.nat(30),
          }),
          async (sessions, options, delays, { perPoll, records, failsAt, stopsAt }) => {
            const visits = sessions.visits
              .map((visit, i) => ({ visit, delayed: visit.at + delays[i % delays.length] }))
              .sort((a, b) => a.delayed - b.delayed)
              .map(({ visit }) => visit);
            const worldOf = (feed: Feed<Visit>): World => ({
              feed,
              shown: new Ledger<string>(),
              sessions,
              options,
              perPoll,
            });
            const whole = worldOf(new Feed<Visit>().push(...visits).end());
            await build(whole, { state: memory(folder(`w${made++}`)) }).run({ handleSignals: false });

            const feed = new Feed<Visit>();
            const world = worldOf(feed);
            const job: JobOptions = {
              state: backend(),
              commit: { every: "1h", records },
              restart: { attempts: 5, backoff: 0, maxBackoff: 0 },
            };
            await runDisturbed(() => build(world, job), feed, visits, { failsAt, stopsAt });
            assert.deepEqual(world.shown.visible, whole.shown.visible);
          },
        ),
        propertyOptions(runs),
      );
    });

    it("fire once, when they are up again, what the clock made due while they were down", async () => {
      const feed = new Feed<Visit>();
      const { ports, pass } = hastyPorts();
      const world: World = {
        feed,
        shown: new Ledger<string>(),
        sessions: { gap: 1000, maxDuration: 5000 },
        options: { trigger: onTime({ early: everyProcessingTime(1e6) }) },
        perPoll: 10,
      };
      const { visible } = world.shown;
      const job: JobOptions = { state: backend(), commit: { every: "1h", records: 1 } };
      const visit = (id: number, key: string, at: number): Visit => ({ id, key, at, gap: 1 });
      feed.push(visit(1, "a", 1), visit(2, "b", 2), visit(3, "a", 50));
      const first = build(world, job).start({ handleSignals: false, ports });
      await until(() => feed.handed === 3);
      await first.stop();
      assert.deepEqual(visible, []);

      pass(5e6);
      const second = build(world, job).start({ handleSignals: false, ports });
      await until(() => visible.length > 1);
      await second.stop();
      // The watermark is 38: the second visit of "a" has joined the first, although it is ahead of it.
      assert.deepEqual(visible.toSorted(), ["a [1, 1050) early 0: 1,3 for ", "b [2, 1002) early 0: 2 for "]);

      // Nothing came since then: nothing is waited for.
      pass(5e6);
      feed.push(visit(4, "b", 60));
      const third = build(world, job).start({ handleSignals: false, ports });
      await until(() => feed.handed === 4 && visible.length > 2);
      await third.stop();
      assert.deepEqual(visible.slice(2), ["b [2, 1060) early 1: 2,4 for [2, 1002)"]);
    });
  });
}
