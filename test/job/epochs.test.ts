/** When an epoch ends, who waits for whom, and what a guarantee is told and refused. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fromAsyncIterable, type JobOptions, memory, pipeline, type RunOptions } from "../../src/index.ts";
import { Feed, Ledger } from "./feed.ts";
import { failure, fresh, run } from "./visits.ts";
import { until } from "./until.ts";

describe("an epoch", () => {
  const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

  function copying(feed: Feed<number>, ledger: Ledger<number>, options: JobOptions, perPoll = 5) {
    const app = pipeline("copy", options);
    app.source(feed.source({ perPoll })).to(ledger.transactional());
    return (runOptions: RunOptions = {}) => app.run({ ...run, ...runOptions });
  }

  test("ends after so many records", async () => {
    const ledger = new Ledger<number>();
    const feed = new Feed<number>();
    const app = pipeline("copy", { state: memory(fresh()), commit: { every: "1h", records: 20 } });
    app.source(feed.source()).to(ledger.transactional());
    const job = app.start(run);
    feed.push(...numbers(19));
    await until(() => feed.handed === 19);
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.deepEqual(ledger.epochs, []);
    feed.push(19);
    await until(() => ledger.epochs.length === 1);
    feed.push(...numbers(50));
    await until(() => ledger.epochs.length === 2);
    assert.deepEqual(ledger.visible, [...numbers(20), ...numbers(50)]);
    await job.stop();
    assert.equal(ledger.epochs.length, 2, "nothing was left");
  });

  test("ends after so long, and is seen although nothing follows", async () => {
    const ledger = new Ledger<number>();
    const feed = new Feed<number>().push(1);
    const app = pipeline("copy", { state: memory(fresh()), commit: { every: "20ms" } });
    app.source(feed.source()).to(ledger.transactional());
    const job = app.start(run);
    await until(() => ledger.visible.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.deepEqual(ledger.epochs, [1], "without anything new no epoch ends");
    await job.stop();
  });

  test("of an input without records is one all the same, so that the end is known", async () => {
    const ledger = new Ledger<number>();
    const directory = fresh();
    const feed = new Feed<number>().end();
    await copying(feed, ledger, { state: memory(directory) })();
    feed.push(1);
    await copying(feed, ledger, { state: memory(directory) })();
    assert.deepEqual(ledger.visible, []);
  });

  test("that a slow sink has not committed holds the third after it up", async () => {
    const ledger = new Ledger<number>();
    const gate = Promise.withResolvers<void>();
    ledger.gate = gate.promise;
    const feed = new Feed<number>();
    const app = pipeline("copy", { state: memory(fresh()), commit: { every: "1h", records: 10 } });
    app.source(feed.source()).to(ledger.transactional());
    const job = app.start(run);
    // What comes while an epoch is being decided is still read.
    for (let pushed = 0; feed.handed === feed.records.length; pushed++) {
      assert.ok(pushed < 100, "it is never held up");
      feed.push(...numbers(10));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.equal(ledger.prepared, 2);
    gate.resolve();
    await until(() => feed.handed === feed.records.length);
    await job.stop();
    assert.deepEqual(ledger.visible, feed.records);
    assert.ok(ledger.epochs.length > 2);
  });
});

describe("a guarantee", () => {
  test("is refused with a source that can't be read again, but for at-most-once", async () => {
    async function* lines() {
      yield 1;
      yield 2;
    }
    for (const guarantee of ["exactly-once", "at-least-once", "at-most-once"] as const) {
      const app = pipeline("lines", { state: memory(fresh()), guarantee });
      const ledger = new Ledger<number>();
      app.source(fromAsyncIterable(lines()), { name: "lines" }).to(ledger.transactional());
      if (guarantee === "at-most-once") {
        await app.run(run);
        assert.deepEqual(ledger.visible, [1, 2]);
        continue;
      }
      const error = await failure("GUARANTEE_UNMET", app.run(run));
      assert.match(
        error.message,
        /^Source lines, .*, can't be read again from a position, which .*-once needs/,
      );
      assert.deepEqual(ledger.visible, []);
    }
  });

  test("is exactly-once where nothing else is said, and sinks are told", async () => {
    const ledger = new Ledger<number>();
    for (const guarantee of [undefined, "at-least-once", "at-most-once"] as const) {
      const feed = new Feed<number>().push(1).end();
      const app = pipeline("told", { state: memory(fresh()), ...(guarantee && { guarantee }) });
      app.source(feed.source()).to(ledger.transactional());
      await app.run(run);
    }
    const stateless = pipeline("told");
    stateless.source(new Feed<number>().push(1).end().source()).to(ledger.transactional());
    await stateless.run(run);
    assert.deepEqual(
      ledger.contexts.map(({ guarantee }) => guarantee),
      ["exactly-once", "at-least-once", "at-most-once", "none"],
    );
  });

  test("of at-most-once lets no record leave before its epoch is decided", async () => {
    const feed = new Feed<number>().push(1, 2, 3);
    const ledger = new Ledger<number>();
    const app = pipeline("held", {
      state: memory(fresh()),
      guarantee: "at-most-once",
      commit: { every: "1h" },
    });
    app.source(feed.source()).to(ledger.plain());
    const job = app.start(run);
    await until(() => feed.handed === 3);
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.deepEqual(ledger.visible, []);
    await job.savepoint(fresh());
    assert.deepEqual(ledger.visible, [1, 2, 3]);
    await job.stop();
  });
});
