/** Rows that a program gives up stay given up: in the next run, and in the one after it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { count, memory, type Pipeline, pipeline, type StateBackend, sum, tumbling } from "../../src/index.ts";
import { rocksdb } from "../../src/state/rocksdb/index.ts";
import { Feed, Ledger } from "./feed.ts";
import { scratch } from "./scratch.ts";

const folder = scratch();
const run = { handleSignals: false } as const;

interface Tick {
  readonly at: number;
}

/** A window that counts, or that sums: its rows mean something else. */
function job(feed: Feed<Tick>, ledger: Ledger<unknown>, state: StateBackend, sums: boolean): Pipeline {
  const app = pipeline("drop", { state, dropState: ["window"] });
  app
    .source(feed.source(), { name: "ticks", timestamp: (r) => r.at })
    .keyBy(() => "all")
    .window(tumbling(100), { name: "window" })
    .aggregate(sums ? sum((_: Tick) => 10) : count())
    .to(ledger.transactional(), { name: "out" });
  return app;
}

async function upTo(feed: Feed<Tick>, records: number, app: Pipeline): Promise<void> {
  const job = app.start(run);
  while (feed.records.length < records) feed.push({ at: feed.records.length });
  while (feed.handed < records) await new Promise((resolve) => setTimeout(resolve, 2));
  await job.stop();
}

for (const backend of ["memory", "rocksdb"] as const) {
  test(`rows that were given up don't come back in the start after the next, on ${backend}`, async () => {
    const directory = folder(backend);
    const state = (): StateBackend => (backend === "memory" ? memory(directory) : rocksdb(directory));
    const feed = new Feed<Tick>();
    const ledger = new Ledger<unknown>();
    await upTo(feed, 3, job(feed, ledger, state(), false));
    await upTo(feed, 5, job(feed, ledger, state(), true));
    await upTo(feed, 6, job(feed, ledger, state(), true));
    feed.push({ at: 1000 }).end();
    await job(feed, ledger, state(), true).run(run);
    const [first] = ledger.visible as { value: number }[];
    assert.equal(first.value, 30, "the records since the window sums, and none of those that it counted");
  });
}
