/** A trigger of one's own: what it sees, when it is asked, what becomes of what it throws; and what is refused at build. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  count,
  everyCount,
  everyEventTime,
  everyProcessingTime,
  forEach,
  fromIterable,
  globalWindow,
  onTime,
  type Pipeline,
  pipeline,
  repeatedly,
  sliding,
  sum,
  type Trigger,
  type TriggerWindow,
  tumbling,
} from "../../src/index.ts";
import { testDriver } from "../../src/testing/driver.ts";
import { thrown } from "./provoked.ts";
import { done, failBoth, runBoth } from "./run-both.ts";
import { run } from "./trigger-trace.ts";

interface Order {
  readonly at: number;
  readonly amount: number;
}

const orders = (app: Pipeline, list: readonly Order[]) =>
  app
    .source(fromIterable(list), { timestamp: (o) => o.at, watermark: { maxOutOfOrderness: 100 } })
    .keyBy(() => "all");

/** As soon as the orders since the last pane are worth 100, and at the end. */
const worth100: Trigger<number, Order> = {
  name: "worth100",
  onRecord(before = 0, { amount }, _timestamp, { end }) {
    const worth = before + amount;
    return { state: worth >= 100 ? 0 : worth, fire: worth >= 100, eventTime: end };
  },
  onTime: (worth) => ({ state: worth, fire: true }),
  merge: (left, right) => left + right,
};

test("a trigger of one's own decides by the records and by what it keeps", async () => {
  const list = [60, 30, 20, 150, 10].map((amount, at) => ({ at, amount }));
  const { out } = await runBoth((app) => ({
    out: orders(app, list)
      .window(tumbling(10), { trigger: worth100, panes: "discarding" })
      .aggregate(sum((o) => o.amount))
      .map(({ pane, paneIndex, value }) => [pane, paneIndex, value]),
  }));
  assert.deepEqual(out, [
    ["early", 0, 110],
    ["early", 1, 150],
    ["on-time", 2, 10],
  ]);
});

test("it may be a part of onTime, whatever its state is", async () => {
  const list = [60, 30, 20, 150, 10].map((amount, at) => ({ at, amount }));
  const objects: Trigger<{ readonly worth: number }, Order> = {
    name: "objects",
    onRecord(before, order, timestamp, window) {
      const { state, fire } = worth100.onRecord(before?.worth, order, timestamp, window);
      return { state: { worth: state }, fire };
    },
    onTime: (state) => ({ state, fire: false }),
    merge: (left) => left,
  };
  const { out } = await runBoth((app) => ({
    out: orders(app, list)
      .window(tumbling(10), { trigger: onTime({ early: objects }) })
      .aggregate(sum((o) => o.amount))
      .map(({ pane, value }) => [pane, value]),
  }));
  assert.deepEqual(out, [
    ["early", 110],
    ["early", 260],
    ["on-time", 270],
  ]);
});

test("it sees its window, the watermark before a record and the one that was reached, and the clock", async () => {
  const seen: unknown[] = [];
  const note = (what: string, { start, end, watermark, now }: TriggerWindow) =>
    void seen.push([what, start, end, watermark, now]);
  const watcher: Trigger<null> = {
    name: "watcher",
    onRecord(_, _value, timestamp, window) {
      note(`record ${timestamp}`, window);
      return { state: null, fire: false, eventTime: 15, processingTime: 1050 };
    },
    onTime(_, window) {
      note("time", window);
      return { state: null, fire: false };
    },
    merge: () => null,
  };
  const app = pipeline("watched");
  app
    .source(fromIterable<number>([]), { name: "in", timestamp: (n) => n, watermark: "none" })
    .keyBy(() => "k")
    .window(sliding(20, 10), { trigger: watcher })
    .aggregate(count())
    .to(forEach(() => {}));
  const driver = await testDriver(app, { startMs: 1000 });
  await driver.push("in", 12);
  await driver.watermark("in", 5);
  await driver.push("in", 3);
  await driver.advance(60);
  await driver.watermark("in", 100);
  const first = [
    ["record 12", 10, 30, Number.NEGATIVE_INFINITY, 1000],
    ["record 12", 0, 20, Number.NEGATIVE_INFINITY, 1000],
    ["record 3", 0, 20, 5, 1000],
    ["record 3", -10, 10, 5, 1000],
    // By the clock: all three windows, at one time in the order of their ends. No time is asked for after that.
    ["time", -10, 10, 5, 1060],
    ["time", 0, 20, 5, 1060],
    ["time", 10, 30, 5, 1060],
  ];
  assert.deepEqual(seen, first);
});

