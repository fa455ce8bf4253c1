/** The progress line: its text, its rates, and how it shares a terminal. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatProgress, Pace, ProgressLine, type Terminal } from "../../src/cli/progress.ts";
import { durationText, scaled, wholeSecondsText } from "../../src/cli/quantity.ts";
import type { Progress } from "../../src/index.ts";

const progress = (some: Partial<Progress>): Progress => ({
  done: 0,
  total: 0,
  unit: "bytes",
  records: 0,
  elapsedMs: 1000,
  ended: false,
  ...some,
});

test("the line shows bytes, records, rate and the time that is left", () => {
  const now = progress({ done: 1.2e9, total: 2.8e9, records: 3_410_221 });
  assert.equal(
    formatProgress("orders", now, { recordsPerS: 812_345, leftMs: 3400 }),
    "orders 42%  1.2 GB of 2.8 GB  3,410,221 records  812 K/s  4 s left",
  );
});

test("where sources count records, the line counts them once", () => {
  const now = progress({ unit: "records", done: 430_000, total: 1_000_000, records: 430_000 });
  assert.equal(
    formatProgress("orders", now, { recordsPerS: null, leftMs: null }),
    "orders 43%  430,000 of 1,000,000 records",
  );
});

test("without a known total there is no percentage and no time left", () => {
  for (const total of [0, Number.POSITIVE_INFINITY]) {
    const pace = new Pace();
    pace.add(progress({ unit: "records", total, elapsedMs: 0 }));
    const now = progress({ unit: "records", total, done: 500, records: 500, elapsedMs: 1000 });
    assert.equal(formatProgress("orders", now, pace.add(now)), "orders  500 records  500/s");
  }
});

test("the first call knows no rate", () => {
  assert.deepEqual(new Pace().add(progress({ records: 5 })), { recordsPerS: null, leftMs: null });
});

test("rates are those of the last two seconds, not of the whole run", () => {
  const pace = new Pace();
  const at = (elapsedMs: number): Progress => {
    // 1000 per second for ten seconds, then 100.
    const records = elapsedMs <= 10_000 ? elapsedMs : 10_000 + (elapsedMs - 10_000) / 10;
    return progress({ unit: "records", done: records, total: 20_000, records, elapsedMs });
  };
  for (let ms = 0; ms < 13_000; ms += 100) pace.add(at(ms));
  assert.deepEqual(pace.add(at(13_000)), { recordsPerS: 100, leftMs: 97_000 });
});

test("sizes, rates and durations are short and never round up to the next unit's start", () => {
  const scaledOnes = [0, 7, 999, 999.6, 1234, 9949, 9960, 812_345, 999_600, 1.2e9].map((n) => scaled(n));
  assert.deepEqual(scaledOnes, [
    "0",
    "7",
    "999",
    "1.0 K",
    "1.2 K",
    "9.9 K",
    "10 K",
    "812 K",
    "1.0 M",
    "1.2 G",
  ]);
  assert.equal(scaled(340, "B"), "340 B");
  const durations = [0, 840, 999.6, 4200, 9960, 59_700, 75_000, 4_320_000].map(durationText);
  assert.deepEqual(durations, [
    "0 ms",
    "840 ms",
    "1.0 s",
    "4.2 s",
    "10 s",
    "1 min 0 s",
    "1 min 15 s",
    "1 h 12 min",
  ]);
  assert.deepEqual([0, 59, 60, 3599, 3600].map(wholeSecondsText), [
    "0 s",
    "59 s",
    "1 min 0 s",
    "59 min 59 s",
    "1 h 0 min",
  ]);
});

/** What a terminal of one row shows, and the lines that scrolled out of it. */
class Screen implements Terminal {
  columns = 80;
  rows: string[] = [];
  row = "";

  write(chunk: string | Uint8Array): boolean {
    for (const part of String(chunk).split(/(\r\u001b\[K|\n)/)) {
      if (part === "\n") this.rows.push(this.row);
      if (part === "\n" || part === "\r\u001b[K") this.row = "";
      else this.row += part;
    }
    return true;
  }
}

const half = progress({ unit: "records", done: 50, total: 100, records: 50 });

test("the line is drawn in place and erased at the end", () => {
  const screen = new Screen();
  const show = new ProgressLine(screen, [screen]).follow("orders");
  show(half);
  assert.equal(screen.row, "orders 50%  50 of 100 records");
  show({ ...half, done: 60, elapsedMs: 2000 });
  assert.match(screen.row, /^orders 60%/);
  show({ ...half, done: 100, elapsedMs: 3000, ended: true });
  assert.deepEqual([screen.row, screen.rows], ["", []]);
});

test("a run that is over soon shows no progress", () => {
  const screen = new Screen();
  new ProgressLine(screen, [screen]).follow("orders")({ ...half, elapsedMs: 100 });
  assert.equal(screen.row, "");
});

test("the line never reaches the last column", () => {
  const screen = new Screen();
  screen.columns = 20;
  new ProgressLine(screen, [screen]).follow("orders")(half);
  assert.equal(screen.row, "orders 50%  50 of 1");
});

test("what others print appears above the line, which waits until they have ended theirs", () => {
  const screen = new Screen();
  const show = new ProgressLine(screen, [screen]).follow("orders");
  show(half);
  screen.write("a result\n");
  assert.deepEqual([screen.row, screen.rows], ["", ["a result"]]);
  show(half);
  screen.write("half a");
  show(half);
  assert.equal(screen.row, "half a");
  screen.write(" line\n");
  show(half);
  assert.deepEqual(screen.rows, ["a result", "half a line"]);
  assert.match(screen.row, /^orders 50%/);
});

test("of two runs at once the first shows, and then the other", () => {
  const screen = new Screen();
  const line = new ProgressLine(screen, [screen]);
  const [a, b] = [line.follow("a"), line.follow("b")];
  a(half);
  b(half);
  assert.match(screen.row, /^a 50%/);
  a({ ...half, ended: true });
  b(half);
  assert.match(screen.row, /^b 50%/);
});
