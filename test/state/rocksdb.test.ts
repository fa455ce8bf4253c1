/**
 * What RocksDB must do beyond the suite of stores: survive the death of its process, keep others out, and say what is
 * wrong with it. Catches torn batches, acknowledged batches that are gone, two writers, and errors of the driver that
 * reach the user as they are.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import type { MillraceError } from "../../src/core/errors.ts";
import type { RowStore } from "../../src/state/contract.ts";
import { loadDriver } from "../../src/state/rocksdb/driver.ts";
import { openFailed, writeFailed } from "../../src/state/rocksdb/failure.ts";
import { openRocksStore } from "../../src/state/rocksdb/store.ts";
import { batch, rows } from "./numbered-batch.ts";

const KILLS = process.env["MILLRACE_LONG"] === "1" ? 50 : 10;
const writer = join(import.meta.dirname, "apply-until-killed.ts");
const { NODE_TEST_CONTEXT: _, ...env } = process.env;

const scratch = mkdtempSync(join(tmpdir(), "millrace-rocksdb-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
const newFolder = () => mkdtempSync(join(scratch, "store-"));

/** Runs the writer while `body` does, which gets a function that waits for `n` more batches; then kills it. */
async function whileWriting(folder: string, body: (batches: (n: number) => Promise<void>) => Promise<void>) {
  const args = ["--conditions=millrace-source", writer, folder];
  const child = spawn(process.execPath, args, { env, timeout: 60_000, killSignal: "SIGKILL" });
  const exited = once(child, "exit");
  let said = "";
  child.stderr.on("data", (data) => {
    said += data;
  });
  let acknowledged = 0;
  let heard: (() => void) | null = null;
  createInterface(child.stdout).on("line", (line) => {
    acknowledged = Number(line);
    heard?.();
  });
  const batches = async (n: number) => {
    for (let i = 0; i < n; i++) {
      await Promise.race([
        new Promise<void>((resolve) => {
          heard = resolve;
        }),
        exited.then(() => assert.fail(`the writer ended by itself: ${said}`)),
      ]);
    }
  };
  try {
    await body(batches);
  } finally {
    child.kill("SIGKILL");
    await exited;
  }
  return acknowledged;
}

async function assertHolds(store: RowStore, n: number): Promise<void> {
  assert.equal(await store.position(), String(n));
  const found = await store.scan("", "z", Infinity);
  const said = (all: readonly { address: string; value: Uint8Array }[]) =>
    all.map(({ address, value }) => `${address} ${Buffer.from(value)}`);
  assert.deepEqual(said(found), said(rows(n)));
}

test(`a store whose process is killed holds one whole batch, none older than the last acknowledged one (${KILLS} kills)`, async () => {
  const folder = newFolder();
  for (let kill = 0; kill < KILLS; kill++) {
    const acknowledged = await whileWriting(folder, async (batches) => {
      await batches(1 + Math.floor(Math.random() * 20));
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
    });
    const store = await openRocksStore(folder);
    const position = Number(await store.position());
    assert.ok(position >= acknowledged, `batch ${acknowledged} was acknowledged, and ${position} is there`);
    await assertHolds(store, position);
    await store.close();
  }
});

test("a directory that another process has open is refused, and is free when that process is dead", async () => {
  const folder = newFolder();
  await whileWriting(folder, async (batches) => {
    await batches(1);
    await assert.rejects(() => openRocksStore(folder), { code: "STATE_DIRECTORY_IN_USE" });
    await batches(1);
  });
  await (await openRocksStore(folder)).close();
});

test("a directory opened twice in one process is refused, and the first store goes on", async () => {
  const folder = newFolder();
  const store = await openRocksStore(folder);
  await store.apply(batch(1), "1");
  for (let times = 0; times < 2; times++) {
    await assert.rejects(
      () => openRocksStore(folder),
      (error: MillraceError) => error.code === "STATE_DIRECTORY_IN_USE" && error.message.includes(folder),
    );
  }
  await store.apply(batch(2), "2");
  await assertHolds(store, 2);
  await store.close();
  const again = await openRocksStore(folder);
  await assertHolds(again, 2);
  await again.close();
});

