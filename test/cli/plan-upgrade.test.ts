/** `millrace plan-upgrade`: what it says of a program is what a start of that program does. */
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { contentOf, type DurableJob, durableProgram } from "./durable-job.ts";
import { folder, millrace, program } from "./millrace.ts";

const root = folder();
/** Where the old program ran. */
const cwd = join(root, "before");

before(async () => {
  mkdirSync(cwd);
  const file = durableProgram(cwd, "old.ts", { directory: "old", stopAt: 4000 });
  const { code, stderr } = await millrace(cwd, "run", file, "--savepoint-on-stop", "saved");
  assert.deepEqual([code, stderr], [0, ""]);
});

interface Case {
  readonly title: string;
  readonly job: DurableJob;
  /** By store: "store verdict". */
  readonly lines: readonly string[];
  readonly says: RegExp;
  /** What the start fails with; null where it goes on. */
  readonly refusedWith: string | null;
}

const goesOn = /^visits can start from epoch 1$/m;
const kept = ["numbers/positions compatible", "out/epochs compatible"];

const cases: Case[] = [
  {
    title: "the same program",
    job: {},
    lines: [...kept, "pages/panes compatible", "sessions/sessions compatible"],
    says: goesOn,
    refusedWith: null,
  },
  {
    title: "another gap",
    job: { gap: "4s" },
    lines: [...kept, "pages/panes compatible", "sessions/sessions rebuild"],
    says: /^refused; to give the rows up, start with dropState: \["sessions\/sessions"\]$/m,
    refusedWith: "STATE_SCHEMA_CHANGED",
  },
  {
    title: "another gap, with the operator given up",
    job: { gap: "4s", options: 'dropState: ["sessions"]' },
    lines: [...kept, "pages/panes compatible", "sessions/sessions rebuild"],
    says: goesOn,
    refusedWith: null,
  },
  {
    title: "an operator under a new name",
    job: { window: "leaves" },
    lines: ["leaves/panes new", ...kept, "pages/panes orphan", "sessions/sessions compatible"],
    says: /dropState: \["pages\/panes"\]$/m,
    refusedWith: "STATE_SCHEMA_CHANGED",
  },
  {
    title: "an operator under a new name, with the store of the old one given up",
    job: { window: "leaves", options: 'dropState: ["pages/panes"]' },
    lines: ["leaves/panes new", ...kept, "pages/panes orphan", "sessions/sessions compatible"],
    says: goesOn,
    refusedWith: null,
  },
  {
    title: "a source under a new name",
    job: { source: "digits" },
    lines: [
      "digits/positions new",
      "numbers/positions orphan",
      "out/epochs compatible",
      "pages/panes compatible",
      "sessions/sessions compatible",
    ],
    says: /dropState: \["numbers\/positions"\]$/m,
    refusedWith: "STATE_SCHEMA_CHANGED",
  },
  {
    title: "another job",
    job: { name: "views" },
    lines: [...kept, "pages/panes compatible", "sessions/sessions compatible"],
    says: /^refused: the state is that of job visits, not of views$/m,
    refusedWith: "STATE_DIRECTORY_FOREIGN",
  },
];

for (const [i, { title, job, lines, says, refusedWith }] of cases.entries()) {
  test(`${title}: ${refusedWith === null ? "goes on, and so does the start" : "is refused, and so is the start"}`, async () => {
    const own = join(root, `case-${i}`);
    cpSync(cwd, own, { recursive: true });
    const file = durableProgram(own, "new.ts", { ...job, directory: "new" });
    const before = contentOf(join(own, "old"));
    const { code, stdout, stderr } = await millrace(own, "plan-upgrade", "old", file);
    assert.deepEqual([code, stderr], [refusedWith === null ? 0 : 1, ""]);
    const printed = stdout.split("\n").filter((line) => /^\S+\/\S+ /.test(line));
    assert.deepEqual(
      printed.map((line) => line.split(/ +/).slice(0, 2).join(" ")),
      lines,
    );
    assert.match(stdout, says);
    assert.deepEqual(contentOf(join(own, "old")), before);
    assert.equal(existsSync(join(own, "new")), false);
    renameSync(join(own, "old"), join(own, "new"));
    const started = await millrace(own, "run", file);
    if (refusedWith === null) assert.equal(started.code, 0, started.stderr);
    else assert.match(started.stderr, new RegExp(`\\[${refusedWith}\\]`));
  });
}

test("a store that is given up is told as that", async () => {
  const { stdout } = await millrace(cwd, "plan-upgrade", "saved", "../case-2/new.ts");
  assert.match(
    stdout,
    /^sessions\/sessions +rebuild +stored: session\(3s\).*; program: session\(4s\).*; given up by dropState$/m,
  );
});

test("--json gives the same as one line", async () => {
  const { code, stdout } = await millrace(cwd, "plan-upgrade", "saved", "../case-1/new.ts", "--json");
  assert.equal(code, 1);
  const { job, epoch, stores, isRefused } = JSON.parse(stdout);
  assert.deepEqual([job, epoch, isRefused], [{ old: "visits", new: "visits", isRefused: false }, 1, true]);
  assert.deepEqual(
    stores.filter((store: any) => store.isRefused).map(({ store, verdict }: any) => [store, verdict]),
    [["sessions/sessions", "rebuild"]],
  );
});

test("NEW may be stored state, too", async () => {
  const { code, stdout } = await millrace(cwd, "plan-upgrade", "saved", "old");
  assert.equal(code, 0);
  assert.match(stdout, goesOn);
});

test("an exported pipeline is planned like one that is run, and its inputs need not be there", async () => {
  const file = program(
    cwd,
    "exported.ts",
    'export const app = m.pipeline("visits", { state: m.memory("exported") });\n' +
      'app.source(m.ndjson("nowhere.ndjson"), { name: "numbers" }).to(m.ndjsonFile("never.ndjson"), { name: "out" });',
  );
  const { code, stdout } = await millrace(cwd, "plan-upgrade", "old", file);
  assert.equal(code, 1);
  assert.match(stdout, /^pages\/panes +orphan +the program has no such store$/m);
  assert.deepEqual(
    [existsSync(join(cwd, "exported")), existsSync(join(cwd, "never.ndjson"))],
    [false, false],
  );
});

test("an OLD that is a file is a usage error", async () => {
  const { code, stderr } = await millrace(cwd, "plan-upgrade", "old.ts", "old");
  assert.equal(code, 2);
  assert.match(stderr, /old\.ts is a file, not a directory \[CLI_USAGE\]/);
});
