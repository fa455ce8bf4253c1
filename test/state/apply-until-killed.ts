/** A process for rocksdb.test.ts: applies batch after batch to the store in a folder until it is killed. */
import { openRocksStore } from "../../src/state/rocksdb/store.ts";
import { batch } from "./numbered-batch.ts";

const store = await openRocksStore(process.argv[2]);
for (let n = Number((await store.position()) ?? 0) + 1; ; n++) {
  await store.apply(batch(n), String(n));
  process.stdout.write(`${n}\n`);
  // Not waited for: kills are to fall into it, and into applies beside it.
  if (n % 5 === 0) store.flush();
}