test("an apply that waits behind one that fails, fails with it, and the next one is taken", async () => {
  const store = await openRocksStore(newFolder());
  await store.apply(batch(1), "1");
  const noBytes = { address: "k", value: "text" as unknown as Uint8Array };
  const settled = await Promise.allSettled([store.apply([noBytes], "2"), store.apply(batch(3), "3")]);
  for (const result of settled)
    assert.equal(result.status === "rejected" && result.reason.code, "ENGINE_BUG");
  await assertHolds(store, 1);
  await store.apply(batch(2), "2");
  await assertHolds(store, 2);
  await store.close();
});

test("a store makes its folder, with those above it", async () => {
  const store = await openRocksStore(join(newFolder(), "state", "rows"));
  await store.apply(batch(1), "1");
  await assertHolds(store, 1);
  await store.close();
});

/** Writes a store of two batches, then turns some bits of the file whose name fits, in its middle. */
async function damagedFolder(file: RegExp): Promise<string> {
  const folder = newFolder();
  const store = await openRocksStore(folder);
  await store.apply(batch(1), "1");
  await store.flush();
  await store.apply(batch(2), "2");
  await store.close();
  const names = readdirSync(folder).filter((name) => file.test(name));
  assert.ok(names.length > 0, `no file fits ${file}`);
  for (const name of names) {
    const content = readFileSync(join(folder, name));
    for (let at = content.length >> 1, end = at + 4; at < end; at++) content[at] ^= 0xff;
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

test("a damaged table file is an error that names it, whether by load or by scan, and never fewer rows", async () => {
  const store = await openRocksStore(await damagedFolder(/\.sst$/));
  const named = (error: MillraceError) => error.code === "STATE_DAMAGED" && /\d+\.sst/.test(error.message);
  const addresses = rows(2).map((row) => row.address);
  await assert.rejects(() => store.load(addresses), named);
  await assert.rejects(() => store.scan("", "z", Infinity), named);
  await store.close();
});

test("a damaged manifest is an error that names it when the store is opened", async () => {
  const folder = await damagedFolder(/^MANIFEST-/);
  await assert.rejects(
    () => openRocksStore(folder),
    (error: MillraceError) => error.code === "STATE_DAMAGED" && /MANIFEST-\d+/.test(error.message),
  );
});

test("a path that is a file can't be opened as a store", async () => {
  const path = join(scratch, "file");
  writeFileSync(path, "no store");
  await assert.rejects(
    () => openRocksStore(path),
    (error: MillraceError) => error.code === "STATE_UNWRITABLE" && error.message.includes(path),
  );
});

test("a disk that is full is STATE_UNWRITABLE in RocksDB's own words, at opening and at writing", () => {
  const words = "While appending to file: 000015.sst: No space left on device";
  const cause = new Error(words);
  for (const error of [
    openFailed("./state", cause),
    writeFailed("./state", cause),
    writeFailed("./state", new Error("Batch was not applied", { cause })),
  ]) {
    assert.equal(error.code, "STATE_UNWRITABLE");
    assert.ok(error.message.includes(words) && error.message.includes("./state"), error.message);
  }
});

test("RocksDB that stops writing because of what it read is STATE_DAMAGED", () => {
  const cause = new Error("block checksum mismatch: stored = 1, computed = 2 in 000009.sst");
  const error = writeFailed("./state", new Error("Batch was not applied", { cause }));
  assert.equal(error.code, "STATE_DAMAGED");
});

test("a missing package is named with the version to install, and one that can't be loaded with the reason", async () => {
  const failing = (error: Error) => loadDriver(() => Promise.reject(error));
  const { devDependencies, peerDependencies } = JSON.parse(
    readFileSync(join(import.meta.dirname, "../../package.json"), "utf8"),
  );
  const version = peerDependencies["rocksdb-native"];
  assert.equal(devDependencies["rocksdb-native"], version);
  const missing = Object.assign(new Error("Cannot find package"), { code: "ERR_MODULE_NOT_FOUND" });
  await assert.rejects(
    () => failing(missing),
    (error: MillraceError) =>
      error.code === "DRIVER_MISSING" && error.message.includes(`npm install rocksdb-native@${version}`),
  );
  await assert.rejects(
    () => failing(new Error("libatomic.so.1: cannot open shared object file")),
    /can't be loaded on this machine.*libatomic\.so\.1.*\[DRIVER_MISSING\]/,
  );
});
