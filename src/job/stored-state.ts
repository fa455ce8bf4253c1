/**
 * Stored state, read from outside: of a state directory, also while its job runs, or of a savepoint. Nothing is locked
 * and nothing is changed.
 *
 * The rows are what the newest readable manifest says: the content of its logs; over RocksDB the rows of the store, and
 * over them what the logs have behind the store's position. The store is opened before the manifest is read, so it is
 * never ahead of it. A running job may take away what is about to be read: then it has a newer epoch, and that is read.
 *
 * Cost: everything is read once. Memory: see replayed-rows.ts; over RocksDB only what the store has not got yet.
 */
import { join } from "node:path";
import { MillraceError } from "../core/errors.ts";
import type { Files } from "../core/ports.ts";
import type { DamagedManifest } from "../epoch/decide.ts";
import { readDirectory } from "../epoch/facts.ts";
import { MANIFEST_FORMAT, type Manifest } from "../epoch/manifest.ts";
import { type LogContent, type LogPosition, since, until } from "../epoch/position.ts";
import { readBatches } from "../epoch/read-log.ts";
import { piecesOf } from "../runtime/dropped.ts";
import type { SavedJob } from "../runtime/saved-job.ts";
import { changesOf } from "../state/change-log.ts";
import { PAGE_ROWS, SHADOW } from "../state/cold-rows.ts";
import { type Change, type RowLayout, tablePrefix } from "../state/contract.ts";
import { ReplayedRows } from "./replayed-rows.ts";
import { readRocksdb, type RowReading } from "./rocksdb-reading.ts";

export interface StoredState {
  readonly files: Files;
  readonly folder: string;
  readonly manifest: Manifest;
  /** Newer manifests that can't be read. */
  readonly damaged: readonly DamagedManifest[];
  /** null: no epoch was decided yet. */
  readonly saved: SavedJob | null;
  /** null: the logs are all there is. */
  readonly store: RowReading | null;
}

/** A running job decides an epoch a second or so: this is more than bad luck. */
const TRIES = 5;

/**
 * Calls `read` with the newest epoch, and again with a newer one where a running job took away what was to be read.
 * @throws SAVEPOINT_INVALID where there is no state, STATE_DAMAGED, FILE_UNREADABLE, DRIVER_MISSING
 */
export async function readState<R>(
  files: Files,
  folder: string,
  read: (state: StoredState) => Promise<R>,
): Promise<R> {
  for (let tried = 1; ; tried++) {
    const store = await openStore(files, folder);
    try {
      const state = await stateOf(files, folder, store);
      try {
        return await read(state);
      } catch (error) {
        if (tried === TRIES || !(await hasGoneOn(state, error))) throw error;
      }
    } finally {
      await store?.close();
    }
  }
}

async function openStore(files: Files, folder: string): Promise<RowReading | null> {
  const rows = join(folder, "rows");
  return (await files.stat(rows))?.isFolder === true ? readRocksdb(rows) : null;
}

async function stateOf(files: Files, folder: string, store: RowReading | null): Promise<StoredState> {
  const { chosen, damaged } = await readDirectory(files, folder);
  if (chosen === null && damaged.length === 0)
    throw new MillraceError("SAVEPOINT_INVALID", `${folder} holds no state`);
  if (chosen === null)
    throw damagedState(damaged.map(({ name, fault }) => `${join(folder, name)}: ${fault}`).join("; "));
  if (chosen.format !== MANIFEST_FORMAT)
    throw damagedState(
      `${folder} has format ${chosen.format}, and this version reads format ${MANIFEST_FORMAT}`,
    );
  return {
    files,
    folder,
    manifest: chosen,
    damaged,
    saved: chosen.epoch === 0 ? null : (chosen.body as unknown as SavedJob),
    store,
  };
}

async function hasGoneOn({ files, folder, manifest }: StoredState, error: unknown): Promise<boolean> {
  if (!(error instanceof MillraceError) || error.code !== "STATE_DAMAGED") return false;
  const { chosen } = await readDirectory(files, folder);
  return chosen !== null && (chosen.epoch !== manifest.epoch || chosen.generation !== manifest.generation);
}

export interface Reading {
  /** The rows whose values are to be seen. */
  readonly wants: (address: string) => boolean;
  /** Called for each row once, in no order; `value` is null where it was not wanted. */
  readonly see: (address: string, valueBytes: number, value: Uint8Array | null) => void;
}

/** Every row. */
export async function readRows(state: StoredState, { wants, see }: Reading): Promise<void> {
  const { files, folder, manifest, saved, store } = state;
  const layouts = new Map(
    Object.values(saved?.stores ?? {}).map(({ operator, table, layout }) => [
      tablePrefix(operator, table),
      layout as RowLayout,
    ]),
  );
  const applied = store === null ? null : await appliedBy(store, saved?.wholeLog ?? true);
  const replayed = new ReplayedRows({ layouts, wants, isTail: store !== null });
  for (const [log, content] of manifest.logs.entries()) {
    const rest = applied === null ? content : since(content, applied[log] ?? content.from);
    if (rest === null) throw damagedState(`the rows in ${folder} and its log don't belong together`);
    // Where there is a store, it has dropped them too.
    for (const { from, to, without } of piecesOf(log, rest, saved?.dropped ?? [])) {
      const piece = until(since(rest, from) as LogContent, to) as LogContent;
      for await (const payloads of readBatches(files, folder, log, piece)) {
        for (const payload of payloads)
          for (const change of changesOf(payload))
            if (!without.some((prefix) => addressOf(change).startsWith(prefix))) replayed.apply(change);
      }
    }
  }
  if (store !== null) {
    for await (const { address, value } of stored(store)) {
      if (!replayed.knows(address)) see(address, value.length, wants(address) ? value : null);
    }
  }
  for (const { address, valueBytes, value } of replayed.rows()) see(address, valueBytes, value);
}

const addressOf = (change: Change): string => ("from" in change ? change.from : change.address);

/** How far the store has the logs. */
async function appliedBy(store: RowReading, wholeLog: boolean): Promise<readonly LogPosition[]> {
  const position = await store.position();
  if (position !== null) return JSON.parse(position);
  if (!wholeLog)
    throw damagedState("the store is empty, and the log no longer reaches back to the beginning");
  return [];
}

/** What a running job spilled is part of no epoch. */
async function* stored(store: RowReading) {
  for (let from = ""; ; ) {
    const rows = await store.scan(from, SHADOW, PAGE_ROWS);
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE_ROWS) return;
    from = `${last.address}\0`;
  }
}

const damagedState = (what: string): MillraceError => new MillraceError("STATE_DAMAGED", what);
