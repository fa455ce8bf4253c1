/** `millrace savepoint` and the flags of `run` that write one and start from one. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Backend, contentOf, durableProgram } from "./durable-job.ts";
import { folder, millrace } from "./millrace.ts";

const cwd = folder();
const COUNT = 10_000;

/** What an undisturbed run writes. */
async function undisturbed(): Promise<string> {
  const file = durableProgram(cwd, "undisturbed.ts", { directory: "undisturbed", count: COUNT });
  assert.equal((await millrace(cwd, "run", file)).code, 0);
  return readFileSync(join(cwd, "sessions.ndjson"), "utf8");
}

const stopped = (backend: Backend) => ({
  backend,
  directory: `${backend}-state`,
  count: COUNT,
  stopAt: 4000,
});

test("a job that is stopped with --savepoint-on-stop goes on from there, also from a copy and over another backend", async () => {
  const expected = await undisturbed();
  for (const [from, to] of [
    ["memory", "rocksdb"],
    ["rocksdb", "memory"],
  ] as const) {
    rmSync(join(cwd, "sessions.ndjson"));
    const file = durableProgram(cwd, `${from}.ts`, stopped(from));
    const first = await millrace(cwd, "run", file, "--savepoint-on-stop", `saved/${from}`, "--json");
    assert.deepEqual([first.code, first.stderr], [0, ""]);
    assert.equal(JSON.parse(first.stdout).stopped, true);
    const copied = await millrace(cwd, "savepoint", "copy", `saved/${from}`, `copies/${from}`);
    assert.deepEqual([copied.code, copied.stdout], [0, `copies/${from} is a copy of epoch 1\n`]);
    renameSync(join(cwd, `saved/${from}`), join(cwd, `moved-${from}`));
    // Another state directory, which is empty, and the same output.
    const next = durableProgram(cwd, `${from}-next.ts`, {
      backend: to,
      directory: `${from}-next`,
      count: COUNT,
    });
    const second = await millrace(cwd, "run", next, "--from", `copies/${from}`, "--json");
    assert.deepEqual([second.code, second.stderr], [0, ""]);
    const { recordsBefore, sources } = JSON.parse(second.stdout);
    assert.deepEqual([recordsBefore, sources[0].records], [4096, COUNT]);
    assert.equal(readFileSync(join(cwd, "sessions.ndjson"), "utf8"), expected);
    renameSync(join(cwd, `moved-${from}`), join(cwd, `saved/${from}`));
  }
});

test("list prints the savepoints below a folder, the newest first, and neither state directories nor others", async () => {
  const { code, stdout } = await millrace(cwd, "savepoint", "list", ".");
  assert.equal(code, 0);
  const lines = stdout.trimEnd().split("\n");
  assert.deepEqual(lines.map((line) => line.split(" ")[0]).toSorted(), [
    "copies/memory",
    "copies/rocksdb",
    "saved/memory",
    "saved/rocksdb",
  ]);
  for (const line of lines) assert.match(line, /^\S+ +job visits {2}epoch 1 {2}20\d\d-\S+Z {2}[\d.]+ K?B$/);
  const times = lines.map((line) => /20\d\d-\S+Z/.exec(line)![0]);
  assert.deepEqual(times, times.toSorted().toReversed());
  const json = JSON.parse((await millrace(cwd, "savepoint", "list", "saved", "--json")).stdout);
  assert.deepEqual(json.map(({ folder, job, epoch, ended }: any) => [folder, job, epoch, ended]).toSorted(), [
    [join("saved", "memory"), "visits", 1, false],
    [join("saved", "rocksdb"), "visits", 1, false],
  ]);
});

test("a folder without savepoints is no error", async () => {
  mkdirSync(join(cwd, "empty"));
  const { code, stdout } = await millrace(cwd, "savepoint", "list", "empty");
  assert.deepEqual([code, stdout], [0, "there are no savepoints in empty\n"]);
});

