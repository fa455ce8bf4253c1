/**
 * The state of a count that has seen every key, in a process of its own: fill-counts.ts FOLDER KEYS. A job writes one
 * row, and its copies for all other keys go straight to the store.
 */
import { join } from "node:path";
import { encodeToken, KEY_GROUPS, keyGroupOfEncoded } from "../../src/core/key.ts";
import type { Change, RowStore } from "../../src/state/contract.ts";
import { openRocksStore } from "../../src/state/rocksdb/store.ts";
import { countJob } from "./count-job.ts";

const CHANGES_OF_APPLY = 20_000;
/** Of the key's own part of an address: its group, and a number's encoding. */
const KEY_BYTES = 2 + encodeToken(0).length;

/** The address of another number's row in the bucket of a row. */
export function addressOf(address: string, key: number): string {
  const encoded = encodeToken(key);
  return address.slice(0, -KEY_BYTES) + groupText(keyGroupOfEncoded(encoded)) + encoded;
}

const groupText = (group: number): string => String.fromCharCode(group >> 8, group & 0xff);

export interface FilledCounts {
  /** What the row of each key says. */
  readonly each: number;
}

async function fill(folder: string, keys: number): Promise<FilledCounts> {
  const each = await countJob(folder, 1, () => 0);
  const store = await openRocksStore(join(folder, "rows"));
  try {
    await copyRow(store, keys);
    await store.flush();
    return { each };
  } finally {
    await store.close();
  }
}

/** In the order of addresses, as a store takes rows fastest. */
async function copyRow(store: RowStore, keys: number): Promise<void> {
  const [row] = await store.scan("", "\xff", 1);
  const value = Buffer.from(row.value);
  const bucket = row.address.slice(0, -KEY_BYTES);
  let changes: Change[] = [];
  for (const [group, members] of byGroup(keys).entries()) {
    const prefix = bucket + groupText(group);
    for (const key of members) {
      changes.push({ address: prefix + encodeToken(key), value });
      if (changes.length < CHANGES_OF_APPLY) continue;
      await store.apply(changes, null);
      changes = [];
    }
  }
  await store.apply(changes, null);
}

/** The keys below `keys` of each key group, ascending. */
function byGroup(keys: number): Uint32Array[] {
  const groups = new Uint8Array(keys);
  const sizes = new Array<number>(KEY_GROUPS).fill(0);
  for (let key = 0; key < keys; key++) {
    groups[key] = keyGroupOfEncoded(encodeToken(key));
    sizes[groups[key]] += 1;
  }
  const members = sizes.map((size) => new Uint32Array(size));
  sizes.fill(0);
  for (let key = 0; key < keys; key++) members[groups[key]][sizes[groups[key]]++] = key;
  return members;
}

if (import.meta.main) {
  const [folder, keys] = process.argv.slice(2);
  console.log(JSON.stringify(await fill(folder, Number(keys))));
}
