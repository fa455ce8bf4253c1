/** What went wrong once, each as the promise that it broke. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  count,
  type DeadLetter,
  forEach,
  fromAsyncIterable,
  fromIterable,
  generator,
  ndjson,
  pipeline,
  type Sink,
  toAsyncIterable,
  tumbling,
} from "millrace";

const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const quiet = { handleSignals: false } as const;

function lettersOf(app: ReturnType<typeof pipeline>): DeadLetter[] {
  const letters: DeadLetter[] = [];
  app.deadLetters.to(forEach((letter) => void letters.push(letter)));
  return letters;
}

describe("a callback's promise", () => {
  it("that rejects while the job waits for another ends the job, not the process", async () => {
    const app = pipeline("two callbacks");
    const input = app.source(fromIterable([1]));
    input.to(forEach(() => later(40)));
    input.to(
      forEach(async () => {
        throw new Error("boom");
      }),
    );
    await assert.rejects(app.run(quiet), { code: "SINK_FAILED", message: /failed: boom/ });
  });

  it("is waited for when something else has ended the job", async () => {
    let done = false;
    const app = pipeline("callback at work");
    const input = app.source(fromIterable([1, 2]));
    input.to(
      forEach(async () => {
        await later(30);
        done = true;
      }),
    );
    input
      .map((n) => {
        if (n === 1) throw new Error("no ones");
        return n;
      })
      .to(forEach(() => {}));
    await assert.rejects(app.run(quiet), { code: "USER_FUNCTION_FAILED" });
    assert.ok(done);
  });

  it("makes the records behind it wait, in their order, also where only some calls return one", async () => {
    const seen: number[] = [];
    const app = pipeline("some wait");
    app
      .source(fromIterable([1, 2, 3, 4, 5, 6]))
      .flatMap((n) => [n, n + 0.5])
      .to(
        forEach((n) => {
          if (n % 2 !== 0) {
            seen.push(n);
            return undefined;
          }
          return later(5).then(() => void seen.push(n));
        }),
      );
    await app.run(quiet);
    assert.deepEqual(seen, [1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5]);
  });
});

describe("a source whose records are all refused", () => {
  it("can be stopped, and holds nothing of them", async () => {
    const app = pipeline("all refused");
    app
      .source(
        generator((i) => ({ i }) as { i: number; at?: number }),
        { timestamp: (r) => r.at as number, onError: "skip" },
      )
      .to(forEach(() => {}));
    const report = await app.run({ ...quiet, signal: AbortSignal.timeout(60) });
    assert.equal(report.stopped, true);
    assert.ok(report.sources[0].skipped > 0);
    assert.equal(report.sources[0].skipped, report.sources[0].records);
  });

  it("has told the dead letters when it fails", async () => {
    const app = pipeline("refused, then failed");
    const letters = lettersOf(app);
    app
      .source(
        fromIterable(
          (function* () {
            yield { id: 1 };
            yield { id: 2 };
            throw new Error("the source");
          })(),
        ),
        { timestamp: () => Number.NaN, onError: "dead-letter" },
      )
      .to(forEach(() => {}));
    await assert.rejects(app.run(quiet), { code: "SOURCE_FAILED" });
    assert.deepEqual(
      letters.map((letter) => letter.value),
      [{ id: 1 }, { id: 2 }],
    );
  });
});

describe("idleness", () => {
  it("is not the lot of a partition that others kept from being asked", async () => {
    const app = pipeline("backlog");
    let results = 0;
    app
      .source(
        generator((i) => ({ p: i % 2, at: i >> 1 }), { partitions: 2, count: 40_000 }),
        { timestamp: (r) => r.at, watermark: { maxOutOfOrderness: 0, idleAfter: "20ms" } },
      )
      // An unbounded source beside it: the intake takes what is there, partition after partition.
      .union(
        app.source(fromAsyncIterable<{ p: number; at: number }>(none()), {
          timestamp: (r) => r.at,
          watermark: { maxOutOfOrderness: 0, idleAfter: "1ms" },
        }),
      )
      .keyBy((r) => r.p)
      .window(tumbling(1000))
      .aggregate(count())
      .to(forEach(() => (++results % 4 === 0 ? later(30) : undefined)));
    const { operators } = await app.run(quiet);
    assert.equal(operators.find(({ kind }) => kind === "window")?.done.late, 0);
  });
});

async function* none(): AsyncGenerator<never> {}

describe("a failed record", () => {
  it("calls no function twice, and its letter has what the operator worked on", async () => {
    for (const codegen of ["on", "off"] as const) {
      const app = pipeline("once");
      const letters = lettersOf(app);
      let sequence = 0;
      const passed: number[] = [];
      app
        .source(fromIterable([{ amount: 1 }, { amount: -1 }, { amount: 2 }]))
        .map((r) => {
          r.amount *= 100;
          return r;
        })
        .map((r) => {
          sequence += 1;
          return { ...r, sequence };
        })
        .map(
          (r) => {
            if (r.amount < 0) throw new Error("negative");
            return r;
          },
          { onError: "dead-letter" },
        )
        .to(forEach((r) => void passed.push(r.sequence)));
      await app.run({ ...quiet, codegen });
      assert.deepEqual(passed, [1, 3]);
      assert.deepEqual(letters[0].value, { amount: -100, sequence: 2 });
    }
  });
});

describe("a job that fails to start", () => {
  it("ends the loop of whoever reads its toAsyncIterable", async () => {
    const out = toAsyncIterable<unknown>();
    const app = pipeline("no input");
    app.source(ndjson("/nonexistent/input.ndjson")).to(out);
    const run = app.run(quiet);
    run.catch(() => {});
    for await (const _ of out) assert.fail("there is nothing to read");
    await assert.rejects(run, { code: "FILE_UNREADABLE" });
  });

  it("opens no sink when its signal was aborted before", async () => {
    let opened = false;
    const sink: Sink<number> = {
      description: "watched",
      async open() {
        opened = true;
        return { write() {}, flush: async () => {}, close: async () => {} };
      },
    };
    const app = pipeline("aborted");
    app.source(fromIterable([1])).to(sink);
    const { stopped } = await app.run({ ...quiet, signal: AbortSignal.abort() });
    assert.deepEqual({ stopped, opened }, { stopped: true, opened: false });
  });
});

describe("many windows at a time", () => {
  it("open and close in a time that grows with their number, not with its square", async () => {
    const secondsFor = async (records: number): Promise<number> => {
      const app = pipeline("many windows");
      app
        .source(
          generator((i) => ({ at: i * 1000 }), { count: records }),
          { timestamp: (r) => r.at },
        )
        .keyBy(() => "k")
        .window(tumbling("1s"), { allowedLateness: records * 1000 })
        .aggregate(count())
        .to(forEach(() => {}));
      return (await app.run(quiet)).durationMs;
    };
    await secondsFor(2000);
    const [few, many] = [await secondsFor(10_000), await secondsFor(80_000)];
    assert.ok(many < few * 40 + 500, `10,000 windows took ${few} ms, 80,000 took ${many} ms`);
  });
});

describe("one keyed stream", () => {
  it("can be read by several windows, whatever other keyed streams are called", async () => {
    const app = pipeline("names");
    const input = app.source(fromIterable([{ k: "a", at: 1 }]), { timestamp: (r) => r.at });
    const one = input.keyBy((r) => r.k);
    const other = input.keyBy((r) => r.k);
    const results: number[] = [];
    for (const keyed of [one, one, other, other]) {
      keyed
        .window(tumbling(10))
        .aggregate(count())
        .to(forEach((r) => void results.push(r.value)));
    }
    await app.run(quiet);
    assert.deepEqual(results, [1, 1, 1, 1]);
  });
});
