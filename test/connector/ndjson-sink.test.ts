/** What ndjsonFile() does with what it finds: its own file of an earlier run, torn, ahead, short, or somebody else's. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { SinkContext } from "../../src/connector/contract.ts";
import { appendOnce } from "../../src/connector/file/append-once.ts";
import { ndjsonFile } from "../../src/connector/file/index.ts";
import { records, sinkContext } from "./epoch-run.ts";
import { MemoryFiles } from "./memory-files.ts";

const noTimes = new Float64Array(16);
const lines = (from: number, to: number) =>
  records(from, to)
    .map((one) => `${JSON.stringify(one)}\n`)
    .join("");

const PATH = "out.ndjson";

async function openAt(disk: MemoryFiles, overrides: Partial<SinkContext> = {}, path = PATH) {
  return ndjsonFile(path).open(sinkContext({ ports: disk.ports, guarantee: "exactly-once", ...overrides }));
}

/** A run that decided `epochs` epochs of 2 records each, and committed all but the last `waiting`. */
async function ran(disk: MemoryFiles, epochs: number, waiting: number) {
  const open = await openAt(disk);
  const handles = [];
  for (let epoch = 1; epoch <= epochs; epoch++) {
    open.write(records(2 * epoch - 2, 2 * epoch), noTimes, 0, 2);
    handles.push({ epoch, handle: await open.epochs!.prepare(epoch, false) });
    if (epoch <= epochs - waiting) await open.epochs!.commit(epoch, handles.at(-1)!.handle);
  }
  return { epoch: epochs, handles };
}

describe("ndjsonFile() visibly", () => {
  for (const guarantee of ["at-least-once", "at-most-once"] as const) {
    test(`goes on behind the last whole line after a crash, ${guarantee}`, async () => {
      const disk = new MemoryFiles({ [PATH]: `${lines(0, 2)}{"id":2` });
      const open = await openAt(disk, { guarantee, recovered: { epoch: 3, handles: [] } });
      open.write(records(2, 4), noTimes, 0, 2);
      await open.close();
      assert.equal(disk.text(PATH), lines(0, 4));
    });
  }

  test("makes the file where there is none after a crash, and keeps nothing of a line without an end", async () => {
    for (const disk of [new MemoryFiles(), new MemoryFiles({ [PATH]: "x".repeat(200_000) })]) {
      const open = await openAt(disk, { guarantee: "at-least-once", recovered: { epoch: 3, handles: [] } });
      await open.close();
      assert.equal(disk.text(PATH), "");
    }
  });

  test("empties the file at the first start, and removes what an exactly-once run left beside it", async () => {
    const disk = new MemoryFiles();
    await ran(disk, 3, 1);
    await (await openAt(disk, { guarantee: "none" })).close();
    assert.equal(disk.text(PATH), "");
    assert.deepEqual(await disk.list("."), [PATH]);
  });

  test("shows first what an exactly-once run had decided", async () => {
    const disk = new MemoryFiles();
    const recovered = await ran(disk, 4, 2);
    assert.equal(disk.text(PATH), lines(0, 4));
    const open = await openAt(disk, { guarantee: "at-least-once", recovered });
    open.write(records(8, 9), noTimes, 0, 1);
    await open.close();
    assert.equal(disk.text(PATH), lines(0, 9));
  });

  test("has what was flushed on the disk when it is at-least-once, and else leaves that to the system", async () => {
    for (const [guarantee, expected] of [
      ["at-least-once", 1],
      ["at-most-once", 0],
      ["none", 0],
    ] as const) {
      const disk = new MemoryFiles();
      let syncs = 0;
      const { openWrite } = disk;
      disk.openWrite = async (path) => ({
        ...(await openWrite.call(disk, path)),
        sync: async () => void syncs++,
      });
      const open = await openAt(disk, { guarantee });
      open.write(records(0, 1), noTimes, 0, 1);
      await open.flush();
      assert.equal(syncs, expected, guarantee);
    }
  });
});

