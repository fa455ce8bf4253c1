import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Crash, CrashDisk, type Effect, type Fate } from "./crash-files.ts";

/** What 200 disks, each with other luck, have after the loss of power, as text. */
async function outcomes(use: (disk: CrashDisk) => Promise<void>, path: string): Promise<Set<string>> {
  const found = new Set<string>();
  for (let seed = 1; seed <= 200; seed++) {
    let luck = seed / 201;
    const disk = new CrashDisk(() => {
      luck = (luck * 997 + 0.618) % 1;
      return luck;
    });
    await use(disk);
    disk.lose("power");
    found.add(disk.names.has(path) ? String(disk.content(path)) : "no file");
  }
  return found;
}

describe("a disk that loses power", () => {
  it("loses of unsynced writes any part, and of synced ones nothing", async () => {
    const found = await outcomes(async (disk) => {
      const files = disk.boot();
      const file = await files.openWrite("/log");
      await file.write("AB");
      await file.sync();
      await files.syncFolder("/");
      await file.write("CD");
      await file.write("EF");
    }, "/log");
    for (const text of found) assert.match(text, /^AB(C?|[C\0][D\0](EF?)?)$/);
    for (const text of ["AB", "ABC", "ABCD", "ABCDEF", "AB\0\0EF", "ABCDE"]) assert.ok(found.has(text), text);
  });

  it("loses names until their folder is synced, and a folder with all that is in it", async () => {
    const write = async (disk: CrashDisk, ...synced: string[]) => {
      const files = disk.boot();
      await files.makeFolder("/a/b");
      const file = await files.openWrite("/a/b/new");
      await file.write("x");
      await file.sync();
      await files.rename("/a/b/new", "/a/b/name");
      for (const folder of synced) await files.syncFolder(folder);
    };
    const after = (...synced: string[]) => outcomes((disk) => write(disk, ...synced), "/a/b/name");
    assert.deepEqual(await after("/a/b", "/a", "/"), new Set(["x"]));
    assert.deepEqual(await after("/a", "/"), new Set(["x", "no file"]));
    assert.deepEqual(await after("/a/b", "/a"), new Set(["x", "no file"]));
  });

  it("brings cut-off bytes back that were not synced away", async () => {
    const found = await outcomes(async (disk) => {
      disk.put("/log", Buffer.from("decided tail"));
      await disk.boot().openAppend("/log", 7);
    }, "/log");
    assert.deepEqual([...found].sort(), ["decided", "decided tail"]);
  });
});

describe("the files of a process", () => {
  const write = async (fate: Fate) => {
    const disk = new CrashDisk(() => 0.5);
    disk.put("/log", Buffer.from("_"));
    const files = disk.boot(({ kind }: Effect) => (kind === "write" ? fate : "happens"));
    const file = await files.openAppend("/log", 1);
    const error = await file.write("abcd").catch((failure: unknown) => failure);
    return { disk, files, file, error, content: String(disk.content("/log")) };
  };

  it("fail before, within and after an effect", async () => {
    for (const [fate, content] of [
      ["fails-before", "_"],
      ["fails-within", "_ab"],
      ["fails-after", "_abcd"],
    ] as const) {
      const done = await write(fate);
      assert.equal((done.error as { code?: string }).code, "EIO");
      assert.equal(done.content, content);
      assert.equal(done.files.crashed, false);
    }
  });

  it("do nothing any more after a crash, and another process sees what the dead one wrote", async () => {
    for (const [fate, content] of [
      ["crashes-before", "_"],
      ["crashes-within", "_ab"],
      ["crashes-after", "_abcd"],
    ] as const) {
      const { disk, files, file, error } = await write(fate);
      assert.ok(error instanceof Crash && files.crashed);
      await assert.rejects(file.write("more"), Crash);
      await assert.rejects(file.sync(), Crash);
      await assert.rejects(files.remove("/log"), Crash);
      await assert.rejects(files.list("/"), Crash);
      disk.lose("process");
      assert.equal(String(disk.content("/log")), content);
      assert.deepEqual(await disk.boot().list("/"), ["log"]);
    }
  });

  it("hold a lock until it is given up or the process is dead", async () => {
    const disk = new CrashDisk(() => 0.5);
    const held = await disk.boot().lock("/LOCK");
    assert.ok("holderPid" in (await disk.boot().lock("/LOCK")));
    assert.ok("release" in held);
    await held.release();
    assert.ok("release" in (await disk.boot().lock("/LOCK")));
    disk.lose("process");
    assert.ok("release" in (await disk.boot().lock("/LOCK")));
  });
});
