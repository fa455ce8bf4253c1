/** Session windows by example: a gap per record, a greatest duration, triggers. Each case runs in every way of the harness. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  collect,
  type Duration,
  everyCount,
  everyEventTime,
  everyProcessingTime,
  forEach,
  fromIterable,
  MillraceError,
  onTime,
  type Pipeline,
  pipeline,
  repeatedly,
  session,
  type Trigger,
  type WindowAssigner,
  type WindowOptions,
} from "../../src/index.ts";
import { testDriver } from "../../src/testing/driver.ts";
import { operatorHarness } from "../../src/testing/harness.ts";
import type { TraceItem } from "../../src/testing/scripted-intake.ts";
import { done, failBoth, runBoth } from "./run-both.ts";

interface Item {
  readonly at: number;
  readonly gap: Duration;
}

/** A record's time, or its time and gap; a watermark; time that passes by the clock. */
type Step = number | readonly [at: number, gap: Duration] | { readonly w: number } | { readonly ms: number };

const itemOf = (step: Step): TraceItem =>
  typeof step === "number"
    ? { source: "in", record: { at: step, gap: 10 } }
    : "w" in step
      ? { source: "in", watermark: step.w }
      : "ms" in step
        ? { advanceMs: step.ms }
        : { source: "in", record: { at: step[0], gap: step[1] } };

function build(windows: WindowAssigner, options: WindowOptions): Pipeline {
  const app = pipeline("sessions");
  const results = app
    .source(fromIterable<Item>([]), { name: "in", timestamp: (r) => r.at, watermark: "none" })
    .keyBy(() => "k")
    .window(windows as ReturnType<typeof session>, { ...options, name: "window" })
    .aggregate(collect((r) => r.at));
  results
    .map(({ windowStart, windowEnd, pane, paneIndex, value, replaces }) => {
      const instead = replaces.map(({ start, end }) => `[${start}, ${end})`).join(" ");
      return `[${windowStart}, ${windowEnd}) ${pane} ${paneIndex}: ${value.toSorted((a, b) => a - b)}${instead && ` for ${instead}`}`;
    })
    .to(
      forEach(() => {}),
      { name: "out" },
    );
  results.late.to(
    forEach(() => {}),
    { name: "late" },
  );
  return app;
}

/** By step: "step: [start, end) pane index: times for [replaced)", or "step: late time". */
async function run(windows: WindowAssigner, options: WindowOptions, ...steps: Step[]): Promise<string[]> {
  const trace = steps.map(itemOf);
  await operatorHarness(() => build(windows, options), trace, { end: false });
  const driver = await testDriver(build(windows, options));
  const out: string[] = [];
  for (const [i, item] of trace.entries()) {
    await driver.feed([item]);
    for (const { value } of driver.take("out")) out.push(`${i}: ${value}`);
    for (const { timestamp } of driver.take("late")) out.push(`${i}: late ${timestamp}`);
  }
  await driver.close();
  return out;
}

const END = { w: Number.POSITIVE_INFINITY };
const ownGap = session((r: Item) => r.gap);

