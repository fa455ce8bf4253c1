/** What a job does when something outside of it fails: it starts again from its last epoch, or says that it gave up. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { systemPorts } from "../../src/core/ports.ts";
import { memory, MillraceError, pipeline, type RunOptions } from "../../src/index.ts";
import { Feed, Ledger } from "./feed.ts";
import { hastyPorts, scratch } from "./scratch.ts";

const folder = scratch();
let states = 0;

/** A job that copies a feed into a ledger. */
function copying(feed: Feed<number>, ledger: Ledger<number>, plain = false) {
  const app = pipeline("copy", {
    state: memory(folder(`state-${states++}`)),
    commit: { every: "1h", records: 10 },
  });
  app
    .source(feed.source({ perPoll: 10 }), { name: "feed" })
    .to(plain ? ledger.plain() : ledger.transactional(), { name: "ledger" });
  return (options: RunOptions) => app.run({ handleSignals: false, ...options });
}

const hundred = (): Feed<number> =>
  new Feed<number>().push(...Array.from({ length: 100 }, (_, i) => i)).end();
const all = Array.from({ length: 100 }, (_, i) => i);

const failureOf = async (run: Promise<unknown>): Promise<MillraceError> =>
  run.then(
    () => assert.fail("it did not fail"),
    (error) => {
      assert.ok(error instanceof MillraceError, String(error));
      return error;
    },
  );

