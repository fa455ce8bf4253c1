import { MillraceError, preview } from "../../core/errors.ts";
import { describeBackend, type StateBackend } from "../backend.ts";
import { openRocksStore } from "./store.ts";

export interface RocksdbOptions {
  /**
   * Memory for the rows in use, in bytes, by an estimate. RocksDB's own comes on top: write buffers of up to 128 MiB,
   * 32 MiB of blocks, and filters. 0 keeps no rows between two batches. Default: 64 MiB.
   */
  readonly cacheBytes?: number;
}

const DEFAULT_CACHE_BYTES = 64 * 1024 * 1024;
/** A smaller budget is a number of megabytes by mistake; 0 is for tests. */
const LEAST_CACHE_BYTES = 1024 * 1024;

/**
 * State in RocksDB, which may be larger than memory. Needs the package `rocksdb-native`.
 *
 * @param directory of this job alone; made where it is missing
 * @example
 * import { rocksdb } from "millrace/rocksdb";
 * const state = rocksdb("./state", { cacheBytes: 256 * 1024 * 1024 });
 * @throws OPTION_INVALID unless `directory` is a text that is not empty, and `cacheBytes` 0 or at least 1 MiB
 * @throws DRIVER_MISSING when the job starts without the package
 */
export function rocksdb(directory: string, options: RocksdbOptions = {}): StateBackend {
  const { cacheBytes = DEFAULT_CACHE_BYTES } = options;
  if (cacheBytes !== 0 && !(Number.isSafeInteger(cacheBytes) && cacheBytes >= LEAST_CACHE_BYTES)) {
    throw new MillraceError(
      "OPTION_INVALID",
      `rocksdb: cacheBytes takes 0 or a whole number of at least ${LEAST_CACHE_BYTES}, not ${preview(cacheBytes)}`,
    );
  }
  return {
    description: describeBackend("rocksdb", directory),
    directory,
    cold: { cacheBytes, open: openRocksStore },
  };
}