describe("sessions with a gap per record", () => {
  test("end with the greatest timestamp + gap, not with that of the last record", async () => {
    assert.deepEqual(await run(ownGap, {}, [0, 100], [10, 5], { w: 100 }, { w: 101 }), [
      "3: [0, 100) on-time 0: 0,10",
    ]);
  });

  test("take a record at a distance of exactly a gap, from either side", async () => {
    assert.deepEqual(await run(ownGap, {}, [0, 50], [50, 1], [-20, "20ms"], [52, 1], END), [
      "4: [-20, 51) on-time 0: -20,0,50",
      "4: [52, 53) on-time 0: 52",
    ]);
  });

  test("join where a record with a long gap reaches over several", async () => {
    assert.deepEqual(await run(ownGap, {}, [20, 1], [40, 5], [60, 1], [10, 30], END), [
      "4: [10, 45) on-time 0: 10,20,40",
      "4: [60, 61) on-time 0: 60",
    ]);
  });

  test("judge a record by its own gap: an old one with a long gap is not late", async () => {
    assert.deepEqual(await run(ownGap, {}, { w: 50 }, [10, 39], [10, 41], END), [
      "1: late 10",
      "3: [10, 51) on-time 0: 10",
    ]);
  });

  test("end the job where the gap is no duration above zero, and name it", async () => {
    const bad: readonly (readonly [unknown, string, RegExp])[] = [
      [0, "WINDOW_INVALID", /the gap of a session window must be above zero/],
      [-1, "DURATION_INVALID", /the gap of a session window: -1 is no duration/],
      [Number.NaN, "DURATION_INVALID", /the gap of a session window: NaN is no duration/],
      ["5 minutes", "DURATION_INVALID", /the gap of a session window: "5 minutes" is no duration/],
      [undefined, "DURATION_INVALID", /the gap of a session window: undefined is no duration/],
    ];
    for (const [gap, code, what] of bad) {
      const error = await failBoth((app) => ({
        out: app
          .source(fromIterable([{ at: 1 }]), { timestamp: (r) => r.at })
          .keyBy(() => "k")
          .window(session(() => gap as Duration))
          .aggregate(collect()),
      }));
      assert.match(error.message, what);
      const { cause } = error;
      assert.equal(error.code === code || (cause instanceof MillraceError && cause.code === code), true);
    }
  });

  test("leave out a record whose gap fails, where onError says so, and call the function once per record", async () => {
    let calls = 0;
    const { out, report, letters } = await runBoth(
      (app) => ({
        out: app
          .source(fromIterable([1, 2, 3, 4].map((at) => ({ at }))), { timestamp: (r) => r.at })
          .keyBy(() => "k")
          .window(
            session((r) => {
              calls += 1;
              if (r.at === 2) throw new Error("no gap");
              return r.at === 3 ? 0 : 10;
            }),
            { onError: "dead-letter" },
          )
          .aggregate(collect((r) => r.at))
          .map(({ windowStart, windowEnd, value }) => `[${windowStart}, ${windowEnd}) ${value}`),
      }),
      { deadLetters: true },
    );
    assert.deepEqual(out, ["[1, 14) 1,4"]);
    assert.equal(letters.length, 2);
    assert.deepEqual(done(report, "window"), { contributed: 2, deadLettered: 2 });
    assert.equal(calls, 8, "four records, two code paths");
  });

  test("call the gap function once per record over a cold backend too", async () => {
    let calls = 0;
    const windows = session(() => {
      calls += 1;
      return 10;
    });
    const driver = await testDriver(build(windows, {}), { evict: "every-step", prefetch: false });
    await driver.feed([1, 5, 30, 3].map(itemOf));
    await driver.close();
    assert.equal(calls, 4);
  });
});

