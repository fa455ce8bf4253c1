import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { MillraceError } from "../../src/core/errors.ts";
import { type Files, systemPorts } from "../../src/core/ports.ts";
import { type Epochs, openEpochs } from "../../src/epoch/epochs.ts";
import type { OpenOptions } from "../../src/epoch/recover.ts";
import { CrashDisk, type Effect } from "./crash-files.ts";

const FOLDER = "/state";

const newDisk = () => new CrashDisk(() => 0.5);

const start = (files: Files, options: Partial<OpenOptions> = {}): Promise<Epochs> =>
  openEpochs({
    files,
    clock: { now: () => 1_700_000_000_000, monotonic: () => 0 },
    folder: FOLDER,
    job: "orders",
    logs: 1,
    ...options,
  });

async function payloads(epochs: Epochs, log = 0): Promise<string[]> {
  const { from, to } = epochs.decided.logs[log];
  const read = [];
  for await (const payload of epochs.read(log, from, to)) read.push(String(payload));
  return read;
}

const hasCode =
  (code: string, ...says: RegExp[]) =>
  (error: unknown) => {
    assert.ok(error instanceof MillraceError && error.code === code, String(error));
    for (const what of says) assert.match(error.message, what);
    return true;
  };

/** Files whose writes to logs wait until `release` is called. */
function heldFiles(disk: CrashDisk): { files: Files; release(): void; inFlight(): number } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let inFlight = 0;
  const files = disk.boot();
  const openAppend = files.openAppend.bind(files);
  files.openAppend = async (path, bytes) => {
    const file = await openAppend(path, bytes);
    const write = async (data: string | Uint8Array) => {
      inFlight += 1;
      await promise;
      await file.write(data);
    };
    return { write, sync: file.sync, close: file.close };
  };
  return { files, release: resolve, inFlight: () => inFlight };
}

describe("a start", () => {
  it("is the first one until an epoch is decided, and each has a generation of its own", async () => {
    const disk = newDisk();
    for (const generation of [1, 2, 3]) {
      const epochs = await start(disk.boot());
      assert.equal(epochs.recovered, null);
      assert.equal(epochs.generation, generation);
      assert.deepEqual(epochs.notes, []);
      epochs.append(0, Buffer.from("never decided"));
      await epochs.sync();
      disk.lose("power");
    }
  });

  it("goes on from the manifest that the run before wrote", async () => {
    const disk = newDisk();
    const epochs = await start(disk.boot());
    epochs.append(0, Buffer.from("one"));
    const manifest = await epochs.decide(1, { at: 17 }, { ended: true });
    await epochs.close();
    const again = await start(disk.boot(), { clock: { now: () => 5, monotonic: () => 0 } });
    assert.deepEqual(again.recovered, manifest);
    assert.deepEqual(again.decided, { ...manifest, generation: 2 });
    assert.deepEqual(await payloads(again), ["one"]);
  });

  it("is refused while another process is at work in the directory, with its id", async () => {
    const disk = newDisk();
    const epochs = await start(disk.boot());
    await assert.rejects(start(disk.boot()), hasCode("STATE_DIRECTORY_IN_USE", /\/state .*process 4711/));
    epochs.append(0, Buffer.from("goes on"));
    await epochs.decide(1, null, { ended: false });
    await epochs.close();
    assert.deepEqual(await payloads(await start(disk.boot())), ["goes on"]);
  });

  it("is refused where the directory is another job's, and gives up the lock", async () => {
    const disk = newDisk();
    await (await start(disk.boot())).close();
    await assert.rejects(
      start(disk.boot(), { job: "clicks" }),
      hasCode("STATE_DIRECTORY_FOREIGN", /job "orders", not of "clicks"/),
    );
    await start(disk.boot());
  });

  it("may write another number of logs: those of before are read as they are until the state leaves them", async () => {
    const disk = newDisk();
    let epochs = await start(disk.boot(), { logs: 4 });
    for (const log of [0, 1, 2, 3]) epochs.append(log, Buffer.from(`old ${log}`));
    await epochs.decide(1, null, { ended: false });
    await epochs.close();

    epochs = await start(disk.boot(), { logs: 1 });
    assert.throws(() => epochs.append(1, Buffer.alloc(0)), hasCode("ENGINE_BUG", /log 1 of 1/));
    epochs.append(0, Buffer.from("new 0"));
    await epochs.decide(2, null, { ended: false });
    assert.deepEqual(await payloads(epochs, 0), ["old 0", "new 0"]);
    assert.deepEqual(await payloads(epochs, 3), ["old 3"]);
    const from = epochs.roll();
    epochs.append(0, Buffer.from("all"));
    epochs.trim(from);
    await epochs.decide(3, null, { ended: false });
    await epochs.decide(4, null, { ended: false });
    assert.deepEqual(
      disk.list(FOLDER).filter((name) => name.startsWith("log")),
      ["log-0-1.bin"],
    );
    await epochs.close();

    epochs = await start(disk.boot(), { logs: 2 });
    epochs.append(1, Buffer.from("again"));
    await epochs.decide(5, null, { ended: false });
    assert.deepEqual(await payloads(epochs, 0), ["all"]);
    assert.deepEqual(await payloads(epochs, 1), ["again"]);
    assert.deepEqual(await payloads(epochs, 3), []);
  });
});

