/**
 * The rows of a RocksDB store as they are now, for reading alone: beside the process that works in it, and without
 * changing anything. Keys are those of state/rocksdb/store.ts: "r" and the address of a row; "m" for the position.
 */
import type { Row, RowStore } from "../state/contract.ts";
import { type Database, loadDriver } from "../state/rocksdb/driver.ts";
import { openFailed, readFailed } from "../state/rocksdb/failure.ts";

export type RowReading = Pick<RowStore, "scan" | "position" | "close">;

const POSITION = Buffer.from("m");
const rowKey = (address: string) => Buffer.from(`r${address}`, "latin1");
/** How many rows a scan takes over at once. */
const ROWS_OF_READ = 1000;
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
    async scan(from: string, to: string, limit: number): Promise<readonly Row[]> {
      const rows: Row[] = [];
      const range = { gte: rowKey(from), lt: rowKey(to) };
      try {
        for await (const { key, value } of db.iterator(range, { capacity: ROWS_OF_READ, limit }))
          rows.push({ address: key.toString("latin1", 1), value });
      } catch (cause) {
        throw readFailed(folder, cause);
      }
      return rows;
    },

    async position(): Promise<string | null> {
      try {
        return (await db.get(POSITION))?.toString() ?? null;
      } catch (cause) {
        throw readFailed(folder, cause);
      }
    },

    close: () => db.close(),
  };
}