describe("a job that fails", () => {
  test("starts again by itself, after twice the wait of before, up to the longest", async () => {
    const feed = hundred();
    feed.failsToOpen = 5;
    const ledger = new Ledger<number>();
    const { ports, waitsMs } = hastyPorts();
    const restart = { attempts: 5, backoff: "100ms", maxBackoff: "500ms" } as const;
    const report = await copying(feed, ledger)({ ports, restart });
    assert.equal(report.restarts, 5);
    assert.deepEqual(waitsMs, [100, 200, 400, 500, 500]);
    assert.deepEqual(ledger.visible, all);
  });

  test("goes on from its last epoch, and its output is that of a run that never failed", async () => {
    const feed = hundred();
    feed.failsAt.push(25, 25, 70);
    const ledger = new Ledger<number>();
    const { ports } = hastyPorts();
    const report = await copying(feed, ledger)({ ports, restart: { attempts: 3 } });
    assert.equal(report.restarts, 3);
    assert.deepEqual(ledger.visible, all);
    const [first, ...later] = feed.starts;
    assert.equal(first, 0);
    for (const start of later) assert.ok(start > 0 && start % 10 === 0, `a run began at ${start}`);
    assert.deepEqual(
      ledger.contexts.map(({ generation }) => generation),
      [1, 2, 3, 4],
    );
  });

  test("repeats output and loses none with a sink that can't commit by epochs", async () => {
    const feed = hundred();
    feed.failsAt.push(25, 70);
    const ledger = new Ledger<number>();
    const { ports } = hastyPorts();
    await copying(feed, ledger, true)({ ports, restart: { attempts: 3 }, guarantee: "at-least-once" });
    assert.deepEqual(
      [...new Set(ledger.visible)].sort((a, b) => a - b),
      all,
    );
    assert.ok(ledger.visible.length > all.length, "some were written twice");
  });

  test("loses output and repeats none where that was asked for", async () => {
    const feed = hundred();
    feed.failsAt.push(25, 70);
    const ledger = new Ledger<number>();
    const { ports } = hastyPorts();
    await copying(feed, ledger, true)({ ports, restart: { attempts: 3 }, guarantee: "at-most-once" });
    assert.deepEqual([...new Set(ledger.visible)], ledger.visible, "none twice");
    assert.deepEqual(
      ledger.visible,
      ledger.visible.toSorted((a, b) => a - b),
    );
    for (const n of ledger.visible) assert.ok(all.includes(n));
    assert.equal(ledger.visible.at(-1), 99);
  });

  test("starts again when a sink fails to commit, and the sink gets the epoch again", async () => {
    const ledger = new Ledger<number>();
    ledger.failsToCommit = 1;
    const { ports } = hastyPorts();
    const report = await copying(hundred(), ledger)({ ports, restart: { attempts: 1 } });
    assert.equal(report.restarts, 1);
    assert.deepEqual(ledger.visible, all);
  });

  test("gives a sink no epoch before one that it could not commit", async () => {
    const ledger = new Ledger<number>();
    ledger.failsToCommit = 1;
    const { ports } = hastyPorts();
    const gate = Promise.withResolvers<void>();
    ledger.gate = gate.promise;
    const run = copying(hundred(), ledger)({ ports, restart: { attempts: 1 } });
    // Two epochs wait for the sink: no third may begin.
    while (ledger.prepared < 2) await new Promise((resolve) => setImmediate(resolve));
    gate.resolve();
    await run;
    assert.deepEqual(
      ledger.epochs,
      ledger.epochs.toSorted((a, b) => a - b),
    );
    assert.deepEqual(ledger.visible, all);
  });

  test("gives up after so many failures in a row, and tells the last one", async () => {
    const feed = hundred();
    feed.failsToOpen = 10;
    const { ports, waitsMs } = hastyPorts();
    const error = await failureOf(copying(feed, new Ledger())({ ports, restart: { attempts: 2 } }));
    assert.equal(error.code, "RESTARTS_EXHAUSTED");
    assert.match(
      error.message,
      /^The job failed 3 times in a row, the last time with: feed .*the line is dead/,
    );
    assert.equal((error.cause as MillraceError).code, "SOURCE_FAILED");
    assert.equal(waitsMs.length, 2);
  });

  test("forgets its failures after a run that was long enough", async () => {
    const feed = new Feed<number>();
    const { ports, pass } = hastyPorts();
    const app = pipeline("long", { state: memory(folder("long")), commit: { every: "1h" } });
    app
      .source(feed.source())
      .peek(() => pass(60_000))
      .to(new Ledger<number>().transactional());
    feed.push(1).failsAt.push(1);
    feed.push(2).failsAt.push(2);
    feed.push(3).failsAt.push(3);
    feed.end();
    const restart = { attempts: 1, resetAfter: "1m" } as const;
    const report = await app.run({ handleSignals: false, ports, restart });
    assert.equal(report.restarts, 3);
  });

  test("does not start again for what would only happen again", async () => {
    const feed = hundred();
    const { ports, waitsMs } = hastyPorts();
    const app = pipeline("broken", { state: memory(folder("broken")), restart: { attempts: Infinity } });
    app
      .source(feed.source())
      .map(() => {
        throw new Error("boom");
      })
      .to(new Ledger().transactional());
    const error = await failureOf(app.run({ handleSignals: false, ports }));
    assert.equal(error.code, "USER_FUNCTION_FAILED");
    assert.deepEqual(waitsMs, []);
  });

  test("ends at once, with the failure, when it is stopped while it waits to start again", {
    timeout: 20_000,
  }, async () => {
    const feed = hundred();
    feed.failsToOpen = 1;
    const waiting = Promise.withResolvers<void>();
    const timers = {
      ...systemPorts.timers,
      after() {
        waiting.resolve();
        return () => {}; // no time passes
      },
    };
    const app = pipeline("waiting", { state: memory(folder("waiting")), restart: { attempts: 1 } });
    app.source(feed.source()).to(new Ledger<number>().plain());
    const job = app.start({ handleSignals: false, ports: { ...systemPorts, timers } });
    await waiting.promise;
    const stopped = job.stop();
    stopped.catch(() => {});
    const never = new Promise((resolve) => setTimeout(resolve, 1000));
    const error = await failureOf(Promise.race([stopped, never]));
    assert.equal(error.code, "SOURCE_FAILED");
  });

  test("does not start again without being told to", async () => {
    const feed = hundred();
    feed.failsToOpen = 1;
    const error = await failureOf(copying(feed, new Ledger())({}));
    assert.equal(error.code, "SOURCE_FAILED");
    assert.equal(feed.starts.length, 0);
  });
});