describe("a decision", () => {
  it("names what was appended before it was asked for, and leaves the rest to the next one", async () => {
    const disk = newDisk();
    const epochs = await start(disk.boot());
    epochs.append(0, Buffer.from("before"));
    const first = epochs.decide(1, null, { ended: false });
    epochs.append(0, Buffer.from("while it runs"));
    const second = epochs.decide(2, null, { ended: false });
    epochs.append(0, Buffer.from("never decided"));
    await first;
    assert.deepEqual(await payloads(epochs), ["before"]);
    await second;
    await epochs.close();
    assert.deepEqual(await payloads(await start(disk.boot())), ["before", "while it runs"]);
  });

  it("makes durable what lies in segments that were rolled away since the last one", async () => {
    const disk = new CrashDisk(() => 0.99);
    const epochs = await start(disk.boot());
    for (const text of ["one", "two", "three"]) {
      epochs.append(0, Buffer.from(text));
      epochs.roll();
    }
    await epochs.decide(1, null, { ended: false });
    disk.lose("power");
    assert.deepEqual(await payloads(await start(disk.boot())), ["one", "two", "three"]);
  });

  it("is a text that a human can read", async () => {
    const disk = newDisk();
    const epochs = await start(disk.boot());
    epochs.append(0, Buffer.from("four"));
    const manifest = await epochs.decide(12, { watermark: 5 }, { ended: false });
    const text = String(disk.content(`${FOLDER}/manifest-000001-000000000012.json`));
    assert.deepEqual(JSON.parse(text).manifest, manifest);
    assert.match(text, /\n *"watermark": 5\n/);
  });

  it("must be of a later epoch than the last", async () => {
    const epochs = await start(newDisk().boot());
    const none = { ended: false };
    await assert.rejects(epochs.decide(0, null, none), hasCode("ENGINE_BUG", /epoch 0 comes behind epoch 0/));
    await epochs.decide(5, null, none);
    await assert.rejects(epochs.decide(5, null, none), hasCode("ENGINE_BUG"));
  });

  it("without anything appended touches no log", async () => {
    const effects: Effect[] = [];
    const epochs = await start(
      newDisk().boot((effect) => {
        effects.push(effect);
        return "happens";
      }),
    );
    effects.length = 0;
    await epochs.decide(1, null, { ended: false });
    assert.deepEqual(
      effects.map(({ kind }) => kind),
      ["create", "cut", "write", "sync", "close", "rename", "sync-folder"],
    );
  });
});

