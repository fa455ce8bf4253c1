/** `npm run demo`: three million real flights through one pipeline, and a table of where it was bad. */
import { mkdir } from "node:fs/promises";
import { relative } from "node:path";
import { fromAsyncIterable, generator } from "../src/index.ts";
import { flightsPipeline } from "./flights.ts";
import { account, Highlights } from "./highlights.ts";
import { HELP, type Options, readOptions } from "./options.ts";
import { showProgress } from "./progress.ts";
import { printLive } from "./live.ts";
import { flightsFile, loadReplay, paced } from "./replay.ts";
import { moment, whole } from "./text.ts";

async function main({ follow, speed, flights, stopAfter, out, job, run }: Options): Promise<void> {
  await mkdir(out, { recursive: true });
  const replay = await loadReplay(flightsFile(), flights, showProgress("reading"));

  const stop = new AbortController();
  const flight = (i: number) => {
    if (i === stopAfter) stop.abort();
    return replay.at(i);
  };
  const source = follow
    ? fromAsyncIterable(paced(replay, speed), { name: "flights, live" })
    : generator(flight, { count: replay.length, name: "flights" });
  const streams = flightsPipeline(source, out, job);
  const highlights = new Highlights(streams);
  if (follow) {
    printLive(streams);
    console.log(
      `From ${moment(replay.leftAt(0))} on, ${whole(speed)} times as fast as it was. ` +
        "Windows wait 4 hours for late flights. Ctrl-C ends.",
    );
  }

  const onNote = (note: string) => console.error(`note: ${note}`);
  const report = await streams.app.run(
    follow ? {} : { ...run, signal: stop.signal, onProgress: showProgress("running"), onNote },
  );

  if (report.recordsBefore > 0) {
    const before = `Earlier runs read ${whole(report.recordsBefore)} flights`;
    console.log(`\n${before}: the tables show what came after them.`);
  }
  if (report.stopped) console.log(`\nStopped after ${whole(report.sources[0].records)} flights.`);
  console.log(`\n${highlights}\n${account(report, replay)}`);
  console.log(
    `  ${relative(process.cwd(), out) || "."}/: airports, bad-hours, worst-routes, late, refused (.ndjson)`,
  );
  if (report.stopped && !follow && !stop.signal.aborted) process.exitCode = 130;
}

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0); // `| head` has seen enough
  throw error;
});

try {
  const asked = readOptions(process.argv.slice(2));
  if (asked === null) process.stdout.write(HELP);
  else await main(asked);
} catch (error) {
  console.error(`demo: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
