/** `maxDrift`: who is too far ahead in time is not read until the others have caught up. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { forEach, pipeline, type Source, type WatermarkOption } from "../../src/index.ts";
import { propertyOptions } from "../connector/seed.ts";
import { ManualClock, settled, taps } from "./taps.ts";

interface Reading {
  readonly at: number;
}

type Sources = Readonly<
  Record<string, { readonly source: Source<Reading>; readonly watermark: WatermarkOption<Reading> }>
>;

/** Copies the readings of all sources. */
function copying(sources: Sources, clock = new ManualClock()) {
  const app = pipeline("drift");
  const seen: number[] = [];
  for (const [name, { source, watermark }] of Object.entries(sources)) {
    app.source(source, { name, timestamp: (r) => r.at, watermark }).to(
      forEach((r) => void seen.push(r.at)),
      { name: `${name} out` },
    );
  }
  return { job: app.start({ handleSignals: false, ports: clock.ports }), seen, clock };
}

const drift100 = { maxOutOfOrderness: 0, maxDrift: 100 } as const;
const readings = (...times: number[]): Reading[] => times.map((at) => ({ at }));

describe("a partition that is too far ahead", () => {
  it("is not read until the slowest has caught up, and then goes on by itself", async () => {
    const {
      source,
      taps: [slow, fast],
    } = taps<Reading>(2, () => 1);
    const { job } = copying({ in: { source, watermark: drift100 } });
    slow.push(...readings(0));
    fast.push(...readings(50, 100, 101, 150, 300));
    await settled();
    assert.equal(fast.taken, 3, "at 101 it is more than 100 ahead of 0");
    const { polls } = fast;
    slow.push(...readings(0));
    await settled();
    assert.equal(fast.polls, polls);
    slow.push(...readings(1));
    await settled();
    assert.equal(fast.taken, 4, "at 101 it is 100 ahead of 1, and takes one more");
    slow.push(...readings(500));
    await settled();
    assert.equal(fast.taken, 5);
    await job.stop();
  });

  it("waits for one that has given nothing yet, but not for one that is idle or has ended", async () => {
    for (const excuse of ["a record", "idle", "the end"] as const) {
      const {
        source,
        taps: [silent, fast],
      } = taps<Reading>(2, () => 1);
      const watermark = { ...drift100, idleAfter: "10s" } as const;
      const { job, clock } = copying({ in: { source, watermark } });
      fast.push(...readings(0, 1000, 2000));
      await settled();
      assert.equal(fast.taken, 1, "the first record is ahead of nothing at all");
      await clock.advance(9999);
      assert.equal(fast.taken, 1);
      if (excuse === "a record") silent.push({ at: 1950 });
      if (excuse === "idle") await clock.advance(1);
      if (excuse === "the end") silent.end();
      await settled();
      assert.equal(fast.taken, 3, excuse);
      await job.stop();
    }
  });

  it("is not idle, however long it waits: what it has is not late", async () => {
    const [aligned, other] = [taps<Reading>(2, () => 1), taps<Reading>(1, () => 1)];
    const [slow, fast] = aligned.taps;
    const app = pipeline("paused");
    const judged: [at: number, watermark: number][] = [];
    const timestamp = (r: Reading): number => r.at;
    app
      .source(aligned.source, { timestamp, watermark: { ...drift100, idleAfter: "10s" } })
      .union(app.source(other.source, { timestamp }))
      .keyBy(() => 1)
      .process({ onRecord: (r, { watermark }) => void judged.push([r.at, watermark]) })
      .to(forEach(() => {}));
    const clock = new ManualClock();
    const job = app.start({ handleSignals: false, ports: clock.ports });
    slow.push(...readings(0));
    fast.push(...readings(200, 210));
    other.taps[0].push(...readings(5000));
    await settled();
    assert.equal(fast.taken, 1);
    await clock.advance(10_000);
    assert.equal(fast.taken, 2, "the slow one is idle");
    assert.deepEqual(judged.at(-1), [210, 200]);
    await job.stop();
  });

  it("goes on also where no watermark has moved by that", async () => {
    const [slow, fast] = [taps<Reading>(2, () => 1), taps<Reading>(1, () => 1)];
    const { job, clock } = copying({
      slow: { source: slow.source, watermark: { maxOutOfOrderness: 0, idleAfter: "10s" } },
      fast: { source: fast.source, watermark: drift100 },
    });
    const [first, second] = slow.taps;
    first.push(...readings(5));
    await clock.advance(9999);
    second.push(...readings(50));
    await clock.advance(1);
    // The first one is idle: the source is at 50, and does not go back when it comes again.
    first.push(...readings(6));
    await settled();
    fast.taps[0].push(...readings(140, 141));
    await settled();
    assert.equal(fast.taps[0].taken, 1);
    first.end();
    await settled();
    assert.equal(fast.taps[0].taken, 2);
    await job.stop();
  });

  it("may be a source of its own, and waits for those without maxDrift too", async () => {
    const [fast, slow, untimed] = [1, 2, 3].map(() => taps<Reading>(1, () => 1));
    const { job } = copying({
      fast: { source: fast.source, watermark: drift100 },
      slow: { source: slow.source, watermark: { maxOutOfOrderness: 5 } },
      untimed: { source: untimed.source, watermark: "none" },
    });
    slow.taps[0].push(...readings(5));
    fast.taps[0].push(...readings(100, 101, 102));
    await settled();
    assert.equal(fast.taps[0].taken, 2, "the slow one is at 0");
    slow.taps[0].push(...readings(1000, 2000, 3000));
    await settled();
    assert.equal(fast.taps[0].taken, 3);
    assert.equal(slow.taps[0].taken, 4, "it has no limit itself");
    await job.stop();
  });

  it("is measured by punctuation where that is the watermark", async () => {
    const [fast, slow] = [1, 2].map(() => taps<Reading>(1, () => 1));
    const punctuated = (r: Reading): number => r.at / 10;
    const { job } = copying({
      fast: { source: fast.source, watermark: { punctuated, maxDrift: 100 } },
      slow: { source: slow.source, watermark: "monotone" },
    });
    slow.taps[0].push(...readings(0));
    fast.taps[0].push(...readings(1000, 1010, 1020));
    await settled();
    assert.equal(fast.taps[0].taken, 2);
    await job.stop();
  });

  it("is counted as paused in the report", async () => {
    const {
      source,
      taps: [slow, fast],
    } = taps<Reading>(2, () => 1);
    const { job } = copying({ in: { source, watermark: drift100 } });
    slow.push(...readings(0));
    fast.push(...readings(101, 102));
    await settled();
    const report = await job.stop();
    assert.equal(report.sources[0].paused, 1);
    assert.equal(report.sources[0].records, 2);
  });
});