describe("a time that a trigger asks for", () => {
  const asking = (times: (timestamp: number) => number | undefined, again?: number): Trigger<null> => ({
    name: "asking",
    onRecord(_, _value, timestamp) {
      const eventTime = times(timestamp);
      return eventTime === undefined ? { state: null, fire: false } : { state: null, fire: false, eventTime };
    },
    onTime: (_, { watermark }) =>
      again === undefined
        ? { state: null, fire: true }
        : { state: null, fire: true, eventTime: watermark + again },
    merge: () => null,
  });

  test("takes the place of the one before, later or earlier, and may be taken back", async () => {
    // A gap of 5 since the last record.
    const quiet = { trigger: asking((at) => at + 5) };
    const { out } = await run(tumbling(100), quiet, [
      1,
      3,
      { w: 7 },
      { w: 8 },
      20,
      10,
      { w: 15 },
      { w: 100 },
    ]);
    assert.deepEqual(out, ["3: k [0, 100) early 0: 1,3", "6: k [0, 100) early 1: 1,3,20,10"]);
    const back = { trigger: asking((at) => (at === 2 ? undefined : 5)) };
    assert.deepEqual((await run(tumbling(100), back, [1, 2, { w: 50 }, { w: 100 }])).out, []);
  });

  test("that is past comes at the next advance, and only once in it", async () => {
    const { out } = await run(tumbling(100), { trigger: asking(() => -50, -50) }, [
      { w: 10 },
      1,
      { w: 11 },
      { w: 12 },
    ]);
    assert.deepEqual(out, ["2: k [0, 100) early 0: 1", "3: k [0, 100) early 1: 1"]);
  });

  test("at the last moment of the window comes, one behind it does not", async () => {
    const lateness = { allowedLateness: 5 };
    const last = await run(tumbling(10), { trigger: asking(() => 15), ...lateness }, [1, { w: 15 }]);
    assert.deepEqual(last.out, ["1: k [0, 10) on-time 0: 1"]);
    const behind = await run(tumbling(10), { trigger: asking(() => 16), ...lateness }, [1, { w: 16 }]);
    assert.deepEqual(behind.out, []);
    assert.equal(behind.rowsLeft, 0);
  });

  test("put off to a time that the last advance passes as well comes in it", async () => {
    const { out } = await run(globalWindow(), { trigger: asking((at) => at * 10) }, [1, 5, { w: 1000 }]);
    assert.deepEqual(out, ["2: k early 0: 1,5"]);
  });
});

