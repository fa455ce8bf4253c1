/** Triggers over windows with fixed bounds and the global window: what fires when, as which pane, with what in it. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  atEnd,
  cumulating,
  everyCount,
  everyEventTime,
  everyProcessingTime,
  globalWindow,
  onTime,
  repeatedly,
  sliding,
  tumbling,
} from "../../src/index.ts";
import { run } from "./trigger-trace.ts";

const end = { w: Number.POSITIVE_INFINITY };

describe("onTime", () => {
  test("without early and late does what a window does without a trigger", async () => {
    const steps = [1, 12, { w: 10 }, 3, { w: 14 }, 4, { w: 15 }, 5, end];
    const expected = ["2: k [0, 10) on-time 0: 1", "3: k [0, 10) late 1: 1,3", "5: k [0, 10) late 2: 1,3,4"];
    const late = ["7: late 5", "8: k [10, 20) on-time 0: 12"];
    for (const trigger of [onTime(), onTime({ late: everyCount(1) })]) {
      const { out, rowsLeft } = await run(tumbling(10), { allowedLateness: 5, trigger }, steps);
      assert.deepEqual(out, [...expected, ...late]);
      assert.equal(rowsLeft, 0);
    }
    // The same by the head of triggers, where a part of one's own does what is the default.
    const own = { ...everyCount(1) };
    const { out } = await run(tumbling(10), { allowedLateness: 5, trigger: onTime({ late: own }) }, steps);
    assert.deepEqual(out, [...expected, ...late]);
  });

  test("fires early by count, on time with all that came, and late ones at once", async () => {
    const options = { trigger: onTime({ early: everyCount(2) }), allowedLateness: 10 };
    const { out, rowsLeft } = await run(tumbling(10), options, [
      1,
      2,
      3,
      { w: 10 },
      4,
      { w: 19 },
      5,
      { w: 20 },
      6,
    ]);
    assert.deepEqual(out, [
      "1: k [0, 10) early 0: 1,2",
      "3: k [0, 10) on-time 1: 1,2,3",
      "4: k [0, 10) late 2: 1,2,3,4",
      "6: k [0, 10) late 3: 1,2,3,4,5",
      "8: late 6",
    ]);
    assert.equal(rowsLeft, 0);
  });

  test("of a discarding window gives each record once, and no pane without a record", async () => {
    const options = { trigger: onTime({ early: everyCount(2) }), panes: "discarding" } as const;
    const { out } = await run(tumbling(10), options, [1, 2, 3, 11, 12, end]);
    assert.deepEqual(out, [
      "1: k [0, 10) early 0: 1,2",
      "4: k [10, 20) early 0: 11,12",
      "5: k [0, 10) on-time 1: 3",
    ]);
  });

  test("counts anew after the end: late ones together, as many as `late` says", async () => {
    const options = {
      trigger: onTime({ early: everyCount(3), late: everyCount(2) }),
      allowedLateness: 10,
    };
    const { out } = await run(tumbling(10), options, [1, 2, { w: 10 }, 3, 4, 5, { w: 20 }]);
    // The first late record does not make three with the two before.
    assert.deepEqual(out, ["2: k [0, 10) on-time 0: 1,2", "4: k [0, 10) late 1: 1,2,3,4"]);
  });

  test("of a key that comes late only fires late panes from the first on", async () => {
    const options = { trigger: onTime({ early: everyCount(1) }), allowedLateness: 10 };
    const { out } = await run(tumbling(10), options, [{ w: 10 }, ["a", 1], ["a", 2]]);
    assert.deepEqual(out, ["1: a [0, 10) late 0: 1", "2: a [0, 10) late 1: 1,2"]);
  });

  test("fires once where the watermark jumps past the end and past the lateness", async () => {
    const options = { trigger: onTime({ early: everyEventTime(2) }), allowedLateness: 5 };
    const { out, rowsLeft } = await run(tumbling(10), options, [1, ["a", 3], { w: 1000 }]);
    assert.deepEqual(out, ["2: k [0, 10) on-time 0: 1", "2: a [0, 10) on-time 0: 3"]);
    assert.equal(rowsLeft, 0);
  });

  test("takes a record at the watermark one below the end for an early one, and one at the end for the next window", async () => {
    const options = { trigger: onTime({ early: everyCount(1) }) };
    const { out } = await run(tumbling(10), options, [{ w: 9 }, 9, 10, { w: 10 }, 9]);
    assert.deepEqual(out, [
      "1: k [0, 10) early 0: 9",
      "2: k [10, 20) early 0: 10",
      "3: k [0, 10) on-time 1: 9",
      "4: late 9",
    ]);
  });

  test("works in overlapping windows, each for itself, with the missed ones left out", async () => {
    const options = { trigger: onTime({ early: everyCount(2) }) };
    const { out } = await run(sliding(10, 5), options, [1, { w: 5 }, 2, 6, end]);
    assert.deepEqual(out, [
      "1: k [-5, 5) on-time 0: 1",
      "2: k [0, 10) early 0: 1,2",
      "4: k [0, 10) on-time 1: 1,2,6",
      "4: k [5, 15) on-time 0: 6",
    ]);
    const growing = await run(cumulating(10, 5), options, [1, 6, 7, end]);
    assert.deepEqual(growing.out, [
      "1: k [0, 10) early 0: 1,6",
      "3: k [0, 5) on-time 0: 1",
      "3: k [0, 10) on-time 1: 1,6,7",
    ]);
  });
});

describe("everyEventTime", () => {
  const early = (interval: number) => ({ trigger: onTime({ early: everyEventTime(interval) }) });

  test("fires when the watermark reaches a boundary, not one before", async () => {
    const { out } = await run(tumbling(20), early(5), [1, { w: 4 }, { w: 5 }, 7, { w: 9 }, { w: 10 }, end]);
    assert.deepEqual(out, [
      "2: k [0, 20) early 0: 1",
      "5: k [0, 20) early 1: 1,7",
      "6: k [0, 20) on-time 2: 1,7",
    ]);
  });

  test("has its boundaries floored before 1970, and begins with the first above the first record", async () => {
    const { out } = await run(tumbling(20), early(5), [-13, { w: -11 }, { w: -10 }, -5, { w: -5 }, { w: 0 }]);
    assert.deepEqual(out, [
      "2: k [-20, 0) early 0: -13",
      "4: k [-20, 0) early 1: -13,-5",
      "5: k [-20, 0) on-time 2: -13,-5",
    ]);
    // A record on a boundary is not in front of it.
    assert.deepEqual((await run(tumbling(20), early(5), [-10, { w: -10 }, { w: -6 }, { w: -5 }])).out, [
      "3: k [-20, 0) early 0: -10",
    ]);
  });

  test("fires once in an advance, however many boundaries that passes, and again at the next without a record", async () => {
    const { out } = await run(tumbling(100), early(5), [1, { w: 52 }, { w: 54 }, { w: 55 }]);
    assert.deepEqual(out, ["1: k [0, 100) early 0: 1", "3: k [0, 100) early 1: 1"]);
  });

  test("fires nothing without a record where panes are discarding", async () => {
    const options = { ...early(5), panes: "discarding" } as const;
    const { out } = await run(tumbling(20), options, [1, { w: 5 }, { w: 10 }, 11, { w: 15 }, { w: 20 }]);
    assert.deepEqual(out, ["1: k [0, 20) early 0: 1", "4: k [0, 20) early 1: 11"]);
  });

  test("fires a window whose first record came behind the watermark at the next advance", async () => {
    const { out } = await run(tumbling(20), early(5), [{ w: 12 }, 3, { w: 13 }, { w: 14 }, { w: 15 }]);
    assert.deepEqual(out, ["2: k [0, 20) early 0: 3", "4: k [0, 20) early 1: 3"]);
  });

  test("puts late records together until the next boundary, and loses those of a window that goes before it", async () => {
    const trigger = onTime({ late: everyEventTime(10) });
    const { out } = await run(tumbling(10), { trigger, allowedLateness: 15 }, [
      1,
      { w: 12 },
      2,
      3,
      { w: 19 },
      { w: 20 },
      { w: 21 },
      4,
      { w: 25 },
      5,
    ]);
    assert.deepEqual(out, ["1: k [0, 10) on-time 0: 1", "5: k [0, 10) late 1: 1,2,3", "9: late 5"]);
  });

  test("fires a boundary at the very end of the lateness, with repeatedly", async () => {
    const options = { trigger: repeatedly(everyEventTime(15)), allowedLateness: 5 };
    const { out, rowsLeft } = await run(tumbling(10), options, [1, { w: 10 }, { w: 100 }]);
    assert.deepEqual(out, ["2: k [0, 10) late 0: 1"]);
    assert.equal(rowsLeft, 0);
    // Without lateness the window is gone before the boundary comes, whether the watermark stops between or not.
    assert.deepEqual((await run(tumbling(10), { trigger: options.trigger }, [1, { w: 100 }])).out, []);
    assert.deepEqual(
      (await run(tumbling(10), { trigger: options.trigger }, [1, { w: 10 }, { w: 100 }])).out,
      [],
    );
  });
});

describe("everyProcessingTime", () => {
  const trigger = onTime({ early: everyProcessingTime(10) });

  test("fires what came when the clock reaches the next multiple, once", async () => {
    const { out } = await run(tumbling(100), { trigger }, [
      1,
      { ms: 9 },
      2,
      { ms: 1 },
      { ms: 50 },
      3,
      { ms: 25 },
      end,
    ]);
    assert.deepEqual(out, [
      "3: k [0, 100) early 0: 1,2",
      "6: k [0, 100) early 1: 1,2,3",
      "7: k [0, 100) on-time 2: 1,2,3",
    ]);
  });

  test("fires before the first record of the turn in which the clock moved", async () => {
    const { out } = await run(tumbling(100), { trigger, panes: "discarding" }, [
      1,
      { ms: 10 },
      2,
      { ms: 10 },
    ]);
    assert.deepEqual(out, ["1: k [0, 100) early 0: 1", "3: k [0, 100) early 1: 2"]);
  });

  test("fires nothing of a window that is gone, and late ones together", async () => {
    const gone = await run(tumbling(10), { trigger }, [1, { w: 10 }, { ms: 100 }]);
    assert.deepEqual(gone.out, ["1: k [0, 10) on-time 0: 1"]);
    assert.equal(gone.rowsLeft, 0);
    const late = { trigger: onTime({ late: everyProcessingTime(10) }), allowedLateness: 100 };
    const { out } = await run(tumbling(10), late, [1, { w: 10 }, 2, 3, { ms: 10 }, { ms: 10 }]);
    assert.deepEqual(out, ["1: k [0, 10) on-time 0: 1", "4: k [0, 10) late 1: 1,2,3"]);
  });

  test("forgets the times of thousands of windows that are gone", async () => {
    const steps = Array.from({ length: 3000 }, (_, i) => [i * 10, { w: i * 10 }]).flat();
    const slow = { trigger: onTime({ early: everyProcessingTime("1h") }) };
    const { out, rowsLeft } = await run(tumbling(10), slow, [...steps, { ms: 3_600_000 }]);
    assert.equal(out.length, 3000);
    assert.equal(out.at(-1), "6000: k [29990, 30000) early 0: 29990");
    assert.equal(rowsLeft, 1);
  });
});

describe("repeatedly", () => {
  test("fires nothing at the window's end, and what it has not fired then is in no pane", async () => {
    const trigger = repeatedly(everyCount(2));
    const { out, rowsLeft } = await run(tumbling(10), { trigger, allowedLateness: 5 }, [
      1,
      2,
      3,
      { w: 10 },
      4,
      5,
      end,
    ]);
    assert.deepEqual(out, ["1: k [0, 10) early 0: 1,2", "4: k [0, 10) late 1: 1,2,3,4"]);
    assert.equal(rowsLeft, 0);
  });
});

describe("the global window", () => {
  test("fires every so many records of a key, whenever they are of", async () => {
    const trigger = repeatedly(everyCount(2));
    const steps = [50, ["a", 1], { w: 60 }, 3, ["a", 2], 4, 5, end] as const;
    const { out } = await run(globalWindow(), { trigger }, steps);
    assert.deepEqual(out, ["3: k early 0: 50,3", "4: a early 0: 1,2", "6: k early 1: 50,3,4,5"]);
    const discarding = await run(globalWindow(), { trigger, panes: "discarding" }, steps);
    assert.deepEqual(discarding.out, ["3: k early 0: 50,3", "4: a early 0: 1,2", "6: k early 1: 4,5"]);
  });

  test("with atEnd fires at the end of the input and not before", async () => {
    for (const trigger of [atEnd(), onTime()]) {
      const { out } = await run(globalWindow(), { trigger }, [7, ["a", 1], { w: 1e12 }, 3, end]);
      assert.deepEqual(out, ["4: a on-time 0: 1", "4: k on-time 0: 7,3"]);
    }
  });

  test("fires by event time and at the end of the input", async () => {
    const { out } = await run(globalWindow(), { trigger: repeatedly(everyEventTime(10)) }, [
      1,
      { w: 10 },
      12,
      { w: 19 },
      { w: 20 },
      21,
      end,
    ]);
    assert.deepEqual(out, ["1: k early 0: 1", "4: k early 1: 1,12", "6: k on-time 2: 1,12,21"]);
  });

  test("fires by the clock", async () => {
    const { out } = await run(globalWindow(), { trigger: repeatedly(everyProcessingTime(10)) }, [
      1,
      { ms: 10 },
      { ms: 10 },
      2,
      { ms: 10 },
      3,
      end,
    ]);
    assert.deepEqual(out, ["1: k early 0: 1", "4: k early 1: 1,2"]);
  });

  test("stamps a pane with its latest record, and never below the watermark", async () => {
    const { timestamps } = await run(
      globalWindow(),
      { trigger: repeatedly(everyCount(2)), panes: "discarding" },
      [50, 40, { w: 100 }, 1, 2, 3, 200, 7, end],
    );
    assert.deepEqual(timestamps, [50, 100, 200]);
    const atTheEnd = await run(globalWindow(), { trigger: atEnd() }, [50, ["a", 1], { w: 40 }, end]);
    assert.deepEqual(atTheEnd.timestamps, [40, 50]);
  });
});

test("atEnd fires a window with an end once, there; late records fire nothing", async () => {
  const { out } = await run(tumbling(10), { trigger: atEnd(), allowedLateness: 10 }, [1, { w: 10 }, 2, end]);
  assert.deepEqual(out, ["1: k [0, 10) on-time 0: 1"]);
});
