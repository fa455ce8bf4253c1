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
