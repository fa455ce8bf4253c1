/** `millrace explain`: the plan is printed, and nothing runs. */
import assert from "node:assert/strict";
import { cpSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { folder, millrace, program, root } from "./millrace.ts";

const cwd = folder();

const text =
  'const app = m.pipeline("copy");\n' +
  "app.source(m.fromIterable([{ at: 1 }]), { timestamp: (r) => r.at }).keyBy(() => 0)" +
  '.window(m.tumbling("5s")).aggregate({ n: m.count() }).to(m.ndjsonFile("written.ndjson"));\n';

test("a file that runs its pipeline itself is explained, does not run, and does not go on", async () => {
  const file = program(
    cwd,
    "self.ts",
    `${text}await app.run();\nconsole.log("went on");\nexport default app;`,
  );
  const { code, stdout, stderr } = await millrace(cwd, "explain", file);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(stdout, /^pipeline copy\n/);
  assert.match(stdout, /sink sink: ndjsonFile\("written\.ndjson"\)/);
  assert.doesNotMatch(stdout, /went on/);
  assert.equal(existsSync(join(cwd, "written.ndjson")), false);
});

test("an exported pipeline is explained as a file that runs it is", async () => {
  const self = program(cwd, "runs.ts", `${text}app.run();`);
  const exported = program(cwd, "exports.ts", `${text}export default app;`);
  const explained = (await millrace(cwd, "explain", exported)).stdout;
  assert.match(explained, /^pipeline copy\n/);
  assert.equal(explained, (await millrace(cwd, "explain", self)).stdout);
});

test("explain speaks of batch mode when the file or the command line asks for it", async () => {
  const file = program(cwd, "batch.ts", `${text}await app.run({ mode: "batch" });`);
  assert.match((await millrace(cwd, "explain", file)).stdout, /which close at its end/);
  const exported = program(cwd, "streaming.ts", `${text}export default app;`);
  assert.doesNotMatch((await millrace(cwd, "explain", exported)).stdout, /which close at its end/);
  assert.match((await millrace(cwd, "explain", exported, "--batch")).stdout, /which close at its end/);
});

test("--mermaid prints a flowchart", async () => {
  const file = program(cwd, "chart.ts", `${text}export default app;`);
  assert.match((await millrace(cwd, "explain", file, "--mermaid")).stdout, /^flowchart LR\n/);
});

test("a pipeline that can't run can't be explained: exit code 1", async () => {
  const file = program(cwd, "sinkless.ts", 'export const app = m.pipeline("sinkless");');
  const { code, stdout, stderr } = await millrace(cwd, "explain", file);
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /^error: Pipeline sinkless has no sink.*\[PIPELINE_INVALID\]/);
});

test("a file that runs its pipeline on another copy of Millrace does not run either", async () => {
  cpSync(join(root, "src"), join(cwd, "copy"), { recursive: true });
  const copy = pathToFileURL(join(cwd, "copy/index.ts")).href;
  writeFileSync(
    join(cwd, "copied.ts"),
    `import * as m from ${JSON.stringify(copy)};\n${text}await app.run();\nconsole.log("went on");`,
  );
  const { code, stdout, stderr } = await millrace(cwd, "explain", "copied.ts");
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(stdout, /^pipeline copy\n/);
  assert.equal(existsSync(join(cwd, "written.ndjson")), false);
});

test("explain tells the state, how often it is committed, and which guarantee each sink can keep", async () => {
  const durable = (options: string): string =>
    `export const app = m.pipeline("kept", { ${options} });\n` +
    "const numbers = app.source(m.generator((i) => i, { count: 3 }));\n" +
    'numbers.to(m.ndjsonFile("kept.ndjson"), { name: "file" });\nnumbers.to(m.toConsole(), { name: "console" });';
  const headOf = async (name: string, options: string): Promise<string> => {
    const { stdout } = await millrace(cwd, "explain", program(cwd, name, durable(options)));
    return stdout.slice(0, stdout.indexOf("\n\n"));
  };
  assert.equal(
    await headOf("plain.ts", ""),
    "pipeline kept\nstate: in memory, gone with the process\nguarantee: none",
  );
  assert.equal(
    await headOf("kept.ts", 'state: m.memory("./kept"), commit: { every: "5s", records: 1000 }'),
    'pipeline kept\nstate: memory("./kept"), committed every 5s, or 1000 records\nguarantee: exactly-once\n' +
      "  console: at-least-once, as it can't commit by epochs",
  );
  assert.equal(
    await headOf("most.ts", 'state: m.memory("./kept"), guarantee: "at-most-once"'),
    'pipeline kept\nstate: memory("./kept"), committed every 1s\nguarantee: at-most-once',
  );
  assert.equal(existsSync(join(cwd, "kept")), false);
});

test("explain takes the options that the file gives to its run", async () => {
  const text = `${'export const app = m.pipeline("late");\napp.source(m.fromIterable([1])).to(m.toConsole());'}\n`;
  const file = program(
    cwd,
    "late.ts",
    `${text}await app.run({ state: m.memory("late"), guarantee: "at-least-once" });`,
  );
  assert.match((await millrace(cwd, "explain", file)).stdout, /^guarantee: at-least-once$/m);
});