describe("aligned sources", () => {
  it("all come to their end: nobody waits for ever", async () => {
    const timesOf = fc.array(fc.array(fc.nat(300), { maxLength: 12 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(timesOf, { minLength: 1, maxLength: 3 }),
        fc.constantFrom(0, 1, 50),
        fc.integer({ min: 1, max: 4 }),
        async (sources, maxDrift, perPoll) => {
          const all = sources.map((partitions) => {
            const made = taps<Reading>(partitions.length, () => perPoll);
            partitions.forEach((times, i) => {
              made.taps[i].push(...readings(...times));
              made.taps[i].end();
            });
            return made.source;
          });
          const { job, seen } = copying(
            Object.fromEntries(
              all.map((source, i) => [`s${i}`, { source, watermark: { maxOutOfOrderness: i, maxDrift } }]),
            ),
          );
          await job.done;
          assert.equal(seen.length, sources.flat(2).length);
        },
      ),
      propertyOptions(60),
    );
  });

  it("stay within the drift, and what one poll gives, of the slowest", async () => {
    const steps = [1, 10, 100];
    const perPoll = 5;
    const app = pipeline("steps");
    const last = [0, 0, 0];
    let furthest = 0;
    const records = 300;
    steps.forEach((step, s) => {
      const {
        source,
        taps: [tap],
      } = taps<Reading>(1, () => perPoll);
      tap.push(...Array.from({ length: records }, (_, i) => ({ at: i * step })));
      tap.end();
      app
        .source(source, { timestamp: (r) => r.at, watermark: { maxOutOfOrderness: 0, maxDrift: 200 } })
        .peek((r) => {
          last[s] = r.at;
          // One that is at its end holds nobody up any more.
          const slowest = Math.min(...last.filter((at, i) => at < (records - 1) * steps[i]));
          if (slowest !== Number.POSITIVE_INFINITY) furthest = Math.max(furthest, r.at - slowest);
        })
        .to(forEach(() => {}));
    });
    await app.run({ handleSignals: false });
    assert.deepEqual(last, [299, 2990, 29_900]);
    assert.ok(furthest > 200 && furthest <= 200 + perPoll * 100, `one was ${furthest} ahead`);
  });
});
