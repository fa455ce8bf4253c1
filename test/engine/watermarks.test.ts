/** What tells a source how far time is: its options, records that say so, the clock. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { watermarkStrategy } from "../../src/core/watermark.ts";
import {
  collect,
  count,
  forEach,
  fromIterable,
  ndjson,
  pipeline,
  type SourceOptions,
  tumbling,
} from "../../src/index.ts";
import { operatorHarness, testDriver } from "../../src/testing/index.ts";
import { runBoth } from "../api/run-both.ts";
import { ManualClock, settled, taps } from "./taps.ts";

interface Reading {
  readonly at: number;
  /** None below it follows. */
  readonly until?: number | Date | null;
}

const wrong = (value: unknown): any => value;
const atOf = (r: Reading): number => r.at;
const punctuated = (r: Reading): number | Date | null | undefined => r.until;

/** Readings in windows of 10 ms, from a source called "in" into a sink called "out"; what is late into "late". */
function windows(options: SourceOptions<Reading>, source = fromIterable<Reading>([])) {
  const app = pipeline("watermarks");
  const results = app
    .source(source, { name: "in", ...options })
    .keyBy(() => "all")
    .window(tumbling(10), { name: "windows" })
    .aggregate(collect(atOf));
  results.to(
    forEach(() => {}),
    { name: "out" },
  );
  results.late.to(
    forEach(() => {}),
    { name: "late" },
  );
  app.deadLetters.to(forEach(() => {}));
  return app;
}

type Driver = Awaited<ReturnType<typeof testDriver>>;
const watermarkOf = (t: Driver): number => t.report().sources[0].watermark;
const valuesOf = (t: Driver, sink = "out"): unknown[] =>
  t.take(sink).map(({ value }) => (value as { value?: unknown }).value ?? (value as Reading).at);

describe("a watermark option", () => {
  const none = Number.POSITIVE_INFINITY;
  const plain = {
    punctuated: null,
    byClock: false,
    idleAfterMs: none,
    maxDriftMs: none,
    maxFutureSkewMs: none,
  };

  it("is monotone, a bound, a function, the clock or none", () => {
    assert.deepEqual(watermarkStrategy(), { ...plain, boundMs: 0 });
    assert.deepEqual(watermarkStrategy("monotone"), { ...plain, boundMs: 0 });
    assert.deepEqual(watermarkStrategy("none"), { ...plain, boundMs: none });
    assert.deepEqual(watermarkStrategy("processingTime"), { ...plain, boundMs: none, byClock: true });
    assert.deepEqual(watermarkStrategy({ maxOutOfOrderness: "5s" }), { ...plain, boundMs: 5000 });
    const limits = { idleAfter: "1m", maxDrift: "2m", maxFutureSkew: "3m" } as const;
    const limitsMs = { idleAfterMs: 60_000, maxDriftMs: 120_000, maxFutureSkewMs: 180_000 };
    assert.deepEqual(watermarkStrategy({ maxOutOfOrderness: 0, ...limits }), {
      ...plain,
      ...limitsMs,
      boundMs: 0,
    });
    assert.deepEqual(watermarkStrategy({ punctuated, ...limits }), {
      ...plain,
      ...limitsMs,
      boundMs: none,
      punctuated,
    });
  });

  it("that can't be is refused when the pipeline is built, by the name of what is wrong", () => {
    const refused = (watermark: unknown, code: string, what: RegExp): void =>
      assert.throws(
        () => windows({ timestamp: atOf, watermark: wrong(watermark) }),
        (error: any) => {
          assert.equal(error.code, code);
          assert.match(error.what, what);
          return true;
        },
      );
    for (const option of ["late", 5, null, {}, { idleAfter: "1s" }, { maxOutOfOrderness: 1, punctuated }])
      refused(option, "OPTION_INVALID", /^watermark: .* is none of "monotone"/);
    refused({ punctuated: "at" }, "OPTION_INVALID", /^watermark\.punctuated takes a function .* not "at"/);
    for (const name of ["idleAfter", "maxDrift", "maxFutureSkew"])
      refused(
        { maxOutOfOrderness: 0, [name]: "soon" },
        "DURATION_INVALID",
        new RegExp(`^watermark\\.${name}: "soon" is no duration`),
      );
    refused({ punctuated, maxDrift: -1 }, "DURATION_INVALID", /^watermark\.maxDrift: -1/);
    refused(
      { maxOutOfOrderness: 0, maxFutureSkew: 0 },
      "OPTION_INVALID",
      /^watermark\.maxFutureSkew must be/,
    );
    refused("processingTime", "OPTION_INVALID", /^timestamp: .*"processingTime"/);
    assert.throws(() => windows({ watermark: { punctuated } }), { code: "OPTION_INVALID" });
  });

  it("is told by explain", () => {
    const text = (options: SourceOptions<Reading>): string =>
      /^stage 1 .*?bounded, (.*)$/m.exec(windows(options).explain())?.[1] ?? "";
    assert.equal(
      text({
        timestamp: atOf,
        watermark: { maxOutOfOrderness: "5s", idleAfter: "30s", maxDrift: "1m", maxFutureSkew: "1h" },
      }),
      "event time, watermark 5s behind the greatest timestamp of each partition, idle after 30s, paused when ahead by more than 1m, records refused when ahead by more than 1h",
    );
    assert.equal(
      text({ timestamp: atOf, watermark: { punctuated } }),
      "event time, watermark told by the records of each partition",
    );
    assert.equal(
      text({ watermark: "processingTime" }),
      "processing time: timestamps and watermark are the clock's",
    );
    assert.match(
      windows({ timestamp: atOf, watermark: "none" }).explain(),
      /never close before the end of the input: source in gives no watermark/,
    );
    for (const watermark of ["monotone", { punctuated }] as const)
      assert.doesNotMatch(windows({ timestamp: atOf, watermark }).explain(), /gives no watermark/);
  });
});

