/**
 * Backends: where a job keeps its state, chosen by one word: `state: memory("./state")`.
 *
 * Whatever the backend, the log and the manifests of the job lie below its directory. A backend differs in what holds
 * the rows: the live objects alone (memory), or a store that may be larger than memory, with a cache of live objects
 * before it. Results never depend on the choice (INV-1).
 */
import { MillraceError, preview } from "../core/errors.ts";
import type { RowStore } from "./contract.ts";

export interface StateBackend {
  /** For explain(), e.g. `rocksdb("./state")`. */
  readonly description: string;
  /** Everything durable of the job lies below it. */
  readonly directory: string;
  /** null: the live objects are the state, and the log is their only copy. */
  readonly cold: ColdStore | null;
}

export interface ColdStore {
  /** Budget of the live objects before the store; an estimate is held against it. */
  readonly cacheBytes: number;
  /** Opens the store in a folder, which exists or can be made. */
  open(folder: string): Promise<RowStore>;
}

/**
 * State in memory, durable through a log in `directory`: the fastest while all state fits.
 *
 * @param directory of this job alone; made where it is missing
 * @throws OPTION_INVALID unless `directory` is a text that is not empty
 */
export function memory(directory: string): StateBackend {
  return {
    description: describeBackend("memory", directory),
    directory,
    cold: null,
  };
}

/** `name("directory")`. @throws OPTION_INVALID unless `directory` is a text that is not empty */
export function describeBackend(name: string, directory: string): string {
  if (typeof directory === "string" && directory.trim() !== "" && !directory.includes("\0")) {
    return `${name}(${JSON.stringify(directory)})`;
  }
  throw new MillraceError(
    "OPTION_INVALID",
    `${name} takes the path of a directory, not ${preview(directory)}`,
  );
}
