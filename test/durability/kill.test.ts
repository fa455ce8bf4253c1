/**
 * kill -9 of real processes (INV-4): an exactly-once job's output is byte for byte that of an undisturbed run; an
 * at-least-once job repeats rows and loses none; an at-most-once job loses rows and repeats none.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { seededRandom } from "./random.ts";
import { killAndRestart, outputOf, rowsOf, runOnce, writeInput } from "./kill.ts";
import type { Backend, Delivery } from "./killed-job.ts";

const isLong = process.env["MILLRACE_LONG"] === "1";
const KILLS = isLong ? 200 : 10;
/** Of each run; a job that is killed so often must have something left to do. */
const RECORDS = isLong ? 400_000 : 40_000;
const seed = Number(process.env["MILLRACE_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

describe(`a job that is killed ${KILLS} times`, { concurrency: false }, () => {
  const root = mkdtempSync(join(tmpdir(), "millrace-kill-"));
  const undisturbed = (backend: Backend): string => join(root, `undisturbed-${backend}`);
  const killed = async (backend: Backend, delivery: Delivery): Promise<string> => {
    const random = seededRandom(`${seed} ${backend} ${delivery}`);
    const folder = join(root, `${backend}-${delivery}`);
    // Most runs reach a few epochs; some are cut short in the first.
    const kills = await killAndRestart(folder, backend, delivery, KILLS, () => random() * random() * 250);
    assert.ok(kills >= KILLS / 2, `it was over after ${kills} kills: give it more records`);
    return folder;
  };

  before(async () => {
    console.log(`# kill seed ${seed} (MILLRACE_SEED=${seed} repeats its delays)`);
    await writeInput(root, RECORDS, seededRandom(`${seed}`));
    for (const backend of ["memory", "rocksdb"] as const)
      await runOnce(undisturbed(backend), backend, "exactly-once", null);
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  for (const backend of ["memory", "rocksdb"] as const) {
    test(`gives the output of an undisturbed run, byte for byte, exactly-once on ${backend} (INV-4)`, async () => {
      const folder = await killed(backend, "exactly-once");
      const expected = outputOf(undisturbed(backend));
      const actual = outputOf(folder);
      assert.ok(expected.size > 10, "there is output to compare");
      assert.deepEqual([...actual.keys()], [...expected.keys()]);
      for (const [path, text] of expected) assert.ok(actual.get(path) === text, `${path} differs`);
    });

    test(`gives only rows of an undisturbed run, and each of them, at-least-once on ${backend}`, async () => {
      const folder = await killed(backend, "at-least-once");
      for (const output of ["echo", "sessions", "pages", "quiet"]) {
        const expected = new Set(rowsOf(undisturbed(backend), output));
        const actual = rowsOf(folder, output);
        assert.deepEqual(new Set(actual), expected, output);
        assert.ok(actual.length >= expected.size);
      }
    });

    test(`loses rows and repeats none, at-most-once on ${backend}`, async () => {
      const folder = await killed(backend, "at-most-once");
      const expected = new Set(rowsOf(undisturbed(backend), "echo"));
      const actual = rowsOf(folder, "echo");
      assert.equal(new Set(actual).size, actual.length, "no row of the echo comes twice");
      for (const row of actual) assert.ok(expected.has(row), row);
      const counts = countsOf(rowsOf(undisturbed(backend), "pages"));
      for (const [window, visits] of countsOf(rowsOf(folder, "pages")))
        assert.ok(visits <= (counts.get(window) ?? 0), `${window} counts ${visits}`);
    });
  }
});

/** By window: the greatest count that any of its panes shows. */
function countsOf(rows: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const row of rows) {
    const { key, windowStart, visits } = JSON.parse(row);
    const window = `${key} ${windowStart}`;
    counts.set(window, Math.max(counts.get(window) ?? 0, visits));
  }
  return counts;
}
