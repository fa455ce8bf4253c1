/**
 * The job that meets faults: a file -> sessions, sliding windows, a process with timers and an echo -> sinks of each kind. Run as
 * `faulted-job.ts SCENE`, SCENE as JSON. When the state directory has the epoch `pauseAt`, it says "paused" on standard
 * output and stands still, so that whoever started it may do something to its files; it goes on when its standard input
 * ends. What ends it otherwise is the last line of its standard output: a Verdict, as JSON.
 */
import { readdirSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  count,
  files,
  listState,
  MillraceError,
  memory,
  ndjson,
  ndjsonFile,
  output,
  type Pipeline,
  pipeline,
  session,
  sliding,
  sum,
  topN,
  valueState,
} from "../../src/index.ts";
import type { Sink } from "../../src/connector/contract.ts";
import { rocksdb } from "../../src/state/rocksdb/index.ts";
import type { Backend, Delivery, Visit } from "./killed-job.ts";
import { paced } from "./paced-source.ts";

export const OUTPUTS = ["echo", "sessions", "quiet", "pages"] as const;
export type Output = (typeof OUTPUTS)[number];

export interface Scene {
  /** `state` and `out` lie in it. */
  readonly folder: string;
  readonly input: string;
  readonly backend: Backend;
  readonly guarantee: Delivery;
  /** The sinks that can commit by epochs; the others are made to know nothing of them. */
  readonly transactional: readonly Output[];
}

export type Verdict = { readonly ended: true } | { readonly code: string; readonly message: string };

/** Less than all rows together: some are given up and loaded again. */
const CACHE_BYTES = 4 * 1024 * 1024;
const TURN_RECORDS = 400;
/** So small that most epochs finish a part of the echo. */
const ROLL_BYTES = 32 * 1024;

export const stateOf = ({ folder }: Pick<Scene, "folder">): string => join(folder, "state");
export const outOf = ({ folder }: Pick<Scene, "folder">): string => join(folder, "out");

/** @param pace called behind each piece of the input: the next one waits for it */
export function faultedJob(scene: Scene, pace: () => Promise<void> = async () => {}): Pipeline {
  const { backend, guarantee, input } = scene;
  const directory = stateOf(scene);
  const app = pipeline("faulted", {
    state: backend === "memory" ? memory(directory) : rocksdb(directory, { cacheBytes: CACHE_BYTES }),
    guarantee,
    commit: { every: "20ms" },
  });
  const sink = <T>(name: Output, of: Sink<T>): Sink<T> =>
    scene.transactional.includes(name) ? of : plain(of);
  const out = (name: string): string => join(outOf(scene), name);
  const visits = app.source(paced(ndjson<Visit>(input), TURN_RECORDS, pace), {
    timestamp: (visit) => visit.at,
    watermark: { maxOutOfOrderness: "2s" },
  });
  visits.to(sink("echo", files(out("echo"), { rollBytes: ROLL_BYTES })));
  visits
    .keyBy((visit) => visit.user)
    .window(session("3s"))
    .aggregate({ visits: count(), longest: topN(2, (visit) => visit.ms) })
    .map((result) => ({ ...result, bucket: result.visits % 3 }))
    .to(sink("sessions", files(out("sessions"), { rollBytes: ROLL_BYTES, partitionBy: ["bucket"] })));
  visits
    .keyBy((visit) => visit.page)
    .window(sliding("8s", "2s"), { allowedLateness: "1s" })
    .aggregate({ visits: count(), ms: sum((visit) => visit.ms) })
    .to(sink("pages", files(out("pages"), { rollBytes: 4 * ROLL_BYTES })));
  visits
    .keyBy((visit) => visit.user)
    .process({
      state: { total: valueState<number>({ initial: () => 0 }), recent: listState<number>() },
      emits: output<{ user: string; total: number; recent: number[] }>(),
      onRecord(visit, { state, timers }) {
        state.total.set(state.total.get() + 1);
        state.recent.add(visit.id);
        timers.setEventTime("quiet", visit.at + 1500);
      },
      onTimer(_timer, { key, state, emit }) {
        emit({ user: key, total: state.total.get(), recent: state.recent.get() });
        state.recent.clear();
      },
    })
    .to(sink("quiet", ndjsonFile(out("quiet.ndjson"))));
  return app;
}

/** The same sink, as one that knows nothing of epochs: what it is given is seen at once, and after a restart again. */
function plain<T>({ description, open }: Sink<T>): Sink<T> {
  return { description, open: (context) => open({ ...context, guarantee: "at-least-once" }) };
}

/** The newest epoch that a manifest's name tells. */
export function epochOf(scene: Pick<Scene, "folder">): number {
  const epochs = readdirSync(stateOf(scene)).flatMap((name) => {
    const manifest = /^manifest-\d+-(\d+)\.json$/.exec(name);
    return manifest === null ? [] : [Number(manifest[1])];
  });
  return Math.max(0, ...epochs);
}

export const verdictOf = (error: unknown): Verdict =>
  error instanceof MillraceError
    ? { code: error.code, message: error.message }
    : { code: "", message: String((error as Error)?.stack ?? error) };

/** Holds a job up until its state directory has an epoch, and tells when it has. */
export async function untilEpoch(scene: Scene, epoch: number, reached: () => void): Promise<void> {
  if (epochOf(scene) >= epoch) reached();
  else await sleep(100);
}

async function main({ pauseAt, ...scene }: Scene & { readonly pauseAt: number | null }): Promise<Verdict> {
  let isPaused = pauseAt === null;
  const pause = (): void => {
    isPaused = true;
    writeSync(1, "paused\n");
    readSync(0, Buffer.alloc(1));
  };
  try {
    await faultedJob(scene, async () => {
      if (!isPaused) await untilEpoch(scene, pauseAt as number, pause);
    }).run();
    return { ended: true };
  } catch (error) {
    return verdictOf(error);
  }
}

if (process.argv[1] === import.meta.filename) {
  writeSync(1, `${JSON.stringify(await main(JSON.parse(process.argv[2])))}\n`);
}
