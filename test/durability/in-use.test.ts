/** Who has a state directory: a process that lives, and nobody else. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Scene, stateOf } from "./faulted-job.ts";
import {
  assertFailed,
  assertSameOutput,
  BACKENDS,
  filesIn,
  pausedChild,
  runHere,
  sceneIn,
  writeSceneInput,
} from "./scenes.ts";

describe("a state directory", { concurrency: false }, () => {
  const root = mkdtempSync(join(tmpdir(), "millrace-in-use-"));
  before(() => writeSceneInput(root));
  after(() => rmSync(root, { recursive: true, force: true }));

  for (const backend of BACKENDS) {
    const undisturbed = sceneIn(root, `undisturbed-${backend}`, backend);
    before(async () => assert.deepEqual(await runHere(undisturbed), { ended: true }));

    test(`that a living process has (${backend}) is refused with its id, and left alone`, async () => {
      const scene = sceneIn(root, `living-${backend}`, backend);
      const job = await pausedChild(scene);
      const files = filesIn(scene.folder);
      const says = new RegExp(`state is in use by process ${job.pid} .*help: Stop the process`, "s");
      assertFailed(await runHere(scene), "STATE_DIRECTORY_IN_USE", says);
      assert.deepEqual(filesIn(scene.folder), files);
      assert.deepEqual(await job.goOn(), { ended: true });
      assertSameOutput(scene, undisturbed);
    });

    test(`that a killed process had (${backend}) is free`, async () => {
      const scene = sceneIn(root, `killed-${backend}`, backend);
      const job = await pausedChild(scene);
      await job.kill();
      assert.equal(holderOf(scene), job.pid);
      assert.deepEqual(await runHere(scene), { ended: true });
      assertSameOutput(scene, undisturbed);
    });
  }

  test("that a killed process had, whose id another process has now, is free", async () => {
    const scene = await stoppedScene("id-used-again");
    writeFileSync(join(stateOf(scene), "LOCK"), `${process.pid} 1`);
    assert.deepEqual(await runHere(scene), { ended: true });
  });

  test("that a killed process had, whose parent has not asked for it, is free", async () => {
    const scene = await stoppedScene("not-asked-for");
    // A shell that becomes something else doesn't ask for its children.
    const parent = spawn("sh", ["-c", "sleep 0.1 & echo $!; exec sleep 60"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      const [said] = await once(parent.stdout, "data");
      const pid = Number(said);
      while (!/^\d+ \(.*\) Z/.test(statOf(pid))) await new Promise((resolve) => setTimeout(resolve, 10));
      writeFileSync(join(stateOf(scene), "LOCK"), `${pid} ${statOf(pid).split(" ")[21]}`);
      assert.deepEqual(await runHere(scene), { ended: true });
    } finally {
      parent.kill();
    }
  });

  async function stoppedScene(name: string): Promise<Scene> {
    const scene = sceneIn(root, name, "memory");
    assert.deepEqual(await runHere(scene, { stopAt: 1 }), { ended: true });
    return scene;
  }
});

const holderOf = (scene: Scene): number =>
  Number(readFileSync(join(stateOf(scene), "LOCK"), "utf8").split(" ")[0]);

/** What Linux tells of a process. */
const statOf = (pid: number): string => readFileSync(`/proc/${pid}/stat`, "utf8");
