/** A partition is idle only when it is caught up and silent: whatever its source reads. */
import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  forEach,
  fromAsyncIterable,
  fromIterable,
  generator,
  ndjson,
  pipeline,
  type Source,
} from "../../src/index.ts";
import { parquet } from "../../src/connector/parquet/index.ts";
import { ManualClock, settled, taps } from "./taps.ts";

interface Reading {
  readonly at: number;
}

const root = mkdtempSync(join(tmpdir(), "millrace-idle-"));
after(() => rmSync(root, { recursive: true }));

/** A job over sources, each of which turns idle after 10 s of the clock. */
function idling(sources: Readonly<Record<string, Source<Reading>>>, clock: ManualClock) {
  const app = pipeline("idle");
  const seen: number[] = [];
  let watermark = Number.NEGATIVE_INFINITY;
  const [first, ...others] = Object.entries(sources).map(([name, source]) =>
    app.source(source, {
      name,
      timestamp: (r) => r.at,
      onError: "skip",
      watermark: { maxOutOfOrderness: 0, idleAfter: "10s" },
    }),
  );
  (others.length === 0 ? first : first.union(...others))
    .keyBy(() => 1)
    .process({
      onRecord: (r, context) => {
        seen.push(r.at);
        watermark = context.watermark;
      },
    })
    .to(forEach(() => {}));
  const job = app.start({ handleSignals: false, ports: clock.ports });
  return { job, seen, watermarkBefore: () => watermark };
}

describe("a partition", () => {
  it("turns idle after the time of silence, and counts again from its next record on", async () => {
    const clock = new ManualClock();
    const {
      source,
      taps: [a, b],
    } = taps<Reading>(2);
    const { job, watermarkBefore } = idling({ in: source }, clock);
    a.push({ at: 5 });
    b.push({ at: 90 });
    await clock.advance(9999);
    b.push({ at: 100 });
    await settled();
    assert.equal(watermarkBefore(), 5);
    await clock.advance(1);
    b.push({ at: 110 });
    await settled();
    assert.equal(watermarkBefore(), 100, "the silent one holds nobody back");
    a.push({ at: 120 });
    b.push({ at: 130 });
    b.push({ at: 140 });
    await settled();
    assert.equal(watermarkBefore(), 120, "it counts again");
    await job.stop();
  });

  it("is not idle while it lags behind, however long it gives nothing", async () => {
    const clock = new ManualClock();
    const {
      source,
      taps: [a, b],
    } = taps<Reading>(2);
    const { job, watermarkBefore } = idling({ in: source }, clock);
    a.push({ at: 5 });
    await settled();
    a.lags = true;
    for (let i = 0; i < 5; i++) {
      b.push({ at: 100 + i });
      await clock.advance(9000);
    }
    assert.equal(watermarkBefore(), 5);
    a.lags = false;
    await clock.advance(9000);
    b.push({ at: 200 });
    await clock.advance(1000);
    b.push({ at: 201 });
    await settled();
    assert.equal(watermarkBefore(), 200);
    await job.stop();
  });

  it("is not idle while malformed inputs come", async () => {
    const clock = new ManualClock();
    const {
      source,
      taps: [a, b],
    } = taps<Reading>(2);
    const { job, watermarkBefore } = idling({ in: source }, clock);
    a.push({ at: 5 });
    await settled();
    for (let i = 0; i < 5; i++) {
      a.spoil();
      b.push({ at: 100 + i });
      await clock.advance(9000);
    }
    assert.equal(watermarkBefore(), 5);
    await job.stop();
  });

  it("is not idle while it says itself how far time is", async () => {
    const clock = new ManualClock();
    const {
      source,
      taps: [a, b],
    } = taps<Reading>(2);
    const { job, watermarkBefore } = idling({ in: source }, clock);
    await settled();
    for (let i = 0; i < 5; i++) {
      a.tell(i);
      b.push({ at: 100 + i });
      await clock.advance(9000);
    }
    b.push({ at: 200 });
    await settled();
    assert.equal(watermarkBefore(), 4);
    await job.stop();
  });
});

