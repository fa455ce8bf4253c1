/** docs/proof.md lists the planted bugs that there are, and pages name only files that there are. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { PLANTED_BUGS as SIMULATED_BUGS } from "../../sim/engine/planted.ts";
import { PLANTED_BUGS } from "../property/planted.ts";
import { pages, read, root } from "./markdown.ts";

/** The rows of the table of bugs under a heading. */
function bugsUnder(heading: string): (string | undefined)[][] {
  const section = read("docs/proof.md").split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  return [...section.matchAll(/^\| (?!bug \|)([^|]*[^|-]) \| (.*) \|$/gm)].map(([, name, by]) => [name, by]);
}

test("the page of proof lists exactly the planted bugs, and what finds each", () => {
  const listed = bugsUnder("Planted bugs");
  const by = { oracle: "the evaluator", ways: "the ways" };
  assert.deepEqual(
    listed,
    PLANTED_BUGS.map(({ name, foundBy }) => [name, by[foundBy]]),
  );
});

test("the page of proof lists exactly the planted bugs of the simulation, and the seed that finds each", () => {
  assert.deepEqual(
    bugsUnder("Simulation"),
    SIMULATED_BUGS.map(({ name, seed }) => [name, String(seed)]),
  );
});

for (const page of pages) {
  test(`every file that ${page} names is there`, () => {
    const named = [...read(page).matchAll(/`((?:src|test|sim|bench|demo|docs|examples|lint)\/[\w./-]+)`/g)];
    assert.deepEqual(
      named.map(([, path]) => path!).filter((path) => !/NNNN/.test(path) && !existsSync(join(root, path))),
      [],
    );
  });
}
