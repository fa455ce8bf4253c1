import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  count,
  forEach,
  fromAsyncIterable,
  fromIterable,
  generator,
  pipeline,
  type Sink,
  session,
  tumbling,
} from "millrace";
import { testDriver } from "millrace/testing";
import { BATCH_RECORDS } from "../../src/operator/batch.ts";

interface Reading {
  readonly id: number;
  readonly key: string;
  readonly at: number;
}

/** A sink that takes batches only while it is let. */
function gatedSink<T>(): { sink: Sink<T>; taken: () => number; open: () => void } {
  let release: () => void = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  let taken = 0;
  return {
    sink: {
      description: "gated",
      open: async () => ({
        write(_values, _timestamps, from, to) {
          taken += to - from;
          return gate;
        },
        flush: async () => {},
        close: async () => {},
      }),
    },
    taken: () => taken,
    open: release,
  };
}

const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 30));

describe("the loop", () => {
  it("stops reading while a sink is busy, and goes on when it is done (INV-7)", async () => {
    let made = 0;
    const { sink, open, taken } = gatedSink<number>();
    const app = pipeline("slow sink");
    app
      .source(
        generator(
          (i) => {
            made += 1;
            return i;
          },
          { count: 100_000 },
        ),
      )
      .to(sink);
    const done = app.run({ handleSignals: false });
    await soon();
    const whileBusy = made;
    assert.ok(
      whileBusy <= 2 * BATCH_RECORDS,
      `${whileBusy} records were read while the sink took none of the second batch`,
    );
    await soon();
    assert.equal(made, whileBusy);
    open();
    await done;
    assert.equal(made, 100_000);
    assert.equal(taken(), 100_000);
  });

  it("stops reading while one of several sinks is busy, even in the middle of a firing (INV-7)", async () => {
    let made = 0;
    const { sink, open, taken } = gatedSink<unknown>();
    const app = pipeline("slow firing");
    app
      .source(
        generator(
          (i) => {
            made += 1;
            return { key: i, at: i < 20_000 ? 0 : 100 };
          },
          { count: 60_000 },
        ),
        { timestamp: (r) => r.at },
      )
      .keyBy((r) => r.key)
      .window(tumbling(10))
      .aggregate(count())
      .to(sink);
    const done = app.run({ handleSignals: false });
    while (taken() === 0) await soon();
    await soon();
    assert.ok(
      made <= 20_000 + 2 * BATCH_RECORDS,
      `${made} records were read while the sink was busy with the first results`,
    );
    assert.equal(taken(), BATCH_RECORDS, "one page of the firing is out, the others wait");
    open();
    await done;
    assert.equal(taken(), 60_000);
  });

  it("lets a lone record's result leave before the next record comes", async () => {
    const seen: number[] = [];
    let wanted = 0;
    async function* records(): AsyncGenerator<number> {
      for (let i = 0; i < 20; i++) {
        assert.equal(seen.length, i, "the result of the record before was out");
        wanted = i;
        yield i;
        await soon();
      }
    }
    const app = pipeline("lone");
    app
      .source(fromAsyncIterable(records(), { buffer: 1 }))
      .map((n) => n * 2)
      .to(forEach((n) => void seen.push(n)));
    await app.run({ handleSignals: false });
    assert.equal(wanted, 19);
    assert.equal(seen.length, 20);
  });

  it("drains what it has read when it is aborted, and fires no window that time has not closed", async () => {
    const results: unknown[] = [];
    const passed: number[] = [];
    const stop = new AbortController();
    async function* records(): AsyncGenerator<{ at: number }> {
      for (let at = 0; at < 25; at++) yield { at };
      setTimeout(() => stop.abort(), 30);
      await new Promise(() => {});
    }
    const app = pipeline("stop");
    const input = app.source(fromAsyncIterable(records()), { timestamp: (r) => r.at });
    input.to(forEach((r) => void passed.push(r.at)));
    input
      .keyBy(() => "all")
      .window(tumbling(10))
      .aggregate(count())
      .to(forEach((r) => void results.push(r.windowEnd)));
    const report = await app.run({ signal: stop.signal, handleSignals: false });
    assert.equal(report.stopped, true);
    assert.equal(passed.length, 25);
    assert.deepEqual(results, [10, 20]);
  });

  it("merges bounded inputs by (timestamp, source, partition), so that bounded runs are reproducible", async () => {
    const app = pipeline("merge");
    const order: string[] = [];
    const a = app.source(fromIterable([1, 4, 4, 9].map((at) => ({ from: "a", at }))), {
      timestamp: (r) => r.at,
    });
    const b = app.source(fromIterable([0, 4, 8].map((at) => ({ from: "b", at }))), {
      timestamp: (r) => r.at,
    });
    a.union(b).to(forEach((r) => void order.push(`${r.from}${r.at}`)));
    await app.run({ handleSignals: false });
    assert.deepEqual(order, ["b0", "a1", "a4", "a4", "b4", "b8", "a9"]);
  });

  it("reads bounded inputs without event time one after the other", async () => {
    const app = pipeline("sequence");
    const order: number[] = [];
    const a = app.source(fromIterable([1, 2, 3]));
    const b = app.source(fromIterable([7, 8]));
    a.union(b).to(forEach((n) => void order.push(n)));
    await app.run({ handleSignals: false });
    assert.deepEqual(order, [1, 2, 3, 7, 8]);
  });

  it("ends the process of a failed job's sources and sinks, and tells the first error", async () => {
    const closed: string[] = [];
    const app = pipeline("fails");
    const sink: Sink<number> = {
      description: "watched",
      open: async () => ({ write() {}, flush: async () => {}, close: async () => void closed.push("sink") }),
    };
    app
      .source(fromIterable([1, 2, 3]))
      .map((n) => {
        if (n === 2) throw new RangeError("no twos");
        return n;
      })
      .to(sink);
    await assert.rejects(app.run({ handleSignals: false }), {
      code: "USER_FUNCTION_FAILED",
      message: /map threw RangeError: no twos/,
    });
    assert.deepEqual(closed, ["sink"]);
  });
});

