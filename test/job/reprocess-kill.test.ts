/** kill -9 of a reprocessing, a real process, at any point: its table is the old one or the new one, and nothing else. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { seededRandom } from "../durability/random.ts";
import { seed } from "../connector/seed.ts";
import { DATABASE, USERS } from "./reprocess-killed.ts";
import { scratch } from "./scratch.ts";

const PROGRAM = join(import.meta.dirname, "reprocess-killed.ts");
const KILLS = process.env["MILLRACE_LONG"] === "1" ? 60 : 6;

const path = scratch();

/** One process, killed so long after it began; what it said. */
async function run(folder: string, what: string, killAfterMs?: number): Promise<string> {
  const child = spawn(process.execPath, ["--conditions=millrace-source", PROGRAM, folder, what]);
  let said = "";
  let errors = "";
  child.stdout.on("data", (text) => {
    said += text;
  });
  child.stderr.on("data", (text) => {
    errors += text;
  });
  const exited = once(child, "close");
  if (killAfterMs !== undefined) {
    await Promise.race([once(child.stdout, "data").then(() => sleep(killAfterMs)), exited]);
    child.kill("SIGKILL");
  }
  const [code, signal] = await exited;
  assert.ok(signal === "SIGKILL" || code === 0, `it ended with ${code ?? signal}:\n${errors}`);
  return said;
}

interface Table {
  readonly rows: number;
  readonly visits: number;
  readonly longest: number;
}

function read(folder: string): Table {
  const db = new DatabaseSync(join(folder, DATABASE));
  try {
    const sql =
      "SELECT count(*) AS rows, sum(visits) AS visits, max(windowEnd - windowStart) AS longest FROM sessions";
    return { ...db.prepare(sql).get() } as unknown as Table;
  } finally {
    db.close();
  }
}

const OLD: Table = { rows: 3 * USERS, visits: 3 * USERS, longest: 7 };
const NEW: Table = { rows: 2 * USERS, visits: 4 * USERS, longest: 19 };

test(`a reprocessing that is killed ${KILLS} times leaves the old table or the new one`, async () => {
  const first = path("old");
  mkdirSync(first);
  await run(first, "run");
  assert.deepEqual(read(first), OLD);

  const folder = path("killed");
  mkdirSync(folder);
  const renew = (): void => copyFileSync(join(first, DATABASE), join(folder, DATABASE));
  renew();
  const beganAt = performance.now();
  assert.match(
    await run(folder, "reprocess"),
    /^started\nended .*"rows":40000,"changed":20000,"removed":20000/,
  );
  const wholeMs = performance.now() - beganAt;
  assert.deepEqual(read(folder), NEW);

  const random = seededRandom(`${seed}`);
  let old = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    renew();
    await run(folder, "reprocess", random() * wholeMs);
    const table = read(folder);
    assert.deepEqual(table, table.rows === OLD.rows ? OLD : NEW);
    if (table.rows === OLD.rows) old++;
  }
  assert.ok(old > 0, "some were killed before they were through");
  await run(folder, "reprocess");
  assert.deepEqual(read(folder), NEW);
  assert.deepEqual(
    readdirSync(folder).filter((name) => !name.startsWith(DATABASE)),
    [],
    "nothing is left beside the database",
  );
});
