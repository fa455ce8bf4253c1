/**
 * Windows by slices against windows that have an accumulator each, and against themselves: stopped, killed, over a
 * backend that keeps next to nothing in memory.
 *
 * Which bugs each kind catches: a slice in the wrong window, a total that a slice never left or left twice, a pane with
 * the wrong index (the same windows with an accumulator each); what hangs on batches, eviction or code generation (the
 * operator harness); what is lost or counted twice by a restart (the restarts).
 */
import assert from "node:assert/strict";

import { describe, it } from "node:test";
import { inspect } from "node:util";
import fc from "fast-check";
import {
  aggregate,
  avg,
  collect,
  count,
  cumulating,
  exactSum,
  first,
  forEach,
  max,
  median,
  memory,
  pipeline,
  type Pipeline,
  reduce,
  sliding,
  type Source,
  type StateBackend,
  type Stream,
  sum,
  topN,
  type WindowAssigner,
} from "../../src/index.ts";
import type { AnyAggregate } from "../../src/aggregate/index.ts";
import { rocksdb } from "../../src/state/rocksdb/index.ts";
import { operatorHarness, testDriver, type TraceItem } from "../../src/testing/index.ts";
import { propertyOptions } from "../connector/seed.ts";
import { type Disturbances, runDisturbed } from "../job/disturbed.ts";
import { Feed, Ledger } from "../job/feed.ts";
import { scratch } from "../job/scratch.ts";

interface Item {
  readonly id: number;
  readonly key: string | number;
  readonly at: number;
  readonly x: number;
}

interface Tally {
  readonly [x: string]: { n: number };
}

/** One that changes what `merge` got on the left, keeps parts of what it got on the right, and refuses 2. */
const tally = aggregate<Item, Tally, string>({
  create: () => ({}),
  add(all, { x }) {
    if (x === 2) throw new RangeError("two");
    return { ...all, [x]: { n: (all[x]?.n ?? 0) + 1 } };
  },
  merge(left, right) {
    const all = left as Record<string, { n: number }>;
    for (const [x, { n }] of Object.entries(right)) {
      const mine = all[x];
      if (mine === undefined) all[x] = right[x] as { n: number };
      else mine.n += n;
    }
    return all;
  },
  result: (all) => JSON.stringify(Object.entries(all).sort()),
});

const x = (r: Item): number => r.x;

/** By how totals are kept: numbers in typed arrays, running totals, stacks. */
const aggregates: Readonly<Record<string, Readonly<Record<string, AnyAggregate<Item>>>>> = {
  numbers: { n: count(), total: sum(x) },
  running: { n: count(), mean: avg(x), exact: exactSum(x), middle: median(x) },
  stacks: { n: count(), most: max(x), top: topN(2, x), earliest: first((r: Item) => r.id), own: tally },
  folded: { all: reduce<Item>((a, b) => ({ ...a, x: a.x + b.x, id: a.id + b.id, at: 0, key: "" })) },
};

interface Program {
  readonly windows: WindowAssigner;
  readonly lateness: number;
  readonly finalOnly: boolean;
  readonly discarding: boolean;
  readonly fields: keyof typeof aggregates & string;
  readonly trace: readonly TraceItem[];
}

const windows: fc.Arbitrary<WindowAssigner> = fc.oneof(
  fc
    .record({
      size: fc.integer({ min: 2, max: 24 }),
      slide: fc.integer({ min: 1, max: 23 }),
      offset: fc.nat(22),
    })
    .filter(({ size, slide, offset }) => slide < size && offset < slide)
    .map(({ size, slide, offset }) => sliding(size, slide, { offset })),
  fc
    .record({
      steps: fc.integer({ min: 2, max: 6 }),
      step: fc.integer({ min: 1, max: 7 }),
      offset: fc.integer({ min: -6, max: 6 }),
    })
    .map(({ steps, step, offset }) =>
      cumulating(steps * step, step, { offset: Math.trunc(offset % (steps * step)) }),
    ),
);

/** Time goes on by fits and starts; records are about where the watermark is. */
const trace = (xs: fc.Arbitrary<number>): fc.Arbitrary<TraceItem[]> =>
  fc
    .record({
      begin: fc.integer({ min: -100, max: 100 }),
      steps: fc.array(
        fc.oneof(
          {
            weight: 5,
            arbitrary: fc.record({
              key: fc.constantFrom("a", "a", "b", 7, -0),
              by: fc.integer({ min: -40, max: 30 }),
              x: xs,
            }),
          },
          {
            weight: 2,
            arbitrary: fc.record({
              on: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 60 })),
            }),
          },
        ),
        { minLength: 10, maxLength: 60, size: "max" },
      ),
    })
    .map(({ begin, steps }) => {
      let now = begin;
      return steps.map((step, id): TraceItem => {
        if ("on" in step) return { source: "items", watermark: (now += step.on) };
        return {
          source: "items",
          record: { id, key: step.key, at: now + step.by, x: step.x } satisfies Item,
        };
      });
    });

/** In a window that stays open. */
const ahead: Item = { id: -1, key: "a", at: 1e6, x: 1 };

const program = (xs: fc.Arbitrary<number>): fc.Arbitrary<Program> =>
  fc.record({
    windows,
    lateness: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 30 })),
    finalOnly: fc.boolean(),
    discarding: fc.boolean(),
    fields: fc.constantFrom(...Object.keys(aggregates)),
    trace: trace(xs),
  });

