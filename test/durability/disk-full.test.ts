/**
 * A full disk (INV-4): the job fails with a sentence that says what to do, also when it is started while the disk is
 * full, and with space it goes on exactly where it was.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { outOf, type Scene, stateOf } from "./faulted-job.ts";
import {
  assertFailed,
  assertSameOutput,
  BACKENDS,
  filesIn,
  pausedChild,
  runChild,
  runHere,
  sceneIn,
  writeSceneInput,
} from "./scenes.ts";
import { SmallDisk } from "./small-disk.ts";

/** RocksDB takes some 70 MiB in advance for a log of its own, and needs that much to recover. */
const STATE_MEBIBYTES = 320;
/** Less than that: so it is short of space before the job's log is. */
const ROWS_MEBIBYTES = 48;
const OUT_MEBIBYTES = 32;
/** Enough for a start and not for an epoch. */
const LITTLE_BYTES = 16 * 1024;

describe("when the disk is full", { concurrency: false }, () => {
  const root = mkdtempSync(join(tmpdir(), "millrace-full-"));
  before(() => writeSceneInput(root));
  after(() => rmSync(root, { recursive: true, force: true }));

  async function onSmallDisk(
    folder: string,
    mebibytes: number,
    act: (disk: SmallDisk) => Promise<void>,
  ): Promise<void> {
    const disk = new SmallDisk(folder, mebibytes);
    try {
      await act(disk);
    } finally {
      disk.unmount();
    }
  }

  for (const backend of BACKENDS) {
    const undisturbed = sceneIn(root, `undisturbed-${backend}`, backend);
    before(async () => assert.deepEqual(await runHere(undisturbed), { ended: true }));

    test(`state on ${backend} can't be written, says so, and goes on exactly once there is space (INV-4)`, () => {
      const scene = sceneIn(root, `state-${backend}`, backend);
      return onSmallDisk(stateOf(scene), STATE_MEBIBYTES, async (disk) => {
        const job = await pausedChild(scene);
        disk.fill(LITTLE_BYTES);
        const says = /state\/.*(ENOSPC|No space left).*help: Check the free space .* start the job again/s;
        assertFailed(await job.goOn(), "STATE_UNWRITABLE", says);
        await failsWhileFull(scene, disk, "STATE_UNWRITABLE", says);
        disk.free();
        assert.deepEqual(await runChild(scene), { ended: true });
        assertSameOutput(scene, undisturbed);
      });
    });

    if (backend === "rocksdb") {
      test("RocksDB's own files can't be written, says so, and goes on exactly once there is space (INV-4)", () => {
        const scene = sceneIn(root, "rows", backend);
        return onSmallDisk(join(stateOf(scene), "rows"), ROWS_MEBIBYTES, async (disk) => {
          const job = await pausedChild(scene);
          disk.fill(LITTLE_BYTES);
          const says = /state\/rows can't be written: .*No space left.*help: Check the free space/s;
          assertFailed(await job.goOn(), "STATE_UNWRITABLE", says);
          disk.fill();
          const start = /state\/rows can't be opened: .*No space left.*help: Check the free space/s;
          assertFailed(await runChild(scene), "STATE_UNWRITABLE", start);
          disk.free();
          assert.deepEqual(await runChild(scene), { ended: true });
          assertSameOutput(scene, undisturbed);
        });
      });
    }

    test(`output of a job on ${backend} can't be written, says so, and goes on exactly once there is space (INV-4)`, () => {
      const scene = sceneIn(root, `out-${backend}`, backend);
      return onSmallDisk(outOf(scene), OUT_MEBIBYTES, async (disk) => {
        const job = await pausedChild(scene);
        disk.fill(LITTLE_BYTES);
        const says = /out\/.*ENOSPC.*help: .*free space.* start the job again/s;
        assertFailed(await job.goOn(), "SINK_FAILED", says);
        disk.fill();
        assertFailed(await runChild(scene), "SINK_FAILED", says);
        disk.free();
        assert.deepEqual(await runChild(scene), { ended: true });
        assertSameOutput(scene, undisturbed);
      });
    });
  }

  /** Two starts, neither of which changes anything, nor leaves anything behind. */
  async function failsWhileFull(scene: Scene, disk: SmallDisk, code: string, says: RegExp): Promise<void> {
    disk.fill();
    const files = filesIn(stateOf(scene));
    for (let start = 0; start < 2; start++) {
      assertFailed(await runChild(scene), code, says);
      assert.deepEqual(filesIn(stateOf(scene)), files);
    }
  }
});
