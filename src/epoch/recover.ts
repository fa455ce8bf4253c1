/**
 * The start of a run: takes the lock, reads the facts, asks decide.ts, executes.
 *
 * Order, and why: a new manifest of the same epoch with the next generation is durable first, so nothing that a later
 * step destroys is ever needed again; then what no kept manifest needs is removed, and undecided tails are cut off. A
 * crash anywhere in between leads to the same epoch.
 */
import { MillraceError } from "../core/errors.ts";
import type { Clock, FileLock, Files } from "../core/ports.ts";
import { chooseManifest, logsOfRun, nextGeneration, shortFile, tails, unneeded } from "./decide.ts";
import { type HeldLock, StateDirectory } from "./directory.ts";
import { readFacts } from "./facts.ts";
import { encodeManifest, MANIFEST_FORMAT, type Manifest } from "./manifest.ts";
import { manifestName } from "./names.ts";

export interface OpenOptions {
  readonly files: Files;
  readonly clock: Clock;
  readonly folder: string;
  readonly job: string;
  /** Logs that are written; 1 for each worker. */
  readonly logs: number;
  /**
   * Asked only where the manifest of a newer epoch is damaged: whether nobody else (a sink, a store) has a later epoch
   * than this one. Where nobody is named, nobody has.
   */
  readonly mayFallBackTo?: (epoch: number) => boolean | Promise<boolean>;
}

export interface Started {
  readonly directory: StateDirectory;
  readonly lock: HeldLock;
  /** The manifest of before. */
  readonly previous: Manifest | null;
  /** The same with the new generation, and with the logs of this run. */
  readonly manifest: Manifest;
  readonly notes: readonly string[];
}

/** @throws STATE_DIRECTORY_IN_USE, STATE_DIRECTORY_FOREIGN, STATE_DAMAGED, STATE_UNWRITABLE, FILE_UNREADABLE */
export async function start(options: OpenOptions): Promise<Started> {
  const directory = new StateDirectory(options.files, options.folder);
  await directory.make();
  const lock = await directory.lock();
  if (!("release" in lock)) throw inUse(options.folder, lock);
  try {
    return { directory, lock, ...(await recover(options, directory)) };
  } catch (error) {
    await lock.release().catch(() => {});
    throw error;
  }
}

async function recover(
  { files, clock, folder, job, logs, mayFallBackTo }: OpenOptions,
  directory: StateDirectory,
): Promise<Pick<Started, "previous" | "manifest" | "notes">> {
  const facts = await readFacts(files, folder);
  const choice = chooseManifest(facts);
  if (choice.kind === "logs without a manifest") throw damaged(`${folder} holds logs, but no manifest`);
  if (choice.kind === "none is sound") {
    throw damaged(choice.damaged.map(({ name, fault }) => `${directory.path(name)}: ${fault}`).join("; "));
  }
  if (choice.kind === "first start") await directory.syncPath();
  const previous = choice.kind === "go on" ? choice.manifest : null;
  const notes: string[] = [];
  if (choice.kind === "go on" && previous !== null) {
    refuseForeign(folder, job, previous);
    for (const { name, epoch, fault } of choice.damaged) {
      const what = `${directory.path(name)} is damaged (${fault})`;
      // A start writes the epoch down again: that costs nothing.
      if (epoch !== previous.epoch && (await mayFallBackTo?.(previous.epoch)) === false)
        throw tooFarBack(what, previous.epoch);
      notes.push(`${what}: went back to epoch ${previous.epoch}`);
    }
    const short = shortFile(previous, facts);
    if (short !== undefined) {
      const has = facts.segments.get(short.name);
      const what = has === undefined ? "is missing" : `ends at byte ${has}`;
      throw damaged(`${directory.path(short.name)} ${what}, and should have ${short.bytes} bytes`);
    }
  }

  const base = previous ?? { epoch: 0, createdAt: clock.now(), ended: false, logs: [], body: null };
  const manifest: Manifest = {
    format: MANIFEST_FORMAT,
    job,
    generation: nextGeneration(facts.manifests),
    epoch: base.epoch,
    createdAt: base.createdAt,
    ended: base.ended,
    logs: logsOfRun(base.logs, logs),
    body: base.body,
  };
  await directory.publish(manifestName(manifest), encodeManifest(manifest));
  const kept = previous === null ? [manifest] : [previous, manifest];
  const stale = unneeded(await directory.list(), kept, false);
  await directory.remove(stale.manifests, stale.segments);
  for (const { name, bytes } of tails(manifest, facts)) await directory.cutOff(name, bytes);
  return { previous, manifest, notes };
}

function refuseForeign(folder: string, job: string, manifest: Manifest): void {
  if (manifest.format !== MANIFEST_FORMAT) {
    throw damaged(
      `${folder} has format ${manifest.format}, and this version reads format ${MANIFEST_FORMAT}`,
    );
  }
  if (manifest.job === job) return;
  throw new MillraceError(
    "STATE_DIRECTORY_FOREIGN",
    `${folder} holds the state of job "${manifest.job}", not of "${job}"`,
    { job },
  );
}

const inUse = (folder: string, { holderPid }: Extract<FileLock, { holderPid: number }>): MillraceError =>
  new MillraceError("STATE_DIRECTORY_IN_USE", `${folder} is in use by process ${holderPid}`);

const tooFarBack = (what: string, epoch: number): MillraceError =>
  damaged(`${what}; going back to epoch ${epoch} is refused, because a later one was given out already`);

const damaged = (what: string): MillraceError => new MillraceError("STATE_DAMAGED", what);
