/** docs/reference/errors.md lists exactly the codes of the registry, each with its words. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ERRORS } from "../../src/core/errors.ts";
import { read } from "./markdown.ts";

interface Entry {
  readonly summary: string;
  readonly recovery: string;
  readonly help: string;
}

/** One section per code: "### CODE", the summary, "- Recovery: ...", "- Help: ...". */
function documented(): Record<string, Entry> {
  const sections = read("docs/reference/errors.md").split(/^### /m).slice(1);
  return Object.fromEntries(
    sections.map((section) => {
      const [code, , summary = ""] = section.split("\n");
      const field = (name: string): string => new RegExp(`^- ${name}: (.*)$`, "m").exec(section)?.[1] ?? "";
      return [
        code!,
        { summary: summary.replace(/\.$/, ""), recovery: field("Recovery"), help: field("Help") },
      ];
    }),
  );
}

test("the page of errors lists exactly the codes of the registry, in their order", () => {
  assert.deepEqual(Object.keys(documented()), Object.keys(ERRORS));
});

for (const [code, { summary, recovery, help }] of Object.entries(ERRORS)) {
  test(`the page of errors gives ${code} its summary, recovery and help`, () => {
    assert.deepEqual(documented()[code], { summary, recovery, help });
  });
}
