/** Logs that have been cut: by a rewrite in memory, behind a backend that is safe. They must still lead to the state. */
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import {
  count,
  last,
  memory,
  pipeline,
  type RunningJob,
  type StateBackend,
  tumbling,
} from "../../src/index.ts";
import { rocksdb } from "../../src/state/rocksdb/index.ts";
import { Feed, Ledger } from "./feed.ts";
import { backends, bag, failure, fresh, key, run } from "./visits.ts";
import { until } from "./until.ts";

describe("a log that was written anew", () => {
  interface Text {
    readonly key: string;
    readonly at: number;
    readonly text: string;
  }

  function longest({ feed, ledger }: { feed: Feed<Text>; ledger: Ledger<object> }, state: StateBackend) {
    const app = pipeline("texts", { state, commit: { every: "1h" } });
    app
      .source(feed.source(), { name: "feed", timestamp: (r) => r.at })
      .keyBy((r) => r.key)
      .window(tumbling("1h"), { name: "hours" })
      .aggregate({ n: count(), text: last((r) => r.text.slice(0, 10)), all: last((r) => r.text) })
      .map(({ key, n, text }) => ({ key, n, text }))
      .to(ledger.transactional(), { name: "out" });
    return app;
  }

  /** Ten keys that come once, and ten that change in every epoch until the log has been so long. */
  async function fill(job: RunningJob, feed: Feed<Text>, logBytes: number): Promise<number> {
    const bytes = 200_000;
    const rounds = Math.ceil(logBytes / (10 * bytes));
    let at = 0;
    for (let key = 0; key < 10; key++) feed.push({ key: `once ${key}`, at: at++, text: "once" });
    for (let round = 0; round < rounds; round++) {
      for (let key = 0; key < 10; key++)
        feed.push({ key: `often ${key}`, at: at++, text: `${round}`.padEnd(bytes, ".") });
      await until(() => feed.handed === feed.records.length);
      await job.savepoint(fresh());
    }
    return rounds;
  }

  const resultsOf = (rounds: number): string[] =>
    Array.from({ length: 10 }, (_, key) => [
      { key: `once ${key}`, n: 1, text: "once" },
      { key: `often ${key}`, n: rounds, text: `${rounds - 1}`.padEnd(10, ".") },
    ])
      .flat()
      .map(key)
      .sort();

  const segments = (directory: string): number =>
    readdirSync(directory).filter((name) => name.startsWith("log-")).length;

  test("is bounded, and is the state: for the next run, and for one that starts from a savepoint on either backend", async () => {
    const directory = fresh();
    const all = { feed: new Feed<Text>(), ledger: new Ledger<object>() };
    const job = longest(all, memory(directory)).start(run);
    const rounds = await fill(job, all.feed, 40 * 1024 * 1024);
    assert.ok(!existsSync(join(directory, "log-0-0.bin")), "the log of the beginning is gone");
    const target = fresh();
    await job.stop({ savepoint: target });
    all.feed.end();
    for (const [name, backend] of backends) {
      const other = { feed: all.feed, ledger: new Ledger<object>() };
      await longest(other, backend(fresh())).run({ ...run, from: target });
      assert.deepEqual(bag(other.ledger), resultsOf(rounds), name);
    }
    await longest(all, memory(directory)).run(run);
    assert.deepEqual(bag(all.ledger), resultsOf(rounds));
    assert.ok(segments(directory) <= 3);
  });

  test("of a backend is not all of its state: another backend needs a savepoint", async () => {
    const directory = fresh();
    const all = { feed: new Feed<Text>(), ledger: new Ledger<object>() };
    const job = longest(all, rocksdb(directory)).start(run);
    const rounds = await fill(job, all.feed, 80 * 1024 * 1024);
    assert.ok(!existsSync(join(directory, "log-0-0.bin")), "the log of the beginning is gone");
    const target = fresh();
    await job.stop({ savepoint: target });
    all.feed.end();
    await failure("STATE_DAMAGED", longest(all, memory(directory)).run(run));
    assert.deepEqual(all.ledger.visible, []);
    const other = { feed: all.feed, ledger: new Ledger<object>() };
    await longest(other, memory(fresh())).run({ ...run, from: target });
    assert.deepEqual(bag(other.ledger), resultsOf(rounds));
    await longest(all, rocksdb(directory)).run(run);
    assert.deepEqual(bag(all.ledger), resultsOf(rounds));
  });
});
