/**
 * The package as a stranger gets it: packed, installed into an empty project, imported, type-checked and run.
 *
 * What this catches and tests on the sources can not: a file that `files` leaves out, a subpath without its types,
 * a declaration that only this repository's compiler settings accept, a driver that has become a hard dependency,
 * a bin that does not start, and a start-up that has become slow.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { after, before, test } from "node:test";

/** Worst case from process start to the first result's callback, fastest of `startRuns` runs. */
const firstResultLimitMs = 300;
const startRuns = 7;
const commandLimitMs = 120_000;

const root = join(import.meta.dirname, "../..");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const subpaths = Object.keys(manifest.exports).filter((subpath) => subpath !== "./package.json");
const specifierOf = (subpath: string) => manifest.name + subpath.slice(1);
/** Subpaths that need an optional peer: subpath -> peers. */
const peersOf: Record<string, string[]> = {
  "./parquet": ["hyparquet", "hyparquet-compressors"],
  "./rocksdb": ["rocksdb-native"],
};

/** The environment of a user's shell: this Node first in PATH, nothing of the npm run that started the tests. */
const env: NodeJS.ProcessEnv = {
  ...Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) =>
        !/^(npm_package_|npm_lifecycle_|npm_config_local_prefix$|npm_command$|NODE_TEST_CONTEXT$)/.test(name),
    ),
  ),
  PATH: dirname(process.execPath) + delimiter + process.env.PATH,
};

function run(cwd: string, command: string, args: string[]): string {
  const done = spawnSync(command, args, { cwd, env, encoding: "utf8", timeout: commandLimitMs });
  const said = `${command} ${args.join(" ")}\n${done.stdout}\n${done.stderr}`;
  assert.equal(done.error, undefined, said);
  assert.equal(done.status, 0, said);
  return done.stdout;
}

const node = (...args: string[]) => run(project, process.execPath, args);

let scratch: string;
let packed: string; // folder with the tarball
let project: string; // empty project with the package installed

before(() => {
  scratch = mkdtempSync(join(tmpdir(), "millrace-package-"));
  packed = join(scratch, "packed");
  project = join(scratch, "project");
  mkdirSync(packed);
  mkdirSync(project);
  run(root, "npm", ["pack", "--silent", "--pack-destination", packed]); // prepack builds
  const tarball = readdirSync(packed).find((file) => file.endsWith(".tgz"));
  assert.ok(tarball, "npm pack wrote no tarball");
  writeFileSync(
    join(project, "package.json"),
    JSON.stringify({ name: "stranger", version: "1.0.0", private: true, type: "module" }),
  );
  run(project, "npm", [
    "install",
    "--prefer-offline",
    "--no-audit",
    "--no-fund",
    "--no-package-lock",
    join(packed, tarball),
  ]);
});

after(() => rmSync(scratch, { recursive: true, force: true }));

/** Copies a package of this repository, with what it depends on, into the project. */
function addPackage(name: string): void {
  const from = join(root, "node_modules", name);
  const to = join(project, "node_modules", name);
  if (existsSync(to)) return;
  cpSync(from, to, { recursive: true });
  const { dependencies = {} } = JSON.parse(readFileSync(join(from, "package.json"), "utf8"));
  for (const dependency of Object.keys(dependencies)) addPackage(dependency);
}

function write(file: string, ...lines: string[]): string {
  writeFileSync(join(project, file), `${lines.join("\n")}\n`);
  return file;
}

const installed = () => join(project, "node_modules", manifest.name);

const expected = [
  { key: "a", windowStart: 0, windowEnd: 300_000, pane: "on-time", paneIndex: 0, n: 1, total: 3 },
];

/** A small pipeline; `use` is what happens to a result, `end` what stands after it. */
const pipelineLines = (use: string, typed: boolean): string[] => [
  'import { pipeline, fromIterable, tumbling, count, sum, forEach } from "millrace";',
  typed ? "interface Order { user: string; amount: number; at: number }" : "",
  `const orders${typed ? ": Order[]" : ""} = [{ user: "a", amount: 3, at: 0 }];`,
  'const app = pipeline("p");',
  `const results${typed ? ": unknown[]" : ""} = [];`,
  "app.source(fromIterable(orders), { timestamp: (o) => o.at })",
  '  .keyBy((o) => o.user).window(tumbling("5m")).aggregate({ n: count(), total: sum((o) => o.amount) })',
  `  .to(forEach((r) => { results.push(r); ${use} }));`,
];

