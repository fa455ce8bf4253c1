/** What a disk can do to files behind everybody's back: it is noticed, and said with the file and the byte. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MillraceError } from "../../src/core/errors.ts";
import { type Epochs, openEpochs } from "../../src/epoch/epochs.ts";
import { readDirectory } from "../../src/epoch/facts.ts";
import { decodeManifest, encodeManifest, type Manifest } from "../../src/epoch/manifest.ts";
import type { OpenOptions } from "../../src/epoch/recover.ts";
import { CrashDisk } from "./crash-files.ts";

const FOLDER = "/state";
const newest = `${FOLDER}/manifest-000001-000000000003.json`;

const start = (disk: CrashDisk, options: Partial<OpenOptions> = {}): Promise<Epochs> =>
  openEpochs({
    files: disk.boot(),
    clock: { now: () => 1_700_000_000_000, monotonic: () => 0 },
    folder: FOLDER,
    job: "orders",
    logs: 2,
    ...options,
  });

/** Three epochs, of which the second begins a segment. */
async function threeEpochs(): Promise<CrashDisk> {
  const disk = new CrashDisk(() => 0.5);
  const epochs = await start(disk);
  for (const epoch of [1, 2, 3]) {
    if (epoch === 2) epochs.roll();
    epochs.append(0, Buffer.from(`a${epoch}`));
    epochs.append(1, Buffer.from(`b${epoch}`));
    epochs.append(1, Buffer.alloc(0));
    await epochs.decide(epoch, { at: [epoch, "Zoë"] }, { ended: false });
  }
  await epochs.close();
  return disk;
}

function flip(disk: CrashDisk, path: string, at: number, bit = 0): void {
  const content = Buffer.from(disk.content(path));
  content[at] ^= 1 << bit;
  disk.put(path, content);
}

async function payloads(epochs: Epochs, log: number): Promise<string[]> {
  const { from, to } = epochs.decided.logs[log];
  const read = [];
  for await (const payload of epochs.read(log, from, to)) read.push(String(payload));
  return read;
}

const isDamage =
  (...says: RegExp[]) =>
  (error: unknown) => {
    assert.ok(error instanceof MillraceError && error.code === "STATE_DAMAGED", String(error));
    for (const what of says) assert.match(error.message, what);
    return true;
  };

describe("a damaged manifest", () => {
  it("is noticed whichever bit was flipped and wherever it was cut off or grew", () => {
    const manifest: Manifest = {
      format: 1,
      job: "Zoë's orders",
      generation: 3,
      epoch: 12,
      createdAt: 1_700_000_000_000,
      ended: false,
      logs: [{ from: { segment: 0, bytes: 0 }, to: { segment: 1, bytes: 80 }, sealed: [120] }],
      body: { positions: { "a.ndjson": 17 }, watermark: "-Infinity", text: "\ud800\u0000" },
    };
    const file = encodeManifest(manifest);
    assert.deepEqual(decodeManifest(file), JSON.parse(JSON.stringify(manifest)));
    for (let at = 0; at < file.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const flipped = Buffer.from(file);
        flipped[at] ^= 1 << bit;
        assert.ok("fault" in decodeManifest(flipped), `bit ${bit} of byte ${at}`);
      }
      assert.ok("fault" in decodeManifest(file.subarray(0, at)), `the first ${at} bytes`);
    }
    assert.ok("fault" in decodeManifest(Buffer.concat([file, Buffer.from("\n")])));
  });

  it("sends the job back to the one before, loudly, and the next run goes on from there", async () => {
    const disk = await threeEpochs();
    flip(disk, newest, 200);
    const epochs = await start(disk);
    assert.equal(epochs.recovered!.epoch, 2);
    assert.deepEqual(epochs.recovered!.body, { at: [2, "Zoë"] });
    assert.deepEqual(await payloads(epochs, 0), ["a1", "a2"]);
    assert.deepEqual(epochs.notes, [`${newest} is damaged (its checksum doesn't fit): went back to epoch 2`]);
    epochs.append(0, Buffer.from("another"));
    await epochs.decide(3, null, { ended: false });
    await epochs.close();
    const again = await start(disk);
    assert.deepEqual(await payloads(again, 0), ["a1", "a2", "another"]);
    assert.deepEqual(again.notes, []);
  });

  it("stops the job where somebody has its epoch already, and nothing is changed", async () => {
    const disk = await threeEpochs();
    flip(disk, newest, 200);
    const before = disk.list(FOLDER);
    const asked: number[] = [];
    const mayFallBackTo = (epoch: number) => {
      asked.push(epoch);
      return false;
    };
    await assert.rejects(
      start(disk, { mayFallBackTo }),
      isDamage(/000000000003\.json/, /checksum/, /epoch 2/),
    );
    assert.deepEqual(asked, [2]);
    assert.deepEqual(disk.list(FOLDER), before);
    const epochs = await start(disk, { mayFallBackTo: async () => true });
    assert.equal(epochs.recovered!.epoch, 2);
  });

  it("asks nobody while the newest one is sound", async () => {
    const disk = await threeEpochs();
    flip(disk, `${FOLDER}/manifest-000001-000000000002.json`, 200);
    const epochs = await start(disk, { mayFallBackTo: () => assert.fail("asked") });
    assert.equal(epochs.recovered!.epoch, 3);
    assert.deepEqual(epochs.notes, []);
  });

  it("stops the job where no other one is left, with all of them named", async () => {
    const disk = await threeEpochs();
    flip(disk, newest, 0);
    flip(disk, `${FOLDER}/manifest-000001-000000000002.json`, 50);
    await assert.rejects(start(disk), isDamage(/000000000003\.json/, /000000000002\.json/));
  });

  it("is one that the disk can't read, too, and one under another's name", async () => {
    const disk = await threeEpochs();
    const files = disk.boot();
    files.unreadable.add(newest);
    const epochs = await start(disk, { files });
    assert.match(epochs.notes[0], /the disk can't read it/);
    const other = await threeEpochs();
    other.put(newest, other.content(`${FOLDER}/manifest-000001-000000000002.json`));
    assert.match((await start(other)).notes[0], /another epoch/);
  });

  it("that is missing with all the others is not taken for a first start", async () => {
    const disk = await threeEpochs();
    for (const name of disk.list(FOLDER)) {
      if (name.startsWith("manifest")) await disk.boot().remove(`${FOLDER}/${name}`);
    }
    await assert.rejects(start(disk), isDamage(/no manifest/));
  });

  it("of a later version's format is refused, and not gone back behind", async () => {
    const disk = await threeEpochs();
    const { manifest } = JSON.parse(disk.content(newest).toString());
    disk.put(newest, encodeManifest({ ...manifest, format: 2 }));
    await assert.rejects(start(disk), isDamage(/format 2.*format 1/));
  });

  it("is told to tools that read the directory while it is in use", async () => {
    const disk = await threeEpochs();
    flip(disk, newest, 200);
    const before = disk.list(FOLDER);
    const reading = await readDirectory(disk.boot(), FOLDER);
    assert.equal(reading.chosen!.epoch, 2);
    assert.deepEqual(
      reading.manifests.map(({ epoch }) => epoch),
      [2],
    );
    assert.deepEqual(reading.damaged, [
      { name: "manifest-000001-000000000003.json", epoch: 3, fault: "its checksum doesn't fit" },
    ]);
    assert.deepEqual(disk.list(FOLDER), before);
    // A manifest that the job removed after the folder was listed.
    const files = disk.boot();
    const list = files.list.bind(files);
    files.list = async (folder) => ["manifest-000001-000000000001.json", ...(await list(folder))];
    assert.equal((await readDirectory(files, FOLDER)).chosen!.epoch, 2);
    assert.deepEqual(await readDirectory(disk.boot(), "/nowhere"), {
      manifests: [],
      damaged: [],
      chosen: null,
    });
  });
});