describe("what a trigger throws", () => {
  const failing = (part: keyof Trigger): Trigger<number> => ({
    ...everyCount(100),
    name: "failing",
    onRecord(n = 0, value, timestamp, { end }) {
      if (part === "onRecord" && (value as Order).amount < 0 && end > 4) throw new RangeError("negative");
      return { state: n + 1, fire: false, eventTime: end };
    },
    onTime(n) {
      if (part === "onTime") throw new RangeError("out of time");
      return { state: n, fire: true };
    },
  });
  const list = [1, -1, 2].map((amount, i) => ({ at: i + 1, amount }));

  test("for a record is dealt with as onError says, and the record is in none of its windows", async () => {
    const build = (onError: "skip" | "fail") => (app: Pipeline) => ({
      out: orders(app, list)
        .window(sliding(4, 2), { name: "subject", trigger: failing("onRecord"), onError })
        .aggregate(sum((o) => o.amount))
        .map((w) => [w.windowStart, w.value]),
    });
    const { out, report } = await runBoth(build("skip"));
    // The record at 2 was fine in [0, 4), not in [2, 6).
    assert.deepEqual(out, [
      [-2, 1],
      [0, 3],
      [2, 2],
    ]);
    assert.deepEqual(done(report, "subject"), { contributed: 2, skipped: 1 });
    const error = await failBoth(build("fail"));
    assert.equal(error.code, "USER_FUNCTION_FAILED");
    assert.match(error.message, /^The function of subject threw RangeError: negative/);
    assert.equal(error.context.operator, "subject");
  });

  test("in onTime ends the job, and the error says that it was the trigger", async () => {
    const error = await failBoth((app) => ({
      out: orders(app, list)
        .window(tumbling(4), { name: "subject", trigger: failing("onTime"), onError: "skip" })
        .aggregate(count()),
    }));
    assert.equal(error.code, "USER_FUNCTION_FAILED");
    assert.match(error.message, /^The trigger of subject threw RangeError: out of time/);
    assert.equal(error.context.operator, "subject");
    assert.equal(String(error.cause), "RangeError: out of time");
  });

  test("is what it returns where that is no step", async () => {
    for (const step of [
      undefined,
      { state: 0 },
      { fire: true, eventTime: Number.NaN },
      { fire: true, processingTime: "1h" },
    ]) {
      const error = await failBoth((app) => ({
        out: orders(app, list)
          .window(tumbling(4), {
            name: "subject",
            trigger: { ...everyCount(1), onRecord: () => step as never },
          })
          .aggregate(count()),
      }));
      assert.equal(error.code, "USER_FUNCTION_FAILED");
      assert.match(
        error.message,
        /^The function of subject threw TypeError: a trigger returns \{ state, fire/,
      );
    }
  });
});

describe("refused at build time", () => {
  const wrong = (value: unknown): never => value as never;

  test("are counts and intervals that are none, by name", () => {
    for (const n of [0, -1, 1.5, Number.NaN, "10"])
      thrown(
        () => everyCount(wrong(n)),
        "WINDOW_INVALID",
        `the count of everyCount must be a whole number above zero, not ${JSON.stringify(n) === "null" ? "NaN" : JSON.stringify(n)}`,
      );
    for (const [name, every] of Object.entries({ everyEventTime, everyProcessingTime })) {
      thrown(() => every("0s"), "WINDOW_INVALID", `the interval of ${name} must be above zero`);
      thrown(() => every(wrong("5 s")), "DURATION_INVALID", `the interval of ${name}: "5 s" is no duration`);
    }
  });

  test("are parts that are no triggers, by name", () => {
    const takes =
      "takes everyCount(n), everyEventTime(interval), everyProcessingTime(interval) or a trigger of your own, not";
    thrown(() => onTime({ early: wrong(5) }), "OPTION_INVALID", `early ${takes} 5`);
    thrown(() => onTime({ late: wrong(null) }), "OPTION_INVALID", `late ${takes} null`);
    thrown(() => repeatedly(wrong("1s")), "OPTION_INVALID", `repeatedly ${takes} "1s"`);
    thrown(() => onTime(wrong(5)), "OPTION_INVALID", "onTime takes { early, late }, not 5");
    thrown(
      () => onTime(wrong(everyCount(5))),
      "OPTION_INVALID",
      'onTime takes { early, late }, not {"name":"everyCount(5)"}',
    );
  });

  test("is a trigger that lacks a part", () => {
    const { merge, ...rest } = everyCount(2);
    const keyed = orders(pipeline("refused"), []);
    thrown(
      () => keyed.window(tumbling(1), { trigger: wrong(rest) }),
      "OPTION_INVALID",
      'trigger takes a trigger, not {"name":"everyCount(2)"}',
    );
    const { name, ...nameless } = everyCount(2);
    thrown(
      () => keyed.window(tumbling(1), { trigger: wrong(nameless) }),
      "OPTION_INVALID",
      "trigger takes a trigger, not {}",
    );
  });
});

test("explain says which trigger a window has, and none where it is the default", () => {
  const explained = (trigger: Trigger): string => {
    const app = pipeline("explained");
    orders(app, [])
      .window(tumbling("1h"), { trigger })
      .aggregate(count())
      .to(forEach(() => {}));
    return app.explain();
  };
  const trigger = onTime({ early: everyEventTime("1m"), late: everyCount(10) });
  assert.match(explained(trigger), /trigger onTime\(early everyEventTime\(1m\), late everyCount\(10\)\)/);
  assert.match(explained(repeatedly(everyCount(5))), /trigger repeatedly\(everyCount\(5\)\)/);
  assert.doesNotMatch(explained(onTime({ late: everyCount(1) })), /trigger/);
});