test("the package holds its licence, readme and changelog, and neither sources nor tests", () => {
  const files = globSync("**/*", { cwd: installed() }).map((file) => file.replaceAll("\\", "/"));
  for (const file of ["LICENSE", "README.md", "CHANGELOG.md", "package.json"]) {
    assert.ok(files.includes(file), `${file} is missing`);
  }
  const strangers = files.filter((file) => /^(src|test|bench|demo|node_modules)\b|\.test\./.test(file));
  assert.deepEqual(strangers, []);
});

test("installing the package installs nothing else", () => {
  const others = readdirSync(join(project, "node_modules")).filter(
    (name) => !name.startsWith(".") && name !== manifest.name,
  );
  assert.deepEqual(others, []);
});

test("every subpath of the exports map has its code and its types in the package", () => {
  const missing = subpaths.flatMap((subpath) =>
    ["types", "default"]
      .map((condition) => manifest.exports[subpath][condition])
      .filter((file) => typeof file !== "string" || !existsSync(join(installed(), file))),
  );
  assert.deepEqual(missing, []);
});

for (const subpath of subpaths) {
  const peers = peersOf[subpath] ?? [];
  test(`${specifierOf(subpath)} can be imported${peers.length ? ` beside ${peers.join(" and ")}` : ""}`, () => {
    for (const peer of peers) addPackage(peer);
    const script = `const m = await import("${specifierOf(subpath)}"); console.log(Object.keys(m).length);`;
    assert.ok(Number(node("--input-type=module", "-e", script)) > 0, "it exports nothing");
  });
}

test("a pipeline written in JavaScript runs on the package", () => {
  const file = write(
    "app.js",
    ...pipelineLines("", false),
    "await app.run();",
    "console.log(JSON.stringify(results));",
  );
  assert.deepEqual(JSON.parse(node(file)), expected);
});

test("a pipeline written in TypeScript type-checks under strict settings and runs on the package", () => {
  addPackage("@types/node");
  for (const peer of Object.values(peersOf).flat()) addPackage(peer);
  const file = write(
    "typed.ts",
    ...subpaths.map((subpath, i) => `import type * as subpath${i} from "${specifierOf(subpath)}";`),
    `export type Everything = [${subpaths.map((_, i) => `typeof subpath${i}`).join(", ")}];`,
    ...pipelineLines("const n: number = r.n; const key: string = r.key; void [n, key];", true),
    "await app.run();",
    "console.log(JSON.stringify(results));",
  );
  const wrong = write(
    "wrong.ts",
    ...pipelineLines("// @ts-expect-error a result has no such column\nvoid r.noSuchColumn;", true),
    "export {};",
  );
  const settings = {
    target: "esnext",
    lib: ["esnext"],
    module: "nodenext",
    types: ["node"],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noPropertyAccessFromIndexSignature: true,
    verbatimModuleSyntax: true,
    erasableSyntaxOnly: true,
    skipLibCheck: false,
    noEmit: true,
  };
  write("tsconfig.json", JSON.stringify({ compilerOptions: settings, files: [file, wrong] }));
  node(join(root, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.json");
  assert.deepEqual(JSON.parse(node(file)), expected);
});

test(`the first result leaves within ${firstResultLimitMs} ms of the start of the process`, (t) => {
  const file = write(
    "first.js",
    ...pipelineLines("if (results.length === 1) console.log(performance.now());", false),
    "await app.run();",
  );
  const runsMs = Array.from({ length: startRuns }, () => Number(node(file)));
  const fastestMs = Math.min(...runsMs);
  const figure = `first result after ${fastestMs.toFixed(1)} ms, fastest of ${startRuns} runs`;
  t.diagnostic(`${figure} (slowest ${Math.max(...runsMs).toFixed(1)} ms)`);
  assert.ok(fastestMs > 0 && fastestMs <= firstResultLimitMs, figure);
});

const bin = () => join(project, "node_modules/.bin/millrace");

test("millrace --help names its commands", () => {
  const help = run(project, bin(), ["--help"]);
  assert.match(help, /millrace/);
  assert.match(help, /\brun\b/);
});

test("millrace run FILE.ts runs the pipeline that the file exports by default", () => {
  const file = write(
    "exported.ts",
    ...pipelineLines("console.log(JSON.stringify(r));", true),
    "export default app;",
  );
  const lines = run(project, bin(), ["run", file]).split("\n");
  const results = lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  assert.deepEqual(results, expected);
});
