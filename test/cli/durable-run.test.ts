/** `millrace run` of a job with durable state: what its summary, its report and its notes tell. */
import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { durableProgram } from "./durable-job.ts";
import { folder, millrace, program } from "./millrace.ts";

const cwd = folder();
const endless = Number.POSITIVE_INFINITY;

test("the summary tells guarantee, epoch and restarts, and of a run that goes on what all runs read", async () => {
  const first = durableProgram(cwd, "first.ts", { stopAt: 4000, count: endless });
  const begun = await millrace(cwd, "run", first, "--summary");
  assert.match(
    begun.stderr,
    /^visits: 4,096 records read in .*, stopped before the inputs ended\. Written: out 0, shown 21\. .* exactly-once, epoch 1, 0 restarts\.\n$/,
  );
  const second = durableProgram(cwd, "second.ts", { stopAt: 9000, count: endless });
  const goneOn = await millrace(cwd, "run", second, "--summary");
  assert.match(
    goneOn.stderr,
    /^visits: 8,192 records read in .*\. All runs together: 12,288 records read\. Written: .* exactly-once, epoch 2, 0 restarts\.\n$/,
  );
});

test("the report has guarantee, epoch, records before and notes; of a job without state there is nothing to tell", async () => {
  const file = durableProgram(cwd, "report.ts", {
    directory: "report",
    count: 100,
    options: 'guarantee: "at-least-once"',
  });
  const { stdout } = await millrace(cwd, "run", file, "--json");
  const { guarantee, epoch, recordsBefore, notes } = JSON.parse(stdout);
  assert.deepEqual(
    { guarantee, epoch, recordsBefore, notes },
    { guarantee: "at-least-once", epoch: 1, recordsBefore: 0, notes: [] },
  );
  const plain = program(
    cwd,
    "plain.ts",
    'export const app = m.pipeline("plain");\napp.source(m.fromIterable([1])).to(m.forEach(() => {}), { name: "out" });',
  );
  const report = JSON.parse((await millrace(cwd, "run", plain, "--json")).stdout);
  assert.deepEqual([report.guarantee, report.epoch, report.notes], ["none", null, []]);
  assert.match((await millrace(cwd, "run", plain, "--summary")).stderr, /dead-lettered\.\n$/);
});

test("damage that a start got over is noted at once, also in a pipe, and stands in the report", async () => {
  // A callback shows nothing of an epoch, so the job may go back.
  const text =
    'const stop = new AbortController();\nconst app = m.pipeline("torn", { state: m.memory("torn"), commit: { records: 1 } });\n' +
    "app.source(m.generator((i) => i)).peek((i) => { if (i === 9000) stop.abort(); }).to(m.forEach(() => {}));\n" +
    "await app.run({ signal: stop.signal });";
  const file = program(cwd, "torn.ts", text);
  await millrace(cwd, "run", file);
  const newest = readdirSync(join(cwd, "torn"))
    .filter((name) => name.startsWith("manifest"))
    .toSorted()
    .at(-1)!;
  writeFileSync(join(cwd, "torn", newest), "{}");
  const { code, stdout, stderr } = await millrace(cwd, "run", file, "--json");
  assert.equal(code, 0, stderr);
  const note = `${join("torn", newest)} is damaged (its checksum doesn't fit): went back to epoch `;
  assert.ok(stderr.startsWith(`note: torn: ${note}`), stderr);
  const { notes } = JSON.parse(stdout);
  assert.equal(notes.length, 1);
  assert.ok(notes[0].startsWith(note), notes[0]);
});

test("what a job is started again after is noted", async () => {
  const text =
    'const app = m.pipeline("shaky", { state: m.memory("shaky"), restart: { attempts: 3, backoff: 1 } });\n' +
    "let tries = 0;\n" +
    "const source = m.generator((i) => i, { count: 10 });\n" +
    "const open = source.open.bind(source);\n" +
    "const shaky = { ...source, open: (context) => ++tries < 3 ? Promise.reject(new Error(`no network ${tries}`)) : open(context) };\n" +
    'app.source(shaky, { name: "digits" }).to(m.forEach(() => {}));\nawait app.run();';
  const { code, stderr } = await millrace(cwd, "run", program(cwd, "shaky.ts", text), "--summary");
  assert.equal(code, 0, stderr);
  const lines = stderr.trimEnd().split("\n");
  assert.match(lines[0]!, /^note: shaky: started again after: .*no network 1.* \[SOURCE_FAILED\]$/);
  assert.match(lines[1]!, /^note: shaky: started again after: .*no network 2.* \[SOURCE_FAILED\]$/);
  assert.match(lines[2]!, /^shaky: 10 records read .* exactly-once, epoch \d+, 2 restarts\.$/);
  assert.equal(lines.length, 3);
});

test("a savepoint needs state: without it the flags are refused", async () => {
  const text =
    'export const app = m.pipeline("plain");\napp.source(m.fromIterable([1])).to(m.forEach(() => {}));';
  const file = program(cwd, "stateless.ts", text);
  for (const [flag, name] of [
    ["--from", "from"],
    ["--savepoint-on-stop", "savepointOnStop"],
  ] as const) {
    const { code, stderr } = await millrace(cwd, "run", file, flag, "x");
    assert.equal(code, 1);
    assert.ok(stderr.startsWith(`error: ${name} needs state beside it`), stderr);
  }
});
