/** changelog() by example: what it gives and keeps; what it and throttle() refuse. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type AggregatedStream,
  type Change,
  count,
  countWindow,
  everyCount,
  fromIterable,
  globalWindow,
  max,
  MillraceError,
  onTime,
  pipeline,
  repeatedly,
  session,
  tumbling,
  type WindowAssigner,
  type WindowOptions,
} from "../../src/index.ts";
import { testDriver } from "../../src/testing/index.ts";
import { type Item, itemsOf, nowhere, results, type Row, text } from "./changelog-rows.ts";
import { done, operator, runBoth } from "./run-both.ts";

/** The changes that records make which come one by one. */
async function changesOf(windows: WindowAssigner<Item>, options: WindowOptions, ...ats: number[]) {
  const app = pipeline("changes");
  results(app, [], windows, options).changelog().map(text).to(nowhere(), { name: "out" });
  const driver = await testDriver(app);
  for (const record of itemsOf(...ats)) await driver.push("in", record);
  const changes = driver.take("out").map(({ value }) => value);
  const rows = driver.report().operators.find(({ name }) => name === "changelog")?.rows;
  await driver.end();
  const last = driver.take("out").map(({ value }) => value);
  await driver.close();
  return { changes, rows, last };
}

describe("changelog()", () => {
  test("gives the first pane of a window as +I, a later one as -U with the row that is out and +U with its own", async () => {
    const { changes } = await changesOf(tumbling(10), { allowedLateness: 20 }, 1, 5, 12, 3);
    assert.deepEqual(changes, ["+I 0-10 on-time 0: 1,5", "-U 0-10 on-time 0: 1,5", "+U 0-10 late 1: 1,5,3"]);
  });

  test("retracts, with -D, each session that another one stands in for", async () => {
    const { changes } = await changesOf(session(5), { allowedLateness: 100 }, 0, 9, 20, 4);
    assert.deepEqual(changes, [
      "+I 0-5 on-time 0: 0",
      "+I 9-14 on-time 0: 9",
      "-D 0-5 on-time 0: 0",
      "-D 9-14 on-time 0: 9",
      "+I 0-14 late 2: 0,4,9",
    ]);
  });

  test("retracts a session also if its next pane comes long after the lateness of the one that is out", async () => {
    const ats = [0, 6, 5, 10, 15, 20, 25, 30, 50];
    const { changes, rows } = await changesOf(session(5), { allowedLateness: 2 }, ...ats);
    assert.deepEqual(changes, [
      "+I 0-5 on-time 0: 0",
      "-D 0-5 on-time 0: 0",
      "+I 0-35 on-time 1: 0,5,6,10,15,20,25,30",
    ]);
    assert.equal(rows, 0, "and keeps nothing of a session that is over");
  });

  test("updates a session that fires again with the same bounds", async () => {
    const { changes } = await changesOf(session(5), { allowedLateness: 100 }, 0, 4, 20, 2);
    assert.deepEqual(changes, ["+I 0-9 on-time 0: 0,4", "-U 0-9 on-time 0: 0,4", "+U 0-9 late 1: 0,4,2"]);
  });

  test("gives each change the timestamp of the pane that causes it", async () => {
    const app = pipeline("stamps");
    results(app, [], session(5), { allowedLateness: 100 }).changelog().to(nowhere(), { name: "out" });
    const driver = await testDriver(app);
    for (const record of itemsOf(0, 9, 20, 4)) await driver.push("in", record);
    const stamps = driver.take("out").map(({ value, timestamp }) => [(value as Change<Row>).op, timestamp]);
    assert.deepEqual(stamps, [
      ["+I", 4],
      ["+I", 13],
      ["-D", 13],
      ["-D", 13],
      ["+I", 13],
    ]);
    await driver.close();
  });

  test("says nothing of a pane that says the same as the one that is out, but for its index", async () => {
    const { out } = await runBoth((app) => ({
      out: app
        .source(fromIterable(itemsOf(1, 5, 12, 3, 4, 6)), { timestamp: (r) => r.at })
        .keyBy((r) => r.k)
        .window(tumbling(10), { allowedLateness: 20 })
        .aggregate({ last: max((r) => r.at) })
        .changelog()
        .map(({ op, row }) => `${op} ${row.windowStart} ${row.pane} ${row.paneIndex}: ${row.last}`),
    }));
    assert.deepEqual(out, [
      "+I 0 on-time 0: 5",
      // Of another kind: who looks at the table sees that it is no more on time.
      "-U 0 on-time 0: 5",
      "+U 0 late 1: 5",
      "-U 0 late 1: 5",
      "+U 0 late 3: 6",
      "+I 10 on-time 0: 12",
    ]);
  });

  test("tells that a window is complete, also if nothing came since its early pane", async () => {
    const { changes } = await changesOf(tumbling(10), { trigger: onTime({ early: everyCount(1) }) }, 1, 12);
    assert.deepEqual(changes, [
      "+I 0-10 early 0: 1",
      "+I 10-20 early 0: 12",
      "-U 0-10 early 0: 1",
      "+U 0-10 on-time 1: 1",
    ]);
  });

  test("keeps a row per window until that can't fire any more", async () => {
    const rowsAt = async (...ats: number[]) =>
      (await changesOf(tumbling(10), { allowedLateness: 20 }, ...ats)).rows;
    assert.equal(await rowsAt(1), 0);
    assert.equal(await rowsAt(1, 10), 1);
    assert.equal(await rowsAt(1, 10, 29), 2);
    assert.equal(await rowsAt(1, 10, 30), 1);
    assert.equal(await rowsAt(1, 10, 40), 0);
  });

  test("keeps nothing, and gives +I only, where each window has one pane", async () => {
    const cases: readonly (readonly [WindowAssigner<Item>, WindowOptions])[] = [
      [tumbling(10), {}],
      [session(5), {}],
      [tumbling(10), { allowedLateness: 20, finalOnly: true }],
      [session(5), { allowedLateness: 20, finalOnly: true }],
      [countWindow(2), {}],
      [countWindow(3, 1), {}],
    ];
    for (const [windows, options] of cases) {
      const { changes, rows, last } = await changesOf(windows, options, 1, 5, 12, 3, 40, 41);
      assert.ok(changes.length + last.length > 1);
      for (const change of [...changes, ...last]) assert.match(String(change), /^\+I/);
      assert.equal(rows, 0);
    }
  });

  test("takes keys of all kinds for what they are", async () => {
    const keys = ["1", 1, 1n, true, ["1", 1], ["1"]] as const;
    const { out } = await runBoth((app) => ({
      out: app
        .source(fromIterable([...keys.keys(), ...keys.keys()]), {
          timestamp: (i) => i % 2,
          watermark: "none",
        })
        .keyBy((i) => keys[i] as string | number | bigint | boolean | readonly (string | number)[])
        .window(globalWindow(), { trigger: repeatedly(everyCount(1)) })
        .aggregate(count())
        .changelog()
        .map(({ op, row }) => [op, row.key, row.value]),
    }));
    assert.deepEqual(out, [
      ...keys.map((key) => ["+I", key, 1]),
      ...keys.flatMap((key) => [
        ["-U", key, 1],
        ["+U", key, 2],
      ]),
    ]);
  });

  test("accounts for its panes (INV-5)", async () => {
    const { report } = await runBoth((app) => ({
      out: results(app, itemsOf(0, 9, 20, 4, 22), session(5), { allowedLateness: 100 }).changelog(),
    }));
    assert.equal(operator(report, "window").out, 4);
    assert.equal(operator(report, "changelog").in, 4);
    assert.equal(operator(report, "changelog").out, 6);
    assert.deepEqual(done(report, "changelog"), { contributed: 4 });
  });

  test("says in explain() what it keeps", () => {
    const explained = (windows: WindowAssigner<Item>, options: WindowOptions, throttle?: "10s") => {
      const app = pipeline("explained");
      const changes = results(app, [], windows, options).changelog(
        throttle === undefined ? {} : { throttle },
      );
      changes.to(nowhere());
      return app.explain();
    };
    const late = explained(tumbling(10), { allowedLateness: 20 });
    assert.match(late, /stage 3 {2}changelog changelog: \+I -U \+U -D$/m);
    assert.match(late, /state: results: one row per key and window end: the pane that is out$/m);
    assert.match(late, /bound: the windows that have fired and may fire again$/m);
    const single = explained(tumbling(10), {}, "10s");
    assert.match(single, /changelog changelog: \+I only, as each window has one pane$/m);
    assert.doesNotMatch(single, /state: results/);
    const global = explained(globalWindow(), { trigger: repeatedly(everyCount(1)) }, "10s");
    assert.match(global, /\+I -U \+U -D, at most once in 10s per window and key$/m);
    assert.match(
      global,
      /changelog: the pane of each key stays to the end of the input, as window has no end/,
    );
    assert.match(
      explained(session(5), { allowedLateness: 20 }),
      /state: results: one row per key with sessions/,
    );
  });
});

