/** What the command line prints when a job or a file fails. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { folder, millrace, program } from "./millrace.ts";

const cwd = folder();

test("a malformed line of an NDJSON file is reported with file, line, column and its text", async () => {
  writeFileSync(join(cwd, "orders.ndjson"), '{"id":1}\n{"id":2}\n{"id":oops}\n');
  const text =
    'export const app = m.pipeline("orders");\n' +
    'app.source(m.ndjson("orders.ndjson"), { name: "orders" }).to(m.forEach(() => {}));';
  const { code, stdout, stderr } = await millrace(cwd, "run", program(cwd, "malformed.ts", text));
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /^error: unexpected "o" at column 7.*\[RECORD_MALFORMED\]$/m);
  assert.match(
    stderr,
    /^ {2}where: source orders, partition orders\.ndjson, .*line 3, column 7, text .*oops/m,
  );
  assert.match(stderr, /^ {2}help: Mend the input/m);
  assert.doesNotMatch(stderr, /^\s+at /m);
});

const thrower = `${[
  'const app = m.pipeline("p");',
  "app.source(m.fromIterable<any>([{}])).map((r) => r.a.b).to(m.forEach(() => {}));",
].join("\n")}\n`;

test("a function of the pipeline that threw is named with its place in the file, without a stack", async () => {
  const file = program(cwd, "thrower.ts", `${thrower}export default app;`);
  const { code, stderr } = await millrace(cwd, "run", file);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^error: The function of map threw TypeError: Cannot read .*\[USER_FUNCTION_FAILED\]$/m,
  );
  const places = stderr.match(/^\s+at .*$/gm);
  assert.equal(places?.length, 1, stderr);
  assert.match(places[0], /thrower\.ts:3:\d+/);
});

test("--stack adds the stacks of an error and of its causes", async () => {
  const file = program(cwd, "thrower-too.ts", `${thrower}export default app;`);
  const { code, stderr } = await millrace(cwd, "run", file, "--stack");
  assert.equal(code, 1);
  assert.match(stderr, /^ {2}caused by: TypeError: Cannot read/m);
  assert.ok(stderr.match(/^\s+at /gm)!.length > 6, stderr);
});

test("a run that fails is reported once, whether the file waits for it or not", async () => {
  for (const call of ["await app.run();", "app.run();", "setTimeout(() => app.run(), 10);"]) {
    const { code, stderr } = await millrace(cwd, "run", program(cwd, "fails.ts", thrower + call));
    assert.equal(code, 1, call);
    assert.equal(stderr.match(/error: The function of map threw/g)?.length, 1, `${call}\n${stderr}`);
  }
});

test("a failure that the file itself deals with is no failure of the command", async () => {
  const file = program(cwd, "careful.ts", `${thrower}await app.run().catch((e) => console.log(e.code));`);
  const { code, stdout, stderr } = await millrace(cwd, "run", file);
  assert.deepEqual([code, stdout, stderr], [0, "USER_FUNCTION_FAILED\n", ""]);
});

test("an error that is not Millrace's own is printed with its stack", async () => {
  const file = program(cwd, "broken.ts", 'throw new RangeError("no such thing");');
  const { code, stderr } = await millrace(cwd, "run", file);
  assert.equal(code, 1);
  assert.match(stderr, /^error: RangeError: no such thing\n\s+at .*broken\.ts:2:7/);
});

test("a file with a syntax error is shown at the place of the error", async () => {
  writeFileSync(join(cwd, "syntax.ts"), "const a = 1;\nconst b = ;\n");
  const { code, stderr } = await millrace(cwd, "run", "syntax.ts");
  assert.equal(code, 1);
  assert.match(stderr, /syntax\.ts:2\n(.*\n)*const b = ;\n {10}\^$/m);
});

test("a file without a pipeline is a mistake of the command line", async () => {
  const none = await millrace(cwd, "run", program(cwd, "none.ts", "export const app = 1;"));
  assert.equal(none.code, 2);
  assert.match(
    none.stderr,
    /^error: none\.ts neither exports a pipeline nor runs one \[CLI_NO_PIPELINE\]\n {2}help: /,
  );
  const other = await millrace(
    cwd,
    "explain",
    program(cwd, "other.ts", 'export const revenue = m.pipeline("r");'),
  );
  assert.equal(other.code, 2);
  assert.match(other.stderr, /the pipeline that it exports is named revenue, not app \[CLI_NO_PIPELINE\]/);
});

test("a job that waits for what can't happen any more ends with a sentence", async () => {
  const text =
    'const app = m.pipeline("stuck");\n' +
    "app.source(m.fromIterable([1])).to(m.forEach(() => new Promise<void>(() => {})));\nawait app.run();";
  const { code, stderr } = await millrace(cwd, "run", program(cwd, "stuck.ts", text));
  assert.equal(code, 1);
  assert.match(stderr, /^error: pipeline stuck waits for a promise that nothing is left to settle/);
});