test("inspect tells what state tells, whichever backend wrote it", async () => {
  for (const backend of ["memory", "rocksdb"]) {
    const inspected = await millrace(cwd, "savepoint", "inspect", `saved/${backend}`);
    assert.equal(inspected.stdout, (await millrace(cwd, "state", `saved/${backend}`)).stdout);
    assert.match(inspected.stdout, /^sessions\/sessions +50 /m);
    assert.match(inspected.stdout, /^rows: in .* of log$/m);
  }
});

test("copy takes the state directory of a memory job, and the copy is a savepoint", async () => {
  const before = contentOf(join(cwd, "memory-state"));
  const { code, stderr } = await millrace(cwd, "savepoint", "copy", "memory-state", "from-state");
  assert.deepEqual([code, stderr], [0, ""]);
  assert.deepEqual(contentOf(join(cwd, "memory-state")), before);
  const [found] = JSON.parse((await millrace(cwd, "savepoint", "list", "from-state", "--json")).stdout);
  assert.equal(found.folder, "from-state");
});

const refusals: [title: string, args: string[], code: number, says: RegExp][] = [
  [
    "the state directory of a RocksDB job",
    ["rocksdb-state", "nothing"],
    1,
    /rocksdb-state has its rows in RocksDB.*--savepoint-on-stop \[SAVEPOINT_INVALID\]/,
  ],
  ["a folder without state", ["empty", "nothing"], 1, /empty holds no state \[SAVEPOINT_INVALID\]/],
  ["a folder that is not there", ["nowhere", "nothing"], 2, /There is no directory nowhere \[CLI_USAGE\]/],
  [
    "no target",
    ["saved/memory"],
    2,
    /takes a savepoint and a folder for its copy: millrace savepoint copy FROM TO/,
  ],
];

for (const [title, args, expected, says] of refusals) {
  test(`copy refuses ${title}, and writes nothing`, async () => {
    const { code, stderr } = await millrace(cwd, "savepoint", "copy", ...args);
    assert.equal(code, expected, stderr);
    assert.match(stderr, says);
    assert.equal(existsSync(join(cwd, "nothing")), false);
  });
}

test("copy refuses a target that holds state, and leaves it as it is", async () => {
  const before = contentOf(join(cwd, "saved/rocksdb"));
  const { code, stderr } = await millrace(cwd, "savepoint", "copy", "saved/memory", "saved/rocksdb");
  assert.equal(code, 1);
  assert.match(stderr, /saved\/rocksdb holds state already: a copy needs an empty folder/);
  assert.deepEqual(contentOf(join(cwd, "saved/rocksdb")), before);
});

test("the second word is checked, and help is given behind it", async () => {
  const mistyped = await millrace(cwd, "savepoint", "inspct", "x");
  assert.equal(mistyped.code, 2);
  assert.match(
    mistyped.stderr,
    /millrace savepoint takes list, inspect or copy, not inspct; did you mean inspect\?/,
  );
  assert.match((await millrace(cwd, "savepoint")).stderr, /takes list, inspect or copy \[CLI_USAGE\]/);
  assert.match((await millrace(cwd, "savepoint", "--help")).stdout, /millrace savepoint copy FROM TO/);
});

test("run refuses a --from that holds no savepoint", async () => {
  const file = durableProgram(cwd, "from-nothing.ts", { directory: "from-nothing" });
  const { code, stderr } = await millrace(cwd, "run", file, "--from", "empty");
  assert.equal(code, 1);
  assert.match(stderr, /empty holds no savepoint \[SAVEPOINT_INVALID\]/);
});

test("run notes that --from is not used where the state directory holds state", async () => {
  const { code, stderr } = await millrace(cwd, "run", "memory-next.ts", "--from", "saved/rocksdb");
  assert.equal(code, 0);
  assert.equal(
    stderr,
    "note: visits: memory-next holds state already: the job goes on from that, not from saved/rocksdb\n",
  );
});
