/**
 * A source with polls of random sizes against the definition of watermarks, told record by record over all that was
 * taken before. Catches: a watermark that hangs on the size of a batch (INV-1), on the partition that was polled last,
 * or on a record that was refused; one that goes back.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { forEach, pipeline, type WatermarkOption } from "../../src/index.ts";
import { propertyOptions } from "../connector/seed.ts";
import { ManualClock, settled, taps } from "./taps.ts";

interface Reading {
  readonly id: number;
  readonly partition: number;
  readonly at: number;
  readonly until: number | null;
}

interface Rule {
  /** null: punctuated. */
  readonly boundMs: number | null;
  /** null: any. */
  readonly skewMs: number | null;
}

const CLOCK_MS = 50;

function optionOf({ boundMs, skewMs }: Rule): WatermarkOption<Reading> {
  const limits = skewMs === null ? {} : { maxFutureSkew: skewMs };
  return boundMs === null
    ? { punctuated: (r) => r.until, ...limits }
    : { maxOutOfOrderness: boundMs, ...limits };
}

/** Whether a record is refused, by those of its partition before it that were not. */
function isRefused({ skewMs }: Rule, before: readonly Reading[], { at, until }: Reading): boolean {
  if (skewMs === null) return false;
  const times = (r: Reading): number[] => (r.until === null ? [r.at] : [r.at, r.until]);
  const reached = before.length === 0 ? CLOCK_MS : Math.max(...before.flatMap(times));
  return Math.max(at, until ?? at) > reached + skewMs;
}

/** The watermark that a partition's records make. */
const ownOf = ({ boundMs }: Rule, taken: readonly Reading[]): number =>
  Math.max(
    Number.NEGATIVE_INFINITY,
    ...taken.map(({ at, until }) => (boundMs === null ? (until ?? Number.NEGATIVE_INFINITY) : at - boundMs)),
  );

const reading = fc.record({
  at: fc.oneof(fc.integer({ min: -20, max: 60 }), fc.integer({ min: 0, max: 400 })),
  until: fc.option(fc.integer({ min: -10, max: 60 }), { freq: 2, nil: null }),
});

test("each record is judged by the watermark of all that was taken before it, whatever a poll gives (INV-1)", async () => {
  const rule = fc.record({
    boundMs: fc.constantFrom(null, 0, 10),
    skewMs: fc.constantFrom(null, 30, 100),
  });
  const inputs = fc.array(fc.array(reading, { maxLength: 20 }), { minLength: 1, maxLength: 3 });
  const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(
      rule,
      inputs,
      sizes,
      fc.constantFrom("on", "off"),
      async (rule, inputs, sizes, codegen) => {
        // A bound alone says nothing of what `until` says.
        const told = rule.boundMs === null;
        let ids = 0;
        let polls = 0;
        const { source, taps: all } = taps<Reading>(inputs.length, () => sizes[polls++ % sizes.length]);
        const partitions = inputs.map((list, partition) =>
          list.map(({ at, until }): Reading => ({ id: ids++, partition, at, until: told ? until : null })),
        );
        for (const [i, list] of partitions.entries()) all[i].push(...list);
        const judged: { reading: Reading; watermark: number }[] = [];
        const app = pipeline("model");
        app
          .source(source, {
            name: "in",
            timestamp: (r) => r.at,
            onError: "skip",
            watermark: optionOf(rule),
          })
          .keyBy(() => 1)
          .process({
            onRecord: (r, context) => void judged.push({ reading: r, watermark: context.watermark }),
          })
          .to(forEach(() => {}));
        const { ports } = new ManualClock(CLOCK_MS);
        const job = app.start({ handleSignals: false, ports, codegen });
        while (all.some((tap) => tap.taken < tap.records.length)) await settled();
        const report = await job.stop();

        const taken = partitions.map((list) => {
          const kept: Reading[] = [];
          for (const one of list) if (!isRefused(rule, kept, one)) kept.push(one);
          return kept;
        });
        for (const [i, kept] of taken.entries()) {
          const got = judged.filter(({ reading: { partition } }) => partition === i);
          assert.deepEqual(
            got.map(({ reading: { id } }) => id),
            kept.map(({ id }) => id),
          );
        }
        const watermarkAfter = (n: number): number =>
          Math.min(
            ...partitions.map((_, i) =>
              ownOf(
                rule,
                judged.slice(0, n).flatMap(({ reading: r }) => (r.partition === i ? [r] : [])),
              ),
            ),
          );
        judged.forEach(({ watermark }, n) => {
          assert.equal(watermark, watermarkAfter(n), `record ${n} of those taken`);
        });
        assert.equal(report.sources[0].watermark, watermarkAfter(judged.length));
        assert.equal(report.sources[0].skipped, ids - judged.length);
      },
    ),
    propertyOptions(150),
  );
});
