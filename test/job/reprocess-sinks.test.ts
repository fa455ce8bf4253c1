/** Which sinks and sources a reprocessing takes, what it leaves alone and says of that, and what it never touches. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { sqliteTable } from "../../src/connector/sqlite/index.ts";
import {
  collect,
  count,
  countWindow,
  forEach,
  fromIterable,
  generator,
  globalWindow,
  lateLog,
  memory,
  ndjson,
  ndjsonFile,
  onTime,
  output,
  type Pipeline,
  pipeline,
  session,
  type Source,
  type Stream,
  sum,
  everyCount,
  tumbling,
  valueState,
  type WindowAssigner,
} from "../../src/index.ts";
import { type Order, ReprocessCase } from "./reprocess-case.ts";
import { scratch } from "./scratch.ts";

const path = scratch();
let made = 0;
const database = (): string => path(`${made++}.db`);

const order = (id: number, at: number, user = "ada", n = 1): Order => ({ id, user, at, n });
/** The third is late for a window of 10. */
const ORDERS = [order(0, 1), order(1, 12), order(2, 5), order(3, 31)];

function rows(path: string, sql = "SELECT * FROM totals ORDER BY key, windowStart"): unknown[] {
  const db = new DatabaseSync(path);
  try {
    return db
      .prepare(sql)
      .all()
      .map((row) => Object.values(row).join(" "));
  } finally {
    db.close();
  }
}

const table = (path: string, key: readonly string[] = ["key", "windowStart"]) =>
  sqliteTable<any>(path, { table: "totals", key });

/** What `build` makes of the orders, as a pipeline. */
function app(
  build: (orders: Stream<Order>, app: Pipeline) => void,
  source: Source<Order> = fromIterable(ORDERS),
): Pipeline {
  const app = pipeline("orders");
  build(app.source(source, { name: "orders", timestamp: ({ at }) => at }), app);
  return app;
}

const perUser = (orders: Stream<Order>, windows: WindowAssigner<Order> = tumbling(10)) =>
  orders
    .keyBy(({ user }) => user)
    .window(windows)
    .aggregate({ orders: count() });

const ALL = { from: -1000, to: 1000, handleSignals: false };

// --- sinks ---

test("sinks that only append are not opened, and named in the report", async () => {
  const db = database();
  const out = path("out.ndjson");
  writeFileSync(out, "yesterday's\n");
  const seen: unknown[] = [];
  const { left, corrected } = await app((orders, app) => {
    perUser(orders)
      .to(table(db), { name: "totals" })
      .to(ndjsonFile(out), { name: "file" })
      .to(
        forEach((row) => void seen.push(row)),
        { name: "callback" },
      );
    app.deadLetters.to(ndjsonFile(path("letters.ndjson")));
  }).reprocess(ALL);
  assert.deepEqual(
    left.map(({ name, why }) => `${name}: ${why}`),
    [
      "file: it only appends, and what it has can't be taken back",
      "callback: it only appends, and what it has can't be taken back",
      "deadLetters: it has the dead letters of the job",
    ],
  );
  assert.deepEqual(corrected, [{ name: "totals", rows: 3, changed: 3, removed: 0, stale: null }]);
  assert.equal(readFileSync(out, "utf8"), "yesterday's\n");
  assert.deepEqual(seen, []);
  assert.ok(!existsSync(path("letters.ndjson")));
});

