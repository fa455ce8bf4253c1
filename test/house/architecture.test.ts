/**
 * The layer table of docs/architecture.md as data, held against the imports of every source file.
 *
 * What each kind of test catches: a layer that reaches up or sideways (table), files that can not be understood
 * one without the other (cycles), drivers that become a dependency of everybody (packages), rooms without a name
 * (folders), and pages or laws that fell behind the code (documents).
 */
import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "../..");
const src = join(root, "src");

// --- the table: layer -> what it may import besides itself ---------------------------------------------------
// An entry is a layer, or a file of one ("state/contract.ts") where only that file may be imported.

const stateContract = ["state/contract.ts"];
/** Tables and their rows: not who writes them down (journal, cold rows), and no backend. */
const stateForOperators = [
  "bucket",
  "contract",
  "miss",
  "number-cell",
  "number-rows",
  "owned-table",
  "slab",
  "table",
  "timers",
  "token-rows",
  "value-cell",
].map((file) => `state/${file}.ts`);
const connectorContract = ["connector/contract.ts"];
const runtimeImports = [
  "core",
  "schema",
  "state",
  "epoch",
  ...connectorContract,
  "plan",
  "operator",
  "compile",
];
const frontEnd = ["core", "schema", "expr", "window", "pattern", "aggregate", "connector", "plan"];

const table: Record<string, string[]> = {
  core: [],
  schema: ["core"],
  format: ["core", "schema"],
  window: ["core"],
  pattern: ["core"],
  aggregate: ["core"],
  expr: ["core", "schema"],
  state: ["core", "schema"],
  epoch: ["core", ...stateContract],
  connector: ["core", "schema", "format"],
  plan: ["core", "schema", "expr", "window", "pattern", "aggregate", ...connectorContract],
  operator: ["core", "schema", "expr", "window", "pattern", "aggregate", ...stateForOperators],
  compile: ["core", "expr", "window", "aggregate", "state", ...connectorContract, "plan", "operator"],
  runtime: runtimeImports,
  kafka: ["core"],
  cluster: [...runtimeImports, "runtime", "kafka"],
  stream: frontEnd,
  sql: frontEnd,
  inspect: ["core", "runtime/port.ts"],
  job: [], // all above it, filled in below
  server: ["core", "inspect"],
  cli: ["core", "job", "server", "sql"],
  testing: [], // all above it, filled in below
};
table.job = Object.keys(table).slice(0, Object.keys(table).indexOf("job"));
table.testing = [...table.job, "job"];

/** Further permissions of one folder inside a layer. */
const folderTable: Record<string, string[]> = {
  "connector/kafka": ["kafka"],
};

/** The public entry of the package: it may import every layer. */
const publicEntry = "index.ts";

/** Package name, or module of Node -> the only folder that may import it. No other package may be imported at all. */
const drivers: Record<string, string> = {
  hyparquet: "connector/parquet",
  "hyparquet-compressors": "connector/parquet",
  "node:sqlite": "connector/sqlite",
  "rocksdb-native": "state/rocksdb",
};

const namelessFolders = new Set(["utils", "util", "common", "helpers", "helper", "misc"]);
const laws = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => `INV-${n}`);
const documents = [
  "CHANGELOG.md",
  "README.md",
  "LICENSE",
  "CONTRIBUTING.md",
  "docs/architecture.md",
  "docs/glossary.md",
];

// --- imports, by regular expression --------------------------------------------------------------------------

interface Import {
  from: string; // file, relative to src, with "/"
  specifier: string;
  target: string | undefined; // file relative to src; undefined for packages and node:
  typeOnly: boolean;
}

const posixPath = (path: string) => path.replaceAll("\\", "/");

