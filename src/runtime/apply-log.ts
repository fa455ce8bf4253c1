/** The decided part of the log goes to the backend: after each epoch, and at a restart whatever it lacks. */
import { MillraceError } from "../core/errors.ts";
import type { Epochs } from "../epoch/epochs.ts";
import type { Manifest } from "../epoch/manifest.ts";
import { isBefore, type LogPosition } from "../epoch/position.ts";
import { changesOf } from "../state/change-log.ts";
import type { Change, RowStore } from "../state/contract.ts";

/**
 * Changes of one write, which holds the thread up for about two milliseconds. The position goes with the last one: what was
 * cut short is done again from the position before.
 */
const WRITE_CHANGES = 1000;

/**
 * @param wholeLog the log alone is the whole state: an empty backend can be made from it
 * @throws STATE_DAMAGED where the backend and the log don't belong together
 */
export async function applyLog(
  epochs: Epochs,
  store: RowStore,
  manifest: Manifest,
  wholeLog: boolean,
): Promise<void> {
  const before = await store.position();
  const applied = before === null ? null : (JSON.parse(before) as LogPosition[]);
  if (applied === null && !wholeLog)
    throw damaged("the backend is empty, and the log no longer reaches back to the beginning");
  let changes: Change[] = [];
  for (const [log, { from, to }] of manifest.logs.entries()) {
    const start = applied?.[log] ?? from;
    if (isBefore(to, start)) throw damaged(`the backend is ahead of epoch ${manifest.epoch}`);
    if (isBefore(start, from)) throw damaged("the backend is older than the log");
    for await (const payloads of epochs.readBatches(log, start, to)) {
      for (const payload of payloads) {
        for (const change of changesOf(payload)) {
          changes.push(change);
          if (changes.length < WRITE_CHANGES) continue;
          await store.apply(changes, null);
          changes = [];
        }
      }
    }
  }
  await store.apply(changes, JSON.stringify(manifest.logs.map(({ to }) => to)));
}

const damaged = (what: string): MillraceError => new MillraceError("STATE_DAMAGED", what);