test("a pipeline without a table behind a window is refused, with the reason for each sink", async () => {
  const db = database();
  const reasons: [string, (orders: Stream<Order>) => void][] = [
    ["it only appends", (orders) => void perUser(orders).to(forEach(() => {}))],
    [
      "its rows come from orders and no window",
      (orders) => void orders.to(sqliteTable(db, { table: "t", key: ["id"] })),
    ],
    [
      "the windows of counted have no bounds in time",
      (orders) =>
        void orders
          .keyBy(({ user }) => user)
          .window(countWindow(2), { name: "counted" })
          .aggregate(count())
          .to(table(db, ["key"])),
    ],
    [
      "the windows of all have no bounds in time",
      (orders) =>
        void orders
          .keyBy(({ user }) => user)
          .window(globalWindow(), { name: "all", trigger: onTime({ early: everyCount(2) }) })
          .aggregate(count())
          .to(table(db, ["key"])),
    ],
    [
      "its rows come from users, which has no windows",
      (orders) =>
        void orders
          .keyBy(({ user }) => user)
          .process(
            { emits: output<{ user: string }>(), onRecord: ({ user }, { emit }) => emit({ user }) },
            { name: "users" },
          )
          .to(table(db, ["user"])),
    ],
    [
      "it is made of the late records of hours, and here no record is late",
      (orders) =>
        void perUser(
          orders
            .keyBy(({ user }) => user)
            .window(tumbling(10), { name: "hours" })
            .aggregate(count()).late,
        ).to(table(db)),
    ],
    [
      "before it stands visits, whose timers and times to live need the progress of time",
      (orders) =>
        void perUser(
          orders
            .keyBy(({ user }) => user)
            .process(
              {
                state: { last: valueState<number>({ ttl: "1h" }) },
                emits: output<Order>(),
                onRecord: (order, { emit }) => emit(order),
              },
              { name: "visits" },
            ),
        ).to(table(db)),
    ],
  ];
  for (const [why, build] of reasons) {
    await assert.rejects(app(build).reprocess(ALL), (error: Error & { code: string }) => {
      assert.equal(error.code, "PIPELINE_INVALID");
      assert.ok(error.message.includes(why), error.message);
      return true;
    });
  }
  assert.ok(!existsSync(db), "nothing was opened");
});

test("rows that don't tell their windows are put, none is removed, and the report says so", async () => {
  const reasons: [RegExp, (row: any) => object][] = [
    [
      /have no columns windowStart and windowEnd/,
      ({ key, windowStart, orders }) => ({ key, since: windowStart, orders }),
    ],
    [
      /not the windows' bounds in milliseconds/,
      ({ windowStart, windowEnd, ...row }) => ({
        ...row,
        since: windowStart,
        windowStart: new Date(windowStart),
        windowEnd: new Date(windowEnd),
      }),
    ],
  ];
  for (const [why, toRow] of reasons) {
    const db = database();
    const made = app((orders) =>
      perUser(orders, session(8))
        .map(toRow)
        .to(table(db, ["key", "since"])),
    );
    await made.run({ handleSignals: false });
    const { corrected } = await made.reprocess(ALL);
    assert.match(String(corrected[0]?.stale), why);
    assert.equal(corrected[0]?.removed, 0);
    // Session [5, 20) is a part of [1, 20) now, and still there.
    assert.deepEqual(rows(db, "SELECT since, orders FROM totals ORDER BY since"), ["1 3", "5 2", "31 1"]);
  }
});

test("what a filter behind the window leaves out now is removed", async () => {
  const db = database();
  const made = (least: number): Pipeline =>
    app((orders) =>
      perUser(orders)
        .filter((row) => row.orders >= least)
        .to(table(db)),
    );
  await made(0).run({ handleSignals: false });
  const { corrected } = await made(2).reprocess({ ...ALL, to: 40 });
  assert.deepEqual(corrected[0], { name: "sink", rows: 1, changed: 1, removed: 2, stale: null });
  assert.deepEqual(rows(db, "SELECT windowStart, orders FROM totals"), ["0 2"]);
});

test("a stream that leads to a table and to windows of its own is right in both", async () => {
  const [inner, outer] = [database(), database()];
  const made = app((orders) => {
    const busy = perUser(orders, tumbling(7)).filter(() => true);
    busy.to(table(inner), { name: "inner" });
    busy
      .keyBy(({ key }) => key)
      .window(tumbling(20))
      .aggregate({ orders: sum((row: { orders: number }) => row.orders) })
      .to(table(outer), { name: "outer" });
  });
  // [14, 21) reaches over 20, and belongs to [20, 40): its result has the time 20.
  const { corrected } = await made.reprocess({ from: 20, to: 40, handleSignals: false });
  assert.deepEqual(
    corrected.map(({ name, rows }) => `${name} ${rows}`),
    ["inner 1", "outer 1"],
  );
  assert.deepEqual(rows(outer, "SELECT windowStart, orders FROM totals"), ["20 1"]);
  const whole = app(
    (orders) => {
      perUser(orders, tumbling(7))
        .keyBy(({ key }) => key)
        .window(tumbling(20))
        .aggregate({ orders: sum((row: { orders: number }) => row.orders) })
        .to(table(outer));
    },
    fromIterable([...ORDERS, order(9, 19)]),
  );
  await whole.reprocess({ from: 20, to: 40, handleSignals: false });
  assert.deepEqual(rows(outer, "SELECT windowStart, orders FROM totals"), ["20 2"]);
});

