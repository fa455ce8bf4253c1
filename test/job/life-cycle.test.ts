/** Stopping, going on, savepoints: what a job that keeps state does between its first start and the end of its input. */
import assert from "node:assert/strict";
import { cpSync, existsSync, readdirSync } from "node:fs";
import { describe, test } from "node:test";
import { memory, pipeline } from "../../src/index.ts";
import { Feed, Ledger } from "./feed.ts";
import {
  backends,
  bag,
  failure,
  fresh,
  input,
  run,
  undisturbed,
  undisturbedOn,
  visitsJob,
  world,
} from "./visits.ts";
import { until } from "./until.ts";

for (const [name, backend] of backends) {
  describe(`a job with state in ${name}`, () => {
    test("that is stopped goes on where it was: windows that were open fire once, with all records, in their order", async () => {
      const expected = await undisturbedOn(backend);
      const all = world();
      const directory = fresh();
      for (let at = 0; at < input.length; at += 13) {
        const job = visitsJob(all, backend(directory)).start(run);
        all.feed.push(...input.slice(at, at + 13));
        await until(() => all.feed.handed === all.feed.records.length);
        const report = await job.stop();
        assert.ok(report.stopped);
      }
      all.feed.end();
      const last = await visitsJob(all, backend(directory)).run(run);
      assert.equal(last.stopped, false);
      assert.deepEqual(all.totals.visible, expected.totals.visible);
      assert.deepEqual(all.visits.visible, expected.visits.visible);
      assert.deepEqual(all.feed.starts, [0, 13, 26, 39, 52, 60]);
    });

    test("counts in its report what earlier runs did too", async () => {
      const all = world();
      const directory = fresh();
      all.feed.push(...input.slice(0, 20));
      const job = visitsJob(all, backend(directory)).start(run);
      await until(() => all.feed.handed === 20);
      await job.stop();
      all.feed.push(...input.slice(20)).end();
      const report = await visitsJob(all, backend(directory)).run(run);
      const totals = report.operators.find((operator) => operator.name === "totals");
      assert.equal(totals?.in, input.length);
    });

    test("does nothing when its input had ended, and neither reads nor writes again", async () => {
      const all = world();
      const directory = fresh();
      all.feed.push(...input).end();
      await visitsJob(all, backend(directory)).run(run);
      const before = bag(all.totals);
      const report = await visitsJob(all, backend(directory)).run(run);
      assert.deepEqual(bag(all.totals), before);
      assert.equal(report.stopped, false);
      assert.equal(all.feed.polls.at(-1), 0, "it was polled");
    });
  });
}

