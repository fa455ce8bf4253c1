/** `maxFutureSkew`: one absurd timestamp does not drag time along. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { forEach, fromIterable, pipeline, type WatermarkOption } from "../../src/index.ts";
import { operatorHarness, testDriver } from "../../src/testing/index.ts";
import { runBoth } from "../api/run-both.ts";

interface Reading {
  readonly at: number;
  readonly until?: number;
}

/** Copies readings; a time more than 100 ms ahead is refused. */
function copying(watermark: Partial<WatermarkOption> = {}) {
  const app = pipeline("skew");
  app
    .source(fromIterable<Reading>([]), {
      name: "in",
      timestamp: (r) => r.at,
      onError: "dead-letter",
      watermark: { maxOutOfOrderness: 10, maxFutureSkew: 100, ...(watermark as object) },
    })
    .map((r) => r.at)
    .to(
      forEach(() => {}),
      { name: "out" },
    );
  app.deadLetters.to(forEach(() => {}));
  return app;
}

type Driver = Awaited<ReturnType<typeof testDriver>>;
const push = async (t: Driver, ...times: number[]): Promise<unknown[]> => {
  for (const at of times) await t.push("in", { at });
  return t.take("out").map(({ value }) => value);
};
const watermarkOf = (t: Driver): number => t.report().sources[0].watermark;

describe("a record too far in the future", () => {
  it("is refused, and what comes after it is not late", async () => {
    const t = await testDriver(copying(), { startMs: 1000 });
    assert.deepEqual(await push(t, 1000, 999_999, 1005), [1000, 1005]);
    assert.equal(watermarkOf(t), 995);
    const [letter] = t.takeDeadLetters();
    assert.equal(letter.code, "TIMESTAMP_INVALID");
    assert.equal(
      letter.reason,
      "its timestamp, 1970-01-01T00:16:39.999Z, is further ahead of its partition, at 1970-01-01T00:00:01.000Z, than maxFutureSkew (100ms) allows",
    );
    assert.deepEqual(letter.value, { at: 999_999 });
    assert.equal(t.report().sources[0].deadLettered, 1);
  });

  it("is one that is ahead of the greatest timestamp by more than the skew: by exactly the skew it is taken", async () => {
    const t = await testDriver(copying());
    assert.deepEqual(await push(t, 0, 101, 100, 201, 200, 150, 301), [0, 100, 200, 150]);
    assert.equal(watermarkOf(t), 190);
  });

  it("is judged, as the first of its partition, by the clock", async () => {
    const t = await testDriver(copying(), { startMs: 5000, partitions: { in: 2 } });
    assert.deepEqual(await push(t, 5101, 70), [70], "the past is no future");
    assert.match(t.takeDeadLetters()[0].reason, /ahead of the clock, at 1970-01-01T00:00:05\.000Z/);
    assert.deepEqual(await push(t, 171), [], "from then on its partition's own time counts");
    await t.push("in", { at: 5100 }, { partition: 1 });
    assert.deepEqual(
      t.take("out").map(({ value }) => value),
      [5100],
    );
    await t.advance(1000);
    assert.deepEqual(await push(t, 200), [], "the clock does not matter any more");
  });

  it("is measured from the partition's own word on time too, the bound on top", async () => {
    const t = await testDriver(copying());
    assert.deepEqual(await push(t, 0), [0]);
    await t.watermark("in", 500);
    assert.deepEqual(await push(t, 611, 610), [610]);
  });

  it("may be one whose punctuation is too far ahead, though its timestamp is not", async () => {
    const app = pipeline("punctuated");
    app
      .source(fromIterable<Reading>([]), {
        name: "in",
        timestamp: (r) => r.at,
        onError: "dead-letter",
        watermark: { punctuated: (r) => r.until, maxFutureSkew: 100 },
      })
      .map((r) => r.at)
      .to(
        forEach(() => {}),
        { name: "out" },
      );
    app.deadLetters.to(forEach(() => {}));
    const t = await testDriver(app);
    await t.push("in", { at: 0, until: 0 });
    await t.push("in", { at: 1, until: 102 });
    assert.match(
      t.takeDeadLetters()[0].reason,
      /^its watermark, 1970-01-01T00:00:00\.102Z, is further ahead/,
    );
    await t.push("in", { at: 2, until: 100 });
    await t.push("in", { at: 201 });
    await t.push("in", { at: 200 });
    assert.equal(watermarkOf(t), 100);
    assert.deepEqual(
      t.take("out").map(({ value }) => value),
      [0, 2, 200],
    );
  });

  it("ends the job, or is skipped and counted, as onError says", async () => {
    const build = (onError: "fail" | "skip") => (app: ReturnType<typeof pipeline>) => ({
      out: app
        .source(fromIterable<Reading>([{ at: 1 }, { at: 99 * 365 * 86_400_000 }, { at: 2 }]), {
          timestamp: (r) => r.at,
          onError,
          watermark: { maxOutOfOrderness: 5, maxFutureSkew: "1h" },
        })
        .map((r) => r.at),
    });
    const { out, report } = await runBoth(build("skip"));
    assert.deepEqual(out, [1, 2]);
    assert.equal(report.sources[0].skipped, 1);
    const app = pipeline("fails");
    build("fail")(app).out.to(forEach(() => {}));
    await assert.rejects(app.run({ handleSignals: false }), (error: any) => {
      assert.equal(error.code, "TIMESTAMP_INVALID");
      assert.match(error.what, /2068-12-07T00:00:00\.000Z, is further ahead .* than maxFutureSkew \(1h\)/);
      assert.equal(error.context.offset, 1);
      return true;
    });
  });

  it("is refused also in batch mode", async () => {
    const t = await testDriver(copying(), { mode: "batch" });
    assert.deepEqual(await push(t, 0, 101, 50), [0, 50]);
  });

  it("is the same one in every way of running (INV-1)", async () => {
    const trace = [0, 90, 300, 190, 100, 300, 150, 290, 1000, 380, 250, 90].map((at, i) => ({
      source: "in",
      partition: i % 2,
      record: { at },
    }));
    const { outputs } = await operatorHarness(() => copying(), trace, { partitions: { in: 2 } });
    assert.ok((outputs.get("out") ?? []).length > 3);
  });
});