describe("sessions with a maxDuration", () => {
  const cut = session(10, { maxDuration: 25 });

  test("are cut at start + maxDuration, and the first record from there on begins the next", async () => {
    assert.deepEqual(await run(cut, {}, 0, 8, 16, 24, 25, 33, { w: 25 }, { w: 26 }, END), [
      "7: [0, 25) on-time 0: 0,8,16,24",
      "8: [25, 43) on-time 0: 25,33",
    ]);
  });

  test("are the same in another order: an earlier record moves every cut behind it", async () => {
    assert.deepEqual(await run(cut, {}, 33, 24, 16, 8, 25, 0, END), [
      "6: [0, 25) on-time 0: 0,8,16,24",
      "6: [25, 43) on-time 0: 25,33",
    ]);
    assert.deepEqual(await run(cut, {}, 33, 24, 16, 8, 25, 0, -9, END), [
      "7: [-9, 16) on-time 0: -9,0,8",
      "7: [16, 41) on-time 0: 16,24,25,33",
    ]);
  });

  test("do not reach over a cut with a long gap", async () => {
    const windows = session((r: Item) => r.gap, { maxDuration: 50 });
    assert.deepEqual(await run(windows, {}, [0, 100], [60, 5], [90, 5], END), [
      "3: [0, 50) on-time 0: 0",
      "3: [60, 65) on-time 0: 60",
      "3: [90, 95) on-time 0: 90",
    ]);
  });

  test("may have a maxDuration below the gap: then every session lasts as long as that", async () => {
    assert.deepEqual(await run(session(10, { maxDuration: 3 }), {}, 0, 2, 3, 7, END), [
      "4: [0, 3) on-time 0: 0,2",
      "4: [3, 6) on-time 0: 3",
      "4: [7, 10) on-time 0: 7",
    ]);
  });

  test("of 1 ms hold one timestamp each", async () => {
    assert.deepEqual(await run(session(10, { maxDuration: 1 }), {}, 0, 1, 0, END), [
      "3: [0, 1) on-time 0: 0,0",
      "3: [1, 2) on-time 0: 1",
    ]);
  });

  test("take a record behind the watermark where they stay within maxDuration, before their start too", async () => {
    assert.deepEqual(await run(cut, {}, 20, 28, { w: 25 }, 14, END), ["4: [14, 38) on-time 0: 14,20,28"]);
  });

  test("do not take one that would make them longer: it is a session of its own up to their start, or late", async () => {
    const steps: Step[] = [20, 28, 36, { w: 25 }, 14, END];
    assert.deepEqual(await run(cut, {}, ...steps), ["4: late 14", "5: [20, 45) on-time 0: 20,28,36"]);
    assert.deepEqual(await run(cut, { allowedLateness: 50 }, ...steps), [
      "4: [14, 20) late 0: 14",
      "5: [20, 45) on-time 0: 20,28,36",
    ]);
  });

  test("are fired again by a late record within their cut", async () => {
    assert.deepEqual(await run(cut, { allowedLateness: 50 }, 0, 9, { w: 20 }, 18, { w: 40 }, END), [
      "2: [0, 19) on-time 0: 0,9",
      "4: [0, 25) on-time 1: 0,9,18 for [0, 19)",
    ]);
  });

  test("keep an accumulator per timestamp ahead of the watermark, and one per session once it is decided", async () => {
    const entries = async (...steps: Step[]): Promise<number> => {
      const driver = await testDriver(build(session(10, { maxDuration: 1000 }), {}));
      await driver.feed(steps.map(itemOf));
      const [{ value }] = driver.state("window");
      await driver.close();
      return (value as { sessions: unknown[] }).sessions.length;
    };
    const times = Array.from({ length: 100 }, (_, i) => 5 * i);
    assert.equal(await entries(...times, ...times), 100);
    assert.equal(await entries(...times, { w: 0 }), 1);
    assert.equal(await entries({ w: 0 }, ...times), 1);
  });

  test("are refused where maxDuration is no duration above zero", () => {
    const refused = (maxDuration: unknown, code: string) =>
      assert.throws(
        () => session(10, { maxDuration: maxDuration as number }),
        (error) =>
          error instanceof MillraceError &&
          error.code === code &&
          error.message.includes("the maxDuration of a session window"),
      );
    refused(0, "WINDOW_INVALID");
    refused("0s", "WINDOW_INVALID");
    refused(-1, "DURATION_INVALID");
    refused(null, "DURATION_INVALID");
    refused("1 day", "DURATION_INVALID");
  });
});

