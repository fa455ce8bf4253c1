/** The edges of every kind of window, sentence by sentence: where a record is just in, just late, or in nothing. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  atEnd,
  calendar,
  countWindow,
  cumulating,
  everyCount,
  everyEventTime,
  globalWindow,
  onTime,
  repeatedly,
  session,
  sliding,
  tumbling,
  type WindowAssigner,
} from "../../src/index.ts";
import { end, play, w } from "./play-windows.ts";

const fixed: readonly (readonly [string, WindowAssigner])[] = [
  ["tumbling", tumbling(10)],
  ["cumulating", cumulating(10, 10)],
];

for (const [name, windows] of fixed) {
  describe(`a ${name} window`, () => {
    test("holds its start and not its end", async () => {
      assert.deepEqual(await play(windows, [-1, 0, 9, 10, end]), [
        "[-10, 0) on-time: -1",
        "[0, 10) on-time: 0,9",
        "[10, 20) on-time: 10",
      ]);
    });

    test("fires when the watermark is at its end, not one millisecond before", async () => {
      assert.deepEqual(await play(windows, [0, w(9)]), []);
      assert.deepEqual(await play(windows, [0, w(10)]), ["[0, 10) on-time: 0"]);
    });

    test("takes a record that is at the watermark, and one behind it, before its end", async () => {
      assert.deepEqual(await play(windows, [w(5), 5, 4, w(9), 9, 0, w(10)]), ["[0, 10) on-time: 5,4,9,0"]);
    });

    test("is too late at end + allowedLateness, not one millisecond before", async () => {
      assert.deepEqual(await play(windows, [w(10), 9]), ["late: 9"]);
      const options = { allowedLateness: 3 };
      assert.deepEqual(await play(windows, [w(12), 9, w(13), 9], options), ["[0, 10) late: 9", "late: 9"]);
    });

    test("with nothing in it emits nothing", async () => {
      assert.deepEqual(await play(windows, [0, 40, w(30), w(40), end]), [
        "[0, 10) on-time: 0",
        "[40, 50) on-time: 40",
      ]);
      assert.deepEqual(await play(windows, [w(1000), end]), []);
    });

    test("before 1970 is like one after it", async () => {
      assert.deepEqual(await play(windows, [-20, -11, -10, w(-11), w(-10), -11, w(0)]), [
        "[-20, -10) on-time: -20,-11",
        "late: -11",
        "[-10, 0) on-time: -10",
      ]);
    });

    test("of final results is too late when it fires, at end + allowedLateness", async () => {
      const options = { allowedLateness: 3, finalOnly: true };
      assert.deepEqual(await play(windows, [0, w(12), 9, w(13), 9, end], options), [
        "[0, 10) on-time: 0,9",
        "late: 9",
      ]);
    });

    test("fires an early pane at a boundary that the watermark is at, and none with the pane on time", async () => {
      const options = { trigger: onTime({ early: everyEventTime(5) }) };
      assert.deepEqual(await play(windows, [0, w(4), w(5), 7, w(10)], options), [
        "[0, 10) early: 0",
        "[0, 10) on-time: 0,7",
      ]);
      assert.deepEqual(await play(windows, [-10, w(-6), w(-5), w(0)], options), [
        "[-10, 0) early: -10",
        "[-10, 0) on-time: -10",
      ]);
    });
  });
}

describe("sliding windows", () => {
  test("whose slide doesn't divide their size begin at its multiples, and each holds what is in it", async () => {
    assert.deepEqual(await play(sliding(7, 3), [0, 3, 6, 7, end]), [
      "[-6, 1) on-time: 0",
      "[-3, 4) on-time: 0,3",
      "[0, 7) on-time: 0,3,6",
      "[3, 10) on-time: 3,6,7",
      "[6, 13) on-time: 6,7",
    ]);
    assert.deepEqual(await play(sliding(7, 3), [-1, end]), ["[-6, 1) on-time: -1", "[-3, 4) on-time: -1"]);
  });

  test("take a late record in those of its windows that it is not late for", async () => {
    assert.deepEqual(await play(sliding(10, 5), [w(10), 6, w(15), 7, end]), [
      "[5, 15) on-time: 6",
      "late: 7",
    ]);
    const options = { allowedLateness: 5 };
    assert.deepEqual(await play(sliding(10, 5), [6, w(15), 7, end], options), [
      "[0, 10) on-time: 6",
      "[5, 15) on-time: 6",
      "[5, 15) late: 6,7",
    ]);
  });

  test("with a slide above the size hold nothing from their end to the next start", async () => {
    assert.deepEqual(await play(sliding(3, 10), [-1, 0, 2, 3, 9, 10, end]), [
      "[0, 3) on-time: 0,2",
      "[10, 13) on-time: 10",
      "between windows: 3",
    ]);
  });
});

describe("cumulating windows", () => {
  test("grow by a step to their longest, and begin anew there", async () => {
    assert.deepEqual(await play(cumulating(9, 3), [0, 3, 8, 9, end]), [
      "[0, 3) on-time: 0",
      "[0, 6) on-time: 0,3",
      "[0, 9) on-time: 0,3,8",
      "[9, 12) on-time: 9",
      "[9, 15) on-time: 9",
      "[9, 18) on-time: 9",
    ]);
    assert.deepEqual(await play(cumulating(9, 3), [-3, end]), ["[-9, 0) on-time: -3"]);
  });
});

describe("calendar windows", () => {
  const HOUR = 3_600_000;
  const DAY = 24 * HOUR;

  test("hold their start and not their end, and fire and are late as others do", async () => {
    const steps = [-1, 0, DAY - 1, DAY, w(DAY - 1), w(DAY), DAY - 1, w(2 * DAY)];
    assert.deepEqual(await play(calendar("day"), steps), [
      `[${-DAY}, 0) on-time: -1`,
      `[0, ${DAY}) on-time: 0,${DAY - 1}`,
      `late: ${DAY - 1}`,
      `[${DAY}, ${2 * DAY}) on-time: ${DAY}`,
    ]);
    const options = { allowedLateness: 3 };
    assert.deepEqual(await play(calendar("day"), [w(DAY + 2), 0, w(DAY + 3), 0], options), [
      `[0, ${DAY}) late: 0`,
      "late: 0",
    ]);
    assert.deepEqual(await play(calendar("year"), [w(0), end]), []);
  });

  test("of a day have 23 hours where clocks go forward, and 25 where they go back", async () => {
    const zone = "Europe/Berlin";
    // 31 March and 27 October 2024 begin at 23:00 and 22:00 UTC of the day before.
    const spring = Date.UTC(2024, 2, 30, 23);
    const autumn = Date.UTC(2024, 9, 26, 22);
    for (const [start, hours] of [
      [spring, 23],
      [autumn, 25],
    ]) {
      const next = start + hours * HOUR;
      assert.deepEqual(await play(calendar("day", { zone }), [start - 1, start, next - 1, next, end]), [
        `[${start - DAY}, ${start}) on-time: ${start - 1}`,
        `[${start}, ${next}) on-time: ${start},${next - 1}`,
        `[${next}, ${next + DAY}) on-time: ${next}`,
      ]);
    }
  });

  test("take timestamps at both ends of the range", async () => {
    const shown = await play(calendar("day"), [-8.64e15, 8.64e15, end]);
    assert.deepEqual(shown, [
      `[${-8.64e15}, ${-8.64e15 + DAY}) on-time: ${-8.64e15}`,
      `[${8.64e15}, ${8.64e15 + DAY}) on-time: ${8.64e15}`,
    ]);
  });
});

describe("a session", () => {
  test("takes a record at a distance of exactly the gap, and none beyond it", async () => {
    assert.deepEqual(await play(session(5), [0, 5, 11, end]), [
      "[0, 10) on-time: 0,5",
      "[11, 16) on-time: 11",
    ]);
    assert.deepEqual(await play(session(5), [-5, -10, end]), ["[-10, 0) on-time: -5,-10"]);
  });

  test("closes one millisecond after its end, for the record that may come there", async () => {
    assert.deepEqual(await play(session(5), [0, w(5), 5, w(10), w(11)]), ["[0, 10) on-time: 0,5"]);
    assert.deepEqual(await play(session(5), [0, w(6), 5, w(11)]), [
      "[0, 5) on-time: 0",
      "[5, 10) on-time: 5",
    ]);
  });

  test("is too late where its own end is past, unless it touches a live one", async () => {
    assert.deepEqual(await play(session(5), [w(6), 0]), ["late: 0"]);
    assert.deepEqual(await play(session(5), [w(5), 0, end]), ["[0, 5) on-time: 0"]);
    assert.deepEqual(await play(session(5), [5, w(9), 0, end]), ["[0, 10) on-time: 5,0"]);
  });

  test("with a gap of each record ends where the longest reaches", async () => {
    const gap = (r: { at: number }) => (r.at === 0 ? 20 : 1);
    assert.deepEqual(await play(session(gap), [0, 3, 20, 22, end]), [
      "[0, 21) on-time: 0,3,20",
      "[22, 23) on-time: 22",
    ]);
  });

  test("is cut at its start and the maximum duration: the record there begins the next", async () => {
    const steps = [0, 4, 8, 9, 12, end];
    assert.deepEqual(await play(session(5, { maxDuration: 9 }), steps), [
      "[0, 9) on-time: 0,4,8",
      "[9, 17) on-time: 9,12",
    ]);
  });
});

describe("windows without an end", () => {
  test("take whatever time a record has", async () => {
    assert.deepEqual(await play(countWindow(2), [w(100), -7, 3, 100, 99, end]), [
      "on-time: -7,3",
      "on-time: 100,99",
    ]);
    const trigger = repeatedly(everyCount(2));
    assert.deepEqual(await play(globalWindow(), [w(100), -7, 3, 100, 99, end], { trigger }), [
      "early: -7,3",
      "early: -7,3,100,99",
    ]);
  });

  test("fire nothing where nothing came", async () => {
    assert.deepEqual(await play(countWindow(1), [w(100), end]), []);
    assert.deepEqual(await play(globalWindow(), [w(100), end], { trigger: atEnd() }), []);
  });
});
