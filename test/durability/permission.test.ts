/**
 * Permissions that are lost (INV-4): the job fails with a sentence that says what to do, changes nothing while it may
 * not, and goes on exactly where it was when it may again.
 */
import assert from "node:assert/strict";
import { chmodSync, chownSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { outOf, type Scene, stateOf } from "./faulted-job.ts";
import {
  assertFailed,
  assertSameOutput,
  BACKENDS,
  filesIn,
  outputOf,
  pausedChild,
  runChild,
  runHere,
  sceneIn,
  writeSceneInput,
} from "./scenes.ts";
import { SmallDisk } from "./small-disk.ts";

/** "nobody": root may do everything. */
const USER = process.getuid?.() === 0 ? 65534 : undefined;
const MAY_WRITE = 0o755;
const MAY_READ = 0o555;
const MAY_NOTHING = 0o000;

describe("when a permission is lost", { concurrency: false }, () => {
  const root = mkdtempSync(join(tmpdir(), "millrace-permission-"));
  before(async () => {
    chmodSync(root, MAY_WRITE);
    await writeSceneInput(root);
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  for (const backend of BACKENDS) {
    const undisturbed = sceneIn(root, `undisturbed-${backend}`, backend);
    before(async () => assert.deepEqual(await runHere(undisturbed), { ended: true }));

    test(`to write state on ${backend}, the job says so, and goes on exactly when it may again (INV-4)`, async () => {
      const scene = ownedScene(`state-${backend}`);
      const job = await pausedChild(scene, USER);
      chmodSync(stateOf(scene), MAY_READ);
      const says = /state\/.*EACCES.*help: Check the free space and the permissions .* start the job again/s;
      assertFailed(await job.goOn(), "STATE_UNWRITABLE", says);
      for (const mode of [MAY_READ, MAY_NOTHING]) {
        chmodSync(stateOf(scene), mode);
        const files = filesIn(stateOf(scene));
        assertFailed(await runChild(scene, USER), "STATE_UNWRITABLE", says);
        assert.deepEqual(filesIn(stateOf(scene)), files);
      }
      chmodSync(stateOf(scene), MAY_WRITE);
      assert.deepEqual(await runChild(scene, USER), { ended: true });
      assertSameOutput(scene, undisturbed);
    });

    test(`to write output of a job on ${backend}, the job says so, and goes on exactly when it may again (INV-4)`, async () => {
      const scene = ownedScene(`out-${backend}`);
      const job = await pausedChild(scene, USER);
      modeOfFolders(outOf(scene), MAY_READ);
      const says = /out.*EACCES.*help: .*permissions.* start the job again/s;
      assertFailed(await job.goOn(), "SINK_FAILED", says);
      const output = outputOf(scene);
      // Where the sink finds it out first.
      const codes = ["FILE_UNWRITABLE", "SINK_FAILED"];
      assertFailed(await runChild(scene, USER), codes, /out.*EACCES.*help: .*permissions/s);
      assert.deepEqual(outputOf(scene), output);
      modeOfFolders(outOf(scene), MAY_WRITE);
      assert.deepEqual(await runChild(scene, USER), { ended: true });
      assertSameOutput(scene, undisturbed);
    });

    test(`by a disk that became read-only under state on ${backend}, the job says so, and goes on exactly (INV-4)`, async () => {
      const scene = sceneIn(root, `disk-${backend}`, backend);
      const disk = new SmallDisk(stateOf(scene), 320);
      try {
        await (await pausedChild(scene)).kill();
        disk.readOnly(true);
        assertFailed(await runChild(scene), "STATE_UNWRITABLE", /state\/.*EROFS.*help: Check/s);
        disk.readOnly(false);
        assert.deepEqual(await runChild(scene), { ended: true });
        assertSameOutput(scene, undisturbed);
      } finally {
        disk.unmount();
      }
    });

    function ownedScene(name: string): Scene {
      const scene = sceneIn(root, name, backend);
      if (USER !== undefined)
        for (const folder of [scene.folder, stateOf(scene), outOf(scene)]) chownSync(folder, USER, USER);
      return scene;
    }
  }
});

function modeOfFolders(folder: string, mode: number): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    if (entry.isDirectory()) chmodSync(join(entry.parentPath, entry.name), mode);
  chmodSync(folder, mode);
}