describe("sessions with a trigger", () => {
  const ten = session(10);

  test("fire early, on time and late", async () => {
    const trigger = onTime({ early: everyCount(2) });
    assert.deepEqual(
      await run(ten, { trigger, allowedLateness: 20 }, 0, 5, 7, { w: 17 }, 8, { w: 18 }, { w: 30 }, 2, END),
      [
        "1: [0, 15) early 0: 0,5",
        "3: [0, 17) on-time 1: 0,5,7 for [0, 15)",
        "5: [0, 18) on-time 2: 0,5,7,8 for [0, 17)",
        "7: [0, 18) late 3: 0,2,5,7,8",
      ],
    );
  });

  test("that join add up their counts, the record between them included, and replace the panes of both", async () => {
    assert.deepEqual(
      await run(ten, { trigger: repeatedly(everyCount(3)) }, 0, 1, 20, 21, 10, 11, 12, 13, END),
      ["4: [0, 31) early 0: 0,1,10,20,21", "7: [0, 31) early 1: 0,1,10,11,12,13,20,21"],
    );
    assert.deepEqual(await run(ten, { trigger: repeatedly(everyCount(1)) }, 0, 20, 10), [
      "0: [0, 10) early 0: 0",
      "1: [20, 30) early 0: 20",
      "2: [0, 30) early 2: 0,10,20 for [0, 10) [20, 30)",
    ]);
  });

  test("fire at the boundaries of event time, once for all that one advance passes, and not beside the pane on time", async () => {
    const trigger = onTime({ early: everyEventTime(5) });
    assert.deepEqual(await run(ten, { trigger }, 1, { w: 6 }, 7, { w: 16 }, { w: 17 }, { w: 18 }, END), [
      "1: [1, 11) early 0: 1",
      "3: [1, 17) early 1: 1,7 for [1, 11)",
      "4: [1, 17) on-time 2: 1,7",
    ]);
    assert.deepEqual(await run(ten, { trigger }, 1, 7, { w: 1000 }), ["2: [1, 17) on-time 0: 1,7"]);
  });

  test("fire by the clock, before the turn's first record", async () => {
    const trigger = onTime({ early: everyProcessingTime(1000) });
    assert.deepEqual(
      await run(ten, { trigger }, 0, 5, { ms: 999 }, { ms: 1 }, { ms: 5000 }, 8, { ms: 1000 }, END),
      ["3: [0, 15) early 0: 0,5", "6: [0, 18) early 1: 0,5,8 for [0, 15)", "7: [0, 18) on-time 2: 0,5,8"],
    );
  });

  test("show each record once where they are discarding, and no empty pane", async () => {
    const options = { trigger: onTime({ early: everyCount(2) }), panes: "discarding" } as const;
    assert.deepEqual(await run(ten, options, 0, 5, 8, 20, 14, 30, 40, END), [
      "1: [0, 15) early 0: 0,5",
      "4: [0, 30) early 1: 8,14,20",
      "6: [0, 50) early 2: 30,40",
    ]);
  });

  test("are dropped at end + 1 + lateness, whatever the trigger waits for", async () => {
    const trigger = repeatedly(everyEventTime(100));
    assert.deepEqual(await run(ten, { trigger }, 1, { w: 11 }, 1, { w: 12 }, 1, { w: 100 }), ["4: late 1"]);
  });

  test("with a maxDuration fire once the watermark has reached their start", async () => {
    const trigger = onTime({ early: everyCount(2) });
    const cut = session(10, { maxDuration: 25 });
    assert.deepEqual(await run(cut, { trigger }, 8, 8, 16, 0, { w: 0 }, 24, 24, 30, END), [
      "4: [0, 25) early 0: 0,8,8,16",
      "5: [0, 25) early 1: 0,8,8,16,24",
      "8: [0, 25) on-time 2: 0,8,8,16,24,24",
      "8: [30, 40) on-time 0: 30",
    ]);
  });

  test("with a maxDuration fire once where one advance decides and ends them", async () => {
    const trigger = onTime({ early: everyCount(2) });
    const cut = session(10, { maxDuration: 25 });
    assert.deepEqual(await run(cut, { trigger }, 8, 8, END), ["2: [8, 18) on-time 0: 8,8"]);
  });

  test("with a maxDuration are woken by the clock for what any of their entries waits for", async () => {
    const trigger = onTime({ early: everyProcessingTime(1000) });
    const cut = session(10, { maxDuration: 25 });
    assert.deepEqual(await run(cut, { trigger }, 8, { ms: 1000 }, 16, { w: 8 }, { ms: 1000 }, { ms: 1000 }), [
      "3: [8, 26) early 0: 8,16",
      "4: [8, 26) early 1: 8,16",
    ]);
  });

  const own = (parts: Partial<Trigger>): Trigger => ({
    name: "own",
    onRecord: (_, __, ___, { end }) => ({ state: null, fire: false, eventTime: end }),
    onTime: () => ({ state: null, fire: true }),
    merge: () => null,
    ...parts,
  });

  test("leave out a record at which their trigger throws, and end the job where it throws elsewhere", async () => {
    const times = [0, 5, 30, 17].map((at) => ({ at }));
    const build = (app: Pipeline, trigger: Trigger) => ({
      out: app
        .source(fromIterable(times), { timestamp: (r) => r.at, watermark: { maxOutOfOrderness: 50 } })
        .keyBy(() => "k")
        .window(session(13), { trigger, onError: "skip" })
        .aggregate(collect((r) => r.at))
        .map(({ windowStart, windowEnd, value }) => `[${windowStart}, ${windowEnd}) ${value}`),
    });
    const onRecord = own({
      onRecord(_, { at }, __, { end }) {
        if (at === 17) throw new Error("not this one");
        return { state: null, fire: false, eventTime: end };
      },
    });
    const { out, report } = await runBoth((app) => build(app, onRecord));
    assert.deepEqual(out, ["[0, 18) 0,5", "[30, 43) 30"]);
    assert.deepEqual(done(report, "window"), { contributed: 3, skipped: 1 });
    const fails = () => {
      throw new Error("no more");
    };
    for (const parts of [{ onTime: fails }, { merge: fails }])
      assert.match((await failBoth((app) => build(app, own(parts)))).message, /no more/);
  });

  test("ask their trigger at times of one kind that it asked for at times of the other", async () => {
    const never = Number.POSITIVE_INFINITY;
    const trigger: Trigger<number> = {
      name: "event time 3, then the clock, then event time 7",
      onRecord: (_, __, ___, ____) => ({ state: 0, fire: false, eventTime: 3 }),
      onTime: (asked, { now }) => ({
        state: asked + 1,
        fire: asked > 0,
        eventTime: asked === 1 ? 7 : never,
        processingTime: asked === 0 ? now + 10 : never,
      }),
      merge: Math.max,
    };
    assert.deepEqual(
      await run(ten, { trigger }, 0, { w: 3 }, { ms: 9 }, { ms: 1 }, { w: 6 }, { w: 7 }, END),
      ["3: [0, 10) early 0: 0", "5: [0, 10) early 1: 0"],
    );
  });

  test("ask their trigger once per advance, also where it asks for times that are past", async () => {
    const asked: string[] = [];
    const trigger = own({
      onRecord: () => ({ state: 0, fire: false, eventTime: Number.NEGATIVE_INFINITY }),
      onTime: (_, { start, end, watermark }) => {
        asked.push(`[${start}, ${end}) at ${watermark}`);
        return { state: 0, fire: false, eventTime: -5 };
      },
    });
    const driver = await testDriver(build(ten, { trigger, allowedLateness: 4 }));
    await driver.feed([0, { w: 1 }, { w: 3 }, 2, { w: 14 }, { w: 17 }, { w: 20 }].map(itemOf));
    await driver.close();
    assert.deepEqual(asked, ["[0, 10) at 1", "[0, 10) at 3", "[0, 12) at 14", "[0, 12) at 17"]);
  });
});

describe("explain", () => {
  test("says what sessions keep, and how long", () => {
    const text = (windows: WindowAssigner): string => build(windows, {}).explain();
    assert.match(text(ownGap), /session\(gap of each record\)/);
    assert.match(text(ownGap), /greatest gap/);
    assert.match(text(session(10, { maxDuration: "1m" })), /session\(10ms, at most 1m\)/);
    assert.match(text(session(10, { maxDuration: "1m" })), /timestamp/);
  });
});