describe("a savepoint", () => {
  for (const [from, backend] of backends) {
    for (const [to, other] of backends) {
      test(`of a running job with ${from} is where another begins with ${to}, while the first goes on`, async () => {
        const expected = await undisturbed();
        const first = world();
        const job = visitsJob(first, backend(fresh())).start(run);
        first.feed.push(...input.slice(0, 31));
        await until(() => first.feed.handed === 31);
        const target = fresh();
        const savepoint = await job.savepoint(target);
        assert.equal(savepoint.folder, target);

        // The world as it was then, for the second job.
        const second = world();
        second.feed.push(...input).end();
        second.totals.copy(first.totals, savepoint.epoch);
        second.visits.copy(first.visits, savepoint.epoch);

        first.feed.push(...input.slice(31)).end();
        await job.done;
        assert.deepEqual({ totals: bag(first.totals), visits: bag(first.visits) }, expected);

        await visitsJob(second, other(fresh())).run({ ...run, from: target });
        assert.deepEqual(second.feed.starts, [31]);
        assert.deepEqual({ totals: bag(second.totals), visits: bag(second.visits) }, expected);
      });
    }
  }

  test("is written by a stop, where that says so, and is what the directory itself has", async () => {
    const expected = await undisturbed();
    for (const way of ["stop", "option"] as const) {
      const all = world();
      const target = fresh();
      all.feed.push(...input.slice(0, 31));
      const job = visitsJob(all, memory(fresh())).start({
        ...run,
        ...(way === "option" ? { savepointOnStop: target } : {}),
      });
      await until(() => all.feed.handed === 31);
      await job.stop(way === "stop" ? { savepoint: target } : {});
      all.feed.push(...input.slice(31)).end();
      await visitsJob(all, memory(fresh())).run({ ...run, from: target });
      assert.deepEqual(all.feed.starts, [0, 31]);
      assert.deepEqual(bag(all.totals), expected.totals);
    }
  });

  test("is not written when the job ends by itself", async () => {
    const all = world();
    const target = fresh();
    all.feed.push(...input).end();
    await visitsJob(all, memory(fresh())).run({ ...run, savepointOnStop: target });
    assert.equal(existsSync(target), false);
  });

  test("is only begun from where the state directory is empty", async () => {
    const all = world();
    const [directory, target] = [fresh(), fresh()];
    all.feed.push(...input.slice(0, 8));
    const job = visitsJob(all, memory(directory)).start(run);
    await until(() => all.feed.handed === 8);
    await job.savepoint(target);
    all.feed.push(...input.slice(8, 16));
    await until(() => all.feed.handed === 16);
    await job.stop();
    all.feed.end();
    await visitsJob(all, memory(directory)).run({ ...run, from: target });
    assert.deepEqual(all.feed.starts, [0, 16]);
  });

  test("can be copied as a folder, and stays what it was", async () => {
    const all = world();
    const target = fresh();
    all.feed.push(...input.slice(0, 8));
    const job = visitsJob(all, memory(fresh())).start(run);
    await until(() => all.feed.handed === 8);
    await job.stop({ savepoint: target });
    const copy = fresh();
    cpSync(target, copy, { recursive: true });
    const names = readdirSync(target);
    all.feed.push(...input.slice(8)).end();
    for (const from of [target, copy]) {
      const again = world();
      again.feed.push(...all.feed.records).end();
      await visitsJob(again, memory(fresh())).run({ ...run, from });
      assert.deepEqual(again.feed.starts, [8]);
    }
    assert.deepEqual(readdirSync(target), names);
  });

  test("is refused where there is none, where nothing is kept, where the job is over and where the folder is used", async () => {
    const all = world();
    const missing = fresh();
    const none = await failure(
      "SAVEPOINT_INVALID",
      visitsJob(all, memory(fresh())).run({ ...run, from: missing }),
    );
    assert.match(none.message, /holds no savepoint/);

    const stateless = pipeline("stateless");
    const feed = new Feed<number>().push(1);
    stateless.source(feed.source()).to(new Ledger<number>().plain());
    const running = stateless.start(run);
    await failure("SAVEPOINT_INVALID", running.savepoint(fresh()));
    await failure("SAVEPOINT_INVALID", running.stop({ savepoint: fresh() }));
    await running.stop();

    const directory = fresh();
    const job = visitsJob(all, memory(directory)).start(run);
    all.feed.push(...input.slice(0, 8));
    await until(() => all.feed.handed === 8);
    const used = fresh();
    await job.savepoint(used);
    await assert.rejects(job.savepoint(used), /holds state already/);
    await assert.rejects(job.savepoint(directory), /holds state already/);
    await job.stop();
    await failure("SAVEPOINT_INVALID", job.savepoint(fresh()));
  });

  test("that is asked for in the turn in which the job fails is refused", { timeout: 20_000 }, async () => {
    const feed = new Feed<number>().push(1);
    let asked: Promise<unknown> = Promise.resolve();
    const app = pipeline("failing", { state: memory(fresh()) });
    app
      .source(feed.source())
      .peek(() => {
        asked = job.savepoint(fresh());
        asked.catch(() => {});
        throw new Error("boom");
      })
      .to(new Ledger<number>().transactional());
    const job = app.start(run);
    await failure("USER_FUNCTION_FAILED", job.done);
    const nothing = new Promise<string>((resolve) => setTimeout(resolve, 1000, "nothing"));
    await assert.rejects(Promise.race([asked, nothing]));
  });
});
