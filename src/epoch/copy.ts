/**
 * A copy of one epoch in a folder of its own: the bytes of the logs that its manifest needs, then the manifest, so a copy
 * that was cut short is none. Every record is verified first: a savepoint that is there can be read.
 */
import { join } from "node:path";
import { MillraceError } from "../core/errors.ts";
import type { Files } from "../core/ports.ts";
import { neededFiles } from "./decide.ts";
import { StateDirectory } from "./directory.ts";
import { readFacts } from "./facts.ts";
import { encodeManifest, type Manifest } from "./manifest.ts";
import { manifestName } from "./names.ts";
import { fill, openState, readLog } from "./read-log.ts";

const COPY_BYTES = 1024 * 1024;

/**
 * @param manifest an epoch of `from`; the copy says of job and generation what it says
 * @throws STATE_UNWRITABLE where `to` can't be written or holds state already; STATE_DAMAGED, FILE_UNREADABLE
 */
export async function copyEpoch(files: Files, from: string, to: string, manifest: Manifest): Promise<void> {
  const copy = new StateDirectory(files, to);
  await copy.make();
  await copy.syncPath();
  if ((await readFacts(files, to)).manifests.length > 0) {
    throw new MillraceError("STATE_UNWRITABLE", `${to} holds state already: a copy needs an empty folder`);
  }
  for (const [log, content] of manifest.logs.entries()) {
    for await (const _ of readLog(files, from, log, content));
  }
  for (const { name, bytes } of neededFiles(manifest))
    await copyFile(files, join(from, name), copy, name, bytes);
  await copy.publish(manifestName(manifest), encodeManifest(manifest));
}

/** Copies the first `bytes` bytes, durably but for the name. */
async function copyFile(
  files: Files,
  from: string,
  copy: StateDirectory,
  name: string,
  bytes: number,
): Promise<void> {
  const source = await openState(files, from);
  try {
    const target = await copy.openAppend(name, 0);
    try {
      for (let at = 0; at < bytes; at += COPY_BYTES) {
        const piece = Buffer.allocUnsafeSlow(Math.min(COPY_BYTES, bytes - at));
        await fill(from, source, piece, at);
        await copy.guard(name, () => target.write(piece));
      }
      await copy.guard(name, () => target.sync());
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}