describe("a punctuated watermark", () => {
  it("moves with the records that tell one, not with timestamps, and never back", async () => {
    const t = await testDriver(windows({ timestamp: atOf, watermark: { punctuated } }));
    const after = async (reading: Reading): Promise<number> => {
      await t.push("in", reading);
      return watermarkOf(t);
    };
    assert.equal(await after({ at: 100 }), Number.NEGATIVE_INFINITY);
    assert.equal(await after({ at: 3, until: 5 }), 5);
    assert.equal(await after({ at: 200, until: null }), 5);
    assert.equal(await after({ at: 7, until: 4 }), 5);
    assert.equal(await after({ at: 8, until: new Date(9) }), 9);
    assert.equal(await after({ at: 9, until: 9.9 }), 9, "fractions are dropped, as those of timestamps");
    assert.deepEqual(valuesOf(t), []);
    assert.equal(await after({ at: 9, until: 10 }), 10, "exclusive: 10 fires what ends at 10");
    assert.deepEqual(valuesOf(t), [[3, 7, 8, 9, 9]]);
    await t.push("in", { at: 9 });
    assert.deepEqual(valuesOf(t, "late"), [9]);
  });

  it("judges the record that tells it by the one before", async () => {
    const t = await testDriver(windows({ timestamp: atOf, watermark: { punctuated } }));
    await t.push("in", { at: 2, until: 50 });
    assert.deepEqual(valuesOf(t), [[2]]);
    assert.deepEqual(valuesOf(t, "late"), []);
  });

  it("is the least of its partitions'", async () => {
    const t = await testDriver(windows({ timestamp: atOf, watermark: { punctuated } }), {
      partitions: { in: 2 },
    });
    await t.push("in", { at: 1, until: 30 }, { partition: 0 });
    assert.equal(watermarkOf(t), Number.NEGATIVE_INFINITY);
    await t.push("in", { at: 1, until: 20 }, { partition: 1 });
    assert.equal(watermarkOf(t), 20);
    await t.feed([{ source: "in", partition: 1, end: true }]);
    assert.equal(watermarkOf(t), 30);
  });

  it("gets the record's timestamp as it was taken", async () => {
    const seen: number[] = [];
    const app = windows({
      timestamp: (r) => new Date(r.at + 0.7),
      watermark: { punctuated: (_, timestamp) => void seen.push(timestamp) as undefined },
    });
    const t = await testDriver(app);
    await t.push("in", { at: 5 });
    assert.deepEqual(seen, [5]);
  });

  it("that is no time, or throws, is dealt with by the source's onError", async () => {
    const readings: Reading[] = [
      { at: 1 },
      { at: 2, until: wrong("soon") },
      { at: 3, until: 1e300 },
      { at: 4, until: 3 },
      { at: 5, until: Number.NaN },
    ];
    const build = (onError: "fail" | "skip" | "dead-letter") => (app: ReturnType<typeof pipeline>) => ({
      out: app
        .source(fromIterable(readings), {
          name: "in",
          timestamp: atOf,
          onError,
          watermark: {
            punctuated: (r) => {
              if (r.at === 1) throw new Error("no watermark for one");
              return r.until;
            },
          },
        })
        .map(atOf),
    });
    const { out, letters } = await runBoth(build("dead-letter"), { deadLetters: true });
    assert.deepEqual(out, [4]);
    assert.deepEqual(
      letters.map(({ code, reason, offset }) => [offset, code, reason]),
      [
        [0, "USER_FUNCTION_FAILED", "the punctuated function threw no watermark for one"],
        [1, "TIMESTAMP_INVALID", '"soon" is no watermark'],
        [2, "TIMESTAMP_INVALID", "1e+300 is no watermark"],
        [4, "TIMESTAMP_INVALID", "NaN is no watermark"],
      ],
    );
    const { report } = await runBoth(build("skip"));
    assert.equal(report.sources[0].skipped, 4);
    const app = pipeline("fails");
    build("fail")(app).out.to(forEach(() => {}));
    await assert.rejects(app.run({ handleSignals: false }), { code: "USER_FUNCTION_FAILED" });
  });

  it("gives the same in every way of running (INV-1)", async () => {
    const trace = Array.from({ length: 60 }, (_, i) => ({
      source: "in",
      partition: i % 2,
      record: { at: (i * 7) % 50, until: i % 5 === 0 ? i : null },
    }));
    await operatorHarness(() => windows({ timestamp: atOf, watermark: { punctuated } }), trace, {
      partitions: { in: 2 },
    });
  });
});

