/** The backends of this package under the one suite, and the words by which a job names them. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { memory, type StateBackend } from "../../src/state/backend.ts";
import type { RowStore } from "../../src/state/contract.ts";
import { memoryStore } from "../../src/state/memory.ts";
import { rocksdb } from "../../src/state/rocksdb/index.ts";
import { openRocksStore } from "../../src/state/rocksdb/store.ts";
import { storeSuite } from "./store-suite.ts";

const scratch = mkdtempSync(join(tmpdir(), "millrace-stores-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

storeSuite("memory", { open: async () => memoryStore() });

const folders = new WeakMap<RowStore, string>();
async function openRocks(folder: string): Promise<RowStore> {
  const store = await openRocksStore(folder);
  folders.set(store, folder);
  return store;
}
storeSuite("rocksdb", {
  open: () => openRocks(mkdtempSync(join(scratch, "rocksdb-"))),
  reopen: (closed) => openRocks(folders.get(closed) as string),
});

test("memory counts its rows", async () => {
  const store = memoryStore();
  await store.apply(
    ["a", "b", "c"].map((address) => ({ address, value: new Uint8Array(1) })),
    "p",
  );
  await store.apply([{ from: "a", to: "b" }], "q");
  assert.equal(store.size, 2);
});

test("a backend says its directory, and what it is in explain()", () => {
  const told = ({ description, directory, cold }: StateBackend) => [description, directory, cold?.cacheBytes];
  assert.deepEqual(told(memory("./state")), ['memory("./state")', "./state", undefined]);
  assert.deepEqual(told(rocksdb("a b")), ['rocksdb("a b")', "a b", 64 * 1024 * 1024]);
  assert.deepEqual(told(rocksdb("s", { cacheBytes: 0 })), ['rocksdb("s")', "s", 0]);
  assert.deepEqual(told(rocksdb("s", { cacheBytes: 1024 * 1024 })), ['rocksdb("s")', "s", 1024 * 1024]);
});

test("a backend refuses a directory that is no path, and a budget that is none", () => {
  for (const directory of ["", " ", "a\0b", undefined, 7]) {
    for (const backend of [memory, rocksdb])
      assert.throws(() => backend(directory as string), { code: "OPTION_INVALID" });
  }
  for (const cacheBytes of [-1, 64, 1024 * 1024 - 1, 2e6 + 0.5, Number.NaN, Infinity, "64MB"]) {
    assert.throws(
      () => rocksdb("s", { cacheBytes: cacheBytes as number }),
      /rocksdb: cacheBytes takes 0 or a whole number of at least 1048576, not .*\[OPTION_INVALID\]/,
    );
  }
});
