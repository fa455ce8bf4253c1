import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { count, forEach, fromIterable, otherwise, pipeline, sum, tumbling } from "millrace";
import { systemPorts } from "../../src/core/ports.ts";
import { Loop } from "../../src/runtime/loop.ts";
import { propertyOptions } from "../connector/seed.ts";

/** A name that would break out of any quoting, and can be told from everything else. */
const hostile = fc
  .array(
    fc.constantFrom(
      "zq9",
      '"',
      "'",
      "`",
      "\\",
      "\n",
      "\u2028",
      "${",
      "}",
      "*/",
      "//",
      ");",
      "__proto__",
      "\0",
      "</script>",
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map((parts) => `zq9${parts.join("")}`);

function appWith(names: readonly string[]) {
  const [operator, field, branch, literal] = names;
  const app = pipeline(operator);
  const results: Record<string, unknown>[] = [];
  const input = app.source(
    fromIterable([
      { text: literal, at: 1 },
      { text: "other", at: 2 },
    ]),
    { name: `source ${operator}`, timestamp: (r) => r.at },
  );
  const branches = input
    .filter((r) => r.text !== "", { name: `filter ${operator}` })
    .map((r) => ({ [field]: r.text === literal, at: r.at }), { name: `map ${operator}` })
    .branch({ [branch]: (r: Record<string, unknown>) => r[field] === true, [`${branch}2`]: otherwise });
  branches[branch]
    .keyBy(() => literal, { name: `key ${operator}` })
    .window(tumbling(10), { name: `window ${operator}` })
    .aggregate({ [field]: count(), [`${field}!`]: sum((r) => r.at as number) })
    .to(
      forEach((r) => void results.push(r as Record<string, unknown>)),
      { name: `sink ${operator}` },
    );
  return { app, results };
}

/** The source texts that code was generated from meanwhile. */
function textsOf(run: () => void): string[] {
  const texts: string[] = [];
  const original = globalThis.Function;
  globalThis.Function = new Proxy(original, {
    construct(target, args) {
      texts.push(args.join("\n"));
      return Reflect.construct(target, args);
    },
  });
  try {
    run();
  } finally {
    globalThis.Function = original;
  }
  return texts;
}

describe("generated code", () => {
  it("holds no name, key or literal of the user, whatever they are", () => {
    fc.assert(
      fc.property(fc.tuple(hostile, hostile, hostile, hostile), (names) => {
        const { app } = appWith(names);
        const texts = textsOf(
          () => new Loop({ plan: app.plan(), ports: systemPorts, batchMode: false, generated: true }),
        );
        assert.equal(texts.length, 3, "two stages and a timestamp function");
        for (const text of texts) {
          assert.ok(!text.includes("zq9"), `the text of a stage holds a part of ${JSON.stringify(names)}`);
        }
      }),
      propertyOptions(200),
    );
  });

  it("gives hostile names back as they are", async () => {
    await fc.assert(
      fc.asyncProperty(fc.tuple(hostile, hostile, hostile, hostile), async (names) => {
        const { app, results } = appWith(names);
        await app.run();
        const [, field, , literal] = names;
        assert.deepEqual(results, [
          {
            key: literal,
            windowStart: 0,
            windowEnd: 10,
            pane: "on-time",
            paneIndex: 0,
            [field]: 1,
            [`${field}!`]: 1,
          },
        ]);
      }),
      propertyOptions(50),
    );
  });

  it("is not needed: where the process may not generate code the same pipeline gives the same results", () => {
    const file = fileURLToPath(new URL("../../out/no-codegen.ts", import.meta.url));
    execFileSync("mkdir", ["-p", fileURLToPath(new URL("../../out", import.meta.url))]);
    writeFileSync(
      file,
      `import { count, forEach, fromIterable, pipeline, tumbling } from "millrace";
       const app = pipeline("p");
       const results: unknown[] = [];
       app.source(fromIterable([{ k: "a", at: 1 }, { k: "a", at: 2 }]), { timestamp: (r) => r.at })
         .keyBy((r) => r.k).window(tumbling(10)).aggregate(count()).to(forEach((r) => void results.push(r)));
       await app.run();
       console.log(JSON.stringify(results));`,
    );
    const run = (...flags: string[]): string =>
      execFileSync(process.execPath, ["--conditions=millrace-source", ...flags, file], { encoding: "utf8" });
    const expected =
      '[{"key":"a","windowStart":0,"windowEnd":10,"pane":"on-time","paneIndex":0,"value":2}]\n';
    assert.equal(run(), expected);
    assert.equal(run("--disallow-code-generation-from-strings"), expected);
  });

  it("gives way to the shared code where its text can't be made anew, as behind some bundlers", async () => {
    const { app, results } = appWith(["operator", "field", "branch", "literal"]);
    const original = globalThis.Function;
    let refused = 0;
    globalThis.Function = new Proxy(original, {
      construct(target, args) {
        const text = String(args.at(-1));
        if (text.startsWith("return")) return Reflect.construct(target, args);
        refused += 1;
        return Reflect.construct(target, [...args.slice(0, -1), `__name();${text}`]);
      },
    });
    try {
      await app.run();
    } finally {
      globalThis.Function = original;
    }
    assert.equal(refused, 3);
    assert.equal(results.length, 1);
  });
});
