/** `millrace state`: what it tells of a job's state, over each backend, also while the job runs, and changes nothing. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Backend, contentOf, durableProgram } from "./durable-job.ts";
import { folder, millrace, start } from "./millrace.ts";

const cwd = folder();

/** Stopped at 4096 numbers: the watermark is at 39,950 ms. */
async function stoppedJob(backend: Backend): Promise<void> {
  const job = { backend, directory: backend, stopAt: 4000, count: Number.POSITIVE_INFINITY };
  const { code, stderr } = await millrace(cwd, "run", durableProgram(cwd, `${backend}.ts`, job));
  assert.deepEqual([code, stderr], [0, ""]);
}

for (const backend of ["memory", "rocksdb"] as const) {
  test(`tells epoch, positions and rows of a job over ${backend}, and changes nothing`, async () => {
    await stoppedJob(backend);
    const before = contentOf(join(cwd, backend));
    const { code, stdout, stderr } = await millrace(cwd, "state", backend);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, /^job visits: epoch \d+, generation 1, 20\d\d-\d\d-\d\dT[\d:.]+Z\n/);
    assert.match(stdout, backend === "rocksdb" ? /^rows: in RocksDB/m : /^rows: in .*B of log/m);
    assert.match(
      stdout,
      /^source numbers: 4,096 records, watermark 1970-01-01T00:00:39\.950Z\n {2}0 at \{"index":4096/m,
    );
    assert.match(stdout, /^sessions\/sessions +50 +[\d.]+ KB +1 {2}session\(3s\): value count$/m);
    assert.match(stdout, /^pages\/panes +14 +[\d.]+ B +1 {2}tumbling\(10s\): value count/m);
    assert.deepEqual(contentOf(join(cwd, backend)), before);
  });

  test(`shows the first rows of an operator over ${backend}, and how many there are`, async () => {
    const { stdout } = await millrace(cwd, "state", backend, "--operator", "pages", "--limit", "8");
    const [head, ...rows] = stdout.trimEnd().split("\n");
    assert.match(head!, /^pages\/panes: 14 rows, \d+ B$/);
    const at40 = rows.filter((row) => /^ {2}[0-6] {2}1970-01-01T00:00:40\.000Z {2}\d+ B$/.test(row));
    assert.equal(at40.length, 7, stdout);
    assert.match(rows[7]!, /^ {2}[0-6] {2}1970-01-01T00:00:50\.000Z {2}\d+ B$/);
    assert.deepEqual(rows.slice(8), ["  ... 6 more: --limit"]);
    const all = await millrace(cwd, "state", backend, "--operator", "pages/panes");
    assert.equal(all.stdout.trimEnd().split("\n").length, 15);
  });

  test(`shows the values of one key over ${backend}`, async () => {
    const { stdout } = await millrace(cwd, "state", backend, "--key", "3", "--json");
    const stores: { store: string; rows: number; first: any[] }[] = JSON.parse(stdout);
    const pages = stores.find(({ store }) => store === "pages/panes")!;
    const counts = pages.first.map(({ time, value }) => [time, value.fields.value ?? value.fields.a0]);
    const countUpTo = (from: number, to: number): number =>
      Array.from({ length: to - from }, (_, i) => from + i).filter((i) => i % 7 === 3).length;
    assert.deepEqual(counts, [
      [40_000, countUpTo(3000, 4000)],
      [50_000, countUpTo(4000, 4096)],
    ]);
    const text = (await millrace(cwd, "state", backend, "--key", '"u7"')).stdout;
    assert.match(
      text,
      /^sessions\/sessions: 1 row, \d+ B\n {2}"u7" {2}\d+ B\n {4}\{ .*start: 70, end: 43570/,
    );
    assert.doesNotMatch(text, /pages/);
  });

  test(`reads the state of a job over ${backend} that runs, and of one that was killed`, async () => {
    const directory = `${backend}-live`;
    const job = { backend, directory, count: Number.POSITIVE_INFINITY, commit: '{ every: "10ms" }' };
    const running = start(cwd, "run", durableProgram(cwd, `${directory}.ts`, job));
    const isDecided = (): boolean =>
      existsSync(join(cwd, directory)) &&
      readdirSync(join(cwd, directory)).some((name) => /^manifest-.*-0*[2-9]\.json$/.test(name));
    while (!isDecided()) {
      assert.equal(running.child.exitCode, null, "it ended by itself");
      await sleep(5);
    }
    const live = await millrace(cwd, "state", directory, "--json");
    assert.equal(live.code, 0, live.stderr);
    const { epoch, stores } = JSON.parse(live.stdout);
    assert.ok(epoch >= 2);
    assert.equal(stores.find((found: any) => found.store === "sessions/sessions").rows, 50);
    running.child.kill("SIGKILL");
    await running.done;
    const before = contentOf(join(cwd, directory));
    const dead = await millrace(cwd, "state", directory, "--json");
    assert.equal(dead.code, 0, dead.stderr);
    assert.ok(JSON.parse(dead.stdout).epoch >= epoch);
    assert.deepEqual(contentOf(join(cwd, directory)), before);
  });
}

test("both backends hold the same rows", async () => {
  const rowsOf = async (directory: string): Promise<unknown> => {
    const { stores } = JSON.parse((await millrace(cwd, "state", directory, "--json")).stdout);
    return stores.map(({ store, rows, signature }: any) => [store, rows, signature]);
  };
  assert.deepEqual(await rowsOf("memory"), await rowsOf("rocksdb"));
});

test("a damaged manifest is told, and the state before it shown", async () => {
  const job = { directory: "torn", stopAt: 9000, count: Number.POSITIVE_INFINITY, commit: "{ records: 1 }" };
  await millrace(cwd, "run", durableProgram(cwd, "torn.ts", job));
  const newest = readdirSync(join(cwd, "torn"))
    .filter((name) => name.startsWith("manifest"))
    .toSorted()
    .at(-1)!;
  writeFileSync(join(cwd, "torn", newest), "{}");
  const { code, stdout } = await millrace(cwd, "state", "torn");
  assert.equal(code, 0);
  assert.ok(
    stdout.includes(`damaged: ${newest}: its checksum doesn't fit; what is shown is older\n`),
    stdout,
  );
});

const mistakes: [title: string, args: string[], says: RegExp][] = [
  ["a directory that is not there", ["nowhere"], /There is no directory nowhere \[CLI_USAGE\]/],
  ["a file", ["memory.ts"], /memory\.ts is a file, not a directory \[CLI_USAGE\]/],
  [
    "an operator that there isn't",
    ["memory", "--operator", "page"],
    /No operator page has state in memory; did you mean pages\?/,
  ],
  [
    "an operator unlike any",
    ["memory", "--operator", "revenue"],
    /has state in memory; there are sessions, pages/,
  ],
  [
    "a key that is no JSON",
    ["memory", "--key", "ada"],
    /--key takes a key as JSON, such as '"ada"'.*, not ada/,
  ],
  ["a key that can't be one", ["memory", "--key", "{}"], /--key takes a key as JSON/],
  [
    "a limit that is no number",
    ["memory", "--key", "1", "--limit", "x"],
    /--limit takes a whole number above 0, not x/,
  ],
  ["a limit of nothing", ["memory", "--limit", "3"], /--limit is for the rows of --operator or --key/],
];

for (const [title, args, says] of mistakes) {
  test(`${title} is a usage error with exit code 2`, async () => {
    const { code, stdout, stderr } = await millrace(cwd, "state", ...args);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, says);
  });
}

test("a folder without state is an error with exit code 1", async () => {
  const { code, stderr } = await millrace(cwd, "state", ".");
  assert.equal(code, 1);
  assert.match(stderr, /^error: \. holds no state \[SAVEPOINT_INVALID\]\n/);
});

test("a key without rows is told", async () => {
  const { code, stdout } = await millrace(cwd, "state", "memory", "--key", "12n");
  assert.deepEqual([code, stdout], [0, "the key has no rows\n"]);
});
