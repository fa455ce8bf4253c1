/**
 * The job of the restore benchmarks, in a process of its own: wide-rows.ts fill|resume TASK. One row of about 1 KB per
 * key: how many records it had, and the last one. Prints what it measured.
 */
import { count, forEach, generator, last, memory, pipeline, tumbling } from "../../src/index.ts";
import { BATCH_RECORDS } from "../../src/operator/batch.ts";
import { ByteWriter } from "../../src/schema/bytes.ts";
import { Shapes } from "../../src/schema/shapes.ts";
import { structural } from "../../src/schema/structural.ts";
import { rocksdb } from "../../src/state/rocksdb/index.ts";

export interface WideTask {
  readonly folder: string;
  readonly backend: "memory" | "rocksdb";
  readonly keys: number;
  /** Records: every key in turn, and the first of them once more. */
  readonly filled: number;
}

export interface Filled {
  readonly rowBytes: number;
}

export interface Resumed {
  /** From the start of the process until the first records are through. */
  readonly firstRecordS: number;
  /** From the start of the job on. */
  readonly jobS: number;
  readonly peakMb: number;
}

/** Records of the second run: a turn, and what shows that it is through. */
const MORE = 2 * BATCH_RECORDS;
const NOTE = "The quick brown fox jumps over the lazy dog, and then it rests for a while. ".repeat(12);

interface Visit {
  readonly key: number;
  readonly user: string;
  readonly note: string;
  readonly amounts: readonly number[];
  readonly isActive: boolean;
}

const visitOf = (key: number): Visit => ({
  key,
  user: `user-${key}`,
  note: `${key} ${NOTE}`,
  amounts: [key, key + 0.5, key * 2, 7, 8],
  isActive: key % 2 === 0,
});

async function run(task: WideTask, stopAt: number, onTurn: (i: number) => void): Promise<number> {
  const { folder, backend, keys, filled } = task;
  const state = backend === "memory" ? memory(folder) : rocksdb(folder);
  const app = pipeline("wide-rows", { state, commit: { every: "1h", records: Math.ceil(keys / 10) } });
  let results = 0;
  let records = 0;
  app
    .source(
      generator(
        (i) => {
          if (i % BATCH_RECORDS === 0) onTurn(i);
          if (i === stopAt) void job.stop();
          return visitOf(i % keys);
        },
        { count: filled + MORE },
      ),
      { timestamp: () => 0 },
    )
    .keyBy((r) => r.key)
    .window(tumbling("1h"))
    .aggregate({ records: count(), visit: last<Visit>() })
    .to(
      forEach(({ key, records: n, visit }) => {
        const { user, note, amounts } = visit;
        if (user !== `user-${key}` || !note.startsWith(`${key} The`) || amounts[1] !== Number(key) + 0.5)
          throw new Error(`key ${key} has the row of another`);
        results += 1;
        records += n;
      }),
    );
  const job = app.start();
  await job.done;
  if (results > 0 && results !== keys) throw new Error(`${results} rows of ${keys}`);
  return records;
}

async function fill(task: WideTask): Promise<Filled> {
  await run(task, task.filled - 1, () => {});
  const into = new ByteWriter();
  const at = { mark: 1, seq: 0, panes: 0, a0: 1, a1: { at: 0, x: visitOf(task.keys - 1) } };
  structural(new Shapes()).encode(at, into);
  return { rowBytes: into.at };
}

async function resume(task: WideTask): Promise<Resumed> {
  const began = performance.now();
  const turns: number[] = [];
  const records = await run(task, Number.NaN, () => turns.push(performance.now()));
  if (records !== task.filled + MORE) throw new Error(`${records} records of ${task.filled + MORE}`);
  return {
    firstRecordS: turns[1] / 1000,
    jobS: (turns[1] - began) / 1000,
    peakMb: Math.round(process.resourceUsage().maxRSS / 1024),
  };
}

if (import.meta.main) {
  const [what, json] = process.argv.slice(2);
  const task = JSON.parse(json) as WideTask;
  console.log(JSON.stringify(await (what === "fill" ? fill(task) : resume(task))));
}
