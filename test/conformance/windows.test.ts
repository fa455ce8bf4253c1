import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import type { Case } from "./case.ts";
import { runCase } from "./run-case.ts";

const folder = new URL("cases/windows/", import.meta.url);
const names = readdirSync(folder).toSorted();
const casesOf = (name: string): readonly Case[] =>
  (JSON.parse(readFileSync(new URL(name, folder), "utf8")) as { readonly cases: readonly Case[] }).cases;

for (const name of names) {
  describe(`what Flink gives for the cases of ${name}`, () => {
    for (const codegen of ["on", "off"] as const) {
      for (const test of casesOf(name)) {
        it(`${test.id} comes out with codegen ${codegen}`, async () => {
          const verdict = await runCase(test, codegen);
          if (!verdict.passed) assert.deepEqual(verdict.actual, verdict.expected);
        });
      }
    }
  });
}

describe("the README beside the cases", () => {
  it("says which files there are and how many cases each has", () => {
    const readme = readFileSync(new URL("README.md", import.meta.url), "utf8");
    const rows = [...readme.matchAll(/^\| `([\w-]+\.json)` \| (\d+) \|/gm)].map(
      ([, name, n]) => `${name} ${n}`,
    );
    assert.deepEqual(
      rows,
      names.map((name) => `${name} ${casesOf(name).length}`),
    );
  });
});
