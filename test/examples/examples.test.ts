/** Runs every example as a program of its own, against the sources; each ends in an assertion. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

const folder = join(import.meta.dirname, "../../examples");
/** What the examples write goes here, and away again. */
const scratch = mkdtempSync(join(tmpdir(), "millrace-examples-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

const examples = globSync("*.ts", { cwd: folder }).sort();

test("there are examples", () => {
  assert.ok(examples.length >= 5);
});

for (const example of examples) {
  test(`examples/${example} runs and its assertion holds`, () => {
    const program = join(folder, example);
    const run = spawnSync(process.execPath, ["--conditions=millrace-source", program], {
      encoding: "utf8",
      env: { ...process.env, TMPDIR: scratch, TEMP: scratch, TMP: scratch },
    });
    assert.deepEqual(
      { code: run.status, signal: run.signal, stderr: run.stderr },
      { code: 0, signal: null, stderr: "" },
    );
  });

  test(`examples/${example} is short and ends in an assertion`, () => {
    const text = readFileSync(join(folder, example), "utf8").trimEnd();
    assert.ok(text.split("\n").length <= 40, `${text.split("\n").length} lines`);
    assert.match(text.split(";\n").at(-1) as string, /(^|\n)assert\./);
    assert.match(text, /from "millrace"/);
  });
}