describe("a damaged log", () => {
  it("is noticed when it is read, whichever bit was flipped", async () => {
    for (const name of ["log-0-0.bin", "log-0-1.bin", "log-1-1.bin"]) {
      const path = `${FOLDER}/${name}`;
      const log = Number(name[4]);
      const { length } = (await threeEpochs()).content(path);
      for (let at = 0; at < length; at++) {
        const disk = await threeEpochs();
        flip(disk, path, at, at % 8);
        const epochs = await start(disk);
        // Records are at bytes 0 and 10 of log 0, and 0, 10, 18 and 28 of log 1; the damage lies in one of them.
        const record = [0, 10, 18, 28].slice(0, log === 0 ? 2 : 4).findLast((begin) => begin <= at)!;
        await assert.rejects(
          payloads(epochs, log),
          isDamage(new RegExp(`${name} is damaged at byte ${record}:`)),
        );
      }
    }
  });

  it("is noticed at the start if it is too short, also in a segment that others follow", async () => {
    for (const name of ["log-0-0.bin", "log-0-1.bin", "log-1-0.bin"]) {
      const path = `${FOLDER}/${name}`;
      const { length } = (await threeEpochs()).content(path);
      for (let size = 0; size < length; size++) {
        const disk = await threeEpochs();
        disk.put(path, disk.content(path).subarray(0, size));
        await assert.rejects(
          start(disk),
          isDamage(new RegExp(`${name} ends at byte ${size}, and should have ${length} bytes`)),
        );
      }
      const disk = await threeEpochs();
      await disk.boot().remove(path);
      await assert.rejects(start(disk), isDamage(new RegExp(`${name} is missing`)));
      assert.equal(disk.locks.size, 0, "the lock was given up");
    }
  });

  it("is not one that reads as zeros: that is no row of empty records", async () => {
    const disk = await threeEpochs();
    disk.put(`${FOLDER}/log-1-0.bin`, Buffer.alloc(disk.content(`${FOLDER}/log-1-0.bin`).length));
    await assert.rejects(payloads(await start(disk), 1), isDamage(/log-1-0\.bin is damaged at byte 0/));
  });

  it("is noticed when a single record is read", async () => {
    const disk = new CrashDisk(() => 0.5);
    const epochs = await start(disk);
    const [first, second] = ["first", "second"].map((text) => epochs.append(0, Buffer.from(text)));
    await epochs.sync();
    const content = disk.content(`${FOLDER}/log-0-0.bin`);
    content[content.length - 1] ^= 1;
    assert.equal(String(await epochs.readAt(0, first)), "first");
    await assert.rejects(epochs.readAt(0, second), isDamage(/log-0-0\.bin is damaged at byte 13/));
  });

  it("has its torn tail cut off at the start, where nothing of it was decided", async () => {
    const disk = await threeEpochs();
    const path = `${FOLDER}/log-0-1.bin`;
    const decided = disk.content(path);
    for (const tail of ["x", "xxxxxxxxxxxxxxxxxxxxxxxx"]) {
      disk.put(path, Buffer.concat([decided, Buffer.from(tail)]));
      disk.put(`${FOLDER}/log-0-2.bin`, Buffer.from(tail));
      const epochs = await start(disk);
      assert.deepEqual(disk.content(path), decided);
      assert.ok(!disk.list(FOLDER).includes("log-0-2.bin"));
      assert.deepEqual(await payloads(epochs, 0), ["a1", "a2", "a3"]);
      await epochs.close();
    }
  });
});
