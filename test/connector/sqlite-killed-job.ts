/**
 * The job that is killed: a file -> what each user has done so far, and sliding windows whose late panes replace earlier
 * ones -> two tables of one database. Run as `sqlite-killed-job.ts FOLDER GUARANTEE`; says "started" when it runs.
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { sqliteTable } from "../../src/connector/sqlite/index.ts";
import { count, memory, ndjson, output, pipeline, sliding, sum, valueState } from "../../src/index.ts";
import { type Delivery, INPUT, type Visit } from "../durability/killed-job.ts";
import { paced } from "../durability/paced-source.ts";

export const DATABASE = "out.db";

const [folder, guarantee] = process.argv.slice(2);
const app = pipeline("killed", {
  state: memory(join(folder, "state")),
  guarantee: guarantee as Delivery,
  commit: { records: 1000 },
});
const path = join(folder, DATABASE);
// So slowly that there are epochs for all kills, on any machine.
const input = paced(ndjson<Visit>(join(folder, "..", INPUT)), 500, () => sleep(4));
const visits = app.source(input, {
  timestamp: (visit) => visit.at,
  watermark: { maxOutOfOrderness: "2s" },
});
visits
  .keyBy((visit) => visit.user)
  .process({
    state: { visits: valueState<number>({ initial: () => 0 }) },
    emits: output<{ user: string; visits: number; last: number }>(),
    onRecord(visit, { key, state, emit }) {
      const visits = state.visits.get() + 1;
      state.visits.set(visits);
      emit({ user: key, visits, last: visit.id });
    },
  })
  .to(sqliteTable(path, { table: "users", key: ["user"] }));
visits
  .keyBy((visit) => visit.page)
  .window(sliding("8s", "2s"), { allowedLateness: "4s" })
  .aggregate({ visits: count(), ms: sum((visit) => visit.ms) })
  .to(sqliteTable(path, { table: "pages", key: ["key", "windowStart"] }));

let said = false;
await app.run({
  onProgress: () => {
    if (!said) process.stdout.write("started\n");
    said = true;
  },
});
