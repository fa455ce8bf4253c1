/** The job of the benchmarks over RocksDB: a count per key in a window that never fires. */
import { count, forEach, generator, pipeline, tumbling } from "../../src/index.ts";
import { type RocksdbOptions, rocksdb } from "../../src/state/rocksdb/index.ts";

/**
 * Goes on with the job in the folder for so many records more.
 *
 * @param keyOf the key of the n-th record of this run
 * @returns how many records it counted, a few more than asked for: a turn is done to its end
 */
export async function countJob(
  folder: string,
  records: number,
  keyOf: (n: number) => number,
  options: RocksdbOptions = {},
): Promise<number> {
  const app = pipeline("counts", { state: rocksdb(folder, options) });
  let n = 0;
  app
    .source(
      generator(() => {
        if (n === records) void job.stop();
        return { key: keyOf(n++) };
      }),
      { timestamp: () => 0 },
    )
    .keyBy((r) => r.key)
    .window(tumbling("1h"))
    .aggregate(count())
    .to(forEach(() => {}));
  const job = app.start();
  await job.done;
  return n;
}