describe("ndjsonFile() under exactly-once", () => {
  test("removes what belongs to no epoch when it is closed", async () => {
    const disk = new MemoryFiles();
    const open = await openAt(disk);
    open.write(records(0, 5), noTimes, 0, 5);
    await open.flush();
    assert.equal((await disk.list(".")).length, 2);
    await open.close();
    assert.deepEqual(await disk.list("."), [PATH]);
  });

  test("writes nothing any more once it is closed, although an epoch was being prepared", async () => {
    const disk = new MemoryFiles();
    const open = await openAt(disk);
    const { promise, resolve } = Promise.withResolvers<void>();
    disk.gate = promise;
    open.write(records(0, 2), noTimes, 0, 2);
    const preparing = open.epochs!.prepare(1, false).catch(() => {});
    let closed = false;
    const closing = open.close().then(() => {
      closed = true;
    });
    await new Promise((turn) => setTimeout(turn, 5));
    assert.deepEqual([closed, disk.writesInFlight], [false, 1]);
    resolve();
    await closing;
    assert.equal(disk.writesInFlight, 0);
    await preparing;
  });

  test("goes on behind the whole lines of a run that was not exactly-once", async () => {
    const disk = new MemoryFiles({ [PATH]: `${lines(0, 2)}{"id` });
    const open = await openAt(disk, { recovered: { epoch: 3, handles: [] } });
    open.write(records(2, 3), noTimes, 0, 1);
    await open.epochs!.commit(4, await open.epochs!.prepare(4, true));
    assert.equal(disk.text(PATH), lines(0, 3));
  });

  test("begins in another file when it is given one, and shows in the old one what was decided for it", async () => {
    const disk = new MemoryFiles();
    const recovered = await ran(disk, 3, 1);
    const open = await openAt(disk, { recovered }, "other.ndjson");
    for (const { epoch, handle } of recovered.handles) await open.epochs!.commit(epoch, handle);
    open.write(records(6, 7), noTimes, 0, 1);
    await open.epochs!.commit(4, await open.epochs!.prepare(4, true));
    assert.equal(disk.text(PATH), lines(0, 6));
    assert.equal(disk.text("other.ndjson"), lines(6, 7));
  });

  test("refuses a file that has become that of another job", async () => {
    const disk = new MemoryFiles();
    const recovered = await ran(disk, 3, 0);
    await assert.rejects(openAt(disk, { job: "second", recovered }), {
      code: "SINK_STATE_MISSING",
      message: /out\.ndjson holds the output of the job job now/,
    });
  });

  test("refuses a file that is shorter than what was committed, or gone", async () => {
    for (const left of [3, null]) {
      for (const bytes of [18, 0]) {
        const disk = new MemoryFiles();
        const { handles } = await ran(disk, 3, 1);
        const handle = { ...(handles[2].handle as object), bytes };
        if (left === null) await disk.remove(PATH);
        else disk.overwrite(PATH, disk.text(PATH).slice(0, left));
        await assert.rejects(openAt(disk, { recovered: { epoch: 3, handles: [{ epoch: 3, handle }] } }), {
          code: "SINK_STATE_MISSING",
          message: new RegExp(`out\\.ndjson has ${left ?? 0} bytes, where 36 were committed`),
        });
      }
    }
  });

  test("refuses a file that goes on behind what was decided, and leaves it as it is", async () => {
    const disk = new MemoryFiles();
    const recovered = await ran(disk, 3, 0);
    disk.append(PATH, "more\n");
    await assert.rejects(openAt(disk, { recovered }), {
      code: "STATE_BEHIND_SINK",
      message: /epoch 3 ends at 54/,
    });
    assert.equal(disk.text(PATH), `${lines(0, 6)}more\n`);
  });

  test("tells of a failing disk when it prepares, and when it commits", async () => {
    const disk = new MemoryFiles();
    const open = await openAt(disk);
    open.write(records(0, 1), noTimes, 0, 1);
    const handle = await open.epochs!.prepare(1, false);
    disk.writeError = new Error("ENOSPC: no space left");
    const failure = { code: "SINK_FAILED", message: /out\.ndjson.*ENOSPC/, cause: disk.writeError };
    await assert.rejects(open.epochs!.commit(1, handle), failure);
    open.write(records(1, 2), noTimes, 0, 1);
    await assert.rejects(open.epochs!.prepare(2, false), failure);
    disk.writeError = undefined;
    await open.epochs!.commit(1, handle);
    assert.equal(disk.text(PATH), lines(0, 1));
  });
});

describe("appending a staged file once", () => {
  const STAGED = "staged";
  const append = (disk: MemoryFiles, bytes = 4) =>
    appendOnce(disk, { path: PATH, at: 2, bytes, staged: STAGED }, async () => {});

  const found: [string, string, string][] = [
    ["nothing", "--", "--1234"],
    ["a part", "--12", "--1234"],
    ["all, perhaps not yet on the disk", "--1234", "--1234"],
    ["what a loss of power made up", "--\0\0\0", "--1234"],
    ["a part and what a loss of power made up", "--12\0\0", "--1234"],
    ["what came later", "--1234567", "--1234567"],
  ];
  for (const [what, before, after] of found) {
    test(`finds ${what} and completes it`, async () => {
      const disk = new MemoryFiles({ [PATH]: before, [STAGED]: "1234" });
      await append(disk);
      assert.equal(disk.text(PATH), after);
      assert.equal(await disk.stat(STAGED), null);
      await append(disk);
      assert.equal(disk.text(PATH), after);
    });
  }

  test("compares and copies in chunks", async () => {
    const content = "0123456789".repeat(500_000);
    for (const has of [0, 10, 2_000_003, content.length]) {
      const disk = new MemoryFiles({
        [PATH]: `--${content.slice(0, has)}`,
        [STAGED]: content,
      });
      if (has === 2_000_003) disk.append(PATH, "x".repeat(1_500_000));
      await append(disk, content.length);
      assert.equal(disk.text(PATH), `--${content}`);
    }
  });

  test("says what is missing", async () => {
    await assert.rejects(append(new MemoryFiles({ [PATH]: "-", [STAGED]: "1234" })), {
      code: "SINK_STATE_MISSING",
      message: /out\.ndjson has 1 bytes, where 2 were committed/,
    });
    for (const staged of [{ [STAGED]: "123" }, {}]) {
      await assert.rejects(append(new MemoryFiles({ [PATH]: "--1", ...staged })), {
        code: "SINK_STATE_MISSING",
        message: /staged should hold 4 bytes/,
      });
    }
  });
});
