/** The timers of process(), step by step in virtual time: when they fire, in which order, and what becomes of a name. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  forEach,
  fromIterable,
  MillraceError,
  output,
  type Pipeline,
  pipeline,
  type ProcessTimers,
  valueState,
} from "../../src/index.ts";
import { type DriverOptions, testDriver } from "../../src/testing/driver.ts";

interface Command {
  readonly key: string | number;
  readonly at: number;
  readonly set?: (timers: ProcessTimers, now: number) => void;
}

const command = (key: string | number, at: number, set?: Command["set"]): Command =>
  set === undefined ? { key, at } : { key, at, set };

/** Each record does with the timers of its key as it says; `again` says what a firing does. */
function build(again: (name: string, time: number, timers: ProcessTimers) => void = () => {}): Pipeline {
  const app = pipeline("timers");
  app
    .source(fromIterable<Command>([]), { name: "commands", timestamp: (c) => c.at })
    .keyBy((c) => c.key)
    .process({
      emits: output<string>(),
      onRecord({ set }, { timers, time }) {
        set?.(timers, time);
      },
      onTimer({ name, time, domain }, { key, timers, timestamp, watermark, emit }) {
        assert.equal(timestamp, time);
        emit(`${key} ${domain} ${name === "" ? "unnamed" : name} ${time}, watermark ${watermark}`);
        again(name, time, timers);
      },
    })
    .to(
      forEach(() => {}),
      { name: "fired" },
    );
  return app;
}

async function drive(app: Pipeline = build(), options: DriverOptions = {}) {
  const t = await testDriver(app, options);
  return {
    ...t,
    push: (c: Command) => t.push("commands", c),
    watermark: (w: number) => t.watermark("commands", w),
    advance: (ms: number) => t.advance(ms),
    end: () => t.end(),
    rows: () => t.state().length,
    report: () => t.report(),
    fired: () => t.take("fired").map(({ value }) => value),
    stamped: () => t.take("fired"),
  };
}