describe("changelog() and throttle() refuse", () => {
  const refused = (
    use: (rows: AggregatedStream<Row, Item>) => unknown,
    options: WindowOptions,
    what: RegExp,
  ) =>
    assert.throws(
      () => use(results(pipeline("refused"), [], tumbling(10), options)),
      (error: unknown) => {
        assert.ok(error instanceof MillraceError);
        assert.match(`${error.code} ${error.message}`, what);
        return true;
      },
    );

  test("discarding windows, whose panes add up", () => {
    const options: WindowOptions = { allowedLateness: 5, panes: "discarding" };
    refused(
      (rows) => rows.changelog(),
      options,
      /OPTION_INVALID changelog: the panes of window are discarding/,
    );
    refused(
      (rows) => rows.throttle("1s"),
      options,
      /OPTION_INVALID throttle: the panes of window are discarding/,
    );
  });

  test("what is no interval above zero", () => {
    for (const interval of [0, "0s"] as const) {
      refused(
        (rows) => rows.throttle(interval),
        {},
        /OPTION_INVALID throttle: the interval must be above zero/,
      );
      refused((rows) => rows.changelog({ throttle: interval }), {}, /OPTION_INVALID changelog: the interval/);
    }
    for (const interval of [-1, Number.NaN, "soon"] as never[]) {
      refused((rows) => rows.throttle(interval), {}, /DURATION_INVALID .*throttle/);
      refused((rows) => rows.changelog({ throttle: interval }), {}, /DURATION_INVALID .*throttle/);
    }
  });
});
