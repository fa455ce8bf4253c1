/** What stands in a state directory: read without a lock, and without changing anything. */
import { join } from "node:path";
import type { Files } from "../core/ports.ts";
import {
  chooseManifest,
  type DamagedManifest,
  type DirectoryFacts,
  type ManifestFact,
  newestFirst,
} from "./decide.ts";
import { decodeManifest, type Manifest } from "./manifest.ts";
import { manifestName, parseName } from "./names.ts";
import { isAbsent, unreadable } from "./read-log.ts";

/** @throws FILE_UNREADABLE */
export async function readFacts(files: Files, folder: string): Promise<DirectoryFacts> {
  const manifests: ManifestFact[] = [];
  const segments = new Map<string, number>();
  for (const name of await reading(folder, () => files.list(folder))) {
    const path = join(folder, name);
    const file = parseName(name);
    if (file?.kind === "manifest") {
      const read = await readManifest(files, path);
      if (read !== null) manifests.push({ ...file, name, read: ofItsName(name, read) });
    } else if (file?.kind === "segment") {
      const stat = await reading(path, () => files.stat(path));
      if (stat !== null) segments.set(name, stat.sizeBytes);
    }
  }
  return { manifests, segments };
}

/** For tools that look into a directory, also of a job that is running. */
export interface DirectoryReading {
  /** Those that can be read, the newest first. */
  readonly manifests: readonly Manifest[];
  readonly damaged: readonly DamagedManifest[];
  /** What a start would go on from, if nothing forbids to go back behind a damaged one; null where there is nothing. */
  readonly chosen: Manifest | null;
}

/** @throws FILE_UNREADABLE */
export async function readDirectory(files: Files, folder: string): Promise<DirectoryReading> {
  const facts = await readFacts(files, folder);
  const manifests: Manifest[] = [];
  const damaged: DamagedManifest[] = [];
  for (const { name, epoch, read } of newestFirst(facts.manifests)) {
    if ("fault" in read) damaged.push({ name, epoch, fault: read.fault });
    else manifests.push(read);
  }
  const choice = chooseManifest(facts);
  return { manifests, damaged, chosen: choice.kind === "go on" ? choice.manifest : null };
}

type ReadManifest = ManifestFact["read"];

/** null where the file is gone: a running job removes old ones. */
async function readManifest(files: Files, path: string): Promise<ReadManifest | null> {
  try {
    const file = await files.openRead(path);
    try {
      const buffer = Buffer.alloc(file.sizeBytes);
      return decodeManifest(buffer.subarray(0, await file.read(buffer, 0)));
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (isAbsent(cause)) return null;
    // A block that the disk can't read is damage like any other; what a user may not read is not.
    if ((cause as { code?: unknown }).code === "EIO") return { fault: "the disk can't read it" };
    throw unreadable(path, cause);
  }
}

function ofItsName(name: string, read: ReadManifest): ReadManifest {
  return "fault" in read || manifestName(read) === name ? read : { fault: "it is that of another epoch" };
}

async function reading<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw unreadable(path, cause);
  }
}
