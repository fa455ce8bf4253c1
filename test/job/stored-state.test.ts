/** Stored state read from outside, epoch by epoch, on a disk in memory: what a job may do meanwhile, and damage. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "../../src/core/json.ts";
import { tokenOf } from "../../src/core/key.ts";
import type { Files } from "../../src/core/ports.ts";
import { type Epochs, openEpochs } from "../../src/epoch/epochs.ts";
import { inspectRows } from "../../src/job/inspect-rows.ts";
import { inspectState } from "../../src/job/inspect-state.ts";
import { planUpgradeFrom } from "../../src/job/plan-upgrade.ts";
import { listSavepoints } from "../../src/job/savepoints.ts";
import { valueReader } from "../../src/job/stored-value.ts";
import { ByteWriter } from "../../src/schema/bytes.ts";
import type { Codec } from "../../src/schema/codec.ts";
import type { Coding } from "../../src/schema/coding.ts";
import { t } from "../../src/schema/schema.ts";
import { Shapes } from "../../src/schema/shapes.ts";
import { structural } from "../../src/schema/structural.ts";
import type { Cell } from "../../src/state/bucket.ts";
import { ChangeLog } from "../../src/state/change-log.ts";
import { Table } from "../../src/state/table.ts";
import { keepValues, type ValueCell } from "../../src/state/value-cell.ts";
import { CrashDisk } from "../epoch/crash-files.ts";

const FOLDER = "/state";
const LOGS = 2;

const counts = new Table<Cell>("orders", "counts", "by-key");
const shapes = new Shapes();
const plain = structural(shapes);

/** A job that puts numbers under keys, spread over two logs. */
async function job(files: Files, folder = FOLDER) {
  const epochs = await openEpochs({
    files,
    clock: { now: () => 7, monotonic: () => 0 },
    folder,
    job: "shop",
    logs: LOGS,
  });
  const changes = new ChangeLog(epochs, LOGS);
  let epoch = epochs.decided.epoch;
  const bucket = counts.open(0);
  return {
    epochs,
    put(key: string | number, value: unknown, codec: Codec<unknown> = plain, table = counts): void {
      const address = table.address(table.open(0), tokenOf(key));
      changes.put("now", table.groupAt(address), address, codec, value);
    },
    remove(key: string | number): void {
      const address = counts.address(bucket, tokenOf(key));
      changes.remove("now", counts.groupAt(address), address);
    },
    async decide(): Promise<void> {
      changes.flush();
      epoch += 1;
      await epochs.decide(epoch, savedJob(), { ended: false });
    },
  };
}

const count = (n: number): { mark: number; n: number } => ({ mark: 0, n });

const savedJob = (): Json => ({
  sources: { orders: { watermark: "-Infinity", records: 5, partitions: { "a.ndjson": { position: 17 } } } },
  stages: {},
  failures: {},
  sinks: { out: { handles: [{ epoch: 1, handle: null }] }, done: { handles: [] } },
  stores: {
    "orders/counts": {
      operator: "orders",
      table: "counts",
      layout: "by-key",
      signature: "counts",
      shape: "structural",
      version: 2,
    },
    "orders/positions": {
      operator: "orders",
      table: "positions",
      layout: "none",
      signature: "positions",
      version: 1,
    },
  },
  shapes: shapes.toJSON(),
  tick: 0,
});

async function rowsOf(files: Files): Promise<unknown[]> {
  const keys = ["ada", "bob", 1, 2, 3, 4, 5, 6, 7, 8];
  const found = await Promise.all(
    keys.map((key) => inspectRows(files, FOLDER, { key: tokenOf(key), limit: 5 })),
  );
  return found.flatMap((stores) =>
    stores!.flatMap(({ first }) =>
      first.map(({ key, value }) => [key, value && "fields" in value ? value.fields["n"] : value]),
    ),
  );
}

