/** What windows and triggers are given: the least and the most that they take, and what is refused, by its name. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  calendar,
  countWindow,
  cumulating,
  type Duration,
  everyCount,
  everyEventTime,
  everyProcessingTime,
  fromIterable,
  pipeline,
  session,
  sliding,
  tumbling,
} from "../../src/index.ts";
import { end, play, refusal, w } from "./play-windows.ts";

/** Places for a duration above zero: how it is called in the message, and what takes it. */
const durations: readonly (readonly [string, (duration: Duration) => unknown])[] = [
  ["the size of a tumbling window", (d) => tumbling(d)],
  ["the size of a sliding window", (d) => sliding(d, d)],
  ["the slide of a sliding window", (d) => sliding(1, d)],
  ["the maxSize of a cumulating window", (d) => cumulating(d, d)],
  ["the step of a cumulating window", (d) => cumulating(1, d)],
  ["the gap of a session window", (d) => session(d)],
  ["the maxDuration of a session window", (d) => session(1, { maxDuration: d })],
  ["the interval of everyEventTime", (d) => everyEventTime(d)],
  ["the interval of everyProcessingTime", (d) => everyProcessingTime(d)],
];

const LONGEST = Number.MAX_SAFE_INTEGER;

describe("a duration", () => {
  for (const [what, make] of durations) {
    test(`of zero is refused as ${what}`, () => {
      for (const zero of [0, "0s"] as const) {
        const { code, message } = refusal(() => make(zero));
        assert.equal(code, "WINDOW_INVALID");
        assert.ok(message.includes(what), message);
      }
    });

    test(`that is none is refused as ${what}`, () => {
      const none = [
        -1,
        1.5,
        Number.NaN,
        Number.POSITIVE_INFINITY,
        LONGEST + 1,
        "1",
        "5 s",
        "-1s",
        `${LONGEST}d`,
        null,
      ];
      for (const bad of none) {
        const { code, message } = refusal(() => make(bad as never));
        assert.equal(code, "DURATION_INVALID");
        assert.ok(message.includes(what), message);
      }
    });
  }

  test("of allowedLateness may be zero, but must be one", async () => {
    assert.deepEqual(await play(tumbling(1), [0, end], { allowedLateness: 0 }), ["[0, 1) on-time: 0"]);
    for (const bad of [-1, 1.5, "soon", LONGEST + 1]) {
      const app = pipeline("bad");
      const keyed = app.source(fromIterable([{ at: 0 }]), { timestamp: (r) => r.at }).keyBy(() => "k");
      const { code, message } = refusal(() => keyed.window(tumbling(1), { allowedLateness: bad as never }));
      assert.equal(code, "DURATION_INVALID");
      assert.match(message, /allowedLateness/);
    }
  });

  test("may be the longest that there is, in every kind of window", async () => {
    const kinds = [
      tumbling(LONGEST),
      sliding(LONGEST, LONGEST),
      cumulating(LONGEST, LONGEST),
      session(LONGEST),
      session(1, { maxDuration: LONGEST }),
      session(LONGEST, { maxDuration: LONGEST }),
    ];
    for (const windows of kinds) {
      const options = { allowedLateness: LONGEST };
      const shown = await play(windows, [0, 1, w(5), 2, 1_700_000_000_000, end], options);
      const all = shown.flatMap((line) => line.split(": ")[1].split(",")).map(Number);
      assert.deepEqual(
        [...new Set(all)].sort((a, b) => a - b),
        [0, 1, 2, 1_700_000_000_000],
      );
    }
    const both = await play(tumbling(LONGEST), [-1, 0, -8.64e15, 8.64e15, end]);
    assert.deepEqual(both, [
      `[-${LONGEST}, 0) on-time: -1,-8640000000000000`,
      `[0, ${LONGEST}) on-time: 0,8640000000000000`,
    ]);
  });

  test("of one millisecond is the shortest", async () => {
    assert.deepEqual(await play(tumbling(1), [0, 1, end]), ["[0, 1) on-time: 0", "[1, 2) on-time: 1"]);
    assert.deepEqual(await play(session(1), [0, 1, 3, end]), ["[0, 2) on-time: 0,1", "[3, 4) on-time: 3"]);
    assert.deepEqual(await play(session(1, { maxDuration: 1 }), [0, 1, end]), [
      "[0, 1) on-time: 0",
      "[1, 2) on-time: 1",
    ]);
  });
});

describe("a slide or a step", () => {
  test("that cuts a window in more than 100,000 is refused, and one that cuts it in as many is not", () => {
    assert.ok(sliding(100_000, 1));
    assert.match(refusal(() => sliding(100_001, 1)).message, /sliding\(100001ms, 1ms\)/);
    assert.ok(cumulating(100_000, 1));
    assert.match(refusal(() => cumulating(100_001, 1)).message, /cumulating\(100001ms, 1ms\)/);
  });

  test("of a cumulating window divides its longest", () => {
    assert.match(refusal(() => cumulating(10, 3)).message, /maxSize must be a multiple of the step/);
    assert.match(refusal(() => cumulating(3, 10)).message, /maxSize must be a multiple of the step/);
  });
});

describe("an offset", () => {
  test("is smaller than the period that it shifts", () => {
    assert.ok(
      tumbling(10, { offset: 9 }) && sliding(10, 5, { offset: -4 }) && cumulating(10, 5, { offset: 9 }),
    );
    for (const make of [
      () => tumbling(10, { offset: 10 }),
      () => tumbling(10, { offset: -10 }),
      () => sliding(10, 5, { offset: 5 }),
      () => cumulating(10, 5, { offset: 10 }),
    ]) {
      const { code, message } = refusal(make);
      assert.equal(code, "WINDOW_INVALID");
      assert.match(message, /offset/);
    }
  });
});

describe("the size and the slide of a count window", () => {
  test("are whole numbers above zero", () => {
    for (const bad of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, LONGEST + 1, "3" as never]) {
      for (const [make, what] of [
        [() => countWindow(bad), /the size of a count window/],
        [() => countWindow(1, bad), /the slide of a count window/],
      ] as const) {
        const { code, message } = refusal(make);
        assert.equal(code, "WINDOW_INVALID");
        assert.match(message, what);
      }
    }
    assert.ok(countWindow(LONGEST, 1));
  });
});

describe("the count of a trigger", () => {
  test("is a whole number above zero", () => {
    for (const bad of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "2" as never]) {
      const { code, message } = refusal(() => everyCount(bad));
      assert.equal(code, "WINDOW_INVALID");
      assert.match(message, /the count of everyCount/);
    }
  });
});

describe("a calendar", () => {
  test("refuses a unit or a zone that there isn't, naming it", () => {
    for (const [make, named] of [
      [() => calendar("minute" as never), /minute/],
      [() => calendar(undefined as never), /undefined/],
      [() => calendar("day", { zone: "Europe/Atlantis" }), /Europe\/Atlantis/],
      [() => calendar("day", { zone: "" }), /""/],
      [() => calendar("day", { zone: 1 as never }), /1/],
    ] as const) {
      const { code, message } = refusal(make);
      assert.equal(code, "WINDOW_INVALID");
      assert.match(message, named);
    }
  });
});