const whole = fc.integer({ min: -2, max: 2 });
const fractions = fc.constantFrom(0.1, 0.2, 0.7, -0.3, 1e15, -1e15, 2, 3);

const silent: Source<Item> = { description: "silent", bounded: false, open: async () => [] };

function windowed(
  items: Stream<Item>,
  { windows, lateness, finalOnly, discarding, fields }: Program,
  more: Record<string, AnyAggregate<Item>> = {},
) {
  return items
    .keyBy((r) => r.key)
    .window(windows, {
      name: "window",
      onError: "skip",
      ...(lateness > 0 ? { allowedLateness: lateness } : {}),
      // With lateness, discarding windows have an accumulator each.
      ...(discarding && (finalOnly || lateness === 0) ? { panes: "discarding" } : {}),
      ...(finalOnly ? { finalOnly: true } : {}),
    })
    .aggregate({ ...aggregates[fields], ...more });
}

function build(program: Program, more = {}): Pipeline {
  const app = pipeline("slices");
  const items = app.source(silent, { name: "items", timestamp: (r) => r.at, watermark: "none" });
  const results = windowed(items, program, more);
  results.to(
    forEach(() => {}),
    { name: "out" },
  );
  results.late.to(
    forEach(() => {}),
    { name: "late" },
  );
  return app;
}

const bag = (values: readonly unknown[]): string[] =>
  values.map((value) => inspect(value, { depth: null })).sort();

describe("windows by slices", () => {
  it("give what windows with an accumulator each give", async () => {
    await fc.assert(
      fc.asyncProperty(program(whole), async (program) => {
        const bySlices = build(program);
        const each = build(program, { ids: collect((r: Item) => r.id) });
        assert.match(bySlices.explain(), /by slices/);
        assert.match(each.explain(), /an accumulator per window/);
        const [a, b] = [await testDriver(bySlices), await testDriver(each)];
        for (const [driver, table] of [
          [a, "slices"],
          [b, "panes"],
        ] as const) {
          await driver.feed([...program.trace, { source: "items", record: ahead }]);
          assert.ok(driver.state("window").some((row) => row.table === table));
          await driver.end();
        }
        const withoutIds = b.take("out").map(({ value, timestamp }) => {
          const { ids, ...rest } = value as { ids: unknown };
          return { value: rest, timestamp };
        });
        assert.deepEqual(bag(a.take("out")), bag(withoutIds));
        assert.deepEqual(a.take("late"), b.take("late"));
        const [ours, theirs] = [a, b].map((driver) =>
          driver.report().operators.find((o) => o.name === "window"),
        );
        assert.deepEqual(ours?.done, theirs?.done);
      }),
      propertyOptions(300),
    );
  });

  it("give the same bits in every way in which the engine runs them (INV-1)", async () => {
    await fc.assert(
      fc.asyncProperty(program(fractions), async (program) => {
        await operatorHarness(() => build(program), program.trace, { batchSizes: [3, 64] });
      }),
      propertyOptions(40),
    );
  });
});

const folder = scratch();
let made = 0;

/** The items of a trace through a job that keeps state; what became visible. */
async function run(
  program: Program,
  state: StateBackend,
  { perPoll, records, ...disturbances }: Disturbance,
): Promise<readonly unknown[]> {
  const items = program.trace.flatMap((item) => ("record" in item ? [item.record as Item] : []));
  const feed = new Feed<Item>();
  const out = new Ledger<unknown>();
  const app = (): Pipeline => {
    const app = pipeline("slices", {
      state,
      commit: { every: "1h", records },
      restart: { attempts: 9, backoff: 0, maxBackoff: 0 },
    });
    windowed(
      app.source(feed.source({ perPoll }), {
        name: "items",
        timestamp: (r) => r.at,
        watermark: { maxOutOfOrderness: 5 },
      }),
      program,
    ).to(out.transactional(), { name: "out" });
    return app;
  };
  await runDisturbed(app, feed, items, disturbances);
  return out.visible;
}

interface Disturbance extends Disturbances {
  readonly perPoll: number;
  readonly records: number;
}

const disturbance: fc.Arbitrary<Disturbance> = fc.record({
  failsAt: fc.array(fc.nat(40), { maxLength: 4 }),
  stopsAt: fc.nat(40),
  perPoll: fc.integer({ min: 1, max: 6 }),
  records: fc.integer({ min: 1, max: 12 }),
});
const undisturbed: Disturbance = { failsAt: [], stopsAt: 0, perPoll: 100, records: 1000 };

const backends: readonly (readonly [string, number, (directory: string) => StateBackend])[] = [
  ["memory", 25, memory],
  ["rocksdb", 6, (directory) => rocksdb(directory, { cacheBytes: 0 })],
];

for (const [name, runs, backend] of backends) {
  describe(`windows by slices, with state in ${name}`, () => {
    it("go on after a stop, and after a failure, as if there had been none (INV-4)", async () => {
      await fc.assert(
        fc.asyncProperty(program(fractions), disturbance, async (program, disturbance) => {
          const fresh = () => backend(folder(`d${made++}`));
          assert.deepEqual(
            await run(program, fresh(), disturbance),
            await run(program, fresh(), undisturbed),
          );
        }),
        propertyOptions(runs),
      );
    });
  });
}
