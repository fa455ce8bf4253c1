/** The rows of the last decided epoch: into memory from the log, or what the backend lacks of it into the backend. */
import { MillraceError } from "../core/errors.ts";
import type { Epochs } from "../epoch/epochs.ts";
import { endOfTable, tablePrefix } from "../state/contract.ts";
import { applyLog } from "./apply-log.ts";
import { type DroppedRows, piecesOf, stillDropped } from "./dropped.ts";
import type { SavedJob, SavedStore } from "./saved-job.ts";
import type { StateKeeping } from "./state-keeping.ts";

/**
 * @param givenUp stores whose rows are left out from now on
 * @returns the rows that the log still has although they were given up, now or before
 * @throws STATE_DAMAGED where the rows are not where this run looks for them
 */
export async function restoreRows(
  epochs: Epochs,
  keeping: StateKeeping,
  saved: SavedJob,
  givenUp: readonly SavedStore[],
): Promise<readonly DroppedRows[]> {
  const { decided } = epochs;
  const before = epochs.ends;
  const added = givenUp.map(({ operator, table }) => ({ prefix: tablePrefix(operator, table), before }));
  const dropped = stillDropped([...saved.dropped, ...added], decided.logs);
  if (keeping.cold !== null) {
    const { store } = keeping.cold;
    await applyLog(epochs, store, decided, saved.wholeLog);
    const ranges = added.map(({ prefix }) => ({ from: prefix, to: endOfTable(prefix) }));
    if (ranges.length === 0) return dropped;
    await store.apply(ranges, null);
    await store.flush();
    return dropped;
  }
  if (!saved.wholeLog) {
    const what = `The last run of ${decided.job} kept its rows in a backend, and its log alone lacks some of them`;
    throw new MillraceError("STATE_DAMAGED", `${what}: start from a savepoint to change the backend`);
  }
  for (const [log, content] of decided.logs.entries()) {
    for (const { from, to, without } of piecesOf(log, content, dropped)) {
      for await (const payloads of epochs.readBatches(log, from, to))
        for (const payload of payloads) keeping.replay(payload, without);
    }
  }
  return dropped;
}