describe("timers of event time", () => {
  test("fire when the watermark is there, after the record that moved it, and once", async () => {
    const t = await drive();
    await t.push(command("a", 0, (timers) => timers.setEventTime("x", 100)));
    await t.watermark(99);
    assert.deepEqual(t.fired(), []);
    await t.watermark(100);
    assert.deepEqual(t.stamped(), [{ value: "a event x 100, watermark 100", timestamp: 100 }]);
    assert.equal(t.rows(), 0);
    await t.watermark(500);
    assert.deepEqual(t.fired(), []);
  });

  test("fire in the order of time, then of keys, then of names, whatever they were set in", async () => {
    const t = await drive();
    for (const [key, name, time] of [
      [2, "b", 50],
      ["k", "a", 50],
      [10, "a", 50],
      [2, "a", 50],
      [10, "a", 49],
      [2, "", 50],
    ] as const)
      await t.push(command(key, 0, (timers) => timers.setEventTime(name, time)));
    await t.watermark(60);
    assert.deepEqual(t.fired(), [
      "10 event a 49, watermark 49",
      "2 event unnamed 50, watermark 50",
      "2 event a 50, watermark 50",
      "2 event b 50, watermark 50",
      "k event a 50, watermark 50",
    ]);
  });

  test("of one name replace each other: for later, for earlier, and by those of the other kind", async () => {
    const t = await drive();
    await t.push(command("later", 0, (timers) => timers.setEventTime("x", 10)));
    await t.push(command("later", 0, (timers) => timers.setEventTime("x", 30)));
    await t.push(command("earlier", 0, (timers) => timers.setEventTime("x", 30)));
    await t.push(command("earlier", 0, (timers) => timers.setEventTime("x", 10)));
    await t.push(command("other", 0, (timers) => timers.setEventTime("x", 10)));
    await t.push(command("other", 0, (timers) => timers.setProcessingTime("x", 5)));
    await t.watermark(20);
    assert.deepEqual(t.fired(), ["earlier event x 10, watermark 10"]);
    await t.watermark(40);
    assert.deepEqual(t.fired(), ["later event x 30, watermark 30"]);
    await t.advance(5);
    assert.deepEqual(t.fired(), ["other processing x 5, watermark 40"]);
    assert.equal(t.rows(), 0);
  });

  test("without a name have one of their own", async () => {
    const t = await drive();
    await t.push(
      command("a", 0, (timers) => {
        timers.setEventTime(10);
        timers.setEventTime("", 20);
        timers.setEventTime("x", 20);
      }),
    );
    await t.watermark(30);
    assert.deepEqual(t.fired(), ["a event unnamed 20, watermark 20", "a event x 20, watermark 20"]);
  });

  test("can be deleted, also in the step that set them, and set again", async () => {
    const t = await drive();
    await t.push(command("a", 0, (timers) => timers.setEventTime("x", 10)));
    await t.push(command("a", 0, (timers) => timers.delete("x")));
    await t.push(
      command("b", 0, (timers) => {
        timers.setEventTime("x", 10);
        timers.delete("x");
        timers.setEventTime(10);
        timers.delete();
      }),
    );
    await t.push(command("c", 0, (timers) => timers.delete("never set")));
    await t.watermark(10);
    assert.deepEqual(t.fired(), []);
    assert.equal(t.rows(), 0);
    await t.push(command("a", 10, (timers) => timers.setEventTime("x", 20)));
    await t.push(command("a", 10, (timers) => timers.delete("x")));
    await t.push(command("a", 10, (timers) => timers.setEventTime("x", 20)));
    await t.watermark(30);
    assert.deepEqual(t.fired(), ["a event x 20, watermark 20"]);
  });

  test("for a time that is past fire at the watermark's next advance", async () => {
    const t = await drive();
    await t.watermark(100);
    await t.push(command("a", 50, (timers) => timers.setEventTime("x", 50)));
    assert.deepEqual(t.fired(), []);
    await t.watermark(101);
    assert.deepEqual(t.fired(), ["a event x 50, watermark 100"]);
  });

  test("that are set by onTimer and due fire at once, in their turn", async () => {
    const t = await drive(
      build((name, time, timers) => {
        if (name === "x") timers.setEventTime("y", time + 5);
        if (name === "y") timers.setEventTime("z", time - 100);
      }),
    );
    await t.push(command("a", 0, (timers) => timers.setEventTime("x", 10)));
    await t.push(command("b", 0, (timers) => timers.setEventTime("w", 12)));
    await t.watermark(20);
    assert.deepEqual(t.fired(), [
      "a event x 10, watermark 10",
      "b event w 12, watermark 12",
      "a event y 15, watermark 15",
      "a event z -85, watermark 15",
    ]);
  });

  test("all fire at the end of the input, those for +Infinity last", async () => {
    const t = await drive(
      build((name, time, timers) => {
        if (name === "x" && time < 2000) timers.setEventTime("x", time + 1000);
      }),
    );
    await t.push(command("a", 0, (timers) => timers.setEventTime("x", 1000)));
    await t.push(command("b", 0, (timers) => timers.setEventTime("x", Number.POSITIVE_INFINITY)));
    await t.end();
    assert.deepEqual(
      t.stamped().map(({ value }) => value),
      [
        "a event x 1000, watermark 1000",
        "a event x 2000, watermark 2000",
        "b event x Infinity, watermark Infinity",
      ],
    );
    assert.equal(t.rows(), 0);
  });

  test("that go on for ever after the end of the input end the job with a sentence", async () => {
    const t = await drive(build((_name, time, timers) => timers.setEventTime(time + 1000)));
    await t.push(command("a", 0, (timers) => timers.setEventTime(1000)));
    await assert.rejects(t.end(), (error: unknown) => {
      assert.ok(error instanceof MillraceError);
      assert.equal(error.code, "PIPELINE_INVALID");
      assert.match(error.message, /onTimer goes on setting them/);
      return true;
    });
  });

  test("that every record puts off leave nothing behind", async () => {
    const t = await drive();
    for (let i = 0; i < 50; i++)
      await t.push(command("a", i, (timers) => timers.setEventTime("x", i + 1000)));
    assert.equal(t.rows(), 1);
    await t.watermark(2000);
    assert.deepEqual(t.fired(), ["a event x 1049, watermark 1049"]);
    assert.equal(t.rows(), 0);
    assert.equal(t.report().operators.find(({ kind }) => kind === "process")?.process?.timers, 1);
  });
});

