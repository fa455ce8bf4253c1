/** The worked examples of the mission, each under its own words. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  avg,
  collect,
  count,
  forEach,
  fromAsyncIterable,
  fromIterable,
  pipeline,
  type RunReport,
  sliding,
  sum,
  tumbling,
} from "../../src/index.ts";
import { systemPorts } from "../../src/core/ports.ts";
import { at, clock } from "./clock-time.ts";
import { done, runBoth } from "./run-both.ts";

test("a purchase made at 10:00:00 and processed at 10:00:05 counts in the window of 10:00:00", async () => {
  const purchases = [
    { id: "b", madeAt: at("10:00:04") },
    { id: "c", madeAt: at("10:00:05") },
    { id: "a", madeAt: at("10:00:00") },
  ];
  // The clock of the machine stands at 10:00:05 while all three are processed.
  const ports = { ...systemPorts, clock: { ...systemPorts.clock, now: () => at("10:00:05") } };
  const { windows, report } = await runBoth(
    (app) => {
      const windows = app
        .source(fromIterable(purchases), {
          timestamp: (p) => p.madeAt,
          watermark: { maxOutOfOrderness: "5s" },
        })
        .keyBy(() => "all")
        .window(tumbling("1s"))
        .aggregate(collect((p) => p.id))
        .map((w) => ({ window: clock(w.windowStart), purchases: w.value }));
      return { windows };
    },
    { ports },
  );
  assert.deepEqual(windows, [
    { window: "10:00:00", purchases: ["a"] },
    { window: "10:00:04", purchases: ["b"] },
    { window: "10:00:05", purchases: ["c"] },
  ]);
  assert.deepEqual(done(report, "window"), { contributed: 3 });
});

const disordered = ["10:01", "10:02", "10:00", "10:03"].map((time) => ({ time, at: at(time) }));

test("10:01, 10:02, 10:00, 10:03 with the watermark at 10:00: disorder within the bound loses nothing", async () => {
  const { windows, late, report } = await runBoth((app) => {
    const perMinute = app
      .source(fromIterable(disordered), { timestamp: (r) => r.at, watermark: { maxOutOfOrderness: "2m" } })
      .keyBy(() => "all")
      .window(tumbling("1m"))
      .aggregate(collect((r) => r.time));
    return {
      windows: perMinute.map((w) => `[${clock(w.windowStart)}, ${clock(w.windowEnd)}) ${w.pane}: ${w.value}`),
      late: perMinute.late,
    };
  });
  assert.deepEqual(windows, [
    "[10:00:00, 10:01:00) on-time: 10:00",
    "[10:01:00, 10:02:00) on-time: 10:01",
    "[10:02:00, 10:03:00) on-time: 10:02",
    "[10:03:00, 10:04:00) on-time: 10:03",
  ]);
  assert.deepEqual(late, []);
  assert.deepEqual(done(report, "window"), { contributed: 4 });
});

test("10:01, 10:02, 10:00, 10:03 with a bound of 1 minute: 10:00 comes at the watermark 10:01 and is late", async () => {
  const { windows, late, report } = await runBoth((app) => {
    const perMinute = app
      .source(fromIterable(disordered), { timestamp: (r) => r.at, watermark: { maxOutOfOrderness: "1m" } })
      .keyBy(() => "all")
      .window(tumbling("1m"))
      .aggregate(count());
    return { windows: perMinute.map((w) => clock(w.windowStart)), late: perMinute.late.map((r) => r.time) };
  });
  assert.deepEqual(windows, ["10:01:00", "10:02:00", "10:03:00"]);
  assert.deepEqual(late, ["10:00"]);
  assert.deepEqual(done(report, "window"), { contributed: 3, late: 1 });
});

/** Runs an input that stays open, and stops the job at its last record. */
async function runOpenEnded(times: readonly string[], maxOutOfOrderness: "2m" | "5s", codegen: "on" | "off") {
  async function* input() {
    for (const time of times) yield { time, at: at(time) };
    await new Promise(() => {}); // more may follow
  }
  const stop = new AbortController();
  const app = pipeline("open-ended");
  const fired: string[] = [];
  app
    .source(fromAsyncIterable(input()), { timestamp: (r) => r.at, watermark: { maxOutOfOrderness } })
    .peek((r) => {
      if (r.time === times.at(-1)) stop.abort();
    })
    .keyBy(() => "all")
    .window(tumbling("1m"))
    .aggregate(count())
    .to(forEach((w) => void fired.push(clock(w.windowStart))));
  const report: RunReport = await app.run({ codegen, signal: stop.signal, handleSignals: false });
  return { fired, stopped: report.stopped, watermark: clock(report.sources[0].watermark) };
}

