/** SIGINT and SIGTERM against a real process: the first drains the job, the second ends the process at once. */
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { folder, program, start } from "./millrace.ts";

const cwd = folder();

const onWindows = process.platform === "win32" ? "Windows has no signals to send" : false;

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`${signal} drains an endless job: exit code 0, and every line written is whole`, {
    skip: onWindows,
  }, async () => {
    const out = join(cwd, `${signal}.ndjson`);
    const text =
      'export const app = m.pipeline("endless");\n' +
      `app.source(m.generator((i) => ({ i, text: "x".repeat(i % 100) }))).to(m.ndjsonFile(${JSON.stringify(out)}));`;
    const running = start(cwd, "run", program(cwd, `${signal}.ts`, text), "--json");
    while ((statSync(out, { throwIfNoEntry: false })?.size ?? 0) < 100_000) {
      assert.equal(running.child.exitCode, null, "it ended by itself");
      await sleep(10);
    }
    running.child.kill(signal);
    const { code, signal: killedBy, stdout, stderr } = await running.done;
    assert.deepEqual([code, killedBy, stderr], [0, null, ""]);
    const written = readFileSync(out, "utf8");
    assert.ok(written.endsWith("\n"));
    const lines = written.slice(0, -1).split("\n");
    lines.forEach((line, i) => {
      assert.equal(JSON.parse(line).i, i);
    });
    const report = JSON.parse(stdout);
    assert.equal(report.stopped, true);
    assert.equal(report.sources[0].records, lines.length);
  });
}

for (const [signal, expected] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  test(`a second ${signal} ends a job whose sink hangs at once: exit code ${expected}`, {
    skip: onWindows,
  }, async () => {
    const text =
      'export const app = m.pipeline("hanging");\n' +
      "setInterval(() => {}, 1000);\n" +
      `process.on("${signal}", () => console.log("asked"));\n` +
      "app.source(m.generator((i) => i)).to(m.forEach(() => { console.log('hangs'); return new Promise<void>(() => {}); }));";
    const running = start(cwd, "run", program(cwd, `hanging-${signal}.ts`, text));
    await running.said("hangs");
    running.child.kill(signal);
    await running.said("asked");
    await sleep(100);
    assert.equal(running.child.exitCode, null, "it did not wait for its sink");
    running.child.kill(signal);
    const { code, signal: killedBy, stderr } = await running.done;
    assert.deepEqual([code, killedBy, stderr], [expected, null, ""]);
  });
}
