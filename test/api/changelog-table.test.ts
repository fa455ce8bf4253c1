/**
 * Windows with late records, through a changelog, into an SQLite table: the table of a run in which nothing was late. And
 * what waits in a throttled changelog, when the job is stopped and goes on.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  count,
  cumulating,
  everyCount,
  fromIterable,
  globalWindow,
  max,
  memory,
  onTime,
  pipeline,
  repeatedly,
  session,
  sliding,
  tumbling,
  type WindowAssigner,
  type WindowOptions,
} from "../../src/index.ts";
import { sqliteTable } from "../../src/connector/sqlite/index.ts";
import { propertyOptions } from "../connector/seed.ts";
import { Scratch } from "../connector/sqlite-scratch.ts";
import { Feed, Ledger } from "../job/feed.ts";
import { scratch } from "../job/scratch.ts";

interface Item {
  readonly k: string;
  readonly at: number;
  readonly v: number;
}

const items = fc.array(fc.record({ k: fc.constantFrom("a", "b"), at: fc.nat(60), v: fc.nat(9) }), {
  maxLength: 30,
  size: "max",
});
const windows: fc.Arbitrary<WindowAssigner<Item>> = fc.constantFrom(
  tumbling(10),
  sliding(12, 5),
  cumulating(20, 5),
  session(4),
  session((item: Item) => 1 + item.v),
);
/** Nothing is so late that it is left out. */
const options: fc.Arbitrary<WindowOptions> = fc.constantFrom(
  { allowedLateness: 1000 },
  { allowedLateness: 1000, trigger: onTime({ early: everyCount(2) }) },
);

/** What the table holds after a run over the records, as they come. */
async function tableOf(
  items: readonly Item[],
  windows: WindowAssigner<Item>,
  options: WindowOptions,
  { isThrottled = false, isDurable = false } = {},
): Promise<object[]> {
  using scratch = new Scratch();
  const app = pipeline(
    "table",
    isDurable ? { state: memory(join(scratch.folder, "state")), commit: { records: 5 } } : {},
  );
  app
    .source(fromIterable(items), { timestamp: (r) => r.at, watermark: { maxOutOfOrderness: 0 } })
    .keyBy((r) => r.k)
    .window(windows as WindowAssigner<Item> & ReturnType<typeof tumbling>, options)
    .aggregate({ n: count(), top: max((r) => r.v) })
    .changelog(isThrottled ? { throttle: "5ms" } : {})
    .to(
      sqliteTable(scratch.path, {
        table: "t",
        key: ["key", "windowStart", "windowEnd"],
        columns: ["key", "windowStart", "windowEnd", "n", "top"],
      }),
    );
  await app.run({ handleSignals: false });
  return scratch.rows();
}

describe("windows with late records, a changelog, and a table", () => {
  test("give the table of a run in which nothing was late (INV-2)", async () => {
    await fc.assert(
      fc.asyncProperty(
        items,
        windows,
        options,
        fc.record({ isThrottled: fc.boolean(), isDurable: fc.boolean() }),
        async (items, windows, options, how) => {
          const inTime = items.toSorted((a, b) => a.at - b.at);
          const wanted = await tableOf(inTime, windows, { allowedLateness: 0 });
          assert.deepEqual(await tableOf(items, windows, options, how), wanted);
        },
      ),
      propertyOptions(40),
    );
  });
});

describe("a pane that waits when its job is stopped", () => {
  const folder = scratch();

  /** A job that shows its first change, stops, and goes on until it has shown three. */
  async function stopped(
    name: string,
    throttle: number,
    then: number | undefined,
  ): Promise<readonly string[]> {
    const feed = new Feed<number>();
    const shown = new Ledger<string>();
    const app = (throttle: number | undefined) => {
      const job = pipeline(name, { state: memory(folder(name)), commit: { every: 20 } });
      job
        .source(feed.source(), { timestamp: (at) => at })
        .keyBy(() => "all")
        .window(globalWindow(), { trigger: repeatedly(everyCount(1)) })
        .aggregate(count())
        .changelog(throttle === undefined ? {} : { throttle })
        .map(({ op, row }) => `${op} ${row.value}`)
        .to(shown.transactional());
      return job.start({ handleSignals: false });
    };
    const until = async (n: number) => {
      while (shown.visible.length < n) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    feed.push(1, 2, 3);
    const first = app(throttle);
    await until(1);
    await first.stop();
    const second = app(then);
    await until(3);
    await second.stop();
    return shown.visible;
  }

  test("goes out when the job is up again and the interval is over, though no record comes", async () => {
    assert.deepEqual(await stopped("waiting", 1000, 1000), ["+I 1", "-U 1", "+U 3"]);
  });

  test("goes out at once when the job goes on without the throttle", async () => {
    assert.deepEqual(await stopped("freed", 3_600_000, undefined), ["+I 1", "-U 1", "+U 3"]);
  });
});
