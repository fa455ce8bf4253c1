/**
 * Random scripts over a disk that fails and crashes: which bugs this finds.
 *
 * A crash at every effect: an order of writes, syncs and renames that leaves a gap; a decision that names what is not
 * durable; a file removed too early or never; an undecided tail that comes back; an older manifest that is no way back.
 * A failure at every effect: one that is
 * swallowed, or that leaves the directory unusable.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { MillraceError } from "../../src/core/errors.ts";
import type { Epochs } from "../../src/epoch/epochs.ts";
import { propertyOptions } from "../connector/seed.ts";
import { CrashDisk, type Effect, type Fate } from "./crash-files.ts";
import {
  damageNewest,
  expectEveryManifestWhole,
  expectGoesOn,
  Model,
  open,
  play,
  type Step,
  stepArbitrary,
} from "./model.ts";

const script = fc.array(stepArbitrary, { minLength: 1, maxLength: 25, size: "max" });

/** A small generator of its own: what the disk loses hangs on the seed and the place, not on what ran before. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The effects of the script without any fault. */
async function effectsOf(steps: readonly Step[]): Promise<Effect[]> {
  const effects: Effect[] = [];
  const disk = new CrashDisk(randomOf(0));
  const files = disk.boot((effect) => {
    effects.push(effect);
    return "happens";
  });
  const model = new Model();
  await play(files, disk, steps, model);
  await expectGoesOn(disk.boot(), disk, model);
  return effects;
}

const at =
  (number: number, fate: Fate) =>
  (effect: Effect): Fate =>
    effect.number === number ? fate : "happens";

async function crashesAt(steps: readonly Step[], number: number, fate: Fate, loss: "process" | "power") {
  const random = randomOf(number * 7919 + fate.length);
  const disk = new CrashDisk(random);
  const model = new Model();
  const files = disk.boot(at(number, fate));
  await play(files, disk, steps, model).catch((error: unknown) => {
    if (!files.crashed) throw error;
  });
  assert.ok(files.crashed, "the crash came");
  disk.lose(loss);
  await expectEveryManifestWhole(disk, model);
  if (random() < 0.3) damageNewest(disk, model);
  // Every other time the recovery crashes too.
  const recovery = disk.boot(at(Math.floor(random() * 16), fate));
  await open(recovery, 2).catch((error: unknown) => {
    if (!recovery.crashed) throw error;
  });
  disk.lose(random() < 0.5 ? "power" : "process");
  await expectGoesOn(disk.boot(), disk, model);
  disk.lose("power");
  await expectGoesOn(disk.boot(), disk, model);
}

/** What is written behind and not decided may fail and nobody asks: here somebody does. */
function noticed(steps: readonly Step[]): Step[] {
  const sync: Step = { do: "sync" };
  return [...steps.flatMap((step): Step[] => (step.do === "restart" ? [sync, step] : [step])), sync];
}

/** Whatever is called fails with this failure; closing gives the directory free all the same. */
async function expectOnly(failure: MillraceError, epochs: Epochs): Promise<void> {
  const same = (error: unknown) => error === failure;
  assert.throws(() => epochs.append(0, Buffer.alloc(1)), same);
  assert.throws(() => epochs.room(), same);
  assert.throws(() => epochs.roll(), same);
  assert.throws(() => epochs.trim([]), same);
  await assert.rejects(epochs.sync(), same);
  await assert.rejects(epochs.decide(1000, null, { ended: true }), same);
  await assert.rejects(epochs.read(0, epochs.ends[0], epochs.ends[0]).next(), same);
  await assert.rejects(epochs.copy("/elsewhere"), same);
  await epochs.close();
}

describe("a state directory", () => {
  it("INV-4: is that of one epoch, the last decided one, after a crash at any effect", async () => {
    await fc.assert(
      fc.asyncProperty(script, async (steps) => {
        for (const { number, kind } of await effectsOf(steps)) {
          const fates: Fate[] = ["crashes-before", "crashes-after"];
          if (kind === "write") fates.push("crashes-within");
          for (const fate of fates) {
            for (const loss of ["process", "power"] as const) await crashesAt(steps, number, fate, loss);
          }
        }
      }),
      propertyOptions(12),
    );
  });

  it("INV-4: goes on after a failure at any effect, and until then every call fails with that failure", async () => {
    await fc.assert(
      fc.asyncProperty(script.map(noticed), async (steps) => {
        for (const { number, kind } of await effectsOf(steps)) {
          // Not of the disk's content: a lock ends with its process, and what is closed was made durable before.
          if (kind === "lock" || kind === "unlock" || kind === "close") continue;
          for (const fate of ["fails-before", "fails-within", "fails-after"] as const) {
            const disk = new CrashDisk(randomOf(number));
            const model = new Model();
            const files = disk.boot(at(number, fate));
            let epochs: Epochs | null = null;
            const failure = await play(files, disk, steps, model, (opened) => {
              epochs = opened;
            }).then(
              () => assert.fail("nothing failed"),
              (error: unknown) => error,
            );
            assert.ok(
              failure instanceof MillraceError && failure.code === "STATE_UNWRITABLE",
              String(failure),
            );
            assert.match(failure.message, /data/);
            assert.match((failure.cause as Error).message, /EIO/);
            if (epochs !== null) await expectOnly(failure, epochs);
            assert.equal(files.open.size, 0, "files are left open");
            await expectGoesOn(disk.boot(), disk, model);
          }
        }
      }),
      propertyOptions(8),
    );
  });
});
