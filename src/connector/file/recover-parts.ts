/**
 * How a folder of part files is found when a job starts, and what is put right before it goes on.
 *
 * Exactly-once: parts that were open at the last decided epoch are cut to their decided bytes and go on; parts that no
 * decided epoch knows are removed. They have hidden names, so no reader has seen them. Otherwise: nothing is removed,
 * numbers go on behind those that are there, and a torn last line, which only the last part of a folder can have, is
 * cut off. Cost: one entry per part file in the folder.
 */
import { dirname, join } from "node:path";
import { MillraceError } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import type { Files } from "../../core/ports.ts";
import type { SinkContext } from "../contract.ts";
import { outputMissing } from "./file-failure.ts";
import { type FoundPart, type FoundParts, findParts, nextNumbers } from "./find-parts.ts";
import { finalPath, folderOf, numberOf, openPath } from "./part-names.ts";
import type { OpenPart, PartBytes } from "./parts.ts";
import { type Listed, listedWith, type PartsHandle, type PublishedParts } from "./published-parts.ts";
import { wholeLinesBytes } from "./torn-line.ts";

export interface PartsStart {
  /** The next number in each folder. */
  readonly next: ReadonlyMap<string, number>;
  readonly open: readonly OpenPart[];
  /** The list once all that is decided has been committed. */
  readonly listed: Listed;
  /** Parts of an earlier run that wrote visibly: they are decided with the first epoch. */
  readonly adopted: readonly PartBytes[];
}

interface DecidedParts {
  readonly epoch: number;
  readonly handle: PartsHandle;
}

const isOfParts = (of: { readonly epoch: number; readonly handle: Json }): of is DecidedParts =>
  Array.isArray((of.handle as PartsHandle | null)?.closed);

const NOTHING: PartsStart = { next: new Map(), open: [], listed: { files: 0, bytes: 0 }, adopted: [] };

/** @throws FILE_UNWRITABLE, SINK_STATE_MISSING, STATE_BEHIND_SINK */
export async function recoverParts(
  root: string,
  published: PublishedParts,
  { ports: { files }, guarantee, job, generation, recovered }: SinkContext,
): Promise<PartsStart> {
  await makeDurable(files, root);
  await published.open();
  // What is seen may be of a run that died before it was durable.
  await files.syncFolder(root);
  const { mark } = published;
  const found = await findParts(files, root);
  const exact = guarantee === "exactly-once";

  // A visible run that died before its first epoch was decided has left parts that are its own.
  const first = recovered === null && (exact || generation <= 1);
  if (mark !== null && (first || mark.job !== job)) throw occupied(root, `the output of the job ${mark.job}`);
  if (first && (found.final.length > 0 || (await published.hasEnded()))) throw occupied(root, "output");

  const decided = (recovered?.handles ?? []).filter(isOfParts);
  if (exact) {
    // What a newer state has written is not touched: the engine will refuse to go on.
    if (mark !== null && recovered !== null && mark.epoch > recovered.epoch) return NOTHING;
    return goOnHidden(
      files,
      root,
      published,
      found,
      decided.map(({ handle }) => handle),
    );
  }
  await publishAll(files, root, published, decided);
  return { ...NOTHING, next: await mended(files, root) };
}

async function goOnHidden(
  files: Files,
  root: string,
  published: PublishedParts,
  found: FoundParts,
  decided: readonly PartsHandle[],
): Promise<PartsStart> {
  const newest = decided.at(-1);
  const open = newest?.open ?? [];
  const waiting = decided.flatMap(({ closed }) => closed);
  const known = nextNumbers([...(await published.list()), ...waiting, ...open].map(located));
  const unknown = found.final.filter(({ folder, number }) => number >= (known.get(folder) ?? 0));
  if (newest !== undefined && unknown.length > 0) {
    throw new MillraceError("STATE_BEHIND_SINK", `${finalPath(root, unknown[0].file)} is of a later epoch`);
  }
  await removeOpen(files, root, found.open, new Set([...open, ...waiting].map(({ file }) => file)));
  for (const part of open) await cut(files, openPath(root, part.file), part.bytes);
  const adopted: PartBytes[] = [];
  for (const { file } of unknown) {
    adopted.push({ file, bytes: await mend(files, finalPath(root, file)) });
  }
  const listed =
    newest === undefined ? (published.mark ?? NOTHING.listed) : listedWith(newest.listed, newest.closed);
  return {
    next: nextNumbers([...found.final, ...[...waiting, ...open].map(located)]),
    open,
    listed: { files: listed.files, bytes: listed.bytes },
    adopted,
  };
}

/** The decided output of a run that was exactly-once, for one that writes visibly. */
async function publishAll(
  files: Files,
  root: string,
  published: PublishedParts,
  decided: readonly DecidedParts[],
): Promise<void> {
  for (const { epoch, handle } of decided) await published.commit(epoch, handle);
  for (const part of decided.at(-1)?.handle.open ?? []) {
    if ((await files.stat(finalPath(root, part.file))) !== null) continue;
    await cut(files, openPath(root, part.file), part.bytes);
    await published.publishPart(part);
  }
  await removeOpen(files, root, (await findParts(files, root)).open, new Set());
}

/** Next numbers, when the last part of every folder ends with a whole line. */
async function mended(files: Files, root: string): Promise<ReadonlyMap<string, number>> {
  const { final } = await findParts(files, root);
  const next = nextNumbers(final);
  for (const { file, folder, number } of final) {
    if (number + 1 !== next.get(folder)) continue;
    await mend(files, finalPath(root, file));
  }
  return next;
}

async function removeOpen(
  files: Files,
  root: string,
  found: readonly FoundPart[],
  except: ReadonlySet<string>,
): Promise<void> {
  for (const { file } of found) if (!except.has(file)) await files.remove(openPath(root, file));
}

async function mend(files: Files, path: string): Promise<number> {
  const bytes = await wholeLinesBytes(files, path);
  if ((await files.stat(path))?.sizeBytes !== bytes) await cut(files, path, bytes);
  return bytes;
}

/** Durable also where it was cut before. @throws SINK_STATE_MISSING */
async function cut(files: Files, path: string, bytes: number): Promise<void> {
  const size = (await files.stat(path))?.sizeBytes;
  if (size === undefined) throw outputMissing(path, `is not there; it should have ${bytes} bytes`);
  if (size < bytes) throw outputMissing(path, `has ${size} bytes and should have ${bytes}`);
  const file = await files.openAppend(path, bytes);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function makeDurable(files: Files, folder: string): Promise<void> {
  const parent = dirname(folder);
  if ((await files.stat(parent)) === null) await makeDurable(files, parent);
  await files.makeFolder(folder);
  await files.syncFolder(parent);
}

const located = ({ file }: { readonly file: string }) => ({
  folder: folderOf(file),
  number: numberOf(file)!,
});

const occupied = (root: string, what: string) =>
  new MillraceError(
    "FILE_UNWRITABLE",
    `the folder ${join(root)} holds ${what} already; give an empty folder`,
  );
