/**
 * kill -9 of real processes that write SQLite tables: whenever they die, the tables are those of a whole epoch (INV-4), and
 * in the end those of an undisturbed run.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { writeInput } from "../durability/kill.ts";
import { seededRandom } from "../durability/random.ts";
import { seed } from "./seed.ts";

const JOB = join(import.meta.dirname, "sqlite-killed-job.ts");
const isLong = process.env["MILLRACE_LONG"] === "1";
const KILLS = isLong ? 60 : 6;
const RECORDS = isLong ? 400_000 : 60_000;

describe(`SQLite tables of a job that is killed ${KILLS} times`, { concurrency: false }, () => {
  const root = mkdtempSync(join(tmpdir(), "millrace-sqlite-kill-"));
  before(() => writeInput(root, RECORDS, seededRandom(`${seed}`)));
  after(() => rmSync(root, { recursive: true, force: true }));

  /** One run, killed when `moment` has come. True when it ended by itself. */
  async function run(folder: string, guarantee: string, moment?: () => Promise<void>): Promise<boolean> {
    const child = spawn(process.execPath, ["--conditions=millrace-source", JOB, folder, guarantee], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let errors = "";
    child.stderr.on("data", (text) => {
      errors += text;
    });
    const exited = once(child, "exit");
    if (moment !== undefined) {
      await Promise.race([once(child.stdout, "data").then(moment), exited]);
      child.kill("SIGKILL");
    }
    const [code, signal] = await exited;
    assert.ok(signal === "SIGKILL" || code === 0, `the job ended with ${code ?? signal}:\n${errors}`);
    return signal === null;
  }

  /** What a reader sees. */
  function read<R>(folder: string, sql: string): R[] {
    const path = join(folder, "out.db");
    if (!existsSync(path)) return [];
    const db = new DatabaseSync(path, { readOnly: true, timeout: 10_000 });
    try {
      const { n } = db.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name = 'users'").get() as {
        n: number;
      };
      return n === 0 ? [] : (db.prepare(sql).all() as R[]);
    } finally {
      db.close();
    }
  }

  /** Counts up with every epoch that the table of users shows. */
  const progressOf = (folder: string): number =>
    read<{ n: number }>(
      folder,
      "SELECT coalesce(epoch, 0) + flushes AS n FROM millrace_epochs WHERE target = 'users'",
    )[0]?.n ?? 0;

  /** Most runs are killed after a few epochs, at any point of the next; some before they have got on at all. */
  function momentIn(folder: string, random: () => number): () => Promise<void> {
    const goal = progressOf(folder) + Math.floor(random() * 4);
    const restMs = random() * 15;
    return async () => {
      for (let tries = 0; progressOf(folder) < goal && tries < 10_000; tries++) await sleep(2);
      await sleep(restMs);
    };
  }

  for (const guarantee of ["exactly-once", "at-least-once"] as const) {
    test(`are those of an undisturbed run in the end, with ${guarantee} (INV-4)`, async () => {
      const [undisturbed, folder] = ["undisturbed", "killed"].map((name) =>
        join(root, `${name}-${guarantee}`),
      );
      mkdirSync(undisturbed);
      mkdirSync(folder);
      assert.ok(await run(undisturbed, guarantee));
      const random = seededRandom(`${seed} ${guarantee}`);
      let kills = 0;
      const seen = new Set<number>();
      while (kills < KILLS && !(await run(folder, guarantee, momentIn(folder, random)))) {
        kills++;
        const [sums] = read<{ visits: number | null; last: number }>(
          folder,
          "SELECT sum(visits) AS visits, max(last) AS last FROM users",
        );
        seen.add(sums?.visits ?? 0);
        // Every record counts once, and up to the last of them: what an epoch has, no more and no less.
        if (guarantee === "exactly-once") assert.equal(sums?.visits ?? 0, (sums?.last ?? -1) + 1);
      }
      assert.ok(kills >= KILLS / 2, `it was over after ${kills} kills: give it more records`);
      assert.ok(seen.size > 1, "it got on between two kills");
      if (kills === KILLS) assert.ok(await run(folder, guarantee));
      for (const table of ["users", "pages"]) {
        const [expected, actual] = [undisturbed, folder].map((run) =>
          read<object>(run, `SELECT * FROM ${table}`),
        );
        assert.ok(expected.length > 500, "there are rows to compare");
        assert.deepEqual(actual, expected);
      }
      assert.deepEqual(
        readdirSync(folder).filter((name) => name.includes(".staged-")),
        [],
      );
    });
  }
});
