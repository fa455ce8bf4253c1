/**
 * What a state directory has to be, kept in plain arrays: the payloads of each log, the last decided epoch, and those
 * that were being decided. `play` runs a script on the real thing and the model side by side; `expectRecovered` compares
 * what a start found.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type Epochs, openEpochs } from "../../src/epoch/epochs.ts";
import type { Manifest } from "../../src/epoch/manifest.ts";
import { manifestName } from "../../src/epoch/names.ts";
import type { LogLocation, LogPosition } from "../../src/epoch/position.ts";
import { readLog } from "../../src/epoch/read-log.ts";
import type { CrashDisk, CrashFiles } from "./crash-files.ts";

export const FOLDER = "/data/state";

export type Step =
  | { readonly do: "append"; readonly log: number; readonly bytes: number }
  | { readonly do: "decide"; readonly wait: boolean }
  | { readonly do: "roll" | "trim to the roll" | "trim to the end" | "sync" | "read back" }
  | { readonly do: "restart"; readonly logs: number };

export const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant("append" as const),
      log: fc.nat(3),
      bytes: fc.oneof({ weight: 12, arbitrary: fc.nat(40) }, { weight: 1, arbitrary: fc.constant(300_000) }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("decide" as const), wait: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.constantFrom<Step>(
      { do: "roll" },
      { do: "roll" },
      { do: "trim to the roll" },
      { do: "trim to the roll" },
      { do: "trim to the end" },
      { do: "sync" },
      { do: "read back" },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("restart" as const), logs: fc.integer({ min: 1, max: 4 }) }),
  },
);

interface Epoch {
  readonly epoch: number;
  readonly body: string;
  /** By log: the state's content. */
  readonly logs: readonly (readonly Buffer[])[];
}

export class Model {
  logs: Buffer[][] = [[], [], [], []];
  /** By log: payloads before the last roll. */
  rolled: number[] | null = null;
  decided: Epoch = { epoch: 0, body: "", logs: [] };
  deciding: Epoch[] = [];
  generation = 0;
  payloads = 0;
  /** Manifests that were promised to be durable. */
  promised = 0;
  /** What a manifest with this generation and epoch means. */
  readonly #meanings: { readonly generation: number; readonly of: Epoch }[] = [];

  mean(of: Epoch): void {
    this.#meanings.push({ generation: this.generation, of });
  }

  /** A start that crashed may have written a generation that nobody heard of: it means what the one before meant. */
  meaningOf({ generation, epoch }: { generation: number; epoch: number }): Epoch {
    const found = this.#meanings.findLast((m) => m.of.epoch === epoch && m.generation <= generation);
    return found?.of ?? { epoch: 0, body: "", logs: [] };
  }
}

export const open = (files: CrashFiles, logs: number): Promise<Epochs> =>
  openEpochs({ files, clock: { now: () => 0, monotonic: () => 0 }, folder: FOLDER, job: "orders", logs });

/** Runs the script; throws what a call throws. The model then holds what was promised until then. */
export async function play(
  files: CrashFiles,
  disk: CrashDisk,
  steps: readonly Step[],
  model: Model,
  /** Told what is open, so that a caller can close it. */
  opened: (epochs: Epochs | null) => void = () => {},
): Promise<void> {
  let writable = 2;
  let epochs = await open(files, writable);
  opened(epochs);
  await expectRecovered(epochs, model);
  let decisions: Promise<void>[] = [];
  let rolledAt: readonly LogPosition[] = [];
  let locations: { log: number; location: LogLocation; payload: Buffer }[] = [];

  const settle = async () => {
    const waitFor = decisions;
    decisions = [];
    await Promise.all(waitFor);
  };

  for (const step of steps) {
    if (step.do === "append") {
      const log = step.log % writable;
      const payload = Buffer.alloc(step.bytes, `${log}:${model.payloads++};`);
      const given = Buffer.from(payload);
      const location = epochs.append(log, given);
      given.fill(0xff);
      model.logs[log].push(payload);
      locations.push({ log, location, payload });
      await epochs.room();
    } else if (step.do === "decide") {
      const decision = decide(epochs, model);
      decision.catch(() => {});
      decisions.push(decision);
      if (!step.wait) continue;
      await settle();
      expectNothingLeft(disk, epochs.decided);
    } else if (step.do === "roll") {
      rolledAt = epochs.roll();
      model.rolled = model.logs.map((payloads) => payloads.length);
    } else if (step.do === "trim to the roll" && model.rolled !== null) {
      epochs.trim(rolledAt);
      model.logs = model.logs.map((payloads, log) => payloads.slice(model.rolled![log]));
      model.rolled = null;
      locations = [];
    } else if (step.do === "trim to the end") {
      epochs.trim(epochs.ends);
      model.logs = model.logs.map(() => []);
      model.rolled = null;
      locations = [];
    } else if (step.do === "sync") {
      await epochs.sync();
    } else if (step.do === "read back") {
      for (const { log, location, payload } of locations) {
        assert.deepEqual(await epochs.readAt(log, location), payload);
      }
    } else if (step.do === "restart") {
      await settle();
      await epochs.close();
      opened(null);
      writable = step.logs;
      epochs = await open(files, writable);
      opened(epochs);
      await expectRecovered(epochs, model);
      locations = [];
    }
    const bytes = model.logs.flat().reduce((sum, payload) => sum + payload.length + 8, 0);
    assert.equal(epochs.bytes, bytes);
  }
  await settle();
  await epochs.close();
}