test("a table of several kinds of windows has all of them anew", async () => {
  const db = database();
  const made = app((orders) => {
    const [small, large] = [10, 20].map((size) =>
      perUser(orders, tumbling(size)).map((row) => ({ ...row, size })),
    );
    small.union(large).to(table(db, ["key", "windowStart", "size"]));
  });
  await made.run({ handleSignals: false });
  await made.reprocess(ALL);
  assert.deepEqual(rows(db, "SELECT size, windowStart, orders FROM totals ORDER BY size, windowStart"), [
    "10 0 2",
    "10 10 1",
    "10 30 1",
    "20 0 3",
    "20 20 1",
  ]);
});

// --- late logs ---

test("the late log of windows over windows is left alone: what they get is made anew", async () => {
  const db = database();
  const { left, lateRecords } = await app((orders) => {
    const outer = perUser(orders)
      .keyBy(({ key }) => key)
      .window(tumbling(20), { name: "outer" })
      .aggregate({ orders: sum((row: { orders: number }) => row.orders) });
    outer.late.to(lateLog(path("outer.ndjson")), { name: "late" });
    outer.to(table(db));
  }).reprocess(ALL);
  assert.equal(lateRecords, 0);
  assert.deepEqual(
    left.map(({ name, why }) => `${name}: ${why}`),
    ["late: its records are made by window, which makes them anew"],
  );
});

test("a late log behind a filter is read, one behind a map is not", async () => {
  const [kept, mapped] = [path("kept.ndjson"), path("mapped.ndjson")];
  writeFileSync(kept, `${JSON.stringify({ timestamp: 5, value: order(7, 5) })}\n`);
  writeFileSync(mapped, `${JSON.stringify({ timestamp: 5, value: 7 })}\n`);
  const db = database();
  const { left, lateRecords } = await app((orders) => {
    const results = perUser(orders);
    results.late.filter(({ n }) => n > 0).to(lateLog(kept), { name: "kept" });
    results.late.map(({ id }) => id).to(lateLog(mapped), { name: "mapped" });
    results.to(table(db));
  }).reprocess(ALL);
  assert.equal(lateRecords, 1);
  assert.deepEqual(
    left.map(({ name }) => name),
    ["mapped"],
  );
  assert.deepEqual(rows(db, "SELECT windowStart, orders FROM totals ORDER BY 1"), ["0 3", "10 1", "30 1"]);
});

test("two windows of one stream get their own late records, each once", async () => {
  const [db, second] = [database(), database()];
  const build = (orders: Stream<Order>): void => {
    const keyed = orders.keyBy(({ user }) => user);
    for (const [size, to] of [
      [10, db],
      [4, second],
    ] as const) {
      const results = keyed.window(tumbling(size)).aggregate({ orders: count() });
      results.late.to(lateLog(`${to}.late`));
      results.to(table(to));
    }
  };
  await app(build).run({ handleSignals: false });
  const { lateRecords } = await app(build, fromIterable(ORDERS.filter(({ id }) => id !== 2))).reprocess(ALL);
  assert.equal(lateRecords, 2);
  assert.deepEqual(rows(db, "SELECT windowStart, orders FROM totals"), ["0 2", "10 1", "30 1"]);
  assert.deepEqual(rows(second, "SELECT windowStart, orders FROM totals"), ["0 1", "4 1", "12 1", "28 1"]);
});

// --- sources ---

