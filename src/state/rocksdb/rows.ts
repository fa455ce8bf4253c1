/**
 * Where things are in a RocksDB store, and how they are read: keys are addresses, byte for byte, behind one byte that
 * tells rows ("r") from what the store keeps about itself ("m": the position).
 */
import type { Row } from "../contract.ts";
import type { Database } from "./driver.ts";
import { readFailed } from "./failure.ts";

/** How many rows a scan takes over at once. */
const ROWS_OF_READ = 1000;

export const POSITION = Buffer.from("m");
export const rowKey = (address: string) => Buffer.from(`r${address}`, "latin1");

/** At most `limit` rows with from <= address < to, in order. @throws STATE_DAMAGED */
export async function scanRows(
  folder: string,
  db: Database,
  from: string,
  to: string,
  limit: number,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  if (from >= to || limit <= 0) return rows;
  const range = { gte: rowKey(from), lt: rowKey(to) };
  try {
    for await (const { key, value } of db.iterator(range, { capacity: ROWS_OF_READ, limit })) {
      rows.push({ address: key.toString("latin1", 1), value });
    }
    return rows;
  } catch (cause) {
    throw readFailed(folder, cause);
  }
}

/** @throws STATE_DAMAGED */
export async function readPosition(folder: string, db: Database): Promise<string | null> {
  try {
    return (await db.get(POSITION))?.toString() ?? null;
  } catch (cause) {
    throw readFailed(folder, cause);
  }
}
