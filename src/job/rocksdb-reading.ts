/**
 * The rows of a RocksDB store as they are now, for reading alone: beside the process that works in it, and without
 * changing anything.
 */
import type { RowStore } from "../state/contract.ts";
import { type Database, loadDriver } from "../state/rocksdb/driver.ts";
import { openFailed } from "../state/rocksdb/failure.ts";
import { readPosition, scanRows } from "../state/rocksdb/rows.ts";

export type RowReading = Pick<RowStore, "scan" | "position" | "close">;

/** RocksDB replays its own log into buffers of this size. */
const READ_ONLY = { readOnly: true, writeBufferSize: 64 * 1024 * 1024 };

/**
 * @param folder must be there
 * @throws STATE_DAMAGED, DRIVER_MISSING
 */
export async function readRocksdb(folder: string): Promise<RowReading> {
  const RocksDB = await loadDriver();
  try {
    const db = new RocksDB(folder, READ_ONLY);
    await db.ready();
    return reading(folder, db);
  } catch (cause) {
    throw openFailed(folder, cause);
  }
}

function reading(folder: string, db: Database): RowReading {
  return {
    scan: (from, to, limit) => scanRows(folder, db, from, to, limit),
    position: () => readPosition(folder, db),
    close: () => db.close(),
  };
}
