/** `npm run demo`: three million real flights through one pipeline, and a table of where it was bad. */
import { mkdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { fromAsyncIterable, generator } from "../src/index.ts";
import { flightsPipeline } from "./flights.ts";
import { account, Highlights } from "./highlights.ts";
import { showProgress } from "./progress.ts";
import { printLive } from "./live.ts";
import { flightsFile, loadReplay, paced } from "./replay.ts";
import { moment, whole } from "./text.ts";

const HELP = `npm run demo -- [options]

  Replays three million flights in the United States (January to June 2001) in the order
  in which they left, and computes delays per airport, bad hours and the worst routes.

  --follow       live: time passes at --speed, results are printed as they come; ends on ctrl-C
  --speed N      with --follow: N times real time (default 3600: an hour a second)
  --flights N    only the first N flights
  --out FOLDER   where the results go (default: out)
  --help
`;

interface Options {
  readonly follow: boolean;
  readonly speed: number;
  readonly flights: number;
  readonly out: string;
}

/** @throws Error, in a sentence, for what it can't read; null where help was asked for */
function options(args: string[]): Options | null {
  const { values } = parseArgs({
    args,
    options: {
      follow: { type: "boolean", default: false },
      speed: { type: "string" },
      flights: { type: "string", default: "Infinity" },
      out: { type: "string", default: join(import.meta.dirname, "../out") },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return null;
  if (values.speed !== undefined && !values.follow) throw new Error("--speed goes with --follow");
  const [speed, flights] = [Number(values.speed ?? 3600), Number(values.flights)];
  if (!(speed > 0 && speed < Number.POSITIVE_INFINITY))
    throw new Error(`--speed takes a number above 0, not ${values.speed}`);
  if (!(flights > 0)) throw new Error(`--flights takes a number above 0, not ${values.flights}`);
  return { follow: values.follow, speed, flights, out: values.out };
}

async function main({ follow, speed, flights, out }: Options): Promise<void> {
  await mkdir(out, { recursive: true });
  const replay = await loadReplay(flightsFile(), flights, showProgress("reading"));

  const source = follow
    ? fromAsyncIterable(paced(replay, speed), { name: "flights, live" })
    : generator((i) => replay.at(i), { count: replay.length, name: "flights" });
  const streams = flightsPipeline(source, out);
  const highlights = new Highlights(streams);
  if (follow) {
    printLive(streams);
    console.log(
      `From ${moment(replay.leftAt(0))} on, ${whole(speed)} times as fast as it was. ` +
        "Windows wait 4 hours for late flights. Ctrl-C ends.",
    );
  }

  const report = await streams.app.run(follow ? {} : { onProgress: showProgress("running") });

  if (report.stopped) console.log(`\nStopped after ${whole(report.sources[0].records)} flights.`);
  console.log(`\n${highlights}\n${account(report, replay, highlights)}`);
  console.log(
    `  ${relative(process.cwd(), out) || "."}/: airports, bad-hours, worst-routes, late, refused (.ndjson)`,
  );
  if (report.stopped && !follow) process.exitCode = 130;
}

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0); // `| head` has seen enough
  throw error;
});

try {
  const asked = options(process.argv.slice(2));
  if (asked === null) process.stdout.write(HELP);
  else await main(asked);
} catch (error) {
  console.error(`demo: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