describe("a log", () => {
  it("is written in large pieces, whatever the size of what is appended", async () => {
    const writes: string[] = [];
    const disk = newDisk();
    const epochs = await start(
      disk.boot(({ kind, path }) => {
        if (kind === "write" && path.includes("log")) writes.push(path);
        return "happens";
      }),
    );
    for (let i = 0; i < 10_000; i++) epochs.append(0, Buffer.from(`record number ${i}`));
    await epochs.sync();
    assert.equal(writes.length, 1);
    epochs.append(0, Buffer.alloc(3_000_000, "x"));
    epochs.append(0, Buffer.from("the last"));
    await epochs.decide(1, null, { ended: false });
    assert.equal(writes.length, 3);
    const read = await payloads(epochs);
    assert.equal(read.length, 10_002);
    assert.equal(read[9_999], "record number 9999");
    assert.equal(read[10_000].length, 3_000_000);
    assert.equal(read[10_001], "the last");
  });

  it("asks to wait while more than 4 MiB are on their way, with one write at a time", async () => {
    const held = heldFiles(newDisk());
    const epochs = await start(held.files);
    const payload = Buffer.alloc(200_000, "x");
    let appended = 0;
    while (epochs.room() === undefined && appended < 100) {
      epochs.append(0, payload);
      appended += 1;
    }
    assert.equal(appended, 21);
    const room = epochs.room();
    let open = false;
    room!.then(() => {
      open = true;
    });
    await systemPorts.timers.yield();
    assert.equal(open, false);
    assert.equal(held.inFlight(), 1);
    held.release();
    await room;
    assert.equal(epochs.room(), undefined);
    await epochs.decide(1, null, { ended: false });
    assert.equal((await payloads(epochs)).length, appended);
  });

  it("gives single records back before they are decided, from segments of before a roll too", async () => {
    const epochs = await start(newDisk().boot());
    const first = epochs.append(0, Buffer.from("first"));
    epochs.roll();
    const second = epochs.append(0, Buffer.from("second"));
    assert.equal(String(await epochs.readAt(0, second)), "second");
    assert.equal(String(await epochs.readAt(0, first)), "first");
    assert.deepEqual([first.segment, second.segment], [0, 1]);
  });

  it("is read from any record on, and up to any", async () => {
    const epochs = await start(newDisk().boot());
    const ends = [epochs.ends[0]];
    for (const text of ["a", "b", "c", "d"]) {
      epochs.append(0, Buffer.from(text));
      ends.push(epochs.ends[0]);
      if (text === "b") epochs.roll();
    }
    for (let from = 0; from <= 4; from++) {
      for (let to = from; to <= 4; to++) {
        const read = [];
        for await (const payload of epochs.read(0, ends[from], ends[to])) read.push(String(payload));
        assert.deepEqual(read.join(""), "abcd".slice(from, to));
      }
    }
    const beyond = epochs.read(0, ends[4], { segment: 7, bytes: 0 });
    await assert.rejects(beyond.next(), hasCode("ENGINE_BUG", /no part of log 0/));
  });

  it("keeps the old content until a decision that doesn't need it is durable, and one manifest longer", async () => {
    const disk = newDisk();
    const epochs = await start(disk.boot());
    const logs = () => disk.list(FOLDER).filter((name) => name.startsWith("log"));
    epochs.append(0, Buffer.from("old"));
    await epochs.decide(1, null, { ended: false });
    const from = epochs.roll();
    epochs.append(0, Buffer.from("all of it"));
    assert.equal(epochs.bytes, 11 + 17);
    epochs.trim(from);
    assert.equal(epochs.bytes, 17);
    await epochs.sync();
    assert.deepEqual(logs(), ["log-0-0.bin", "log-0-1.bin"]);
    await epochs.decide(2, null, { ended: false });
    assert.deepEqual(logs(), ["log-0-0.bin", "log-0-1.bin"]);
    await epochs.decide(3, null, { ended: false });
    assert.deepEqual(logs(), ["log-0-1.bin"]);
    assert.throws(() => epochs.trim([{ segment: 0, bytes: 0 }]), hasCode("ENGINE_BUG", /can't be trimmed/));
  });
});

describe("a state directory on the real disk", () => {
  it("keeps decided epochs, gives up the rest, and is one process's", async () => {
    const folder = join(mkdtempSync(join(tmpdir(), "millrace-epoch-")), "a/b");
    try {
      const { files } = systemPorts;
      let epochs = await start(files, { folder, logs: 2 });
      await assert.rejects(
        start(files, { folder }),
        hasCode("STATE_DIRECTORY_IN_USE", new RegExp(`process ${process.pid}`)),
      );
      for (let epoch = 1; epoch <= 5; epoch++) {
        const from = epochs.roll();
        for (let i = 0; i < 1000; i++) epochs.append(i % 2, Buffer.from(`${epoch}:${i}`));
        if (epoch === 4) epochs.trim(from);
        await epochs.decide(epoch, { epoch }, { ended: false });
      }
      const location = epochs.append(1, Buffer.from("never decided"));
      assert.equal(String(await epochs.readAt(1, location)), "never decided");
      await epochs.close();
      const tail = readFileSync(join(folder, "log-1-4.bin"));
      assert.ok(tail.includes("never decided"));

      epochs = await start(files, { folder, logs: 2 });
      assert.deepEqual(epochs.recovered!.body, { epoch: 5 });
      const read = await payloads(epochs, 1);
      assert.deepEqual([read.length, read[0], read[999]], [1000, "4:1", "5:999"]);
      assert.ok(!readFileSync(join(folder, "log-1-4.bin")).includes("never decided"));
      await epochs.close();
    } finally {
      rmSync(join(folder, "../.."), { recursive: true });
    }
  });
});

describe("a state directory that is closed", () => {
  it("is written by nobody any more, and closing it again does nothing", async () => {
    const disk = newDisk();
    const epochs = await start(disk.boot());
    const decision = epochs.decide(1, null, { ended: false });
    const closed = epochs.close();
    assert.equal(epochs.close(), closed);
    assert.throws(() => epochs.append(0, Buffer.alloc(0)), hasCode("ENGINE_BUG", /closed/));
    await assert.rejects(epochs.decide(2, null, { ended: false }), hasCode("ENGINE_BUG", /closed/));
    await Promise.all([decision, closed]);
    assert.equal((await start(disk.boot())).recovered!.epoch, 1);
  });

  it("says with path and cause why it could not be written", async () => {
    const disk = newDisk();
    const files = disk.boot(({ path, kind }) =>
      kind === "write" && path.endsWith("log-0-0.bin") ? "fails-within" : "happens",
    );
    files.failureCode = "ENOSPC";
    const epochs = await start(files);
    epochs.append(0, Buffer.from("no place for this"));
    await assert.rejects(epochs.sync(), hasCode("STATE_UNWRITABLE", /^\/state\/log-0-0\.bin: ENOSPC/));
  });
});
