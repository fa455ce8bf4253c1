/**
 * The job that is killed: a file -> sessions, sliding windows and a process with timers ->
 * partitioned files. Run as `killed-job.ts FOLDER BACKEND GUARANTEE`; says "started" on standard output when it runs.
 */
import { join } from "node:path";
import {
  count,
  files,
  listState,
  mapState,
  memory,
  ndjson,
  output,
  type Pipeline,
  pipeline,
  session,
  sliding,
  sum,
  topN,
  valueState,
} from "../../src/index.ts";
import { rocksdb } from "../../src/state/rocksdb/index.ts";

export interface Visit {
  readonly id: number;
  readonly user: string;
  readonly page: number;
  readonly ms: number;
  readonly at: number;
}

export const INPUT = "visits.ndjson";
export const DELIVERIES = ["exactly-once", "at-least-once", "at-most-once"] as const;
export type Delivery = (typeof DELIVERIES)[number];
export type Backend = "memory" | "rocksdb";

/** Less than the state takes: rows are given up and loaded again all the time. */
const CACHE_BYTES = 8 * 1024 * 1024;

export function killedJob(folder: string, input: string, backend: Backend, guarantee: Delivery): Pipeline {
  const directory = join(folder, "state");
  const app = pipeline("killed", {
    state: backend === "memory" ? memory(directory) : rocksdb(directory, { cacheBytes: CACHE_BYTES }),
    guarantee,
    commit: { every: "40ms" },
  });
  const visits = app.source(ndjson<Visit>(input), {
    timestamp: (visit) => visit.at,
    watermark: { maxOutOfOrderness: "2s" },
  });
  const out = (name: string): string => join(folder, name);
  const rollBytes = 64 * 1024;
  visits.to(files(out("echo"), { rollBytes }));
  visits
    .keyBy((visit) => visit.user)
    .window(session("3s"))
    .aggregate({ visits: count(), longest: topN(2, (visit) => visit.ms) })
    .map((result) => ({ ...result, bucket: result.visits % 3 }))
    .to(files(out("sessions"), { rollBytes, partitionBy: ["bucket"] }));
  visits
    .keyBy((visit) => visit.page)
    .window(sliding("8s", "2s"), { allowedLateness: "1s" })
    .aggregate({ visits: count(), ms: sum((visit) => visit.ms) })
    .map((result) => ({ ...result, bucket: result.key % 4 }))
    .to(files(out("pages"), { rollBytes, partitionBy: ["bucket"] }));
  // What a user did until there was nothing for a second and a half; how often each page was seen, in an hour.
  visits
    .keyBy((visit) => visit.user)
    .process({
      state: {
        total: valueState<number>({ initial: () => 0 }),
        recent: listState<number>(),
        pages: mapState<number, number>({ ttl: "1h" }),
      },
      emits: output<{ user: string; total: number; recent: number[]; pages: number; at: number }>(),
      touches: { pages: (visit) => [visit.page] },
      onRecord(visit, { state, timers }) {
        state.total.set(state.total.get() + 1);
        state.recent.add(visit.id);
        state.pages.set(visit.page, (state.pages.get(visit.page) ?? 0) + 1);
        timers.setEventTime("quiet", visit.at + 1500);
      },
      onTimer(timer, { key, state, emit }) {
        const pages = state.pages.entries().length;
        emit({ user: key, total: state.total.get(), recent: state.recent.get(), pages, at: timer.time });
        state.recent.clear();
      },
    })
    .map((quiet) => ({ ...quiet, bucket: quiet.total % 3 }))
    .to(files(out("quiet"), { rollBytes, partitionBy: ["bucket"] }));
  return app;
}

if (process.argv[1] === import.meta.filename) {
  const [folder, backend, guarantee] = process.argv.slice(2);
  const app = killedJob(folder, join(folder, "..", INPUT), backend as Backend, guarantee as Delivery);
  let said = false;
  await app.run({
    onProgress: () => {
      if (!said) process.stdout.write("started\n");
      said = true;
    },
  });
}
