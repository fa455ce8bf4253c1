/**
 * Savepoints in folders: found, and copied.
 *
 * A savepoint has the form of a state directory. What tells them apart: it has one manifest, of an epoch, where a
 * directory in which a job ran has two; and neither a lock nor rows beside its log.
 */
import { join } from "node:path";
import { MillraceError } from "../core/errors.ts";
import type { Files } from "../core/ports.ts";
import { copyEpoch } from "../epoch/copy.ts";
import { readDirectory } from "../epoch/facts.ts";
import type { Manifest } from "../epoch/manifest.ts";
import { LOCK } from "../epoch/names.ts";
import { bytesIn } from "../epoch/position.ts";
import { readState } from "./stored-state.ts";

export interface FoundSavepoint {
  readonly folder: string;
  readonly job: string;
  readonly epoch: number;
  /** When its epoch was decided, in ms since 1970. */
  readonly createdAt: number;
  /** The inputs had ended: nothing follows. */
  readonly ended: boolean;
  readonly bytes: number;
}

export interface DamagedSavepoint {
  readonly folder: string;
  readonly fault: string;
}

/** Folders in folders that are looked into: savepoints may lie by job and by day. */
const DEPTH = 3;

/** Those in the folder and below it, the newest first; then those that can't be read. @throws FILE_UNREADABLE */
export async function listSavepoints(
  files: Files,
  folder: string,
): Promise<readonly (FoundSavepoint | DamagedSavepoint)[]> {
  const found: FoundSavepoint[] = [];
  const damaged: DamagedSavepoint[] = [];
  const look = async (at: string, depth: number): Promise<void> => {
    const { manifests, damaged: unreadable } = await readDirectory(files, at);
    if (manifests.length + unreadable.length > 0) {
      const isWorkedIn = await isThere(files, at, [LOCK, "rows"]);
      if (manifests.length + unreadable.length > 1 || isWorkedIn) return;
      const [manifest] = manifests;
      const [{ fault }] = [...unreadable, { fault: "" }];
      if (manifest === undefined) damaged.push({ folder: at, fault });
      else if (manifest.epoch > 0) found.push(describe(at, manifest));
    } else if (depth < DEPTH) {
      for (const name of await files.list(at)) {
        const path = join(at, name);
        if ((await files.stat(path))?.isFolder === true) await look(path, depth + 1);
      }
    }
  };
  await look(folder, 0);
  return [...found.sort((a, b) => b.createdAt - a.createdAt || b.epoch - a.epoch), ...damaged];
}

function describe(folder: string, { job, epoch, createdAt, ended, logs }: Manifest): FoundSavepoint {
  const bytes = logs.reduce((sum, content) => sum + bytesIn(content), 0);
  return { folder, job, epoch, createdAt, ended, bytes };
}

/**
 * Copies a savepoint, or the newest epoch of a state directory of `memory()`, also while its job runs. Each record is
 * verified.
 *
 * @param to empty or not there
 * @throws SAVEPOINT_INVALID where there is nothing to copy or the rows lie elsewhere; STATE_UNWRITABLE, STATE_DAMAGED
 */
export function copySavepoint(files: Files, from: string, to: string): Promise<{ readonly epoch: number }> {
  return readState(files, from, async ({ manifest, store }) => {
    if (store !== null)
      throw new MillraceError(
        "SAVEPOINT_INVALID",
        `${from} has its rows in RocksDB, of which a copy of the log is none: start the job and stop it with --savepoint-on-stop`,
      );
    if (manifest.epoch === 0)
      throw new MillraceError("SAVEPOINT_INVALID", `${from} holds no epoch yet: the job has not decided one`);
    await copyEpoch(files, from, to, manifest);
    return { epoch: manifest.epoch };
  });
}

async function isThere(files: Files, folder: string, names: readonly string[]): Promise<boolean> {
  for (const name of names) if ((await files.stat(join(folder, name))) !== null) return true;
  return false;
}
