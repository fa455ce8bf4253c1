/** `millrace reprocess`: what it corrects, what it prints, and what it refuses. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { reprocessText } from "../../src/cli/reprocess.ts";
import { folder, millrace, program, root } from "./millrace.ts";

const cwd = folder();
const sqlite = pathToFileURL(join(root, "src/connector/sqlite/index.ts")).href;

const line = (user: string, at: string, n: number): string =>
  `${JSON.stringify({ user, at: `2026-01-01T${at}:00Z`, n })}\n`;

writeFileSync(
  join(cwd, "orders.ndjson"),
  line("ada", "10:00", 1) + line("ada", "11:30", 2) + line("ada", "10:40", 4) + line("bob", "12:10", 8),
);

const pipelineText = `
const { sqliteTable } = await import(${JSON.stringify(sqlite)});
const app = m.pipeline("orders");
const totals = app
  .source(m.ndjson("orders.ndjson"), { timestamp: (o) => Date.parse(o.at) })
  .keyBy((o) => o.user)
  .window(m.tumbling("1h"))
  .aggregate({ n: m.sum((o) => o.n) });
totals.late.to(m.lateLog("late.ndjson"), { name: "late" });
totals.to(sqliteTable("totals.db", { table: "totals", key: ["key", "windowStart"] }), { name: "totals" });
totals.to(m.ndjsonFile("out.ndjson"), { name: "out" });
`;
const file = program(cwd, "orders.ts", `${pipelineText}export default app;`);

function rows(): string[] {
  const db = new DatabaseSync(join(cwd, "totals.db"));
  try {
    return db
      .prepare("SELECT key, (windowStart / 3600000) % 24 AS hour, n FROM totals ORDER BY key, hour")
      .all()
      .map((row) => Object.values(row).join(" "));
  } finally {
    db.close();
  }
}

test("a run and its reprocessing give the table of all records, and the summary says what was done", async () => {
  assert.equal((await millrace(cwd, "run", file)).code, 0);
  assert.deepEqual(rows(), ["ada 10 1", "ada 11 2", "bob 12 8"]);
  // The history holds the late record no more; the log does.
  writeFileSync(
    join(cwd, "orders.ndjson"),
    line("ada", "10:00", 1) + line("ada", "11:30", 2) + line("bob", "12:10", 8),
  );
  const range = ["--from", "2026-01-01", "--to", "2026-01-01T12:30"];
  const { code, stdout, stderr } = await millrace(cwd, "reprocess", file, ...range);
  assert.deepEqual([code, stdout], [0, ""], stderr);
  assert.match(
    stderr.replace(/in [\d.]+ m?s/, "in 5 ms"),
    new RegExp(
      [
        "^orders: 3 records read in 5 ms, 1 late one added, 2026-01-01T00:00:00.000Z to 2026-01-01T12:30:00.000Z",
        "the history begins at 2026-01-01T10:00:00.000Z: what was before is in no result",
        "totals: 2 rows, 1 of them new or changed; 0 removed",
        "1 result reaches over a border of the range: left alone",
        "out is left alone: it only appends, and what it has can't be taken back",
        "$",
      ].join("\n"),
    ),
  );
  assert.deepEqual(rows(), ["ada 10 5", "ada 11 2", "bob 12 8"]);
});

test("--json prints the report, and a file that runs its pipeline itself gets it", async () => {
  const self = program(
    cwd,
    "self.ts",
    `${pipelineText}const report = await app.run();\nconsole.log("read", report.sources[0].records);`,
  );
  const args = ["--from", "1767225600000", "--to", "2026-01-02T00:00:00+01:00", "--json", "--codegen", "off"];
  const { code, stdout, stderr } = await millrace(cwd, "reprocess", self, ...args);
  assert.equal(code, 0, stderr);
  const [json, said] = stdout.split("\n");
  const report = JSON.parse(json as string);
  assert.deepEqual(
    [report.pipeline, report.from, report.to, report.lateRecords],
    ["orders", 1767225600000, 1767308400000, 1],
  );
  assert.deepEqual(report.corrected, [{ name: "totals", rows: 3, changed: 0, removed: 0, stale: null }]);
  assert.equal(said, "read 3");
});

test("a range that is missing or no range is refused", async () => {
  for (const [args, code, message] of [
    [[], 2, /millrace reprocess takes --from TIME and --to TIME/],
    [["--from", "2026-01-01"], 2, /takes --from TIME and --to TIME/],
    [["--from", "today", "--to", "2026-01-01"], 1, /from takes ISO 8601.*OPTION_INVALID/],
    [["--from", "2026-01-02", "--to", "2026-01-01"], 1, /to must lie after from.*OPTION_INVALID/],
  ] as const) {
    const done = await millrace(cwd, "reprocess", file, ...args);
    assert.equal(done.code, code, done.stderr);
    assert.match(done.stderr, message);
  }
});

test("a pipeline that has nothing to correct is refused, with the reason for its sink", async () => {
  const text =
    'const app = m.pipeline("p");\napp.source(m.fromIterable([1])).to(m.toConsole());\nexport default app;';
  const done = await millrace(cwd, "reprocess", program(cwd, "console.ts", text), "--from", "0", "--to", "1");
  assert.equal(done.code, 1);
  assert.match(done.stderr, /nothing that can be corrected.*sink: it only appends/);
});

test("the summary tells of a stopped run and of rows that may have stayed", () => {
  const report = {
    sources: [{ records: 1234 }, { records: 1 }],
    durationMs: 4200,
    lateRecords: 17,
    acrossBorders: 2,
    historyFrom: -5,
    from: 0,
    to: 1000,
    stopped: true,
    corrected: [{ name: "t", rows: 1, changed: 0, removed: 0, stale: "rows of t have no columns" }],
    left: [],
  } as unknown as Parameters<typeof reprocessText>[1];
  assert.equal(
    reprocessText("p", report),
    `p: 1,235 records read in 4.2 s, 17 late ones added, 1970-01-01T00:00:00.000Z to 1970-01-01T00:00:01.000Z
stopped before the inputs ended: nothing was changed
t: 1 row, 0 of them new or changed; 0 removed
t: rows that are no results any more may have stayed, since rows of t have no columns
2 results reach over a border of the range: left alone
`,
  );
});
