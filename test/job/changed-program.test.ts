/** What becomes of stored state when the program is another one. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type JobOptions, memory, pipeline, type RunningJob, type RunReport } from "../../src/index.ts";
import { Ledger } from "./feed.ts";
import {
  backends,
  bag,
  failure,
  fresh,
  input,
  run,
  undisturbed,
  type Visit,
  visitsJob,
  world,
  type World,
} from "./visits.ts";
import { until } from "./until.ts";

/** Records in the panes of "totals". */
const countIn = (panes: readonly object[]): number =>
  panes.reduce((n, pane) => n + (pane as { readonly visits: number }).visits, 0);

const lateIn = ({ operators }: RunReport): number =>
  operators.find(({ name }) => name === "totals")?.done.late ?? 0;

describe("a program that has changed", () => {
  /** A run of the program before, stopped in the middle. */
  async function before(all: World, directory: string): Promise<RunReport> {
    all.feed.push(...input.slice(0, 30));
    const job = visitsJob(all, memory(directory)).start(run);
    await until(() => all.feed.handed === 30);
    const report = await job.stop();
    all.feed.push(...input.slice(30)).end();
    return report;
  }

  test("is refused where stored rows are of no use to it, with what would become of each store", async () => {
    const all = world();
    const directory = fresh();
    await before(all, directory);
    const error = await failure(
      "STATE_SCHEMA_CHANGED",
      visitsJob(all, memory(directory), {}, "20s").run(run),
    );
    assert.match(
      error.message,
      /totals\/panes: rebuild \(stored: tumbling\(10s\).*; program: tumbling\(20s\)/,
    );
    assert.deepEqual(all.feed.starts, [0], "nothing was read");
  });

  test("begins anew with the stores that it gives up, and goes on with the others", async () => {
    const expected = await undisturbed();
    const all = world();
    const directory = fresh();
    const first = await before(all, directory);
    const { length } = all.totals.visible;
    const app = visitsJob(all, memory(directory), { dropState: ["totals"] }, "20s");
    const report = await app.run(run);
    assert.deepEqual(all.feed.starts, [0, 30]);
    assert.deepEqual(bag(all.visits), expected.visits);
    const later = all.totals.visible.slice(length) as { windowStart: number; windowEnd: number }[];
    assert.ok(later.every(({ windowStart, windowEnd }) => windowEnd - windowStart === 20_000));
    assert.equal(countIn(later) + lateIn(report) - lateIn(first), 30, "only records that were read since");
  });

  for (const [name, backend] of backends) {
    test(`that gave up a store and has begun it anew goes on with the new one, on ${name}`, async () => {
      const all = world();
      const directory = fresh();
      const job = (options: JobOptions, size = "20s") => visitsJob(all, backend(directory), options, size);
      const upTo = async (running: RunningJob, records: number): Promise<RunReport> => {
        all.feed.push(...input.slice(all.feed.records.length, records));
        await until(() => all.feed.handed === records);
        return running.stop();
      };
      const first = await upTo(job({}, "10s").start(run), 30);
      await upTo(job({ dropState: ["totals"] }).start(run), 33);
      const { length } = all.totals.visible;
      all.feed.push(...input.slice(33)).end();
      const report = await job({}).run(run);
      const later = all.totals.visible.slice(length) as { windowStart: number; windowEnd: number }[];
      assert.ok(later.every(({ windowStart, windowEnd }) => windowEnd - windowStart === 20_000));
      assert.equal(countIn(later) + lateIn(report) - lateIn(first), 30);
    });

    test(`that gave up a store does not find its rows when it takes it back, on ${name}`, async () => {
      const all = world();
      const directory = fresh();
      all.feed.push(...input.slice(0, 30));
      const job = visitsJob(all, backend(directory)).start(run);
      await until(() => all.feed.handed === 30);
      await job.stop();
      const without = pipeline("visits", {
        state: backend(directory),
        dropState: ["totals", "sessions", "totals out", "sessions out"],
      });
      const counting = without.source(all.feed.source(), { name: "feed", timestamp: (v) => v.at });
      counting.to(new Ledger<Visit>().transactional(), { name: "copy" });
      all.feed.push(input[30]);
      const second = without.start(run);
      await until(() => all.feed.handed === 31);
      await second.stop();
      all.feed.push(...input.slice(31)).end();
      const later = world();
      const again = visitsJob({ ...later, feed: all.feed }, backend(directory), { dropState: ["copy"] });
      const report = await again.run(run);
      const late = report.operators.find(({ name }) => name === "totals")?.done.late ?? 0;
      const counted = later.totals.visible as { visits: number }[];
      assert.equal(counted.reduce((n, { visits }) => n + visits, 0) + late, 29);
    });
  }

  test("may have operators that the one before had not: they begin empty", async () => {
    const all = world();
    const directory = fresh();
    const first = pipeline("visits", { state: memory(directory) });
    first
      .source(all.feed.source(), { name: "feed", timestamp: (v) => v.at })
      .to(new Ledger<Visit>().transactional(), { name: "copy" });
    all.feed.push(...input.slice(0, 30));
    const job = first.start(run);
    await until(() => all.feed.handed === 30);
    await job.stop();
    all.feed.push(...input.slice(30)).end();
    const report = await visitsJob(all, memory(directory), { dropState: ["copy"] }).run(run);
    assert.equal(countIn(all.totals.visible) + lateIn(report), 30);
  });
});
