/**
 * INV-9 as a lint rule: time, randomness, timers, files and network are reached through the ports of core.
 *
 * Each snippet below is written into a temporary folder laid out like this repository, and the linter runs over
 * it with this repository's biome.json and plugins. An offending snippet must be reported, the same code in an
 * exempt place and a clean file must not.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { after, before, test } from "node:test";

const root = join(import.meta.dirname, "../..");
const biome = join(root, "node_modules/@biomejs/biome/bin/biome");

const offending: Record<string, string> = {
  "Date.now()": "export const a = Date.now();",
  "Date.now handed on as a function": "export const clock = Date.now;",
  "Date?.now()": "export const a = Date?.now();",
  'Date["now"]()': 'export const a = Date["now"]();',
  "now taken out of Date": "export const { now } = Date;",
  "new Date() without an argument": "export const a = new Date();",
  "new Date without parentheses": "export const a = new Date;",
  "Date() called as a function": "export const a = Date();",
  "performance.now()": "export const a = performance.now();",
  "process.hrtime": "export const a = process.hrtime.bigint();",
  setTimeout: "setTimeout(() => {}, 1);",
  setInterval: "setInterval(() => {}, 1);",
  setImmediate: "setImmediate(() => {});",
  "globalThis.setTimeout": "globalThis.setTimeout(() => {}, 1);",
  "Math.random()": "export const a = Math.random();",
  "Math.random as a default value": "export function f(random = Math.random): number { return random(); }",
  "random taken out of Math": "export const { random } = Math;",
  "crypto.randomUUID()": "export const a = crypto.randomUUID();",
  "an import of node:fs": 'import { readFileSync } from "node:fs";\nexport const a = readFileSync;',
  "an import of fs": 'import { readFileSync } from "fs";\nexport const a = readFileSync;',
  "an import of node:fs/promises": 'import { readFile } from "node:fs/promises";\nexport const a = readFile;',
  "an import of node:net": 'import { connect } from "node:net";\nexport const a = connect;',
  "an import of node:worker_threads":
    'import { Worker } from "node:worker_threads";\nexport const a = Worker;',
  "an import of node:timers": 'import { setTimeout as wait } from "node:timers";\nexport const a = wait;',
  "an import of node:timers/promises":
    'import { setTimeout as wait } from "node:timers/promises";\nexport const a = wait;',
  "a dynamic import of node:fs": 'export const a = await import("node:fs");',
  "a re-export of node:fs": 'export * from "node:fs";',
};

const everything = [
  'import { readFileSync } from "node:fs";',
  'import { connect } from "node:net";',
  "export const a = [Date.now(), new Date(), performance.now(), Math.random(), readFileSync, connect];",
  "setTimeout(() => {}, 1);",
].join("\n");

const exempt = [
  "src/core/ports.ts",
  "src/core/ports-node.ts",
  "src/operator/map.test.ts",
  "test/long/soak.ts",
  "bench/main.ts",
  "demo/main.ts",
];

const denied = [
  "src/index.ts",
  "src/core/time.ts",
  "src/operator/ports.ts",
  "src/connector/file/index.ts",
  "src/testing/index.ts",
  "src/cli/main.ts",
];

const clean = [
  'import type { Clock } from "../core/ports.ts";',
  "export function age(clock: Clock, bornMs: number): number {",
  "  return Math.max(0, clock.nowMs() - bornMs);",
  "}",
  "export const y2020 = [new Date(0).toISOString(), Date.UTC(2020, 0), Date.parse('2020-01-01')];",
].join("\n");

/** File (relative to the folder) -> messages of the linter about it. */
const found = new Map<string, string[]>();
let folder: string;
const fileOf = (name: string) => `src/operator/bad-${Object.keys(offending).indexOf(name)}.ts`;

before(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-lint-"));
  cpSync(join(root, "biome.json"), join(folder, "biome.json"));
  cpSync(join(root, "lint"), join(folder, "lint"), { recursive: true });
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), `${text}\n`);
  };
  for (const name of Object.keys(offending)) write(fileOf(name), offending[name]!);
  for (const path of [...exempt, ...denied]) write(path, everything);
  write("src/operator/clean.ts", clean);
  const run = spawnSync(
    process.execPath,
    [biome, "lint", "--reporter=github", "--max-diagnostics=none", "."],
    {
      cwd: folder,
      encoding: "utf8",
    },
  );
  const mark = `${basename(folder)}/`;
  for (const line of run.stdout.split("\n")) {
    const match = /^::(?:error|warning) .*?file=([^,]+),.*?::(.*)$/.exec(line);
    if (!match) continue;
    const at = match[1]!.replaceAll("\\", "/");
    const path = at.includes(mark) ? at.slice(at.indexOf(mark) + mark.length) : at;
    found.set(path, [...(found.get(path) ?? []), match[2]!]);
  }
  assert.notEqual(run.status, 0, `the linter accepted the offending snippets\n${run.stdout}\n${run.stderr}`);
  assert.ok(found.size > 0, `no diagnostics could be read\n${run.stdout}\n${run.stderr}`);
});

after(() => rmSync(folder, { recursive: true, force: true }));

const aboutPorts = (path: string) =>
  (found.get(path) ?? []).filter((text) => /INV-9|Do not use the global variable/.test(text));

for (const name of Object.keys(offending)) {
  test(`INV-9: the linter rejects ${name} outside the ports`, () => {
    assert.ok(aboutPorts(fileOf(name)).length > 0, `not reported: ${offending[name]}`);
  });
}

for (const path of denied) {
  test(`INV-9: the linter holds ${path} to the ports`, () => {
    assert.ok(aboutPorts(path).length >= 6, `reported only: ${aboutPorts(path).join("; ")}`);
  });
}

for (const path of exempt) {
  test(`INV-9: the linter lets ${path} use clocks, timers and files`, () => {
    assert.deepEqual(aboutPorts(path), []);
  });
}

test("the linter has nothing to say about a file that takes its clock from a port", () => {
  assert.deepEqual(found.get("src/operator/clean.ts") ?? [], []);
});

test("INV-9: no source file switches the rule off with a comment", () => {
  const src = join(root, "src");
  const files = existsSync(src) ? globSync("**/*.ts", { cwd: src }) : [];
  const offenders = files.filter((file) =>
    /biome-ignore\S*\s+lint(?:\/style\/noRestricted(?:Globals|Imports)|\/plugin|\/style)?\s*[:\s(]/.test(
      readFileSync(join(src, file), "utf8"),
    ),
  );
  assert.deepEqual(offenders, []);
});
