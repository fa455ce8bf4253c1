/** A job that goes on judges each record as one would that never stopped: what is known of time is part of the epoch. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  count,
  type DeadLetter,
  memory,
  output,
  pipeline,
  tumbling,
  type WatermarkOption,
} from "../../src/index.ts";
import { Ledger } from "../job/feed.ts";
import { hastyPorts, scratch } from "../job/scratch.ts";
import { ManualClock, settled, taps, type Taps } from "./taps.ts";

const folder = scratch();
let states = 0;

interface Reading {
  readonly id: number;
  readonly at: number;
  readonly until: number | null;
}

interface Judged {
  readonly id: number;
  /** The watermark by which the record was judged. */
  readonly watermark: number | null;
}

const options: Readonly<Record<string, WatermarkOption<Reading>>> = {
  punctuated: { punctuated: (r) => r.until },
  "punctuated, with a skew": { punctuated: (r) => r.until, maxFutureSkew: 40 },
  "bounded, with a skew": { maxOutOfOrderness: 7, maxFutureSkew: 40 },
};

/** Some far ahead, some that say how far time is. */
const readings: readonly Reading[] = Array.from({ length: 120 }, (_, id) => {
  const at = id * 3 + ((id * 7) % 11) + (id % 13 === 12 ? 500 : 0);
  return { id, at, until: id % 4 === 0 ? id * 3 - 5 : null };
});

function judging(
  source: Taps<Reading>["source"],
  watermark: WatermarkOption<Reading>,
  out: Ledger<Judged>,
  letters: Ledger<DeadLetter>,
) {
  const app = pipeline("judging", {
    state: memory(folder(`state-${states++}`)),
    commit: { every: "1h", records: 5 },
  });
  app
    .source(source, { name: "in", timestamp: (r) => r.at, onError: "dead-letter", watermark })
    .keyBy(() => 1)
    .process({
      emits: output<Judged>(),
      onRecord: ({ id }, context) =>
        context.emit({ id, watermark: Number.isFinite(context.watermark) ? context.watermark : null }),
    })
    .to(out.transactional(), { name: "out" });
  app.deadLetters.to(letters.transactional());
  return app;
}

describe("after a failure", () => {
  for (const [name, watermark] of Object.entries(options)) {
    for (const [how, partitions] of [
      ["in the order of arrival", 1],
      ["merged by time", 3],
    ] as const) {
      it(`a watermark that is ${name} is where it was, ${how}`, async () => {
        const run = async (failsAt: readonly number[]) => {
          const [out, letters] = [new Ledger<Judged>(), new Ledger<DeadLetter>()];
          const { source, taps: all } = taps<Reading>(partitions, () => 4, partitions > 1);
          all.forEach((tap, i) => {
            tap.push(...readings.filter(({ id }) => id % partitions === i));
            tap.end();
          });
          all[0].failsAt.push(...failsAt);
          const app = judging(source, watermark, out, letters);
          const report = await app.run({
            handleSignals: false,
            ports: hastyPorts().ports,
            restart: { attempts: 9 },
          });
          assert.equal(report.restarts, failsAt.length);
          const refused = letters.visible.map(({ partition, offset, code }) => [partition, offset, code]);
          return { judged: out.visible, refused, counted: report.sources[0].deadLettered };
        };
        const undisturbed = await run([]);
        assert.equal(undisturbed.judged.length + undisturbed.refused.length, readings.length);
        assert.equal(undisturbed.refused.length > 0, name.includes("skew"));
        assert.ok(undisturbed.judged.some(({ watermark: w }) => w !== null));
        const disturbed = await run(partitions === 1 ? [7, 30, 31, 90] : [3, 11, 12, 33]);
        assert.deepEqual(disturbed, undisturbed);
      });
    }
  }
});

describe("a job of processing time that goes on", () => {
  it("does not go back when the clock was set back meanwhile", async () => {
    const {
      source,
      taps: [tap],
    } = taps<{ readonly id: number }>(1);
    const out = new Ledger<[start: number, count: number]>();
    const state = memory(folder("clock"));
    const start = (clock: ManualClock) => {
      const app = pipeline("clock", { state, commit: { every: "10ms" } });
      app
        .source(source, { name: "in", watermark: "processingTime" })
        .keyBy(() => 1)
        .window(tumbling(1000), { name: "windows" })
        .aggregate(count())
        .map(({ windowStart, value }): [number, number] => [windowStart, value])
        .to(out.plain(), { name: "out" });
      return app.start({ handleSignals: false, ports: clock.ports, guarantee: "at-least-once" });
    };
    /** Files are slow beside the clock. */
    const until = async (is: () => boolean): Promise<void> => {
      for (let tries = 0; !is(); tries++) {
        assert.ok(tries < 2000, "it never comes");
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    };
    const clock = new ManualClock(5500);
    const before = start(clock);
    tap.push({ id: 1 });
    await until(() => tap.taken === 1);
    assert.equal((await before.stop()).sources[0].watermark, 5500);
    clock.now = 3000;
    const behind = start(clock);
    tap.push({ id: 2 });
    await until(() => tap.taken === 2);
    assert.equal((await behind.stop()).sources[0].watermark, 5500);
    clock.now = 5990;
    const after = start(clock);
    tap.push({ id: 3 });
    await until(() => tap.taken === 3);
    await settled();
    assert.deepEqual(out.visible, []);
    await clock.advance(10);
    await until(() => out.visible.length > 0);
    assert.deepEqual(out.visible, [[5000, 3]]);
    const report = await after.stop();
    assert.equal(report.operators.find(({ name }) => name === "windows")?.done.late, 0);
  });
});
