/**
 * An SQLite table and its epochs on real files, beside what the suite holds: what is found gone or newer, other writers,
 * other guarantees, other tables, and that the loop has its turns.
 */
import assert from "node:assert/strict";
import { cpSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { OpenSink, SinkContext } from "../../src/connector/contract.ts";
import { sqliteTable } from "../../src/connector/sqlite/index.ts";
import type { Json } from "../../src/core/json.ts";
import { type Ports, systemPorts } from "../../src/core/ports.ts";
import { fromIterable, generator, memory, pipeline } from "../../src/index.ts";
import { Scratch, writeAll } from "./sqlite-scratch.ts";

const exact = { guarantee: "exactly-once" } as const;

const prepared = async (
  sink: OpenSink<unknown>,
  epoch: number,
  records: readonly unknown[],
): Promise<Json> => {
  await writeAll(sink, records);
  return sink.epochs!.prepare(epoch, false);
};
const committed = async (
  sink: OpenSink<unknown>,
  epoch: number,
  records: readonly unknown[],
): Promise<Json> => {
  const handle = await prepared(sink, epoch, records);
  await sink.epochs!.commit(epoch, handle);
  return handle;
};
const recoveredAt = (epoch: number, handle: Json): Partial<SinkContext> => ({
  ...exact,
  recovered: { epoch, handles: [{ epoch, handle }] },
});

describe("an SQLite table under exactly-once", () => {
  test("is never seen with a part of an epoch, and lets the loop have its turns while it is committed", async () => {
    using scratch = new Scratch();
    let now = 0;
    let turns = 0;
    let waiting = 0;
    const counts = new Set<unknown>();
    const ports: Ports = {
      ...systemPorts,
      clock: { ...systemPorts.clock, monotonic: () => (now += 0.5) },
      timers: {
        ...systemPorts.timers,
        yield() {
          turns++;
          assert.equal(++waiting, 1, "it goes on without the turn that it asked for");
          counts.add(scratch.sql("SELECT count(*) AS n FROM t")[0]?.["n"]);
          return systemPorts.timers.yield().then(() => void waiting--);
        },
      },
    };
    const sink = await scratch.open({ columns: ["k", "n"] }, { ...exact, ports });
    const rows = Array.from({ length: 1000 }, (_, k) => ({ k, n: k }));
    await committed(sink, 1, rows.slice(0, 10));
    counts.clear();
    await committed(sink, 2, rows);
    // A row takes half a millisecond of this clock, a slice four.
    assert.ok(turns > 100, `${turns} turns`);
    assert.deepEqual([...counts], [10]);
    assert.equal(scratch.rows().length, 1000);
    await sink.close();
  });

  test("takes what is written while an earlier epoch is prepared and committed", async () => {
    using scratch = new Scratch();
    const sink = await scratch.open({}, exact);
    await writeAll(sink, [{ k: 1 }]);
    const preparing = sink.epochs!.prepare(1, false);
    await writeAll(sink, [{ k: 2 }]);
    const committing = sink.epochs!.commit(1, await preparing);
    await writeAll(sink, [{ k: 3 }]);
    await committing;
    assert.deepEqual(scratch.rows(), [{ k: 1 }]);
    await sink.epochs!.commit(2, await sink.epochs!.prepare(2, true));
    await sink.close();
    assert.deepEqual(scratch.rows(), [{ k: 1 }, { k: 2 }, { k: 3 }]);
    assert.deepEqual(scratch.staged, []);
  });

  test("leaves no files behind but the database when it is closed in the middle of an epoch", async () => {
    using scratch = new Scratch();
    const sink = await scratch.open({}, exact);
    await writeAll(sink, [{ k: 1 }]);
    await sink.flush();
    assert.equal(scratch.staged.length, 1);
    await sink.close();
    assert.deepEqual([scratch.staged, scratch.rows()], [[], []]);
  });

  test("keeps rows that were there at the first start, and tells no epoch of an earlier state", async () => {
    using scratch = new Scratch();
    const first = await scratch.open({}, exact);
    await committed(first, 7, [{ k: 1 }, { k: 2 }]);
    await first.close();
    const again = await scratch.open({}, exact);
    assert.equal(again.epochs!.lastEpoch, null);
    await committed(again, 1, [{ k: 2 }, { k: 3 }]);
    await again.close();
    assert.equal(scratch.rows().length, 3);
  });

  test("tells its last epoch without a change, by job", async () => {
    using scratch = new Scratch();
    const sink = sqliteTable<{ k: number }>(scratch.path, { table: "t", key: ["k"] });
    assert.equal(await sink.lastEpoch!(systemPorts, "job"), null);
    const open = await scratch.open({}, exact);
    await committed(open, 3, [{ k: 1 }]);
    await open.close();
    const before = readFileSync(scratch.path);
    assert.equal(await sink.lastEpoch!(systemPorts, "job"), 3);
    assert.equal(await sink.lastEpoch!(systemPorts, "another"), null);
    assert.deepEqual(readFileSync(scratch.path), before);
  });

  test("leaves what a newer state has staged to an older one that is refused", async () => {
    using scratch = new Scratch();
    const sink = await scratch.open({}, exact);
    const first = await committed(sink, 1, [{ k: 1 }]);
    await committed(sink, 2, [{ k: 2 }]);
    await prepared(sink, 3, [{ k: 3 }]);
    await sink.close();
    const [staged] = scratch.staged;
    const older = await scratch.open({}, recoveredAt(1, first));
    assert.equal(older.epochs!.lastEpoch, 2);
    await older.close();
    assert.deepEqual(scratch.staged, [staged]);
  });

  const losses: [string, (scratch: Scratch) => void, RegExp][] = [
    ["the database", ({ path }) => rmSync(path), /out\.db is gone, where epoch 1 was committed/],
    ["the table", (scratch) => scratch.sql("DROP TABLE t"), /out\.db has no table t any more/],
    [
      "its mark",
      (scratch) => scratch.sql("DROP TABLE millrace_epochs"),
      /shows no epoch in the table t, where epoch 1 was/,
    ],
    [
      "its last epochs",
      (scratch) => scratch.sql("UPDATE millrace_epochs SET epoch = 0"),
      /shows epoch 0 in the table t, where epoch 1 was committed/,
    ],
  ];
  for (const [what, lose, message] of losses) {
    test(`is refused when ${what} is lost`, async () => {
      using scratch = new Scratch();
      const sink = await scratch.open({}, exact);
      await committed(sink, 1, [{ k: 1 }]);
      const handle = await prepared(sink, 2, [{ k: 2 }]);
      await sink.close();
      lose(scratch);
      await assert.rejects(scratch.open({}, recoveredAt(2, handle)), { code: "SINK_STATE_MISSING", message });
    });
  }

  for (const bytes of [0, 5]) {
    test(`refuses a commit when ${bytes} bytes are left of a staged file`, async () => {
      using scratch = new Scratch();
      const sink = await scratch.open({}, exact);
      const handle = await prepared(sink, 1, [{ k: 1, text: "long enough" }]);
      const path = join(scratch.folder, scratch.staged[0]);
      if (bytes === 0) rmSync(path);
      else truncateSync(path, bytes);
      const failure = {
        code: "SINK_STATE_MISSING",
        message: /staged-0 should hold \d+ bytes that are not in .*out\.db yet/,
      };
      await assert.rejects(sink.epochs!.commit(1, handle), failure);
      await sink.close();
      assert.deepEqual(scratch.rows(), []);
    });
  }

  test("shows what was decided for another table there, and goes on in the new one", async () => {
    using scratch = new Scratch();
    const old = await scratch.open({}, exact);
    await committed(old, 1, [{ k: 1, a: 1 }]);
    const handle = await prepared(old, 2, [{ k: 2, a: 2 }]);
    await old.close();
    const moved = await scratch.open({ table: "other", key: ["id"] }, recoveredAt(2, handle));
    await moved.epochs!.commit(2, handle);
    await committed(moved, 3, [{ id: 3 }]);
    await moved.close();
    assert.deepEqual(scratch.rows(), [
      { k: 1, a: 1 },
      { k: 2, a: 2 },
    ]);
    assert.deepEqual(scratch.rows("other"), [{ id: 3 }]);
    assert.deepEqual(scratch.staged, []);
  });

  test("goes on under at-least-once with what was decided before, and back", async () => {
    using scratch = new Scratch();
    const first = await scratch.open({}, exact);
    const handle = await prepared(first, 1, [{ k: 1 }]);
    await first.close();
    const second = await scratch.open({}, { ...recoveredAt(1, handle), guarantee: "at-least-once" });
    await writeAll(second, [{ k: 2 }]);
    await second.flush();
    await second.close();
    assert.deepEqual(scratch.rows(), [{ k: 1 }, { k: 2 }]);
    const third = await scratch.open({}, { ...exact, recovered: { epoch: 2, handles: [] } });
    assert.equal(third.epochs!.lastEpoch, 1);
    await committed(third, 3, [{ k: 3 }]);
    await third.close();
    assert.equal(scratch.rows().length, 3);
  });
});

describe("an SQLite table that others write, too", () => {
  for (const guarantee of ["at-least-once", "exactly-once"] as const) {
    test(`waits for them, with ${guarantee}`, async () => {
      using scratch = new Scratch();
      const sink = await scratch.open({ columns: ["k"] }, { guarantee });
      const other = new DatabaseSync(scratch.path);
      other.exec("BEGIN IMMEDIATE");
      const writing =
        guarantee === "exactly-once" ? committed(sink, 1, [{ k: 1 }]) : writeAll(sink, [{ k: 1 }]);
      await sleep(60);
      assert.deepEqual(scratch.rows(), []);
      other.exec("COMMIT");
      other.close();
      await writing;
      await sink.close();
      assert.deepEqual(scratch.rows(), [{ k: 1 }]);
    });
  }

  test("gives up after 30 s", async () => {
    using scratch = new Scratch();
    let now = 0;
    const ports: Ports = {
      ...systemPorts,
      clock: { ...systemPorts.clock, monotonic: () => now },
      timers: {
        ...systemPorts.timers,
        after(ms, callback) {
          now += 100 * ms;
          return systemPorts.timers.after(0, callback);
        },
      },
    };
    const sink = await scratch.open({ columns: ["k"] }, { ports });
    const other = new DatabaseSync(scratch.path);
    other.exec("BEGIN IMMEDIATE");
    await assert.rejects(async () => writeAll(sink, [{ k: 1 }]), {
      code: "SINK_FAILED",
      message: /out\.db: writing failed: another connection has been writing for 30 s/,
    });
    other.close();
    await sink.close();
  });
});

describe("an SQLite table under at-least-once", () => {
  test("makes durable at a flush what was written since the last one, and does nothing where that is nothing", async () => {
    using scratch = new Scratch();
    const flushes = () => scratch.sql("SELECT flushes FROM millrace_epochs")[0]["flushes"];
    const sink = await scratch.open({}, { guarantee: "at-least-once" });
    await sink.flush();
    assert.equal(flushes(), 0);
    await writeAll(sink, [{ k: 1 }]);
    assert.deepEqual(scratch.rows(), [{ k: 1 }], "seen at once");
    await sink.flush();
    await sink.flush();
    assert.equal(flushes(), 1);
    await sink.close();
  });
});

describe("a job with SQLite tables", () => {
  type Delivery = "exactly-once" | "at-least-once" | "at-most-once";
  const RECORDS = 20_000;

  /** To its end, or until it has taken `stopAt` records. */
  const run = (scratch: Scratch, guarantee: Delivery, stopAt = Number.POSITIVE_INFINITY) => {
    const stop = new AbortController();
    const make = (k: number) => {
      if (k === stopAt) stop.abort();
      return { k, n: k % 10 };
    };
    const app = pipeline("tables", {
      state: memory(join(scratch.folder, "state")),
      guarantee,
      commit: { records: 1000 },
    });
    const numbers = app.source(generator(make, { count: RECORDS }));
    numbers.to(sqliteTable(scratch.path, { table: "t", key: ["k"] }));
    numbers.map(({ k, n }) => ({ n, last: k })).to(sqliteTable(scratch.path, { table: "lasts", key: ["n"] }));
    return app.run({ handleSignals: false, signal: stop.signal });
  };

  for (const guarantee of ["exactly-once", "at-least-once", "at-most-once"] as const) {
    test(`writes several tables of one database, and goes on, with ${guarantee}`, async () => {
      using scratch = new Scratch();
      await run(scratch, guarantee, 5000);
      const before = scratch.rows().length;
      assert.ok(before > 0 && before < RECORDS, `${before} rows`);
      await run(scratch, guarantee);
      assert.equal(scratch.rows().length, RECORDS);
      assert.deepEqual(
        scratch.rows("lasts"),
        Array.from({ length: 10 }, (_, n) => ({ n, last: RECORDS - 10 + n })),
      );
      assert.deepEqual(scratch.staged, []);
    });
  }

  test("is refused with a state that is older than a table, and nothing is touched (INV-4)", async () => {
    using scratch = new Scratch();
    const state = join(scratch.folder, "state");
    await run(scratch, "exactly-once", 3000);
    cpSync(state, `${state}-older`, { recursive: true });
    await run(scratch, "exactly-once", 12_000);
    const rows = scratch.rows();
    cpSync(state, `${state}-newer`, { recursive: true });
    rmSync(state, { recursive: true });
    cpSync(`${state}-older`, state, { recursive: true });
    await assert.rejects(run(scratch, "exactly-once"), {
      code: "STATE_BEHIND_SINK",
      message: /shows epoch \d+, and the state is that of epoch \d+/,
    });
    assert.deepEqual(scratch.rows(), rows);
    rmSync(state, { recursive: true });
    cpSync(`${state}-newer`, state, { recursive: true });
    await run(scratch, "exactly-once");
    assert.equal(scratch.rows().length, RECORDS);
  });

  test("is refused where two sinks write one table", async () => {
    using scratch = new Scratch();
    const app = pipeline("twice");
    const numbers = app.source(fromIterable([{ k: 1 }]));
    numbers.to(sqliteTable(scratch.path, { table: "t", key: ["k"] }));
    numbers.to(sqliteTable(scratch.path, { table: "T", key: ["k"] }));
    await assert.rejects(async () => app.run(), {
      code: "PIPELINE_INVALID",
      message: /write to the same sink/,
    });
  });
});
