/**
 * The demo against computations that share nothing with the engine: every flight in every window it belongs to, in
 * plain maps, with the lateness rule written out.
 *
 * What each kind of test catches: wrong windows or aggregates (batch), records lost or counted twice on their way past
 * the watermark (streaming), a replay that is out of order (replay), and a command that doesn't run (command).
 */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { type Flight, flightsPipeline } from "../../demo/flights.ts";
import { flightsFile, loadReplay, paced, type Replay } from "../../demo/replay.ts";
import { forEach, fromAsyncIterable, fromIterable, type RunOptions } from "../../src/index.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const BOUND = 4 * HOUR;

interface Sums {
  flights: number;
  total: number;
  delayed: number;
}

let replay: Replay;
let flights: Flight[];
let folder: string;

before(async () => {
  replay = await loadReplay(flightsFile(), 50_000);
  flights = Array.from({ length: replay.length }, (_, i) => replay.at(i));
  folder = await mkdtemp(join(tmpdir(), "millrace-demo-"));
});

after(() => rm(folder, { recursive: true }));

async function run(records: readonly Flight[], options: RunOptions = {}) {
  const { app, airports, badHours, worstRoutes } = flightsPipeline(fromIterable(records), folder);
  const windows = new Map<string, Sums>();
  const bad: string[] = [];
  const worst: { day: number; means: number[] }[] = [];
  const late: Flight[] = [];
  airports.to(
    forEach((w) => {
      const id = `${w.key} ${w.windowStart}`;
      assert.ok(!windows.has(id), `${id} came twice`);
      assert.equal(w.windowEnd - w.windowStart, 3 * HOUR);
      const { flights: n } = w;
      windows.set(id, { flights: n, total: Math.round(w.meanDelay * n), delayed: Math.round(w.delayed * n) });
    }),
    { name: "windows" },
  );
  airports.late.to(
    forEach((flight) => void late.push(flight)),
    { name: "late" },
  );
  badHours.to(
    forEach((b) => void bad.push(`${b.key} ${b.windowStart} ${b.windowEnd} ${b.flights} ${b.worst}`)),
    { name: "bad" },
  );
  worstRoutes.to(
    forEach((d) => void worst.push({ day: d.key, means: d.routes.map((route) => route.meanDelay) })),
    { name: "worst" },
  );
  const report = await app.run(options);
  return { windows, bad: bad.sort(), worst: worst.sort((a, b) => a.day - b.day), late, report };
}

/** The windows of an airport that a flight belongs to, by their start. */
function windowStarts(flight: Flight): number[] {
  const last = Math.floor(flight.date / HOUR) * HOUR;
  return [last - 2 * HOUR, last - HOUR, last];
}

function count(windows: Map<string, Sums>, flight: Flight, start: number): void {
  const id = `${flight.origin} ${start}`;
  const sums = windows.get(id) ?? { flights: 0, total: 0, delayed: 0 };
  windows.set(id, sums);
  sums.flights += 1;
  sums.total += flight.delay;
  sums.delayed += flight.delay > 15 ? 1 : 0;
}

function groups<T>(values: readonly T[], key: (value: T) => string): T[][] {
  return [...Map.groupBy(values, key).values()];
}

describe("in batch mode", () => {
  test("the sliding windows equal a count of every flight in its three windows", async () => {
    const expected = new Map<string, Sums>();
    for (const flight of flights) for (const start of windowStarts(flight)) count(expected, flight, start);
    const { windows, late } = await run(flights, { mode: "batch" });
    assert.deepEqual(windows, expected);
    assert.equal(late.length, 0);
  });

  test("the bad hours equal runs of delayed flights in each airport's timetable", async () => {
    const expected: string[] = [];
    for (const list of groups(
      flights.filter((f) => f.delay > 60),
      (f) => f.origin,
    )) {
      list.sort((a, b) => a.date - b.date);
      for (let from = 0, to = 1; from < list.length; from = to, to++) {
        while (to < list.length && list[to].date - list[to - 1].date <= 30 * MINUTE) to++;
        const worst = Math.max(...list.slice(from, to).map((f) => f.delay));
        const end = list[to - 1].date + 30 * MINUTE;
        if (to - from >= 10)
          expected.push(`${list[0].origin} ${list[from].date} ${end} ${to - from} ${worst}`);
      }
    }
    const { bad } = await run(flights, { mode: "batch" });
    assert.ok(expected.length > 10);
    assert.deepEqual(bad, expected.sort());
  });

  test("the worst routes equal the ten greatest means of each day", async () => {
    const expected = groups(flights, (f) => String(Math.floor(f.date / DAY)))
      .map((list) => ({
        day: Math.floor(list[0].date / DAY) * DAY,
        means: groups(list, (f) => `${f.origin} ${f.destination}`)
          .filter((route) => route.length >= 3)
          .map((route) => route.reduce((sum, f) => sum + f.delay, 0) / route.length)
          .sort((a, b) => b - a)
          .slice(0, 10),
      }))
      .sort((a, b) => a.day - b.day);
    const { worst } = await run(flights, { mode: "batch" });
    assert.ok(expected.length >= 3);
    assert.deepEqual(worst, expected);
  });
});

