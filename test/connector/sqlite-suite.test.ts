/** The SQLite table through the one suite of sinks: visible at once, and under exactly-once over a disk that crashes. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after } from "node:test";
import { sqliteTable } from "../../src/connector/sqlite/index.ts";
import { tableSink } from "../../src/connector/sqlite/table-sink.ts";
import type { CrashDisk } from "../epoch/crash-files.ts";
import type { Written } from "./epoch-run.ts";
import { crashDriver } from "./sqlite-crash-driver.ts";
import { sinkEpochSuite, sinkSuite } from "./sink-suite.ts";

const folder = mkdtempSync(join(tmpdir(), "millrace-sqlite-suite-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** The rows of a database; none where there is no table. */
function rowsOf(db: DatabaseSync): Written[] {
  const there = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'out'").get() !== undefined;
  return there
    ? (db.prepare("SELECT id FROM out ORDER BY id").all() as { id: number }[]).map(({ id }) => ({ id }))
    : [];
}

let made = 0;
sinkSuite("sqliteTable()", () => {
  const path = join(folder, `${made++}.db`);
  return {
    sink: sqliteTable<Written>(path, { table: "out", key: ["id"] }),
    received() {
      if (!existsSync(path)) return [];
      const db = new DatabaseSync(path);
      const rows = rowsOf(db);
      db.close();
      return rows;
    },
  };
});

// --- exactly-once ---

const PATH = "/out.db";
/** A disk's content is another object after every change. */
const rowsIn = new WeakMap<Buffer, Written[]>();

function visible(disk: CrashDisk): Written[] {
  if (!disk.names.has(PATH)) return [];
  const content = disk.content(PATH);
  let rows = rowsIn.get(content);
  if (rows === undefined) {
    const db = new DatabaseSync(":memory:");
    db.deserialize(content);
    rows = rowsOf(db);
    db.close();
    rowsIn.set(content, rows);
  }
  return rows;
}

sinkEpochSuite("sqliteTable()", {
  sink: () => tableSink<Written>(crashDriver, PATH, { table: "out", key: ["id"] }),
  visible,
  atOnce: true,
  outcome: (disk) => ({
    rows: JSON.stringify(visible(disk)),
    files: [...disk.names.keys()]
      .filter((name) => !name.endsWith(".next"))
      .sort()
      .join(" "),
  }),
});
