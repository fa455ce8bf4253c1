/**
 * Runs conformance case files: `npm run --silent conformance -- PATH...` (files, or folders with .json files; without a
 * path those of this folder). Prints each failing case with what was expected and what came, and as its last line
 * `N passed, N failed`.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Case } from "./case.ts";
import { runCase } from "./run-case.ts";

function filesIn(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".json"))
    .toSorted()
    .map((name) => join(path, name));
}

/** What is wrong; null where the case comes out. */
async function faultOf(test: Case): Promise<string | null> {
  for (const codegen of ["on", "off"] as const) {
    try {
      const verdict = await runCase(test, codegen);
      if (verdict.passed) continue;
      const { expected, actual } = verdict;
      return `  expected ${JSON.stringify(expected)}\n  actual   ${JSON.stringify(actual)}`;
    } catch (error) {
      return `  ${String(error)}`;
    }
  }
  return null;
}

const args = process.argv.slice(2);
const paths = args.length > 0 ? args : [fileURLToPath(new URL("cases", import.meta.url))];
let passed = 0;
let failed = 0;

for (const file of paths.flatMap(filesIn)) {
  const { cases } = JSON.parse(readFileSync(file, "utf8")) as { readonly cases: readonly Case[] };
  for (const test of cases) {
    const fault = await faultOf(test);
    if (fault === null) passed += 1;
    else failed += 1;
    if (fault !== null) console.log(`FAILED ${test.id}\n${fault}`);
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
