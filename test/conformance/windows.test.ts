import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { type Case, runCase } from "./run-case.ts";

const folder = new URL("cases/windows/", import.meta.url);

for (const name of ["tumbling.json", "sliding.json", "session.json"]) {
  const { cases } = JSON.parse(readFileSync(new URL(name, folder), "utf8")) as { cases: Case[] };
  describe(`what Flink gives for the cases of ${name}`, () => {
    for (const codegen of ["on", "off"] as const) {
      for (const test of cases) {
        it(`${test.id} comes out with codegen ${codegen}`, async () => {
          const verdict = await runCase(test, codegen);
          if (!verdict.passed && "unsupported" in verdict) assert.fail(verdict.unsupported);
          if (!verdict.passed) assert.deepEqual(verdict.actual, verdict.expected);
        });
      }
    }
  });
}

describe("cases of kinds that are not built yet", () => {
  it("are there, and count as failed", async () => {
    const names = readdirSync(folder).filter(
      (name) => !["tumbling.json", "sliding.json", "session.json"].includes(name),
    );
    assert.ok(names.length > 0);
    for (const name of names) {
      const { cases } = JSON.parse(readFileSync(new URL(name, folder), "utf8")) as { cases: Case[] };
      const verdict = await runCase(cases[0], "on");
      assert.ok(!verdict.passed && "unsupported" in verdict, `${name} is built: run it with the others`);
    }
  });
});
