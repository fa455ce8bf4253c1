/** `millrace run`: which pipeline of a file runs, with which options, and what is printed about it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { folder, main, millrace, program, start } from "./millrace.ts";

const cwd = folder();

const numbers = (count: number, name = "numbers"): string =>
  `const app = m.pipeline(${JSON.stringify(name)});\n` +
  `app.source(m.fromIterable(Array.from({ length: ${count} }, (_, i) => i))).to(m.toConsole());`;

test("a pipeline exported by default runs, and in a pipe nothing but its output is printed", async () => {
  const file = program(cwd, "default.ts", `${numbers(3)}\nexport default app;`);
  assert.deepEqual(await millrace(cwd, "run", file), {
    code: 0,
    signal: null,
    stdout: "0\n1\n2\n",
    stderr: "",
  });
});

test("a pipeline exported as app runs", async () => {
  const file = program(cwd, "named.ts", `${numbers(2)}\nexport { app };`);
  assert.deepEqual(await millrace(cwd, "run", file), { code: 0, signal: null, stdout: "0\n1\n", stderr: "" });
});

test("a file that runs its pipeline itself gets the report, and goes on", async () => {
  const text = `${numbers(2)}\nconst report = await app.run();\nconsole.log("read", report.sources[0].records);`;
  const file = program(cwd, "self.ts", text);
  const { code, stdout } = await millrace(cwd, "run", file);
  assert.deepEqual([code, stdout], [0, "0\n1\nread 2\n"]);
});

test("a pipeline that is exported and run by its file runs once", async () => {
  const both = program(cwd, "both.ts", `${numbers(1)}\nawait app.run();\nexport default app;`);
  assert.equal((await millrace(cwd, "run", both)).stdout, "0\n");
  const unawaited = program(cwd, "unawaited.ts", `${numbers(1)}\nvoid app.run();\nexport default app;`);
  assert.equal((await millrace(cwd, "run", unawaited)).stdout, "0\n");
  const text = `${numbers(1)}\nsetTimeout(async () => console.log((await app.run()).sinks[0].records), 20);\nexport default app;`;
  const later = program(cwd, "later.ts", text);
  assert.equal((await millrace(cwd, "run", later)).stdout, "0\n1\n");
});

test("a file may run its pipeline after it was loaded", async () => {
  const file = program(cwd, "deferred.ts", `${numbers(1)}\nsetTimeout(() => app.run(), 20);`);
  const { code, stdout } = await millrace(cwd, "run", file);
  assert.deepEqual([code, stdout], [0, "0\n"]);
});

test("the options of the command line win over those of the file, and the others stay", async () => {
  const text =
    'const app = m.pipeline("modes");\n' +
    "const at = { timestamp: (r: number) => r * 1000, watermark: { maxOutOfOrderness: 0 } };\n" +
    "app.source(m.fromIterable([0, 9, 1, 20]), at).keyBy(() => 0)" +
    '.window(m.tumbling("5s")).aggregate({ n: m.count() }).to(m.forEach((r) => console.log(r.windowStart, r.n)));\n' +
    'const report = await app.run({ mode: "streaming", onProgress: () => {} });\n' +
    "console.log(report.operators.at(-1)?.done.late);";
  const file = program(cwd, "modes.ts", text);
  assert.equal((await millrace(cwd, "run", file)).stdout, "0 1\n5000 1\n20000 1\n1\n");
  assert.equal(
    (await millrace(cwd, "run", file, "--batch", "--codegen", "off")).stdout,
    "0 2\n5000 1\n20000 1\n0\n",
  );
});

test("--json prints the report as one line of JSON behind the output", async () => {
  const file = program(cwd, "report.ts", `${numbers(3)}\nexport default app;`);
  const { code, stdout, stderr } = await millrace(cwd, "run", file, "--json");
  const lines = stdout.trimEnd().split("\n");
  assert.equal(lines.length, 4);
  const report = JSON.parse(lines[3]!);
  assert.equal(report.pipeline, "numbers");
  assert.deepEqual(report.sinks, [{ name: "sink", records: 3 }]);
  assert.equal(report.stopped, false);
  assert.ok(report.durationMs > 0);
  assert.deepEqual([code, stderr], [0, ""]);
});

test("--summary tells in a pipe, too, what became of the records", async () => {
  writeFileSync(join(cwd, "some.ndjson"), '{"n":1}\n{"n":\n{"n":3}\n');
  const text =
    'export const app = m.pipeline("sums");\n' +
    'app.source(m.ndjson<{ n: number }>("some.ndjson"), { onError: "skip" }).to(m.forEach(() => {}), { name: "out" });';
  const { stderr } = await millrace(cwd, "run", program(cwd, "sums.ts", text), "--summary");
  assert.match(
    stderr,
    /^sums: \d records read in .*s \(.*\/s\)\. Written: out 2\. 0 late, 1 skipped, 0 dead-lettered\.\n$/,
  );
});

test("what stands behind -- are the arguments of the file", async () => {
  const text = `${numbers(0)}\nconsole.log(process.argv.slice(2).join());\nexport default app;`;
  const { stdout } = await millrace(cwd, "run", program(cwd, "args.ts", text), "--", "--batch", "x");
  assert.equal(stdout, "--batch,x\n");
});

test("a reader that has seen enough stops the job, which is no failure", async () => {
  const text =
    'export const app = m.pipeline("endless");\napp.source(m.generator((i) => i)).to(m.toConsole());';
  const running = start(cwd, "run", program(cwd, "endless.ts", text), "--summary");
  await running.said("0\n1\n");
  running.child.stdout.destroy();
  const { code, stderr } = await running.done;
  assert.equal(code, 0, stderr);
  assert.match(stderr, /stopped before the inputs ended/);
});

/** Runs it on a terminal of 80 columns, by the `script` of util-linux; undefined where there is none. */
function onTerminal(...args: string[]): { status: number | null; stdout: string } {
  const version = spawnSync("script", ["--version"], { encoding: "utf8" });
  assert.match(
    String(version.stdout),
    /util-linux/,
    "this test needs the command script of util-linux (Debian: bsdutils)",
  );
  const command = [process.execPath, main, ...args].map((word) => `'${word}'`).join(" ");
  const env = { ...process.env, TERM: "xterm", NODE_TEST_CONTEXT: undefined };
  return spawnSync("script", ["-qec", `stty cols 80; ${command}`, "/dev/null"], {
    cwd,
    env,
    encoding: "utf8",
  });
}

test("on a terminal, a run that takes a while shows its progress, erases it, and ends with a summary", () => {
  const text =
    'export const app = m.pipeline("slow");\n' +
    "app.source(m.generator((i) => i, { count: 12_000 }))" +
    ".to(m.forEach((i) => (i % 1000 === 0 ? new Promise<void>((go) => setTimeout(go, 100)) : undefined)));";
  const done = onTerminal("run", program(cwd, "slow.ts", text));
  assert.equal(done.status, 0, done.stdout);
  const drawn = done.stdout.split("\r\u001b[K");
  assert.ok(drawn.length >= 3, done.stdout);
  assert.match(drawn[2]!, /^slow \d+% {2}[\d,]+ of 12,000 records {2}[\d.]+(?: K)?\/s {2}\d+ s left$/);
  assert.match(
    drawn.at(-1)!,
    /^slow: 12,000 records read in 1\.\d s \(.*\)\. Written: sink 12,000\. 0 late, 0 skipped, 0 dead-lettered\.\r\n$/,
  );
});