describe("in streaming mode", () => {
  test("each window holds what came before the watermark, and what came too late for all windows is in the late file", async () => {
    const expected = new Map<string, Sums>();
    const expectedLate: Flight[] = [];
    let [latest, missed] = [Number.NEGATIVE_INFINITY, 0];
    for (const flight of flights) {
      latest = Math.max(latest, flight.date);
      const inTime = windowStarts(flight).filter((start) => start + 3 * HOUR > latest - BOUND);
      missed += 3 - inTime.length;
      if (inTime.length === 0) expectedLate.push(flight);
      for (const start of inTime) count(expected, flight, start);
    }
    const { windows, late, report } = await run(flights);
    assert.ok(expectedLate.length > 0 && missed > 3 * expectedLate.length);
    assert.deepEqual(windows, expected);
    assert.deepEqual(late, expectedLate);

    const counted = [...windows.values()].reduce((sum, w) => sum + w.flights, 0);
    const operator = report.operators.find((o) => o.name === "airports");
    assert.equal(operator?.missedWindows, missed);
    assert.equal(counted + missed, 3 * flights.length);
    const lines = (await readFile(join(folder, "late.ndjson"), "utf8")).trimEnd().split("\n");
    assert.deepEqual(
      lines.map((line) => JSON.parse(line)),
      expectedLate,
    );
  });

  test("a flight from the future is refused and moves no watermark", async () => {
    const at = Date.UTC(2001, 1, 27);
    const flight = (hour: number, delay: number): Flight => ({
      date: at + hour * HOUR,
      delay,
      origin: "MIA",
      destination: "STL",
    });
    const { late, windows, report } = await run([flight(4, 0), flight(23, -1116), flight(4.5, 0)]);
    assert.equal(late.length, 0);
    assert.equal(windows.get(`MIA ${at + 4 * HOUR}`)?.flights, 2);
    assert.equal(report.sources[0].deadLettered, 1);
    const refused = JSON.parse(await readFile(join(folder, "refused.ndjson"), "utf8"));
    assert.match(refused.reason, /left 1116 minutes early/);
  });
});

describe("the replay", () => {
  test("gives the flights in the order in which they left, and those of one minute as the file has them", () => {
    for (let i = 1; i < replay.length; i++) {
      const [before, now] = [replay.leftAt(i - 1), replay.leftAt(i)];
      assert.ok(before < now || (before === now && flights[i - 1].date <= flights[i].date), `flight ${i}`);
    }
    assert.ok(
      flights.some((flight, i) => i > 0 && flight.date < flights[i - 1].date),
      "no disorder to speak of",
    );
  });

  test("paced, gives the same flights, none before its time", async () => {
    const few: Replay = { ...replay, length: 300 };
    const hours = (replay.leftAt(299) - replay.leftAt(0)) / HOUR;
    const began = performance.now();
    const live: Flight[] = [];
    for await (const flight of paced(few, (hours * HOUR) / 300)) {
      live.push(flight);
      const due = began + ((replay.leftAt(live.length - 1) - replay.leftAt(0)) / (hours * HOUR)) * 300;
      assert.ok(performance.now() >= due - 5, "too early by more than timers are"); // milliseconds
    }
    assert.deepEqual(live, flights.slice(0, 300));
  });

  test("live, lets go of the process when the job is told to stop", async () => {
    const { app } = flightsPipeline(fromAsyncIterable(paced(replay, 1)), folder);
    const report = await app.run({ signal: AbortSignal.timeout(50) });
    assert.ok(report.stopped);
    assert.ok(
      !process.getActiveResourcesInfo().includes("Timeout"),
      "the next flight keeps the process alive",
    );
  });
});

describe("the command", () => {
  const main = join(import.meta.dirname, "../../demo/main.ts");
  const demo = (...args: string[]) => promisify(execFile)(process.execPath, [main, ...args]);

  test("prints its tables, writes its files, and is silent on standard error where nobody watches", async () => {
    const out = join(folder, "out");
    const { stdout, stderr } = await demo("--flights", "50000", "--out", out);
    assert.equal(stderr, "");
    for (const heading of [
      /^Worst three hours/m,
      /^Longest bad hours/m,
      /^Worst routes/m,
      /^ {2}flights +50,000 /m,
    ]) {
      assert.match(stdout, heading);
    }
    assert.match(stdout, /^[\x20-\x7e\n]*$/);
    assert.deepEqual((await readdir(out)).sort(), [
      "airports.ndjson",
      "bad-hours.ndjson",
      "late.ndjson",
      "refused.ndjson",
      "worst-routes.ndjson",
    ]);
  });

  test("live, prints results as they come and ends with its tables on ctrl-C", async () => {
    const args = ["--follow", "--speed", "50000", "--flights", "50000", "--out", join(folder, "live")];
    const child = spawn(process.execPath, [main, ...args]);
    let [stdout, stderr] = ["", ""];
    child.stderr.on("data", (chunk) => (stderr += chunk));
    child.stdout.on("data", (chunk) => {
      stdout += chunk;
      if (!child.killed && stdout.includes("min late")) child.kill("SIGINT"); // a second one would end it at once
    });
    const [code] = await once(child, "close");
    assert.equal(stderr, "");
    assert.equal(code, 0);
    assert.match(stdout, /^2001-01-01 .* min late/m);
    assert.match(stdout, /^Stopped after [\d,]+ flights\.$/m);
    assert.match(stdout, /^Longest bad hours/m);
  });

  test("says in a sentence what it does not understand", async () => {
    await assert.rejects(demo("--follow", "--speed", "0"), {
      code: 1,
      stderr: "demo: --speed takes a number above 0, not 0\n",
    });
  });
});
