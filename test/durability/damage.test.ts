/**
 * Damaged state (INV-4): what can't be got over without giving anything out twice is refused with a sentence that names
 * the file and says what to do, and nothing is destroyed: with the file back the job goes on exactly where it was.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import {
  flipBit,
  keep,
  largestOf,
  logOf,
  manifestsOf,
  type Repair,
  rowsFolderOf,
  takeAway,
  truncate,
} from "./damage.ts";
import { OUTPUTS, outOf, stateOf } from "./faulted-job.ts";
import {
  assertFailed,
  assertRepeated,
  assertSameOutput,
  BACKENDS,
  filesIn,
  MIDDLE,
  rowsOf,
  runHere,
  sceneIn,
  writeSceneInput,
} from "./scenes.ts";
import { seededRandom } from "./random.ts";

const seed = Number(process.env["MILLRACE_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const random = seededRandom(`${seed} damage`);

describe("damage to a state directory", { concurrency: false }, () => {
  const root = mkdtempSync(join(tmpdir(), "millrace-damage-"));
  before(async () => {
    console.log(`# damage seed ${seed} (MILLRACE_SEED=${seed} repeats its places)`);
    await writeSceneInput(root);
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  for (const backend of BACKENDS) {
    const undisturbed = sceneIn(root, `undisturbed-${backend}`, backend);
    const scene = sceneIn(root, `exactly-${backend}`, backend);
    let reset: Repair;

    before(async () => {
      assert.deepEqual(await runHere(undisturbed), { ended: true });
      assert.deepEqual(await runHere(scene, { stopAt: MIDDLE }), { ended: true });
      reset = keep(scene.folder, join(root, `kept-${backend}`));
    });

    /** @param damage of the scene as it was stopped; refused with these words, and harmless once it is repaired */
    async function refused(damage: () => Repair, says: RegExp): Promise<void> {
      reset();
      const repair = damage();
      const [state, out] = [filesIn(stateOf(scene)), filesIn(outOf(scene))];
      assertFailed(await runHere(scene), "STATE_DAMAGED", says);
      assert.deepEqual(filesIn(outOf(scene)), out, "the output was touched");
      const files = filesIn(stateOf(scene));
      for (const [path, digest] of state)
        if (path.startsWith("log-")) assert.equal(files.get(path), digest, `${path} was touched`);
      repair();
      assert.deepEqual(await runHere(scene), { ended: true });
      assertSameOutput(scene, undisturbed);
    }

    async function gotOver(damage: () => void): Promise<void> {
      reset();
      damage();
      assert.deepEqual(await runHere(scene), { ended: true });
      assertSameOutput(scene, undisturbed);
    }

    const help = ".*help: Bring back the named file";

    test(`a bit of the newest manifest (${backend}): a committed sink forbids to go back`, () =>
      refused(
        () => flipBit(manifestsOf(scene).at(-1) as string, random()),
        new RegExp(`manifest-.*checksum.*going back to epoch \\d+ is refused${help}`, "s"),
      ));

    test(`a bit of every manifest (${backend}) leaves nothing to go on from`, () =>
      refused(
        () => repairs(manifestsOf(scene).map((path) => flipBit(path, random()))),
        new RegExp(`manifest-.*checksum.*; .*manifest-.*checksum${help}`, "s"),
      ));

    test(`the log (${backend}), cut off before the end of its last epoch, is noticed`, () =>
      refused(
        () => truncate(logOf(scene), random()),
        new RegExp(`log-0-0.bin ends at byte \\d+, and should have \\d+ bytes${help}`, "s"),
      ));

    test(`the log (${backend}), gone, is noticed`, () =>
      refused(
        () => takeAway(logOf(scene)),
        new RegExp(`log-0-0.bin is missing, and should have${help}`, "s"),
      ));

    test(`a bit of a manifest (${backend}) that only a start has written costs nothing, and is told`, async () => {
      reset();
      // It fails behind its start.
      const repair = takeAway(scene.input);
      const verdict = await runHere(scene);
      repair();
      assertFailed(verdict, "SOURCE_POSITION_LOST", /visits/);
      flipBit(manifestsOf(scene).at(-1) as string, random());
      const notes: string[] = [];
      assert.deepEqual(await runHere(scene, { onNote: (note) => notes.push(note) }), { ended: true });
      assert.match(notes.join("\n"), /manifest-.* is damaged .*: went back to epoch \d+/);
      assertSameOutput(scene, undisturbed);
    });

    if (backend === "memory") {
      test("a bit of the log (memory) is noticed, wherever it is", () =>
        refused(
          () => flipBit(logOf(scene), random()),
          new RegExp(`log-0-0.bin is damaged at byte \\d+: a record's .* doesn't fit${help}`, "s"),
        ));
      continue;
    }

    test("a bit of the log (rocksdb), of epochs that the store has, does no harm", () =>
      gotOver(() => flipBit(logOf(scene), random())));

    test("RocksDB's files, gone, are made anew from the log", () =>
      gotOver(() => takeAway(rowsFolderOf(scene))));

    test("RocksDB's files and a bit of the log that they are made from: refused", () =>
      refused(
        () => repairs([takeAway(rowsFolderOf(scene)), flipBit(logOf(scene), random())]),
        new RegExp(`log-0-0.bin is damaged at byte${help}`, "s"),
      ));

    test("a bit of RocksDB's own files is noticed, when its rows are needed", () =>
      refused(
        () => {
          const repair = keep(rowsFolderOf(scene), join(root, `rows-${random()}`));
          // Not in the part at the end, which names where things are: without that nothing can be opened.
          flipBit(largestOf(scene, ".sst"), 0.3 + random() / 10);
          return repair;
        },
        new RegExp(`RocksDB store in .*rows can't be read: .*${help}`, "s"),
      ));
  }

  for (const [what, options] of [
    ["at-least-once", { guarantee: "at-least-once" }],
    ["exactly-once, with sinks that can't commit by epochs", { transactional: [] }],
  ] as const) {
    test(`a bit of the newest manifest, ${what}: goes back an epoch, says so, and repeats its output`, async () => {
      const undisturbed = sceneIn(root, "undisturbed-memory", "memory");
      const scene = sceneIn(root, what.replaceAll(/\W/g, "-"), "memory", options);
      assert.deepEqual(await runHere(scene, { stopAt: MIDDLE }), { ended: true });
      flipBit(manifestsOf(scene).at(-1) as string, random());
      const notes: string[] = [];
      assert.deepEqual(await runHere(scene, { onNote: (note) => notes.push(note) }), { ended: true });
      assert.match(notes.join("\n"), /manifest-.* is damaged .*: went back to epoch \d+/);
      assertRepeated(scene, undisturbed);
    });
  }

  // One of each kind; every epoch gives them something.
  for (const output of ["echo", "quiet"] as const) {
    test(`a bit of the newest manifest, where only ${output} is committed by epochs: to go back is refused`, async () => {
      const scene = sceneIn(root, `only-${output}`, "memory", { transactional: [output] });
      assert.deepEqual(await runHere(scene, { stopAt: MIDDLE }), { ended: true });
      const repair = flipBit(manifestsOf(scene).at(-1) as string, random());
      const files = filesIn(scene.folder);
      assertFailed(await runHere(scene), "STATE_DAMAGED", /going back to epoch \d+ is refused/);
      assert.deepEqual(filesIn(scene.folder), files);
      repair();
      assert.deepEqual(await runHere(scene), { ended: true });
    });
  }

  test("a bit of the newest manifest, at-most-once: to go back is refused, for it would repeat output", async () => {
    const scene = sceneIn(root, "at-most-once", "memory", { guarantee: "at-most-once" });
    assert.deepEqual(await runHere(scene, { stopAt: MIDDLE }), { ended: true });
    const repair = flipBit(manifestsOf(scene).at(-1) as string, random());
    assertFailed(await runHere(scene), "STATE_DAMAGED", /going back to epoch \d+ is refused/);
    repair();
    assert.deepEqual(await runHere(scene), { ended: true });
    const undisturbed = sceneIn(root, "undisturbed-memory", "memory");
    for (const output of OUTPUTS) {
      const [actual, expected] = [rowsOf(scene, output).sort(), rowsOf(undisturbed, output).sort()];
      assert.ok(actual.join() === expected.join(), `${output} differs`);
    }
  });
});

const repairs =
  (all: readonly Repair[]): Repair =>
  () => {
    for (const repair of all.toReversed()) repair();
  };