test("a source that can't be read again is refused, with what to do", async () => {
  const once = {
    *[Symbol.iterator]() {
      yield* ORDERS;
    },
  };
  const sources: [Source<Order>, RegExp][] = [
    [generator((i) => order(i, i)), /orders, generator\(generator\), can't be read again: it has no end/],
    [fromIterable(once), /it gives its records only once/],
  ];
  for (const [source, message] of sources)
    await assert.rejects(app((orders) => void perUser(orders).to(table(database())), source).reprocess(ALL), {
      code: "PIPELINE_INVALID",
      message,
    });
  const byClock = pipeline("orders");
  perUser(byClock.source(fromIterable(ORDERS), { watermark: "processingTime" })).to(table(database()));
  await assert.rejects(byClock.reprocess(ALL), {
    code: "PIPELINE_INVALID",
    message: /its records have the time at which they were taken/,
  });
});

test("of a followed file everything up to its last whole line is read, older generations first", async () => {
  const [db, log] = [database(), path("app.log")];
  const lines = (...ids: number[]): string => ids.map((id) => `${JSON.stringify(order(id, id))}\n`).join("");
  writeFileSync(`${log}.2`, lines(1, 2));
  writeFileSync(`${log}.1`, lines(3));
  writeFileSync(log, `${lines(4, 5)}{"id":6,"us`);
  const { sources } = await app(
    (orders) => {
      orders
        .keyBy(({ user }) => user)
        .window(tumbling(10))
        .aggregate(collect(({ id }) => id))
        .to(table(db));
    },
    ndjson<Order>(log, { follow: true }),
  ).reprocess(ALL);
  assert.equal(sources[0]?.records, 5);
  assert.deepEqual(rows(db, "SELECT value FROM totals"), ["[1,2,3,4,5]"]);
});

test("a followed file of which a generation can't be read is refused", async () => {
  const log = path("packed.log");
  writeFileSync(log, "");
  writeFileSync(`${log}.1.gz`, "");
  const made = app(
    (orders) => void perUser(orders).to(table(database())),
    ndjson<Order>(log, { follow: true }),
  );
  await assert.rejects(made.reprocess(ALL), {
    code: "SOURCE_POSITION_LOST",
    message: /packed\.log\.1\.gz is packed/,
  });
});

test("only records that the windows of the range need are given to them", async () => {
  const seen: number[] = [];
  const peeked = (orders: Stream<Order>): Stream<Order> => orders.peek(({ at }) => void seen.push(at));
  const source = fromIterable(Array.from({ length: 100 }, (_, i) => order(i, i)));
  const range = { from: 40, to: 60, handleSignals: false };
  await app((orders) => void perUser(peeked(orders)).to(table(database())), source).reprocess(range);
  assert.deepEqual([Math.min(...seen), Math.max(...seen), seen.length], [40, 59, 20]);
  seen.length = 0;
  await app((orders) => {
    perUser(peeked(orders), tumbling(7))
      .keyBy(({ key }) => key)
      .window(tumbling(10))
      .aggregate(count())
      .to(table(database()));
  }, source).reprocess(range);
  assert.deepEqual([Math.min(...seen), Math.max(...seen)], [33, 59]);
  seen.length = 0;
  await app((orders) => void perUser(peeked(orders), session(3)).to(table(database())), source).reprocess(
    range,
  );
  assert.equal(seen.length, 100);
});

test("a range is ISO 8601, UTC where it has no zone, or milliseconds; anything else is refused by name", async () => {
  const made = app((orders) => void perUser(orders).to(table(database())));
  const range = async (from: any, to: any): Promise<number[]> => {
    const report = await made.reprocess({ from, to, handleSignals: false });
    return [report.from, report.to];
  };
  assert.deepEqual(await range("1970-01-01", "1970-01-01T00:00:01"), [0, 1000]);
  assert.deepEqual(await range("1970-01-01T01:00+01:00", new Date(5)), [0, 5]);
  assert.deepEqual(await range("-5", 7), [-5, 7]);
  for (const [from, to, message] of [
    ["yesterday", 1, /from takes ISO 8601/],
    [0, "2026-13-01", /to takes ISO 8601/],
    [0, 0.5, /to takes/],
    [0, Number.POSITIVE_INFINITY, /to takes/],
    [undefined, 0, /from takes/],
    [1, 1, /to must lie after from/],
  ] as const)
    await assert.rejects(range(from, to), { code: "OPTION_INVALID", message });
});

// --- all or nothing, and beside a job ---

test("a run that fails or is stopped changes nothing", async () => {
  const db = database();
  await app((orders) => void perUser(orders).to(table(db))).run({ handleSignals: false });
  const before = rows(db);
  const failing = app((orders) => {
    perUser(
      orders.map((order) => {
        if (order.id === 3) throw new Error("no");
        return order;
      }),
    ).to(table(db));
  });
  await assert.rejects(failing.reprocess(ALL), { code: "USER_FUNCTION_FAILED" });
  assert.deepEqual(rows(db), before);

  const abort = new AbortController();
  const stopped = app((orders) => void perUser(orders.peek(() => abort.abort())).to(table(db)), {
    ...fromIterable(Array.from({ length: 50_000 }, (_, i) => order(i, i % 100))),
  });
  const report = await stopped.reprocess({ ...ALL, signal: abort.signal });
  assert.deepEqual([report.stopped, report.corrected], [true, []]);
  assert.deepEqual(rows(db), before);
});

test("a row that the table refuses leaves it as it was", async () => {
  const db = database();
  const open = new DatabaseSync(db);
  open.exec(
    "CREATE TABLE totals (key, windowStart, windowEnd, pane, paneIndex, orders CHECK (orders < 2), PRIMARY KEY (key, windowStart))",
  );
  open.close();
  await app((orders) => void perUser(orders).to(table(db))).run({ handleSignals: false });
  const before = rows(db);
  assert.equal(before.length, 3);
  await assert.rejects(app((orders) => void perUser(orders).to(table(db))).reprocess(ALL), {
    code: "SINK_FAILED",
    message: /CHECK constraint failed/,
  });
  assert.deepEqual(rows(db), before);
});

test("the state and the epochs of a job are not touched, and it goes on as if nothing had been", {
  timeout: 60_000,
}, async () => {
  const db = database();
  const state = memory(path("state"));
  const input = path("orders.ndjson");
  const write = (orders: readonly Order[]): void =>
    writeFileSync(input, orders.map((one) => `${JSON.stringify(one)}\n`).join(""), { flag: "a" });
  const made = (): Pipeline => {
    const app = pipeline("durable", { state });
    const orders = app.source(ndjson<Order>(input, { follow: true }), { timestamp: ({ at }) => at });
    const results = perUser(orders);
    results.late.to(lateLog(path("durable-late.ndjson")));
    results.to(table(db), { name: "totals" });
    return app;
  };
  const EPOCHS = "SELECT job, target, epoch FROM millrace_epochs";
  write(ORDERS);
  const job = made().start({ handleSignals: false });
  while (!existsSync(db) || rows(db, "SELECT name FROM sqlite_schema WHERE name = 'totals'").length === 0)
    await sleep(20);
  while (rows(db).length < 2) await sleep(20);
  const epochs = rows(db, EPOCHS);
  // Beside the job, which has the window from 30 still open.
  const report = await made().reprocess({ from: 0, to: 30, handleSignals: false });
  assert.deepEqual(rows(db, "SELECT windowStart, orders FROM totals ORDER BY 1"), ["0 2", "10 1"]);
  assert.equal(report.corrected[0]?.changed, 1);
  assert.deepEqual(rows(db, EPOCHS), epochs);
  await job.stop();
  write([order(4, 33), order(5, 41)]);
  const next = made().start({ handleSignals: false });
  while (rows(db).length < 3) await sleep(20);
  await next.stop();
  assert.deepEqual(rows(db, "SELECT windowStart, orders FROM totals ORDER BY 1"), ["0 2", "10 1", "30 2"]);
});

test("a correction waits until another connection has written", async () => {
  const run = new ReprocessCase({ windows: tumbling(10) }, path, "waits");
  await run.run(ORDERS);
  const writer = new DatabaseSync(run.database);
  writer.exec("BEGIN IMMEDIATE; UPDATE totals SET orders = 77");
  let isDone = false;
  const reprocessing = run.reprocess(ORDERS, 0, 40).then((report) => {
    isDone = true;
    return report;
  });
  await sleep(200);
  assert.ok(!isDone, "it waits");
  writer.exec("COMMIT");
  writer.close();
  const report = await reprocessing;
  assert.equal(report.corrected[0]?.changed, 3);
  assert.deepEqual(
    run.rows().map((row) => row["orders"]),
    [2, 1, 1],
  );
});
