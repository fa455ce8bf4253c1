/** The state directory of a run: the log and the manifests in it, the backend's store below `rows`. */
import { join } from "node:path";
import { MillraceError } from "../core/errors.ts";
import type { Ports } from "../core/ports.ts";
import { copyEpoch } from "../epoch/copy.ts";
import { readDirectory } from "../epoch/facts.ts";
import { type Epochs, openEpochs } from "../epoch/epochs.ts";
import type { Plan } from "../plan/node.ts";
import type { CommitOptions } from "../runtime/commits.ts";
import type { ColdOptions } from "../runtime/state-keeping.ts";
import type { RowStore } from "../state/contract.ts";
import type { CheckedOptions } from "./options.ts";

export interface Durable {
  readonly commits: CommitOptions;
  readonly cold: ColdOptions | null;
  close(): Promise<void>;
}

/** Logs that an embedded job writes: one for its one worker. */
const LOGS = 1;

/** null where nothing is durable. @throws STATE_DIRECTORY_IN_USE and whatever else is wrong with the directory */
export async function openDurable(
  plan: Plan,
  ports: Ports,
  options: CheckedOptions,
  from?: string,
  logs: number = LOGS,
): Promise<Durable | null> {
  const { state, guarantee, everyMs, records, dropState } = options;
  if (state === null || guarantee === "none") return null;
  const { files, clock } = ports;
  const folder = state.directory;
  if (from !== undefined) await startFrom(ports, from, folder);
  // A store has the newest epoch, and can't go back.
  const mayFallBackTo = (epoch: number) => state.cold === null && mayRepeat(plan, ports, guarantee, epoch);
  const epochs = await openEpochs({ files, clock, folder, job: plan.name, logs, mayFallBackTo });
  let store: RowStore | null = null;
  try {
    if (state.cold !== null) store = await state.cold.open(join(folder, "rows"));
  } catch (error) {
    await epochs.close();
    throw error;
  }
  return {
    commits: { epochs, logs, guarantee, everyMs, records, dropState },
    cold:
      store === null || state.cold === null
        ? null
        : { store, prefetch: true, evict: { cacheBytes: state.cold.cacheBytes } },
    close: () => closeAll(epochs, store),
  };
}

/** The lock goes last: whoever takes it finds the store free. */
async function closeAll(epochs: Epochs, store: RowStore | null): Promise<void> {
  try {
    await store?.close();
  } finally {
    await epochs.close();
  }
}

/** Copies the savepoint into a state directory that has no state yet. @throws SAVEPOINT_INVALID */
async function startFrom({ files }: Ports, savepoint: string, folder: string): Promise<void> {
  const there = await readDirectory(files, folder);
  if (there.manifests.length > 0 || there.damaged.length > 0) return;
  const { chosen } = await readDirectory(files, savepoint);
  if (chosen === null) throw new MillraceError("SAVEPOINT_INVALID", `${savepoint} holds no savepoint`);
  await copyEpoch(files, savepoint, folder, chosen);
}

/** Whether what came out after this epoch may come out again. */
async function mayRepeat(
  plan: Plan,
  ports: Ports,
  guarantee: CheckedOptions["guarantee"],
  epoch: number,
): Promise<boolean> {
  if (guarantee !== "exactly-once") return guarantee !== "at-most-once";
  for (const node of [...plan.nodes, ...(plan.deadLetters === null ? [] : [plan.deadLetters])]) {
    if (node.kind !== "sink" && node.kind !== "deadLetterSink") continue;
    const shown = (await node.sink.lastEpoch?.(ports, plan.name)) ?? null;
    if (shown !== null && shown > epoch) return false;
  }
  return true;
}