describe("processing time", () => {
  it("stamps each record with the time at which it is taken, and fires while no record comes", async () => {
    const t = await testDriver(windows({ watermark: "processingTime" }), { startMs: 1000 });
    await t.push("in", { at: -1 });
    await t.advance(9);
    await t.push("in", { at: -2 });
    assert.equal(watermarkOf(t), 1009);
    assert.deepEqual(valuesOf(t), []);
    await t.advance(1);
    assert.deepEqual(
      t.take("out").map(({ value, timestamp }) => [(value as { value: unknown }).value, timestamp]),
      [[[-1, -2], 1009]],
    );
    await t.push("in", { at: -3 });
    await t.end();
    assert.deepEqual(valuesOf(t), [[-3]]);
    assert.deepEqual(valuesOf(t, "late"), []);
    assert.equal(watermarkOf(t), Number.POSITIVE_INFINITY);
  });

  it("does not wait for partitions that give nothing", async () => {
    const t = await testDriver(windows({ watermark: "processingTime" }), { partitions: { in: 3 } });
    await t.push("in", { at: 1 }, { partition: 1 });
    await t.advance(10);
    assert.deepEqual(valuesOf(t), [[1]]);
  });

  it("holds up a union only until the clock has moved", async () => {
    const app = pipeline("union");
    app
      .source(fromIterable<Reading>([]), { name: "clock", watermark: "processingTime" })
      .union(app.source(fromIterable<Reading>([]), { name: "event", timestamp: atOf }))
      .keyBy(() => 1)
      .window(tumbling(10))
      .aggregate(count())
      .to(
        forEach(() => {}),
        { name: "out" },
      );
    const t = await testDriver(app);
    await t.push("event", { at: 3 });
    await t.push("event", { at: 30 });
    assert.deepEqual(valuesOf(t), []);
    await t.advance(25);
    assert.deepEqual(valuesOf(t), [1]);
  });

  it("gives the same in every way of running (INV-1)", async () => {
    const trace = Array.from({ length: 40 }, (_, i) =>
      i % 3 === 2 ? { advanceMs: (i * 5) % 7 } : { source: "in", record: { at: i } },
    );
    const { outputs } = await operatorHarness(() => windows({ watermark: "processingTime" }), trace);
    assert.ok((outputs.get("out") ?? []).length > 3);
  });

  it("has no watermark before the end in batch mode", async () => {
    const t = await testDriver(windows({ watermark: "processingTime" }), { mode: "batch" });
    await t.push("in", { at: 1 });
    await t.advance(100);
    await t.push("in", { at: 2 });
    assert.equal(watermarkOf(t), Number.NEGATIVE_INFINITY);
    await t.end();
    assert.deepEqual(valuesOf(t), [[1], [2]]);
  });

  it("wakes the loop while windows wait for it, and lets it sleep when none does", async () => {
    const {
      source,
      taps: [tap],
    } = taps<Reading>(1);
    const clock = new ManualClock(5000);
    const fired: unknown[] = [];
    const app = pipeline("live");
    app
      .source(source, { watermark: "processingTime" })
      .keyBy(() => 1)
      .window(tumbling(1000))
      .aggregate(count())
      .to(forEach(({ windowStart, value }) => void fired.push([windowStart, value])));
    const job = app.start({ handleSignals: false, ports: clock.ports });
    await settled();
    assert.equal(clock.timers.size, 0, "nothing is pending");
    tap.push({ at: 0 }, { at: 0 });
    await settled();
    assert.ok(clock.timers.size > 0, "a window is pending");
    for (let ms = 0; ms < 990; ms += 10) await clock.advance(10);
    assert.deepEqual(fired, []);
    const { polls } = tap;
    await clock.advance(10);
    assert.deepEqual(fired, [[5000, 2]]);
    assert.ok(tap.polls > polls);
    assert.equal(clock.timers.size, 0, "nothing is pending any more");
    // A clock that is set back stands still.
    clock.now -= 3000;
    tap.push({ at: 0 });
    await settled();
    clock.now += 3000;
    await clock.advance(1000);
    assert.deepEqual(fired.slice(1), [[6000, 1]]);
    const report = await job.stop();
    assert.equal(report.sources[0].watermark, 7000);
  });
});

