/**
 * A state that is older than the output (a directory brought back from a copy): the job would write again what its
 * sinks show already, so it refuses to start, touches nothing, and goes on exactly with the newer state (INV-4).
 */
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { keep, type Repair } from "./damage.ts";
import { epochOf, outOf, stateOf } from "./faulted-job.ts";
import {
  assertFailed,
  assertSameOutput,
  BACKENDS,
  filesIn,
  runHere,
  sceneIn,
  writeSceneInput,
} from "./scenes.ts";

describe("a state that is older than the output", { concurrency: false }, () => {
  const root = mkdtempSync(join(tmpdir(), "millrace-behind-"));
  before(() => writeSceneInput(root));
  after(() => rmSync(root, { recursive: true, force: true }));

  for (const backend of BACKENDS) {
    const undisturbed = sceneIn(root, `undisturbed-${backend}`, backend);
    const scene = sceneIn(root, `scene-${backend}`, backend);
    const older = join(root, `older-${backend}`);
    const newer = join(root, `newer-${backend}`);
    let [toOlder, toNewer]: Repair[] = [];

    before(async () => {
      assert.deepEqual(await runHere(undisturbed), { ended: true });
      assert.deepEqual(await runHere(scene, { stopAt: 1 }), { ended: true });
      toOlder = keep(scene.folder, older);
      assert.deepEqual(await runHere(scene, { stopAt: epochOf(scene) + 2 }), { ended: true });
      toNewer = keep(scene.folder, newer);
    });

    for (const output of ["echo", "quiet.ndjson"]) {
      test(`is refused on ${backend} where only ${output} is newer, and nothing is touched (INV-4)`, async () => {
        toOlder();
        const names = readdirSync(join(newer, "out")).filter((name) => name.includes(output));
        assert.ok(names.length > 0);
        for (const name of names) {
          rmSync(join(outOf(scene), name), { recursive: true, force: true });
          cpSync(join(newer, "out", name), join(outOf(scene), name), { recursive: true });
        }
        const out = filesIn(outOf(scene));
        const says =
          /(shows epoch \d+, and the state is that of epoch \d+|is of a later epoch).*help: .*Bring back the newer state/s;
        assertFailed(await runHere(scene), "STATE_BEHIND_SINK", says);
        assert.deepEqual(filesIn(outOf(scene)), out);
        toNewer();
        assert.deepEqual(await runHere(scene), { ended: true });
        assertSameOutput(scene, undisturbed);
      });
    }

    test(`is refused on ${backend} where a newer run was killed while it gave parts their names (INV-4)`, async () => {
      toOlder();
      const echo = join(outOf(scene), "echo");
      const newest = readdirSync(join(newer, "out", "echo"))
        .filter((name) => name.startsWith("part-"))
        .at(-1) as string;
      cpSync(join(newer, "out", "echo", newest), join(echo, newest));
      const out = filesIn(outOf(scene));
      assertFailed(await runHere(scene), "STATE_BEHIND_SINK", /part-\d+.ndjson is of a later epoch/);
      assert.deepEqual(filesIn(outOf(scene)), out);
    });

    test(`goes on exactly on ${backend} where the output is as old as the state is`, async () => {
      toOlder();
      assert.deepEqual(await runHere(scene), { ended: true });
      assertSameOutput(scene, undisturbed);
    });

    test(`is refused on ${backend} also when the job had ended`, async () => {
      toNewer();
      const repair = keep(stateOf(scene), join(root, `newer-state-${backend}`));
      assert.deepEqual(await runHere(scene), { ended: true });
      const ended = keep(stateOf(scene), join(root, `ended-${backend}`));
      const out = filesIn(outOf(scene));
      repair();
      assertFailed(await runHere(scene), "STATE_BEHIND_SINK", /Bring back the newer state/);
      assert.deepEqual(filesIn(outOf(scene)), out);
      ended();
      assert.deepEqual(await runHere(scene), { ended: true });
      assertSameOutput(scene, undisturbed);
    });
  }
});
