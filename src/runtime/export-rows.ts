/**
 * A savepoint over a backend: the backend's rows as a log of their own. It has the form of a state directory, so that
 * any backend can start from it.
 */
import { join } from "node:path";
import { MillraceError } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import type { Ports } from "../core/ports.ts";
import { openEpochs } from "../epoch/epochs.ts";
import type { Manifest } from "../epoch/manifest.ts";
import { readDirectory } from "../epoch/facts.ts";
import { manifestName } from "../epoch/names.ts";
import type { Codec } from "../schema/codec.ts";
import { ChangeLog } from "../state/change-log.ts";
import { PAGE_ROWS, SHADOW } from "../state/cold-rows.ts";
import type { RowStore } from "../state/contract.ts";
import type { SavedJob } from "./saved-job.ts";

/** The rows' bytes as they are. */
const bytes: Codec<Uint8Array> = {
  shape: "bytes",
  encode: (value, into) => into.raw(value),
  decode: (from) => from.raw(from.end - from.at),
};

/** @throws SAVEPOINT_INVALID where the folder holds state already */
export async function exportRows(
  { files, clock }: Ports,
  manifest: Manifest,
  store: RowStore,
  folder: string,
): Promise<void> {
  if ((await readDirectory(files, folder)).manifests.length > 0)
    throw new MillraceError("SAVEPOINT_INVALID", `${folder} holds state already: give an empty folder`);
  const copy = await openEpochs({ files, clock, folder, job: manifest.job, logs: 1 });
  try {
    const changes = new ChangeLog(copy, 1);
    for (let from = ""; ; ) {
      const rows = await store.scan(from, SHADOW, PAGE_ROWS);
      for (const { address, value } of rows) changes.put("now", 0, address, bytes, value);
      await copy.room();
      const last = rows.at(-1);
      if (last === undefined || rows.length < PAGE_ROWS) break;
      from = `${last.address}\0`;
    }
    changes.flush();
    const { epoch, ended } = manifest;
    const body = { ...(manifest.body as unknown as SavedJob), dropped: [], wholeLog: true };
    await copy.decide(epoch, body as unknown as Json, { ended });
  } finally {
    await copy.close();
  }
  // The copy has one epoch, not also the empty one that it began with.
  for (const found of (await readDirectory(files, folder)).manifests)
    if (found.epoch !== manifest.epoch) await files.remove(join(folder, manifestName(found)));
  await files.syncFolder(folder);
}