describe("several files", () => {
  it("each have a watermark of their own: the source's is the least", async () => {
    const { mkdtempSync, rmSync, writeFileSync } = await import("node:fs");
    const { tmpdir } = await import("node:os");
    const { join } = await import("node:path");
    const folder = mkdtempSync(join(tmpdir(), "millrace-watermarks-"));
    try {
      // Far apart in time, and each in order: with one watermark for all, whole files would be late.
      const paths = ["a", "b", "c"].map((name, file) => {
        const path = join(folder, `${name}.ndjson`);
        const lines = Array.from({ length: 5000 }, (_, i) => `{"at":${i * 10 + file * 3000}}`);
        writeFileSync(path, `${lines.join("\n")}\n`);
        return path;
      });
      for (const follow of [false, true]) {
        const app = pipeline("files");
        let taken = 0;
        const stop = new AbortController();
        app
          .source(ndjson<Reading>(paths, { follow }), { timestamp: atOf })
          .peek(() => void (++taken === 15_000 && stop.abort()))
          .keyBy(() => 1)
          .window(tumbling(100), { name: "windows" })
          .aggregate(count())
          .to(forEach(() => {}));
        const { operators } = await app.run({ handleSignals: false, signal: stop.signal });
        const window = operators.find(({ name }) => name === "windows");
        assert.equal(window?.in, 15_000);
        assert.equal(window?.done.late, 0, follow ? "followed" : "merged");
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