/** Asks for the next epoch; the model learns when it is promised. */
export async function decide(epochs: Epochs, model: Model): Promise<void> {
  const epoch = (model.deciding.at(-1) ?? model.decided).epoch + 1;
  const asked: Epoch = { epoch, body: `body of ${epoch}`, logs: model.logs.map((payloads) => [...payloads]) };
  model.deciding.push(asked);
  model.mean(asked);
  const manifest = await epochs.decide(epoch, asked.body, { ended: false });
  assert.equal(manifest.epoch, epoch);
  model.decided = asked;
  model.promised += 1;
  model.deciding = model.deciding.filter((other) => other.epoch > epoch);
}

/** The start found the last decided epoch, or one that was being decided, whole; its generation is a new one. */
export async function expectRecovered(epochs: Epochs, model: Model): Promise<void> {
  assert.ok(epochs.generation > model.generation, `generation ${epochs.generation} is not new`);
  model.generation = epochs.generation;
  model.promised += 1;
  const epoch = epochs.recovered?.epoch ?? 0;
  const found = [model.decided, ...model.deciding].find((possible) => possible.epoch === epoch);
  assert.ok(found, `went on from epoch ${epoch}, after epoch ${model.decided.epoch} was decided`);
  if (epoch > 0) assert.equal(epochs.recovered!.body, found.body);
  for (const [log, { from, to }] of epochs.decided.logs.entries()) {
    const read = [];
    for await (const payload of epochs.read(log, from, to)) read.push(payload);
    assert.deepEqual(read, found.logs[log] ?? [], `log ${log} of epoch ${epoch}`);
  }
  model.logs = [0, 1, 2, 3].map((log) => [...(found.logs[log] ?? [])]);
  model.rolled = null;
  model.decided = found;
  model.deciding = [];
  model.mean(found);
}

/** The manifests that stand in the folder, the newest last. */
function manifestsOn(disk: CrashDisk): { path: string; manifest: Manifest }[] {
  const paths = disk.list(FOLDER).filter((name) => /^manifest-.*\.json$/.test(name));
  return paths.map((name) => {
    const path = `${FOLDER}/${name}`;
    return { path, manifest: (JSON.parse(disk.content(path).toString()) as { manifest: Manifest }).manifest };
  });
}

/** The last two manifests are there; and whichever is there, what it names is there too, and is what was decided. */
export async function expectEveryManifestWhole(disk: CrashDisk, model: Model): Promise<void> {
  const found = manifestsOn(disk);
  assert.ok(found.length >= Math.min(2, model.promised), `there are ${found.length} manifests`);
  for (const { manifest } of found) {
    const meaning = model.meaningOf(manifest);
    for (const [log, content] of manifest.logs.entries()) {
      const read = [];
      for await (const payload of readLog(disk.boot(), FOLDER, log, content)) read.push(payload);
      assert.deepEqual(read, meaning.logs[log] ?? [], `log ${log} of ${manifestName(manifest)}`);
    }
  }
}

/** Flips a bit of the newest manifest, if there is another one to go back to. */
export function damageNewest(disk: CrashDisk, model: Model): void {
  const found = manifestsOn(disk);
  if (found.length < 2) return;
  const { path } = found[found.length - 1];
  const content = Buffer.from(disk.content(path));
  content[Math.floor(disk.random() * content.length)] ^= 1 << Math.floor(disk.random() * 8);
  disk.put(path, content);
  model.decided = model.meaningOf(found[found.length - 2].manifest);
  model.deciding = [];
}

/** Nothing is in the folder but the lock, two manifests and the segments that they need. */
function expectNothingLeft(disk: CrashDisk, newest: Manifest): void {
  const kept = manifestsOn(disk).map(({ manifest }) => manifest);
  assert.ok(kept.length === 2 && kept[1].epoch === newest.epoch, kept.map(manifestName).join());
  const needed = new Set(["LOCK", ...kept.map(manifestName)]);
  for (const manifest of kept) {
    for (const [log, { from, to }] of manifest.logs.entries()) {
      for (let segment = from.segment; segment <= to.segment; segment++) {
        if (segment < to.segment || to.bytes > 0) needed.add(`log-${log}-${segment}.bin`);
      }
    }
  }
  assert.deepEqual(disk.list(FOLDER), [...needed].sort());
}

/** One more epoch with something in every log, and nothing is left over of what was before. */
export async function expectGoesOn(files: CrashFiles, disk: CrashDisk, model: Model): Promise<void> {
  const epochs = await open(files, 2);
  await expectRecovered(epochs, model);
  for (const log of [0, 1]) {
    const payload = Buffer.from(`more of ${log}`);
    epochs.append(log, payload);
    model.logs[log].push(payload);
  }
  await decide(epochs, model);
  expectNothingLeft(disk, epochs.decided);
  await epochs.close();
  const again = await open(files, 2);
  await expectRecovered(again, model);
  await again.close();
  assert.equal(files.open.size, 0, "files are left open");
}