for (const codegen of ["on", "off"] as const) {
  test(`a maximum of 10:00:00 with a lateness bound of 5 s gives the watermark 09:59:55 (codegen ${codegen})`, async () => {
    assert.deepEqual(await runOpenEnded(["09:59:58", "10:00:00", "09:59:57"], "5s", codegen), {
      fired: [],
      stopped: true,
      watermark: "09:59:55",
    });
  });

  test(`10:01, 10:02, 10:00, 10:03: of these only the window of 10:00 has fired before the end (codegen ${codegen})`, async () => {
    assert.deepEqual(await runOpenEnded(["10:01", "10:02", "10:00", "10:03"], "2m", codegen), {
      fired: ["10:00:00"],
      stopped: true,
      watermark: "10:01:00",
    });
  });
}

test("tumbling windows of 5 s: 0-5, 5-10, 10-15 s, and a record on a boundary belongs to the later one", async () => {
  const records = [0, 1, 4.999, 5, 9.999, 10, 14.999].map((s) => ({ s, at: s * 1000 }));
  const { windows } = await runBoth((app) => ({
    windows: app
      .source(fromIterable(records), { timestamp: (r) => r.at })
      .keyBy(() => "all")
      .window(tumbling("5s"))
      .aggregate({ seconds: collect((r) => r.s) })
      .map((w) => [w.windowStart / 1000, w.windowEnd / 1000, w.seconds]),
  }));
  assert.deepEqual(windows, [
    [0, 5, [0, 1, 4.999]],
    [5, 10, [5, 9.999]],
    [10, 15, [10, 14.999]],
  ]);
});

test("sliding windows of 5 s every 2 s: a record is in two or three of them", async () => {
  const records = [1, 4, 5, 7].map((s) => ({ s, at: s * 1000 }));
  const { windows, report } = await runBoth((app) => ({
    windows: app
      .source(fromIterable(records), { timestamp: (r) => r.at })
      .keyBy(() => "all")
      .window(sliding("5s", "2s"))
      .aggregate({ seconds: collect((r) => r.s) })
      .map((w) => [w.windowStart / 1000, w.windowEnd / 1000, w.seconds]),
  }));
  assert.deepEqual(windows, [
    [-2, 3, [1]],
    [0, 5, [1, 4]],
    [2, 7, [4, 5]],
    [4, 9, [4, 5, 7]],
    [6, 11, [7]],
  ]);
  assert.deepEqual(done(report, "window"), { contributed: 4 });
});

const purchases = [
  { user: "ada", amount: 1500, at: at("10:00:01") },
  { user: "bob", amount: 1000, at: at("10:00:02") },
  { user: "ada", amount: 200, at: at("10:00:03") },
  { user: "bob", amount: 1001, at: at("10:00:06") },
  { user: "ada", amount: 4000, at: at("10:00:09") },
];

test("only amounts > 1000", async () => {
  const { large, report } = await runBoth((app) => ({
    large: app
      .source(fromIterable(purchases))
      .filter((p) => p.amount > 1000)
      .map((p) => `${p.user} ${p.amount}`),
  }));
  assert.deepEqual(large, ["ada 1500", "bob 1001", "ada 4000"]);
  assert.deepEqual(done(report, "filter"), { contributed: 3, filtered: 2 });
});

test("events per window", async () => {
  const { windows } = await runBoth((app) => ({
    windows: app
      .source(fromIterable(purchases), { timestamp: (p) => p.at })
      .keyBy(() => "all")
      .window(tumbling("5s"))
      .aggregate(count()),
  }));
  assert.deepEqual(windows, [
    { key: "all", windowStart: 36000000, windowEnd: 36005000, pane: "on-time", paneIndex: 0, value: 3 },
    { key: "all", windowStart: 36005000, windowEnd: 36010000, pane: "on-time", paneIndex: 0, value: 2 },
  ]);
});

test("sums per user", async () => {
  const { windows } = await runBoth((app) => ({
    windows: app
      .source(fromIterable(purchases), { timestamp: (p) => p.at })
      .keyBy((p) => p.user)
      .window(tumbling("5s"))
      .aggregate({ total: sum((p) => p.amount) })
      .map((w) => `${clock(w.windowStart)} ${w.key} ${w.total}`),
  }));
  assert.deepEqual(windows.toSorted(), [
    "10:00:00 ada 1700",
    "10:00:00 bob 1000",
    "10:00:05 ada 4000",
    "10:00:05 bob 1001",
  ]);
});

test("average latency per endpoint", async () => {
  const requests = [
    { endpoint: "/cart", ms: 10, at: 0 },
    { endpoint: "/pay", ms: 300, at: 100 },
    { endpoint: "/cart", ms: 25, at: 59_999 },
    { endpoint: "/pay", ms: 100, at: 60_000 },
  ];
  const { windows } = await runBoth((app) => ({
    windows: app
      .source(fromIterable(requests), { timestamp: (r) => r.at })
      .keyBy((r) => r.endpoint)
      .window(tumbling("1m"))
      .aggregate({ latency: avg((r) => r.ms) })
      .map((w) => `${w.windowStart} ${w.key} ${w.latency}`),
  }));
  assert.deepEqual(windows.toSorted(), ["0 /cart 17.5", "0 /pay 300", "60000 /pay 100"]);
});
