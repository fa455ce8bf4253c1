/** What the demo can be told on the command line. */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type JobOptions, memory, type RunOptions } from "../src/index.ts";
import { rocksdb } from "../src/state/rocksdb/index.ts";

export const HELP = `npm run demo -- [options]

  Replays three million flights in the United States (January to June 2001) in the order
  in which they left, and computes delays per airport, bad hours and the worst routes.

  --follow        live: time passes at --speed, results are printed as they come; ends on ctrl-C
  --speed N       with --follow: N times real time (default 3600: an hour a second)
  --flights N     only the first N flights
  --out FOLDER    where the results go (default: out)

  --state FOLDER  keeps state there: a run that was stopped or killed goes on when it is started again
  --backend NAME  memory (default) or rocksdb
  --guarantee G   exactly-once (default), at-least-once or at-most-once
  --stop-after N  stops after N flights
  --savepoint F   where it stops (ctrl-C, --stop-after), writes a savepoint to the folder F
  --from F        starts from the savepoint F, with an empty --state folder
  --help
`;

export interface Options {
  readonly follow: boolean;
  readonly speed: number;
  readonly flights: number;
  readonly stopAfter: number;
  readonly out: string;
  readonly job: JobOptions;
  readonly run: Pick<RunOptions, "from" | "savepointOnStop">;
}

const NEED_STATE = ["backend", "guarantee", "savepoint", "from"] as const;

/** @throws Error, in a sentence, for what it can't read; null where help was asked for */
export function readOptions(args: string[]): Options | null {
  const { values } = parseArgs({
    args,
    options: {
      follow: { type: "boolean", default: false },
      speed: { type: "string" },
      flights: { type: "string", default: "Infinity" },
      out: { type: "string", default: join(import.meta.dirname, "../out") },
      state: { type: "string" },
      backend: { type: "string" },
      guarantee: { type: "string" },
      "stop-after": { type: "string", default: "Infinity" },
      savepoint: { type: "string" },
      from: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return null;
  const { follow, state, from, savepoint, out } = values;
  if (values.speed !== undefined && !follow) throw new Error("--speed goes with --follow");
  if (state !== undefined && follow)
    throw new Error("--state doesn't go with --follow: what has passed can't be read again");
  for (const name of NEED_STATE)
    if (values[name] !== undefined && state === undefined) throw new Error(`--${name} goes with --state`);
  const speed = Number(values.speed ?? 3600);
  if (!(speed > 0 && speed < Number.POSITIVE_INFINITY))
    throw new Error(`--speed takes a number above 0, not ${values.speed}`);
  const [flights, stopAfter] = (["flights", "stop-after"] as const).map((name) => {
    const n = Number(values[name]);
    if (!(n > 0)) throw new Error(`--${name} takes a number above 0, not ${values[name]}`);
    return n;
  });
  return {
    follow,
    speed,
    flights,
    stopAfter,
    out,
    job: state === undefined ? {} : durable(state, values.backend, values.guarantee),
    run: {
      ...(from === undefined ? {} : { from }),
      ...(savepoint === undefined ? {} : { savepointOnStop: savepoint }),
    },
  };
}

function durable(folder: string, backend = "memory", guarantee = "exactly-once"): JobOptions {
  if (backend !== "memory" && backend !== "rocksdb")
    throw new Error(`--backend takes memory or rocksdb, not ${backend}`);
  return {
    state: backend === "memory" ? memory(folder) : rocksdb(folder),
    guarantee: guarantee as NonNullable<JobOptions["guarantee"]>, // the engine knows which there are
  };
}
