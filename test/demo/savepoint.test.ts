/**
 * The demo, stopped in the middle with a savepoint and started from it again: the same final files, byte for byte, as
 * of a run that nobody stopped.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { promisify } from "node:util";

const main = join(import.meta.dirname, "../../demo/main.ts");
const demo = (...args: string[]) => promisify(execFile)(process.execPath, [main, ...args]);

/** By its name, each file that a reader sees. */
function results(folder: string): Map<string, string> {
  const names = readdirSync(folder).filter((name) => name.endsWith(".ndjson"));
  return new Map(names.map((name) => [name, readFileSync(join(folder, name), "utf8")]));
}

describe("a savepoint in the middle of the demo", { concurrency: false }, () => {
  const root = mkdtempSync(join(tmpdir(), "millrace-demo-savepoint-"));
  after(() => rmSync(root, { recursive: true, force: true }));

  /** @param flights of the demo's; @param stopAfter so many of them the first run is stopped */
  async function sameFiles(backend: string, flights: number, stopAfter: number): Promise<void> {
    const of = (name: string): string => join(root, `${backend}-${name}`);
    const options = ["--backend", backend, ...(flights === 3_000_000 ? [] : ["--flights", String(flights)])];
    const run = (name: string, state: string, ...more: string[]) =>
      demo("--out", of(name), "--state", of(state), ...options, ...more);

    // In memory the order of results is that of a job without state.
    if (backend === "memory") await demo("--out", of("undisturbed"));
    else await run("undisturbed", "undisturbed-state");
    const savepoint = ["--stop-after", String(stopAfter), "--savepoint", of("savepoint")];
    const first = await run("halves", "first-state", ...savepoint);
    const stopped = Number(/^Stopped after ([\d,]+) flights\.$/m.exec(first.stdout)?.[1].replaceAll(",", ""));
    assert.ok(stopped > stopAfter && stopped < 0.9 * flights, `it stopped after ${stopped}`);
    const half = results(of("halves"));

    const second = await run("halves", "second-state", "--from", of("savepoint"));
    assert.match(
      second.stdout,
      new RegExp(`^Earlier runs read ${first.stdout.match(/after ([\d,]+)/)?.[1]} fl`, "m"),
    );
    const [actual, expected] = [results(of("halves")), results(of("undisturbed"))];
    assert.deepEqual([...actual.keys()], [...expected.keys()]);
    for (const [name, text] of expected) {
      assert.ok(actual.get(name) === text, `${name} differs`);
      assert.ok(text.startsWith(half.get(name) as string), `${name} of the first half was changed`);
    }
    assert.ok(
      (half.get("airports.ndjson") as string).length < (actual.get("airports.ndjson") as string).length,
    );
  }

  test("gives the same final files, with all three million flights", () =>
    sameFiles("memory", 3_000_000, 1_200_000));

  test("gives the same final files on rocksdb", () => sameFiles("rocksdb", 200_000, 80_000));
});
