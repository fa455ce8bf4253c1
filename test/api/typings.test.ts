/**
 * The typings, held against the compiler of the repository: that everything is inferred which typings.ts says, and
 * that wrong use is answered with a sentence.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, describe, test } from "node:test";

const root = join(import.meta.dirname, "../..");

/** Runs the compiler over `files` with the repository's options; gives its errors by the name of the file. */
function compile(folder: string, files: readonly string[]): Map<string, string> {
  const config = {
    extends: join(root, "tsconfig.json"),
    // The types of Node are looked for beside the configuration, which lies elsewhere.
    compilerOptions: { typeRoots: [join(root, "node_modules/@types")] },
    include: [],
    files,
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const { stdout, stderr } = spawnSync(process.execPath, [tsc, "-p", folder, "--pretty", "false"], {
    encoding: "utf8",
  });
  assert.equal(stderr, "");
  const errors = new Map<string, string>();
  let file = "";
  for (const line of stdout.split("\n").filter((text) => text !== "")) {
    const found = /^(.*?)\(\d+,\d+\): error (.*)$/.exec(line);
    if (found !== null) file = basename(found[1]);
    errors.set(file, `${errors.get(file) ?? ""}${found === null ? line.trim() : found[2]}\n`);
  }
  return errors;
}

/** What is wrong, the last lines of a program, and the words of the compiler's answer. */
const mistakes: readonly (readonly [what: string, code: string, answer: string])[] = [
  [
    "a key that is an object",
    "orders.keyBy((o) => ({ user: o.user }));",
    '"A key must be a string, a number, a bigint, a boolean, or a tuple of those"',
  ],
  [
    "a key that may be undefined",
    "orders.keyBy((o) => o.voucher);",
    '"A key must be a string, a number, a bigint, a boolean, or a tuple of those"',
  ],
  [
    "a tuple with a part that is no key",
    "orders.keyBy((o) => [o.user, null]);",
    '"A key must be a string, a number, a bigint, a boolean, or a tuple of those"',
  ],
  [
    "an async function in map",
    "orders.map(async (o) => o.user);",
    `"This function must not be async: a pipeline's functions return their result at once"`,
  ],
  [
    "a promise now and then in map",
    "orders.map((o) => (o.amount > 0 ? Promise.resolve(o) : o));",
    `"This function must not be async: a pipeline's functions return their result at once"`,
  ],
  [
    "an async function in filter",
    "orders.filter(async (o) => o.amount > 0);",
    "Type 'Promise<boolean>' is not assignable to type 'boolean'",
  ],
  [
    "an aggregate named key",
    "users.window(tumbling('5m')).aggregate({ key: count() });",
    '"This name belongs to the window: give the aggregate another name"',
  ],
  [
    "an aggregate named windowEnd beside a good one",
    "users.window(tumbling('5m')).aggregate({ n: count(), windowEnd: count() });",
    '"This name belongs to the window: give the aggregate another name"',
  ],
  [
    "a sink of another type",
    "orders.to(ndjsonFile<number>('numbers.ndjson'));",
    "Argument of type 'Sink<number>' is not assignable to parameter of type 'Sink<Order>'",
  ],
  [
    "a window without keyBy",
    "orders.window(tumbling('5m'));",
    "Property 'window' does not exist on type 'Stream<Order>'",
  ],
  [
    "the sum of a text",
    "users.window(tumbling('5m')).aggregate({ total: sum((o) => o.user) });",
    "Type 'string' is not assignable to type 'number'",
  ],
  [
    "the sum of a text, alone",
    "users.window(tumbling('5m')).aggregate(sum((o) => o.user));",
    "Type 'string' is not assignable to type 'number'",
  ],
  [
    "a field that is not there",
    "users.window(tumbling('5m')).aggregate({ total: sum((o) => o.price) });",
    "Property 'price' does not exist on type 'Order'",
  ],
  [
    "a duration with an unknown unit",
    "users.window(tumbling('5 minutes'));",
    `Argument of type '"5 minutes"' is not assignable to parameter of type 'Duration'`,
  ],
  [
    "an unknown policy",
    "orders.map((o) => o, { onError: 'ignore' });",
    `Type '"ignore"' is not assignable to type 'OnError | undefined'`,
  ],
  [
    "a branch that is not there",
    "orders.branch({ big: (o) => o.amount > 1000 }).small;",
    "Property 'small' does not exist on type",
  ],
  [
    "an async function in process",
    "users.process({ onRecord: async (o) => { void o; } });",
    `"This function must not be async: a pipeline's functions return their result at once"`,
  ],
  [
    "a record that process does not say it emits",
    "users.process({ onRecord: (o, { emit }) => emit(o) });",
    "Argument of type 'Order' is not assignable to parameter of type 'never'",
  ],
  [
    "an output that process does not have",
    "users.process({ outputs: { big: output<Order>() }, onRecord: (o, ctx) => ctx.output('large', o) });",
    `Argument of type '"large"' is not assignable to parameter of type '"big"'`,
  ],
];

const prelude = `import { count, max, ndjson, ndjsonFile, output, pipeline, sum, tumbling } from ${JSON.stringify(join(root, "src/index.ts"))};
interface Order { readonly user: string; readonly amount: number; readonly at: number; readonly voucher?: string }
const orders = pipeline("p").source(ndjson<Order>("orders.ndjson"), { timestamp: (o) => o.at });
const users = orders.keyBy((o) => o.user);
`;

describe("the typings", () => {
  const folder = mkdtempSync(join(tmpdir(), "millrace-typings-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  const used = "void count; void max; void ndjsonFile; void output; void sum; void tumbling; void users;\n";
  for (const [i, [, code]] of mistakes.entries())
    writeFileSync(join(folder, `mistake-${i}.ts`), `${prelude}${used}${code}\n`);
  writeFileSync(join(folder, "none.ts"), `${prelude}${used}`);
  const typings = ["typings.ts", "typings-process.ts"];
  const files = [
    ...mistakes.map((_, i) => `mistake-${i}.ts`),
    "none.ts",
    ...typings.map((file) => join(root, "test/api", file)),
  ];
  const errors = compile(folder, files);

  for (const file of typings) {
    test(`everything is inferred and refused as ${file} says`, () => {
      assert.equal(errors.get(file) ?? "", "");
    });
  }

  test("a program without a mistake compiles", () => {
    assert.equal(errors.get("none.ts") ?? "", "");
  });

  mistakes.forEach(([what, , answer], i) => {
    test(`${what} is answered with: ${answer}`, () => {
      const text = errors.get(`mistake-${i}.ts`) ?? "no error";
      assert.ok(text.includes(answer), text);
    });
  });
});