test("the rows are those of the last decided epoch, from all logs, each as it was put last", async () => {
  const disk = new CrashDisk(() => 0.5);
  const running = await job(disk.boot());
  for (const key of ["ada", 1, 2, 3, 4, 5]) running.put(key, count(1));
  await running.decide();
  for (const key of ["ada", "bob", 6]) running.put(key, count(2));
  running.remove(3);
  await running.decide();
  running.put("ada", count(3));
  await running.epochs.sync();
  const expected = [
    ["ada", 2],
    ["bob", 2],
    [1, 1],
    [2, 1],
    [4, 1],
    [5, 1],
    [6, 2],
  ];
  assert.deepEqual(await rowsOf(disk.boot()), expected);
  const { epoch, stores, sources, waiting, leftOver } = await inspectState(disk.boot(), FOLDER);
  assert.equal(epoch, 2);
  assert.deepEqual(
    stores.map(({ store, rows, version }) => [store, rows, version]),
    [["orders/counts", 7, 2]],
  );
  assert.deepEqual(sources, [
    { name: "orders", records: 5, watermark: "-Infinity", partitions: [{ id: "a.ndjson", position: 17 }] },
  ]);
  assert.deepEqual(waiting, [{ sink: "out", epochs: [1] }]);
  assert.deepEqual(leftOver, []);
});

test("bytes are those of addresses and values", async () => {
  const disk = new CrashDisk(() => 0.5);
  const running = await job(disk.boot());
  running.put("ada", count(1));
  await running.decide();
  const value = new ByteWriter();
  plain.encode(count(1), value);
  const address = counts.address(counts.open(0), "ada");
  const { stores } = await inspectState(disk.boot(), FOLDER);
  assert.equal(stores[0]!.bytes, address.length + value.at);
});

/** Files on which something happens when a segment is opened for the first time. */
function interrupted(files: Files, happens: () => Promise<void>): Files {
  let isFirst = true;
  const openRead: Files["openRead"] = async (path) => {
    if (path.endsWith(".bin") && isFirst) {
      isFirst = false;
      await happens();
    }
    return files.openRead(path);
  };
  return new Proxy(files, {
    get: (_, name: keyof Files) => (name === "openRead" ? openRead : files[name].bind(files)),
  });
}

async function rewritten(epochs: Epochs, running: Awaited<ReturnType<typeof job>>): Promise<void> {
  const from = epochs.roll();
  running.put("ada", count(9));
  await running.decide();
  epochs.trim(from);
  await running.decide();
  await running.decide(); // no manifest needs the old segment any more
}

test("a job that takes away what is about to be read has a newer epoch, and that is read", async () => {
  const disk = new CrashDisk(() => 0.5);
  const running = await job(disk.boot());
  running.put("ada", count(1));
  running.put("bob", count(1));
  await running.decide();
  const files = interrupted(disk.boot(), () => rewritten(running.epochs, running));
  const { epoch, stores } = await inspectState(files, FOLDER);
  assert.deepEqual([epoch, stores[0]!.rows], [4, 1]);
});

test("a segment that is missing while nothing goes on is damage", async () => {
  const disk = new CrashDisk(() => 0.5);
  const files = disk.boot();
  const running = await job(files);
  running.put("ada", count(1));
  await running.decide();
  await running.epochs.close();
  for (const name of await files.list(FOLDER))
    if (name.endsWith(".bin")) await files.remove(`${FOLDER}/${name}`);
  await assert.rejects(inspectState(files, FOLDER), {
    code: "STATE_DAMAGED",
    message: /log-\d-0\.bin is missing/,
  });
});

test("a newer manifest that can't be read is told, and the one before is shown", async () => {
  const disk = new CrashDisk(() => 0.5);
  const files = disk.boot();
  const running = await job(files);
  running.put("ada", count(1));
  await running.decide();
  await running.decide();
  await running.epochs.close();
  const newest = (await files.list(FOLDER)).filter((name) => name.startsWith("manifest")).at(-1)!;
  const file = await files.openWrite(`${FOLDER}/${newest}`);
  await file.write("torn");
  await file.close();
  const { epoch, damaged } = await inspectState(files, FOLDER);
  assert.deepEqual([epoch, damaged], [1, [{ name: newest, fault: "its checksum doesn't fit" }]]);
});

test("a folder without state, and one before its first epoch, are told apart", async () => {
  const disk = new CrashDisk(() => 0.5);
  await assert.rejects(inspectState(disk.boot(), "/nowhere"), {
    code: "SAVEPOINT_INVALID",
    message: /holds no state/,
  });
  await job(disk.boot());
  const { epoch, stores } = await inspectState(disk.boot(), FOLDER);
  assert.deepEqual([epoch, stores], [0, []]);
});

test("rows of stores that the program doesn't have are told as left over", async () => {
  const disk = new CrashDisk(() => 0.5);
  const running = await job(disk.boot());
  const old = new Table<Cell>("früher", "panes", "by-key");
  running.put("ada", count(1), plain, old);
  running.put("bob", count(1), plain, old);
  await running.decide();
  const { leftOver } = await inspectState(disk.boot(), FOLDER);
  assert.deepEqual(
    leftOver.map(({ store, rows }) => [store, rows]),
    [["früher/panes", 2]],
  );
});