describe("idleness", () => {
  it("comes to a followed file that is read to its end, not to one of malformed lines that keep coming", async () => {
    const clock = new ManualClock();
    const paths = ["a", "b"].map((name) => join(root, `${name}.ndjson`));
    for (const path of paths) writeFileSync(path, '{"at":1}\n');
    const { job, seen, watermarkBefore } = idling(
      { in: ndjson<Reading>(paths, { follow: true, pollEvery: 100 }) },
      clock,
    );
    /** Looks at the files until it is as it should be; no time that counts passes. */
    const until = async (is: () => boolean): Promise<void> => {
      for (let tries = 0; !is(); tries++) {
        assert.ok(tries < 500, "it never comes");
        await clock.advance(tries < 3 ? 100 : 0);
        await sleep(2);
      }
    };
    await until(() => seen.length === 2);
    for (let i = 0; i < 3; i++) {
      appendFileSync(paths[0], "no record\n");
      for (let ms = 0; ms < 6000; ms += 500) {
        await clock.advance(500);
        await sleep(2);
      }
    }
    appendFileSync(paths[1], '{"at":50}\n');
    await until(() => seen.length === 3);
    appendFileSync(paths[1], '{"at":60}\n');
    await until(() => seen.length === 4);
    assert.equal(watermarkBefore(), 1, "lines came all the time, though no record");
    for (let ms = 0; ms < 12_000; ms += 500) {
      await clock.advance(500);
      await sleep(2);
    }
    appendFileSync(paths[1], '{"at":70}\n');
    await until(() => seen.length === 5);
    assert.equal(watermarkBefore(), 60, "now it was silent");
    await job.stop();
  });

  it("comes to an async iterable that has nothing pending", async () => {
    const clock = new ManualClock();
    const next = [Promise.withResolvers<Reading>(), Promise.withResolvers<Reading>()];
    async function* readings(): AsyncGenerator<Reading> {
      for (const { promise } of next) yield await promise;
      await new Promise(() => {});
    }
    const {
      source,
      taps: [tap],
    } = taps<Reading>(1);
    const { job, watermarkBefore } = idling({ iterable: fromAsyncIterable(readings()), tap: source }, clock);
    next[0].resolve({ at: 5 });
    tap.push({ at: 100 });
    await clock.advance(9999);
    tap.push({ at: 101 });
    await settled();
    assert.equal(watermarkBefore(), 5);
    await clock.advance(1);
    tap.push({ at: 102 });
    await settled();
    assert.equal(watermarkBefore(), 101);
    next[1].resolve({ at: 200 });
    await settled();
    tap.push({ at: 300 });
    tap.push({ at: 301 });
    await settled();
    assert.equal(watermarkBefore(), 200);
    await job.stop();
  });

  it("never comes to a generator, an array, an iterator or a Parquet file before its end", async () => {
    const flights = join(import.meta.dirname, "../../node_modules/vega-datasets/data/flights-3m.parquet");
    function* iterator(): Generator<Reading> {
      for (let at = 0; at < 10; at++) yield { at };
    }
    const sources: Readonly<Record<string, Source<any>>> = {
      generator: generator((at) => ({ at }), { count: 10, partitions: 2 }),
      endless: generator((at) => ({ at })),
      array: fromIterable(Array.from({ length: 10 }, (_, at) => ({ at }))),
      iterator: fromIterable(iterator()),
      parquet: parquet(flights, { columns: ["date"] }),
      file: ndjson(file("whole.ndjson", 10)),
    };
    for (const [name, source] of Object.entries(sources)) {
      const clock = new ManualClock();
      const partitions = await source.open({
        ports: clock.ports,
        wake() {},
        positions: null,
        reject: () => assert.fail("malformed"),
      });
      for (const partition of partitions) {
        const into: unknown[] = [];
        const max = name === "parquet" ? 500_000 : 1;
        for (let polls = 0; polls < 1000 && !partition.ended; polls++) {
          assert.equal(partition.caughtUp, false, `${name} is caught up before its end`);
          if (partition.poll(into, 0, max) === 0) await sleep(1);
        }
        assert.equal(partition.ended, name !== "endless", name);
        await partition.close();
      }
    }
  });
});

function file(name: string, lines: number): string {
  const path = join(root, name);
  writeFileSync(path, Array.from({ length: lines }, (_, at) => `{"at":${at}}\n`).join(""));
  return path;
}
