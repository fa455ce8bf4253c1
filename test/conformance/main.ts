/**
 * Runs conformance case files: `npm run --silent conformance -- PATH...` (files, or folders with .json files; without a
 * path those of this folder). Prints each failing case with what was expected and what came, the kinds that are not
 * built, and as its last line `N passed, N failed`.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Case, runCase } from "./run-case.ts";

function filesIn(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".json"))
    .toSorted()
    .map((name) => join(path, name));
}

const args = process.argv.slice(2);
const paths = args.length > 0 ? args : [fileURLToPath(new URL("cases", import.meta.url))];
const unsupported = new Map<string, number>();
let passed = 0;
let failed = 0;

for (const file of paths.flatMap(filesIn)) {
  const { cases } = JSON.parse(readFileSync(file, "utf8")) as { readonly cases: readonly Case[] };
  for (const test of cases) {
    const verdicts = [await runCase(test, "on"), await runCase(test, "off")];
    const wrong = verdicts.find((verdict) => !verdict.passed);
    if (wrong === undefined) {
      passed += 1;
      continue;
    }
    failed += 1;
    if ("unsupported" in wrong) {
      unsupported.set(wrong.unsupported, (unsupported.get(wrong.unsupported) ?? 0) + 1);
    } else if (!wrong.passed) {
      console.log(
        `FAILED ${test.id}\n  expected ${JSON.stringify(wrong.expected)}\n  actual   ${JSON.stringify(wrong.actual)}`,
      );
    }
  }
}
for (const [kind, n] of unsupported) console.log(`not built: ${kind}: ${n} cases`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
