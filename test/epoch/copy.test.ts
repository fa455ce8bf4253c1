import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MillraceError } from "../../src/core/errors.ts";
import type { Files } from "../../src/core/ports.ts";
import { copyEpoch } from "../../src/epoch/copy.ts";
import { type Epochs, openEpochs } from "../../src/epoch/epochs.ts";
import { readDirectory } from "../../src/epoch/facts.ts";
import { readLog } from "../../src/epoch/read-log.ts";
import { CrashDisk, type CrashFiles, type Fate } from "./crash-files.ts";

const FOLDER = "/state";
const COPY = "/savepoints/one";

const start = (files: Files, folder: string, job = "orders"): Promise<Epochs> =>
  openEpochs({ files, clock: { now: () => 7, monotonic: () => 0 }, folder, job, logs: 2 });

/** Two epochs: log 0 in two segments, log 1 in one, and something undecided. */
async function running(files: Files): Promise<Epochs> {
  const epochs = await start(files, FOLDER);
  epochs.append(0, Buffer.from("a"));
  await epochs.decide(1, { epoch: 1 }, { ended: false });
  epochs.roll();
  epochs.append(0, Buffer.from("b"));
  epochs.append(1, Buffer.from("c"));
  await epochs.decide(2, { epoch: 2 }, { ended: false });
  epochs.append(0, Buffer.from("undecided"));
  await epochs.sync();
  return epochs;
}

async function content(files: Files, folder: string): Promise<string[]> {
  const { chosen } = await readDirectory(files, folder);
  const read = [];
  for (const [log, logContent] of chosen!.logs.entries()) {
    for await (const payload of readLog(files, folder, log, logContent)) read.push(`${log}${payload}`);
  }
  return read;
}

const hasCode = (code: string, what: RegExp) => (error: unknown) => {
  assert.ok(error instanceof MillraceError && error.code === code, String(error));
  assert.match(error.message, what);
  return true;
};

describe("a copy of an epoch", () => {
  it("stands alone: a job starts from it, and the original goes its own way", async () => {
    const disk = new CrashDisk(() => 0.5);
    const epochs = await running(disk.boot());
    const copied = await epochs.copy(COPY);
    assert.equal(copied.epoch, 2);
    await epochs.decide(3, null, { ended: false });
    await epochs.close();
    assert.deepEqual(await content(disk.boot(), COPY), ["0a", "0b", "1c"]);
    const other = await start(disk.boot(), COPY);
    assert.deepEqual(other.recovered, copied);
    other.append(0, Buffer.from("another"));
    await other.decide(3, null, { ended: false });
    assert.deepEqual(await content(disk.boot(), COPY), ["0a", "0b", "0another", "1c"]);
    assert.deepEqual(await content(disk.boot(), FOLDER), ["0a", "0b", "0undecided", "1c"]);
  });

  it("may be of an older manifest, and of another job", async () => {
    const disk = new CrashDisk(() => 0.5);
    const epochs = await running(disk.boot());
    await epochs.close();
    const { manifests } = await readDirectory(disk.boot(), FOLDER);
    await copyEpoch(disk.boot(), FOLDER, COPY, { ...manifests[1], job: "orders 2" });
    const other = await start(disk.boot(), COPY, "orders 2");
    assert.deepEqual(other.recovered!.body, { epoch: 1 });
    assert.deepEqual(await content(disk.boot(), COPY), ["0a"]);
  });

  it("keeps what it needs from being removed while it is made", async () => {
    const disk = new CrashDisk(() => 0.5);
    const files = disk.boot();
    const epochs = await running(files);
    const { promise: mayRead, resolve: goOn } = Promise.withResolvers<void>();
    const openRead = files.openRead.bind(files);
    files.openRead = async (path) => {
      await mayRead;
      return openRead(path);
    };
    const copy = epochs.copy(COPY);
    const from = epochs.roll();
    epochs.append(0, Buffer.from("all"));
    epochs.trim(from);
    for (const epoch of [3, 4, 5]) await epochs.decide(epoch, null, { ended: false });
    goOn();
    await copy;
    assert.deepEqual(await content(disk.boot(), COPY), ["0a", "0b", "1c"]);
    await epochs.decide(6, null, { ended: false });
    assert.deepEqual(disk.list(FOLDER).slice(0, 2), ["LOCK", "log-0-2.bin"]);
  });

  it("is whole or not there after a crash at any effect, and can be made anew", async () => {
    const lives: [fate: Fate, loss: "process" | "power"][] = [
      ["crashes-before", "power"],
      ["crashes-within", "process"],
      ["crashes-within", "power"],
      ["crashes-after", "power"],
    ];
    let whole = 0;
    let absent = 0;
    for (const [fate, loss] of lives) {
      for (let number = 0, crashed = true; crashed; number++) {
        let luck = number * 0.37;
        const disk = new CrashDisk(() => (luck = (luck * 7.31 + 0.123) % 1));
        const epochs = await running(disk.boot());
        await epochs.close();
        const { chosen } = await readDirectory(disk.boot(), FOLDER);
        const files: CrashFiles = disk.boot((effect) => (effect.number === number ? fate : "happens"));
        await copyEpoch(files, FOLDER, COPY, chosen!).catch((error: unknown) => {
          if (!files.crashed) throw error;
        });
        crashed = files.crashed;
        disk.lose(loss);
        const there = (await readDirectory(disk.boot(), COPY)).chosen !== null;
        if (there) whole += 1;
        else absent += 1;
        if (!crashed) assert.ok(there);
        if (!there) await copyEpoch(disk.boot(), FOLDER, COPY, chosen!);
        assert.deepEqual(await content(disk.boot(), COPY), ["0a", "0b", "1c"]);
        await (await start(disk.boot(), COPY)).close();
      }
    }
    assert.ok(whole > 4 && absent > 4, `${whole} whole, ${absent} absent`);
  });

  it("is refused where state stands already", async () => {
    const disk = new CrashDisk(() => 0.5);
    const epochs = await running(disk.boot());
    await epochs.copy(COPY);
    await assert.rejects(epochs.copy(COPY), hasCode("STATE_UNWRITABLE", /holds state already/));
    assert.equal((await epochs.decide(3, null, { ended: false })).epoch, 3);
  });

  it("is not said to be there where the original is damaged", async () => {
    const disk = new CrashDisk(() => 0.5);
    const epochs = await running(disk.boot());
    disk.content(`${FOLDER}/log-0-0.bin`)[8] ^= 1;
    await assert.rejects(
      epochs.copy(COPY),
      hasCode("STATE_DAMAGED", /state\/log-0-0\.bin is damaged at byte 0/),
    );
    assert.equal((await readDirectory(disk.boot(), COPY)).chosen, null);
  });
});