describe("timers of processing time", () => {
  test("fire when the clock is there, before the records of that turn, with their time as timestamp", async () => {
    const t = await drive(build(), { startMs: 1000 });
    await t.push(command("a", 7, (timers, now) => timers.setProcessingTime("x", now + 100)));
    await t.advance(99);
    assert.deepEqual(t.fired(), []);
    await t.advance(1);
    assert.deepEqual(t.stamped(), [{ value: "a processing x 1100, watermark 7", timestamp: 1100 }]);
  });

  test("fire once however late the clock comes, in the order of time", async () => {
    const t = await drive(
      build(
        (name, time, timers) => name === "again" && time < 5000 && timers.setProcessingTime("again", 5000),
      ),
    );
    await t.push(command("a", 0, (timers) => timers.setProcessingTime("again", 30)));
    await t.push(command("b", 0, (timers) => timers.setProcessingTime("x", 20)));
    await t.advance(1000);
    assert.deepEqual(t.fired(), ["b processing x 20, watermark 0", "a processing again 30, watermark 0"]);
    await t.advance(4000);
    assert.deepEqual(t.fired(), ["a processing again 5000, watermark 0"]);
  });

  test("for a time that is past fire at the next tick", async () => {
    const t = await drive(build(), { startMs: 1000 });
    await t.push(command("a", 0, (timers) => timers.setProcessingTime("x", 500)));
    assert.deepEqual(t.fired(), []);
    await t.push(command("a", 0));
    assert.deepEqual(t.fired(), []);
    await t.advance(1);
    assert.deepEqual(t.fired(), ["a processing x 500, watermark 0"]);
  });

  test("don't fire at the end of the input, nor after it", async () => {
    const t = await drive();
    await t.push(command("a", 0, (timers) => timers.setProcessingTime("x", 500)));
    await t.end();
    await t.advance(1000);
    assert.deepEqual(t.fired(), []);
  });

  test("work without event time", async () => {
    const app = pipeline("no event time");
    app
      .source(fromIterable<{ readonly wait: number }>([]), { name: "in" })
      .keyBy(() => "all")
      .process({
        state: { n: valueState<number>({ initial: () => 0, ttl: "1s", ttlTime: "processing" }) },
        emits: output<number>(),
        onRecord({ wait }, { state, timers, time, timestamp }) {
          assert.ok(Number.isNaN(timestamp));
          state.n.set(state.n.get() + 1);
          timers.setProcessingTime(time + wait);
        },
        onTimer: (_timer, { state, emit }) => emit(state.n.get()),
      })
      .to(
        forEach(() => {}),
        { name: "out" },
      );
    const t = await testDriver(app);
    await t.push("in", { wait: 500 });
    await t.push("in", { wait: 500 });
    await t.advance(500);
    assert.deepEqual(t.take("out"), [{ value: 2, timestamp: 500 }]);
    await t.push("in", { wait: 2000 });
    await t.advance(2000);
    assert.deepEqual(t.take("out"), [{ value: 0, timestamp: 2500 }]);
  });
});

describe("a timer is refused", () => {
  const refused = async (set: Command["set"], code: string, text: RegExp, app = build()): Promise<void> => {
    const t = await drive(app);
    await assert.rejects(t.push(command("a", 0, set)), (error: unknown) => {
      assert.ok(error instanceof MillraceError, String(error));
      assert.equal(error.code, code);
      assert.match(error.message, text);
      return true;
    });
  };

  for (const time of [Number.NaN, 9e15, Number.NEGATIVE_INFINITY, "5" as unknown as number])
    test(`for ${String(time)}`, () =>
      refused((timers) => timers.setEventTime("x", time), "TIMESTAMP_INVALID", /process sets timer "x" for/));

  test("for the end of the input, of processing time", () =>
    refused(
      (timers) => timers.setProcessingTime(Number.POSITIVE_INFINITY),
      "TIMESTAMP_INVALID",
      /process sets a timer for Infinity/,
    ));

  test("without onTimer", async () => {
    const app = pipeline("no onTimer");
    app
      .source(fromIterable<Command>([]), { name: "commands", timestamp: (c) => c.at })
      .keyBy((c) => c.key)
      .process({ onRecord: ({ set }, { timers, time }) => set?.(timers, time) })
      .to(
        forEach(() => {}),
        { name: "fired" },
      );
    await refused((timers) => timers.setEventTime(5), "PIPELINE_INVALID", /has no onTimer/, app);
  });

  test("of event time where the source has none", async () => {
    const app = pipeline("no event time");
    app
      .source(fromIterable<Command>([]), { name: "commands" })
      .keyBy((c) => c.key)
      .process({ onRecord: ({ set }, { timers, time }) => set?.(timers, time), onTimer: () => {} })
      .to(
        forEach(() => {}),
        { name: "fired" },
      );
    await refused((timers) => timers.setEventTime(5), "EVENT_TIME_MISSING", /no timestamp function/, app);
  });
});