/** Removes comments that stand on lines of their own, and trailing ones; strings are left alone. */
function withoutComments(text: string): string {
  return text
    .replace(/^[ \t]*\/\*[\s\S]*?\*\//gm, "")
    .replace(/^[ \t]*\/\/.*$/gm, "")
    .replace(/[ \t]\/\/[^"'`\n]*$/gm, "");
}

function importsOf(from: string, source: string): Import[] {
  const text = withoutComments(source);
  const found: Import[] = [];
  const add = (specifier: string, typeOnly: boolean) => {
    const target = specifier.startsWith(".")
      ? posix.normalize(posix.join(dirname(from), specifier))
      : undefined;
    found.push({ from, specifier, target, typeOnly });
  };
  for (const m of text.matchAll(
    /^[ \t]*(?:import|export)\b[ \t]*(type\b(?!\s*,|\s+from\b))?([\w$*{},\s]*?)\bfrom\s*(["'])([^"'\n]+)\3/gm,
  )) {
    add(m[4]!, m[1] !== undefined);
  }
  for (const m of text.matchAll(/^[ \t]*import\s*(["'])([^"'\n]+)\1/gm)) add(m[2]!, false);
  // In a type position import("./x.ts").Name stands behind `typeof`, or is followed by a capitalised member.
  for (const m of text.matchAll(/(\btypeof\s+)?\bimport\s*\(\s*(["'])([^"'\n]+)\2\s*\)(\s*\.\s*[A-Z])?/g)) {
    add(m[3]!, m[1] !== undefined || m[4] !== undefined);
  }
  for (const m of text.matchAll(/\brequire\s*\(\s*(["'])([^"'\n]+)\1\s*\)/g)) add(m[2]!, false);
  return found;
}

const allFiles = existsSync(src) ? globSync("**/*.ts", { cwd: src }).map(posixPath).sort() : [];
const files = allFiles.filter((file) => !file.endsWith(".test.ts"));
const imports = files.flatMap((file) => importsOf(file, readFileSync(join(src, file), "utf8")));

const layerOf = (file: string) => file.split("/")[0]!;
const packageOf = (specifier: string) =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");

// --- the rules, as functions of files and imports ------------------------------------------------------------

function layerFault({ from, target, specifier }: Import): string | undefined {
  if (target === undefined || from === publicEntry) return undefined;
  if (target.startsWith("../")) return `${from} imports ${specifier}, outside of src`;
  const [mine, theirs] = [layerOf(from), layerOf(target)];
  if (mine === theirs) return undefined;
  const folders = Object.keys(folderTable).filter((folder) => from.startsWith(`${folder}/`));
  const allowed = [...(table[mine] ?? []), ...folders.flatMap((folder) => folderTable[folder]!)];
  if (allowed.includes(theirs) || allowed.includes(target)) return undefined;
  return `${from} imports ${target}; ${mine} may import ${allowed.join(", ") || "nothing"}`;
}

function packageFault({ from, target, specifier }: Import): string | undefined {
  if (target !== undefined) return undefined;
  const home = drivers[packageOf(specifier)];
  if (home === undefined && specifier.startsWith("node:")) return undefined;
  if (home === undefined) return `${from} imports the package ${specifier}, which no folder may import`;
  return from.startsWith(`${home}/`) ? undefined : `${from} imports ${specifier}; only ${home} may`;
}

/** Every cycle that a depth-first walk over the run-time imports meets, as "a -> b -> a". */
function cyclesIn(edges: Import[]): string[] {
  const next = new Map<string, string[]>();
  for (const { from, target, typeOnly } of edges) {
    if (target !== undefined && !typeOnly) next.set(from, [...(next.get(from) ?? []), target]);
  }
  const done = new Set<string>();
  const path: string[] = [];
  const cycles: string[] = [];
  const visit = (file: string) => {
    if (done.has(file)) return;
    const at = path.indexOf(file);
    if (at >= 0) {
      cycles.push([...path.slice(at), file].join(" -> "));
      return;
    }
    path.push(file);
    for (const target of next.get(file) ?? []) visit(target);
    path.pop();
    done.add(file);
  };
  for (const file of next.keys()) visit(file);
  return cycles;
}

const faults = (rule: (edge: Import) => string | undefined, edges: Import[]) =>
  edges.map(rule).filter((fault) => fault !== undefined);

// --- the source tree -----------------------------------------------------------------------------------------

test("every source file lies in a known layer", () => {
  const strangers = allFiles.filter(
    (file) => file !== publicEntry && !(file.includes("/") && Object.hasOwn(table, layerOf(file))),
  );
  assert.deepEqual(strangers, []);
});

test("every layer imports only what the layer table allows", () => {
  assert.deepEqual(faults(layerFault, imports), []);
});

test("every relative import names an existing file with its .ts ending", () => {
  const broken = imports.filter(
    ({ target }) => target !== undefined && !(target.endsWith(".ts") && existsSync(join(src, target))),
  );
  assert.deepEqual(
    broken.map(({ from, specifier }) => `${from} imports ${specifier}`),
    [],
  );
});

test("no source file imports a test file", () => {
  assert.deepEqual(
    imports
      .filter(({ target }) => target?.endsWith(".test.ts"))
      .map(({ from, target }) => `${from}: ${target}`),
    [],
  );
});

test("no source files import each other in a cycle", () => {
  assert.deepEqual(cyclesIn(imports), []);
});

test("a driver library is imported only by the folder of its connector, and no other package by anyone", () => {
  assert.deepEqual(faults(packageFault, imports), []);
});

test("no folder is named utils, common or helpers", () => {
  const nameless = allFiles.filter((file) =>
    dirname(file)
      .split("/")
      .some((part) => namelessFolders.has(part.toLowerCase())),
  );
  assert.deepEqual(nameless, []);
});

test("every line that reads like an import was understood by this test", () => {
  const missed = files.filter((file) => {
    const text = withoutComments(readFileSync(join(src, file), "utf8"));
    const lines =
      text.match(/^[ \t]*(?:(?:import|export)\b.*|\}[ \t]*)\bfrom[ \t]*["'][^"'\n]+["'];?[ \t]*$/gm) ?? [];
    const specifiers = lines.map((line) => /["']([^"']+)["'];?[ \t]*$/.exec(line)![1]!);
    const known = imports.filter(({ from }) => from === file).map(({ specifier }) => specifier);
    return specifiers.some((specifier) => !known.includes(specifier));
  });
  assert.deepEqual(missed, []);
});

// --- the rules themselves ------------------------------------------------------------------------------------

const edges = (from: string, ...lines: string[]) => importsOf(from, lines.join("\n"));

test("the import parser reads every form of import and skips what only looks like one", () => {
  const read = edges(
    "plan/a.ts",
    "import { one, // first",
    "  two } from './b.ts';",
    'import type { Three } from "../core/c.ts";',
    'import { type Four } from "./d.ts";',
    'import * as five from "./e.ts";',
    'import type from "./f.ts";',
    'import "./g.ts";',
    'export * from "./h.ts";',
    'export type { Eight } from "./i.ts";',
    'const nine = await import("./j.ts");',
    'let ten: import("./k.ts").Ten;',
    "/**",
    ' * import { doc } from "./doc.ts";',
    " */",
    '// import { gone } from "./gone.ts";',
    'export const text = "import x from y";',
  );
  assert.deepEqual(read.map(({ target, typeOnly }) => `${target}${typeOnly ? " (type)" : ""}`).sort(), [
    "core/c.ts (type)",
    "plan/b.ts",
    "plan/d.ts",
    "plan/e.ts",
    "plan/f.ts",
    "plan/g.ts",
    "plan/h.ts",
    "plan/i.ts (type)",
    "plan/j.ts",
    "plan/k.ts (type)",
  ]);
});

test("the layer rule rejects a forbidden layer, also as a type, and a layer's file that is not its contract", () => {
  const rejected = (from: string, specifier: string) =>
    faults(layerFault, edges(from, `import type { X } from "${specifier}";`)).length === 1;
  assert.ok(rejected("core/a.ts", "../plan/b.ts"));
  assert.ok(rejected("operator/a.ts", "../plan/b.ts"));
  assert.ok(rejected("operator/a.ts", "../connector/contract.ts"));
  assert.ok(rejected("operator/a.ts", "../state/memory.ts"));
  assert.ok(rejected("operator/a.ts", "../state/journal.ts"));
  assert.ok(rejected("operator/a.ts", "../state/rocksdb/store.ts"));
  assert.ok(!rejected("operator/a.ts", "../state/owned-table.ts"));
  assert.ok(rejected("epoch/a.ts", "../state/table.ts"));
  assert.ok(!rejected("epoch/a.ts", "../state/contract.ts"));
  assert.ok(!rejected("runtime/a.ts", "../schema/structural.ts"));
  assert.ok(!rejected("operator/a.ts", "../state/contract.ts"));
  assert.ok(!rejected("operator/a.ts", "../state/miss.ts"));
  assert.ok(!rejected("plan/rules/a.ts", "../../connector/contract.ts"));
  assert.ok(rejected("plan/rules/a.ts", "../../connector/file/index.ts"));
  assert.ok(rejected("stream/a.ts", "../runtime/loop.ts"));
  assert.ok(rejected("stream/a.ts", "../sql/parser.ts"));
  assert.ok(rejected("connector/file/a.ts", "../../kafka/client.ts"));
  assert.ok(!rejected("connector/kafka/a.ts", "../../kafka/client.ts"));
  assert.ok(!rejected("job/a.ts", "../runtime/loop.ts"));
  assert.ok(rejected("job/a.ts", "../cli/main.ts"));
  assert.ok(!rejected("index.ts", "./runtime/loop.ts"));
  assert.ok(rejected("core/a.ts", "../../test/b.ts"));
});

test("the package rule knows the home of a driver and refuses unknown packages", () => {
  const rejected = (from: string, specifier: string) =>
    faults(packageFault, edges(from, `import * as x from "${specifier}";`)).length === 1;
  assert.ok(!rejected("connector/parquet/read.ts", "hyparquet"));
  assert.ok(!rejected("connector/parquet/read.ts", "hyparquet-compressors"));
  assert.ok(rejected("connector/file/read.ts", "hyparquet"));
  assert.ok(!rejected("state/rocksdb/driver.ts", "rocksdb-native"));
  assert.ok(rejected("state/table.ts", "rocksdb-native"));
  assert.ok(rejected("connector/parquet/read.ts", "left-pad"));
  assert.ok(!rejected("connector/sqlite/driver.ts", "node:sqlite"));
  assert.ok(rejected("connector/file/read.ts", "node:sqlite"));
  assert.ok(!rejected("core/ports.ts", "node:fs"));
});

test("the cycle rule finds a cycle through several files and ignores type-only imports", () => {
  const ring = [
    ...edges("core/a.ts", 'import { b } from "./b.ts";'),
    ...edges("core/b.ts", 'import { c } from "./c.ts";'),
    ...edges("core/c.ts", 'import { a } from "./a.ts";'),
  ];
  assert.deepEqual(cyclesIn(ring), ["core/a.ts -> core/b.ts -> core/c.ts -> core/a.ts"]);
  const loose = ring.map((edge) => ({ ...edge, typeOnly: edge.from === "core/c.ts" }));
  assert.deepEqual(cyclesIn(loose), []);
});

// --- documents and laws --------------------------------------------------------------------------------------

for (const document of documents) {
  test(`${document} exists and is not empty`, () => {
    const path = join(root, document);
    assert.ok(existsSync(path), `${document} is missing`);
    assert.ok(readFileSync(path, "utf8").trim().length > 0, `${document} is empty`);
  });
}

test("docs/architecture.md names every folder of src", () => {
  const path = join(root, "docs/architecture.md");
  assert.ok(existsSync(path), "docs/architecture.md is missing");
  const text = readFileSync(path, "utf8");
  const folders = [...new Set(allFiles.map((file) => dirname(file)).filter((folder) => folder !== "."))];
  const named = (folder: string) =>
    [`src/${folder}`, `\`${folder}\``, `\`${folder}/\``].some((name) => text.includes(name));
  assert.deepEqual(
    folders.filter((folder) => !named(folder)),
    [],
  );
});

test("the README gives the test command that .ci/run runs", () => {
  const ci = readFileSync(join(root, ".ci/run"), "utf8");
  assert.match(ci, /^npm ci && npm test$/m);
  const readme = join(root, "README.md");
  assert.ok(existsSync(readme), "README.md is missing");
  assert.match(readFileSync(readme, "utf8"), /npm ci\s*(?:&&|\n)\s*npm test/);
});

const titles = globSync(["src/**/*.test.ts", "test/**/*.test.ts"], {
  cwd: root,
  exclude: ["test/house/architecture.test.ts"],
})
  .flatMap((file) => [
    ...readFileSync(join(root, file), "utf8").matchAll(
      /\b(?:test|it|describe|suite|property)\(\s*(["'`])(.*?)\1/g,
    ),
  ])
  .map((match) => match[2]!);

for (const law of laws) {
  test(`the law ${law} is named in the title of a test`, () => {
    assert.ok(
      titles.some((title) => new RegExp(`\\b${law}\\b`).test(title)),
      `no test title names ${law}`,
    );
  });
}