test("what a codec of the program wrote is shown as bytes, whatever it happens to read as", async () => {
  const own: Codec<unknown> = {
    shape: "own",
    encode: (value, into) => into.raw(value as Uint8Array),
    decode: (from) => from.raw(from.end - from.at),
  };
  const disk = new CrashDisk(() => 0.5);
  const running = await job(disk.boot());
  // 0x05 is the structural 5, 0xff begins no value.
  running.put("ada", Uint8Array.of(5), own);
  running.put("bob", Uint8Array.of(0xff, 1), own);
  await running.decide();
  assert.deepEqual(await rowsOf(disk.boot()), [
    ["ada", { hex: "05" }],
    ["bob", { hex: "ff01" }],
  ]);
});

test("a user's value is shown with its version and end; what it reads as is said to hang on the program", () => {
  const shown = (coding: Partial<Coding>, value: unknown, until = Number.POSITIVE_INFINITY) => {
    const table = new Table<ValueCell>("totals", "total", "by-key");
    keepValues(table, "value", { by: undefined, version: 1, upcasters: {}, older: {}, ...coding });
    const into = new ByteWriter();
    const own = new Shapes();
    table.codec!(own).encode({ mark: 0, value, until }, into);
    return valueReader(table.signature, own.toJSON())(into.take());
  };
  assert.deepEqual(shown({}, { n: 5 }), { hex: "c005", until: null, version: 1, plain: { n: 5 } });
  assert.deepEqual(shown({ version: 3 }, undefined, 77), {
    hex: "e5",
    until: 77,
    version: 3,
    plain: undefined,
  });
  const by = t.object({ name: t.string, n: t.number });
  assert.deepEqual(shown({ by }, { name: "ada", n: 5 }), { hex: "0c61646105", until: null, version: 1 });
});

test("a damaged savepoint is listed as that, and a folder that a job works in not at all", async () => {
  const disk = new CrashDisk(() => 0.5);
  const files = disk.boot();
  const running = await job(files, "/all/state");
  running.put("ada", count(1));
  await running.decide();
  await running.epochs.copy("/all/saved/by-day/1");
  await running.decide();
  await running.epochs.copy("/all/saved/2");
  await running.epochs.copy("/all/saved/3");
  const [manifest] = (await files.list("/all/saved/3")).filter((name) => name.endsWith(".json"));
  const file = await files.openWrite(`/all/saved/3/${manifest}`);
  await file.write("torn");
  await file.close();
  const found = await listSavepoints(files, "/all");
  assert.deepEqual(
    found.map((one) => ("fault" in one ? [one.folder, one.fault] : [one.folder, one.epoch, one.job])),
    [
      ["/all/saved/2", 2, "shop"],
      ["/all/saved/by-day/1", 1, "shop"],
      ["/all/saved/3", "its checksum doesn't fit"],
    ],
  );
});

test("an upgrade is planned store by store, and an older version with upcasters migrates", async () => {
  const disk = new CrashDisk(() => 0.5);
  const running = await job(disk.boot());
  await running.decide();
  const kind = { operator: "orders", layout: "by-key", signature: "counts", shape: "structural" };
  const store = { ...kind, table: "counts" };
  const program = (version: number, upcastsFrom: number) => ({
    job: "shop",
    stores: {
      "orders/counts": { ...store, version, upcastsFrom },
      "orders/seen": { ...store, table: "seen", version: 1, upcastsFrom: 1 },
    },
    dropState: ["orders/positions"],
  });
  const planned = async (version: number, upcastsFrom: number) => {
    const plan = await planUpgradeFrom(disk.boot(), FOLDER, program(version, upcastsFrom));
    const stores = plan.stores.map(({ verdict, isGivenUp, isRefused }) => [verdict, isGivenUp, isRefused]);
    return [plan.isRefused, ...stores];
  };
  const others = [
    ["orphan", true, false],
    ["new", false, false],
  ];
  assert.deepEqual(await planned(2, 2), [false, ["compatible", false, false], ...others]);
  assert.deepEqual(await planned(3, 2), [false, ["migrate", false, false], ...others]);
  assert.deepEqual(await planned(3, 3), [true, ["rebuild", false, true], ...others]);
});
