/** throttle() and changelog({ throttle }) by example: what goes out when. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type AggregatedStream,
  count,
  everyCount,
  forEach,
  fromAsyncIterable,
  fromIterable,
  globalWindow,
  onTime,
  pipeline,
  repeatedly,
  type Stream,
  tumbling,
  type WindowOptions,
} from "../../src/index.ts";
import { type DriverOptions, testDriver } from "../../src/testing/index.ts";
import { type Item, itemsOf, nowhere, results, type Row, rowText, text } from "./changelog-rows.ts";

/** What reaches the sink while time passes: records by their time, pauses in milliseconds as texts. */
async function paced(
  build: (results: AggregatedStream<Row, Item>) => Stream<string>,
  options: WindowOptions,
  ...steps: readonly (number | `${number}ms`)[]
): Promise<unknown[]> {
  const app = pipeline("paced");
  build(results(app, [], tumbling(10), options)).to(nowhere(), { name: "out" });
  const driver = await testDriver(app);
  const out: unknown[] = [];
  for (const step of [...steps, "end"] as const) {
    if (step === "end") await driver.end();
    else if (typeof step === "number") await driver.push("in", { k: "a", at: step });
    else await driver.advance(Number.parseInt(step, 10));
    out.push(driver.take("out").map(({ value }) => value));
  }
  await driver.close();
  return out;
}

describe("a throttled window", () => {
  const each: WindowOptions = { allowedLateness: 100, trigger: onTime({ early: everyCount(1) }) };

  test("gives the first pane at once, and then the newest of those that came within the interval", async () => {
    const steps = [1, 2, 3, "40ms", 4, "10ms", "60ms", 5] as const;
    assert.deepEqual(await paced((r) => r.throttle(50).map(rowText), each, ...steps), [
      ["0-10 early 0: 1"],
      [],
      [],
      [],
      [],
      ["0-10 early 3: 1,2,3,4"],
      [],
      ["0-10 early 4: 1,2,3,4,5"],
      ["0-10 on-time 5: 1,2,3,4,5"],
    ]);
  });

  test("changes by pairs, of which the -U names the row that is out", async () => {
    assert.deepEqual(await paced((r) => r.changelog({ throttle: 50 }).map(text), each, 1, 2, 3, "50ms"), [
      ["+I 0-10 early 0: 1"],
      [],
      [],
      ["-U 0-10 early 0: 1", "+U 0-10 early 2: 1,2,3"],
      ["-U 0-10 early 2: 1,2,3", "+U 0-10 on-time 3: 1,2,3"],
    ]);
  });

  test("lets what waits go as soon as the window can't fire any more", async () => {
    const options: WindowOptions = { allowedLateness: 20, trigger: onTime({ early: everyCount(1) }) };
    assert.deepEqual(await paced((r) => r.throttle(50).map(rowText), options, 1, 12, 29, 30), [
      ["0-10 early 0: 1"],
      ["10-20 early 0: 12"],
      ["20-30 early 0: 29"],
      ["30-40 early 0: 30", "0-10 on-time 1: 1"],
      ["10-20 on-time 1: 12", "20-30 on-time 1: 29", "30-40 on-time 1: 30"],
    ]);
  });

  test("gives every pane where each window has one", async () => {
    assert.deepEqual(await paced((r) => r.throttle("1h").map(rowText), {}, 1, 12, 21), [
      [],
      ["0-10 on-time 0: 1"],
      ["10-20 on-time 0: 12"],
      ["20-30 on-time 0: 21"],
    ]);
  });

  test("lets what waits of many keys go at once, page after page where rows are elsewhere", async () => {
    const keys = 2500;
    const run = async (options: DriverOptions) => {
      const app = pipeline("many");
      app
        .source(fromIterable<number>([]), { name: "in", timestamp: (i) => (i < 2 * keys ? 0 : 1000) })
        .keyBy((i) => i % keys)
        .window(tumbling(10), { allowedLateness: 5, trigger: onTime({ early: everyCount(1) }) })
        .aggregate(count())
        .changelog({ throttle: "1h" })
        .map(({ op, row }) => `${row.key} ${op} ${row.pane} ${row.value}`)
        .to(nowhere(), { name: "out" });
      const driver = await testDriver(app, options);
      await driver.feed(Array.from({ length: 2 * keys + 1 }, (_, record) => ({ source: "in", record })));
      const changes = driver.take("out").map(({ value }) => value as string);
      assert.equal(driver.state("changelog").length, 1);
      await driver.close();
      return changes.sort();
    };
    const inMemory = await run({});
    assert.equal(inMemory.length, 3 * keys + 1);
    assert.deepEqual(await run({ evict: "every-turn", batchRecords: 200, stall: true }), inMemory);
  });

  test("wakes a job that has nothing else to do", { timeout: 20_000 }, async () => {
    const app = pipeline("awake");
    const gave: string[] = [];
    let over = () => {};
    const isOver = new Promise<void>((resolve) => {
      over = resolve;
    });
    async function* source() {
      yield* itemsOf(1, 2);
      await isOver;
    }
    app
      .source(fromAsyncIterable(source()), { timestamp: (r) => r.at })
      .keyBy((r) => r.k)
      .window(globalWindow(), { trigger: repeatedly(everyCount(1)) })
      .aggregate(count())
      .throttle("60ms")
      .to(
        forEach((row) => {
          gave.push(`${row.paneIndex}: ${row.value}`);
          if (gave.length === 2) over();
        }),
      );
    await app.run({ handleSignals: false });
    assert.deepEqual(gave, ["0: 1", "1: 2"]);
  });
});
