/** Durations. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Duration, durationMs, formatDuration } from "../../src/core/time.ts";
import { property } from "../connector/seed.ts";

const ms = (duration: Duration): number => durationMs(duration, "it");

test("a duration is milliseconds, or a number with a unit", () => {
  assert.deepEqual(
    ([0, 5000, "0ms", "500ms", "5s", "10m", "1h", "7d", "1.5h", "0.5s", "007s", "36500d"] as const).map(ms),
    [0, 5000, 0, 500, 5000, 600_000, 3_600_000, 604_800_000, 5_400_000, 500, 7000, 3_153_600_000_000],
  );
});

test("what is no whole number of milliseconds, zero or more, is no duration, and the error says where", () => {
  for (const text of [
    "0.5ms",
    "1.0001s",
    "-1s",
    "5 s",
    " 5s",
    "5s ",
    "5",
    "s",
    "5sec",
    "1h30m",
    ".5s",
    "5.s",
    "1_000ms",
    "٣s",
  ]) {
    assert.throws(() => durationMs(text as Duration, "the pause"), {
      code: "DURATION_INVALID",
      message: /^the pause: ".*" is no duration \[DURATION_INVALID\]/,
    });
  }
  for (const value of [
    -1,
    0.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 53,
    "999999999999999999d",
    null,
    undefined,
    {},
    [5],
    5n,
  ]) {
    assert.throws(() => ms(value as Duration), { code: "DURATION_INVALID" });
  }
});

test("a duration of three decimals of a second is exact", () => {
  for (let i = 0; i < 5000; i++) assert.equal(ms(`${(i / 1000).toFixed(3)}s` as Duration), i);
});

test("a duration is written with the largest unit that divides it", () => {
  assert.deepEqual(
    [0, 1, 999, 1000, 1500, 60_000, 90_000, 3_600_000, 86_400_000, 90_000_000].map(formatDuration),
    ["0ms", "1ms", "999ms", "1s", "1500ms", "1m", "90s", "1h", "1d", "25h"],
  );
});

test("a duration that was written reads as what it was", () => {
  fc.assert(
    fc.property(fc.oneof(fc.integer({ min: 0, max: 2 ** 31 }), fc.maxSafeNat()), (n) => {
      assert.equal(ms(formatDuration(n) as Duration), n);
    }),
    property,
  );
});