describe("watermarks of several partitions", () => {
  const build = () => {
    const app = pipeline("partitions");
    app
      .source(fromIterable<Reading>([]), {
        name: "in",
        timestamp: (r) => r.at,
        watermark: { maxOutOfOrderness: 5, idleAfter: "30s" },
      })
      .keyBy((r) => r.key)
      .window(tumbling(10))
      .aggregate(count())
      .to(
        forEach(() => {}),
        { name: "out" },
      );
    return app;
  };

  it("follow the slowest partition", async () => {
    const t = await testDriver(build(), { partitions: { in: 2 } });
    await t.push("in", { id: 1, key: "a", at: 3 }, { partition: 0 });
    await t.push("in", { id: 2, key: "a", at: 100 }, { partition: 1 });
    assert.deepEqual(t.take("out"), []);
    await t.push("in", { id: 3, key: "a", at: 15 }, { partition: 0 });
    assert.deepEqual(
      t.take("out").map((o) => o.timestamp),
      [9],
    );
  });

  it("pass over a partition that was silent for idleAfter, until it speaks again", async () => {
    const t = await testDriver(build(), { partitions: { in: 2 } });
    await t.push("in", { id: 1, key: "a", at: 3 }, { partition: 0 });
    await t.push("in", { id: 2, key: "a", at: 100 }, { partition: 1 });
    await t.advance(29_999);
    await t.push("in", { id: 3, key: "a", at: 101 }, { partition: 1 });
    assert.deepEqual(t.take("out"), []);
    await t.advance(1);
    assert.equal(t.take("out").length, 1, "partition 0 has been idle for 30 s");
    await t.push("in", { id: 4, key: "a", at: 50 }, { partition: 0 });
    await t.push("in", { id: 5, key: "a", at: 200 }, { partition: 1 });
    assert.deepEqual(t.take("out"), [], "partition 0 is active and holds time at 45");
  });

  it("count an ended partition as at the end of time", async () => {
    const t = await testDriver(build(), { partitions: { in: 2 } });
    await t.push("in", { id: 1, key: "a", at: 3 }, { partition: 0 });
    await t.feed([{ source: "in", partition: 1, end: true }]);
    await t.push("in", { id: 2, key: "a", at: 15 }, { partition: 0 });
    assert.equal(t.take("out").length, 1);
  });
});

describe("a union", () => {
  const build = () => {
    const app = pipeline("union");
    const option = {
      timestamp: (r: Reading) => r.at,
      watermark: { maxOutOfOrderness: 0, idleAfter: "10s" },
    } as const;
    const a = app.source(fromIterable<Reading>([]), { name: "a", ...option });
    const b = app.source(fromIterable<Reading>([]), { name: "b", ...option });
    a.union(b)
      .keyBy((r) => r.key)
      .window(session(5))
      .aggregate(count())
      .to(
        forEach(() => {}),
        { name: "out" },
      );
    return app;
  };

  it("has the least watermark of its inputs", async () => {
    const t = await testDriver(build());
    await t.push("a", { id: 1, key: "k", at: 0 });
    await t.push("a", { id: 2, key: "k", at: 50 });
    assert.deepEqual(t.take("out"), []);
    await t.push("b", { id: 3, key: "k", at: 6 });
    assert.equal(t.take("out").length, 1);
  });

  it("does not wait for an idle input", async () => {
    const t = await testDriver(build());
    await t.push("a", { id: 1, key: "k", at: 0 });
    await t.advance(9_999);
    await t.push("a", { id: 2, key: "k", at: 50 });
    assert.deepEqual(t.take("out"), []);
    await t.advance(1);
    assert.equal(t.take("out").length, 1, "b was never active and is idle now");
  });
});
