/** What a row of an SQLite table is: its cells, its key, and which records and tables are refused. */
import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import type { DeadLetter } from "../../src/connector/contract.ts";
import { sqliteTable } from "../../src/connector/sqlite/index.ts";
import { sinkContext } from "./epoch-run.ts";
import { type Row, Scratch, writeAll } from "./sqlite-scratch.ts";

const written = async (records: readonly unknown[], options = {}): Promise<Record<string, unknown>[]> => {
  using scratch = new Scratch();
  const sink = await scratch.open(options);
  await writeAll(sink, records);
  await sink.close();
  return scratch.rows();
};

const refused = async (records: readonly unknown[], message: RegExp, options = {}): Promise<void> => {
  using scratch = new Scratch();
  const sink = await scratch.open(options);
  await assert.rejects(async () => writeAll(sink, records), { code: "SINK_FAILED", message });
  await sink.close();
};

describe("a row of an SQLite table", () => {
  test("is that of the last record with its key", async () => {
    const rows = await written([
      { k: "a", n: 1 },
      { k: "b", n: 2 },
      { k: "a", n: 3 },
    ]);
    assert.deepEqual(rows, [
      { k: "a", n: 3 },
      { k: "b", n: 2 },
    ]);
  });

  test("has a key of several fields, and may have no others", async () => {
    const records = [
      { k: 1, w: 10 },
      { k: 1, w: 20 },
      { k: 1, w: 10 },
    ];
    assert.deepEqual(await written(records, { key: ["k", "w"] }), records.slice(0, 2));
  });

  const cells: [string, unknown, string, unknown][] = [
    ["a string", "ж\0'\"", "text", "ж\0'\""],
    ["a whole number", 7, "integer", 7],
    ["minus zero", -0, "integer", 0],
    ["the greatest safe integer", 2 ** 53 - 1, "integer", 2 ** 53 - 1],
    ["a fraction", 0.1, "real", 0.1],
    ["a number beyond integers", 2 ** 60, "real", 2 ** 60],
    ["infinity", Number.NEGATIVE_INFINITY, "real", Number.NEGATIVE_INFINITY],
    ["NaN", Number.NaN, "null", null],
    ["a bigint", -(2n ** 53n) + 1n, "integer", -(2 ** 53) + 1],
    ["true", true, "integer", 1],
    ["false", false, "integer", 0],
    ["null", null, "null", null],
    ["undefined", undefined, "null", null],
    ["a Date", new Date(0), "text", "1970-01-01T00:00:00.000Z"],
    ["an invalid Date", new Date(Number.NaN), "null", null],
    ["bytes", new Uint8Array([0, 255]), "blob", new Uint8Array([0, 255])],
    ["a Buffer", Buffer.from("ab"), "blob", new Uint8Array([97, 98])],
    ["an array", [1, "a", null], "text", '[1,"a",null]'],
    ["an object", { a: { b: [] } }, "text", '{"a":{"b":[]}}'],
  ];
  for (const guarantee of ["none", "exactly-once"] as const) {
    for (const [what, value, type, expected] of cells) {
      test(`keeps ${what} as ${type}, with ${guarantee}`, async () => {
        using scratch = new Scratch();
        const sink = await scratch.open({}, { guarantee });
        await writeAll(sink, [{ k: 1, value }]);
        await sink.epochs?.commit(1, JSON.parse(JSON.stringify(await sink.epochs.prepare(1, true))));
        await sink.close();
        const [row] = scratch.sql("SELECT value, typeof(value) AS type FROM t");
        assert.deepEqual(row, { value: expected, type });
      });
    }
  }

  test("keeps the greatest bigint exactly", async () => {
    using scratch = new Scratch();
    const sink = await scratch.open();
    await writeAll(sink, [{ k: 2n ** 63n - 1n }]);
    await sink.close();
    assert.deepEqual(scratch.sql("SELECT CAST(k AS TEXT) AS k FROM t"), [{ k: "9223372036854775807" }]);
  });

  test("does not keep the bytes of a record", async () => {
    using scratch = new Scratch();
    const other = new DatabaseSync(scratch.path);
    const sink = await scratch.open();
    other.exec("BEGIN IMMEDIATE");
    const value = Buffer.from([1]);
    const writing = writeAll(sink, [{ k: 1, value }]);
    value[0] = 9;
    other.exec("COMMIT");
    await writing;
    await sink.close();
    other.close();
    assert.deepEqual(scratch.rows(), [{ k: 1, value: new Uint8Array([1]) }]);
  });

  test("may have a tuple as key", async () => {
    const rows = await written([{ k: ["a", 1] }, { k: ["a", 2] }, { k: ["a", 1] }]);
    assert.deepEqual(rows, [{ k: '["a",1]' }, { k: '["a",2]' }]);
  });

  test("has only the fields that `columns` names, and NULL where a record has none", async () => {
    const rows = await written(
      [
        { k: 1, a: 1, b: () => 1 },
        { k: 2, c: 3 },
      ],
      { columns: ["a", "k"] },
    );
    assert.deepEqual(rows, [
      { a: 1, k: 1 },
      { a: null, k: 2 },
    ]);
  });
});

describe("an SQLite table refuses", () => {
  test("what is no object", async () => {
    for (const record of [1, "a", null, undefined, [1]]) await refused([record], /it is no object/);
  });

  test("a record without a value for its key", async () => {
    for (const k of [undefined, null, Number.NaN]) {
      await refused([{ k, n: 1 }], /field "k" is part of the key/);
      await refused(
        [
          { k: 1, n: 1 },
          { k, n: 1 },
        ],
        /field "k" is part of the key/,
      );
    }
    await refused([{ n: 1 }], /field "k" is part of the key/);
  });

  test("a field that it has no column for, and says how to add one", async () => {
    await refused(
      [{ k: 1 }, { k: 1, n: 2 }],
      /field "n": add it \(ALTER TABLE "t" ADD COLUMN "n"\), or .* option columns/,
    );
  });

  test("fields whose names SQLite takes for one", async () => {
    await refused([{ k: 1, a: 1, A: 1 }], /can't tell the columns a and A from each other/);
  });

  test("a bigint of more than 64 bits, and what can't be JSON", async () => {
    await refused(
      [{ k: 1, n: 2n ** 63n }],
      /field "n" has no place in a column: SQLite's integers have 64 bits/,
    );
    await refused(
      [{ k: 1, n: { deep: 1n } }],
      /field "n" has no place in a column: it can't be JSON: .*BigInt/,
    );
  });

  test("a record, after it has written those before it", async () => {
    using scratch = new Scratch();
    const sink = await scratch.open();
    await assert.rejects(async () => writeAll(sink, [{ k: 1 }, { k: null }, { k: 3 }]), {
      code: "SINK_FAILED",
    });
    await sink.close();
    assert.deepEqual(scratch.rows(), [{ k: 1 }]);
  });

  test("no dead letter over its value, which is text then", async () => {
    const letter: DeadLetter = {
      operator: "parse",
      source: "in",
      partition: "in.ndjson",
      offset: 12,
      line: 3,
      code: "RECORD_MALFORMED",
      reason: "unexpected",
      bytes: new Uint8Array([1]),
      value: undefined,
    };
    const values = [{ id: 7n }, 2n ** 70n, () => 1, undefined, "plain", 7n];
    const rows = await written(
      values.map((value, offset) => ({ ...letter, offset, value })),
      { key: ["partition", "offset"] },
    );
    assert.deepEqual(
      rows.map(({ value }) => value),
      ["[object Object]", "1180591620717411303424n", null, null, "plain", 7],
    );
  });
});

describe("a table that is there already", () => {
  const into = async (scratch: Scratch, sql: string, records: readonly Row[], options = {}) => {
    const db = new DatabaseSync(scratch.path);
    db.exec(sql);
    db.close();
    const sink = await scratch.open(options);
    try {
      await writeAll(sink, records);
    } finally {
      await sink.close();
    }
  };

  test("is written with its own columns, types and further rows", async () => {
    using scratch = new Scratch();
    await into(
      scratch,
      "CREATE TABLE t (n INTEGER, k TEXT PRIMARY KEY); INSERT INTO t VALUES (5, 'old'), (6, 'a')",
      [{ k: "a", n: 7 }],
    );
    assert.deepEqual(scratch.rows(), [
      { n: 5, k: "old" },
      { n: 7, k: "a" },
    ]);
  });

  test("keeps what is in columns that `columns` does not name", async () => {
    using scratch = new Scratch();
    await into(
      scratch,
      "CREATE TABLE t (k, n, note DEFAULT 'new'); CREATE UNIQUE INDEX i ON t (k); INSERT INTO t VALUES (1, 1, 'mine')",
      [
        { k: 1, n: 2 },
        { k: 2, n: 3 },
      ],
      { columns: ["k", "n"] },
    );
    assert.deepEqual(scratch.rows(), [
      { k: 1, n: 2, note: "mine" },
      { k: 2, n: 3, note: "new" },
    ]);
  });

  const unfit: [string, string, object, RegExp][] = [
    [
      "the key's column",
      "CREATE TABLE t (a PRIMARY KEY)",
      {},
      /the table t has no column "k", only "a": add it \(ALTER TABLE/,
    ],
    [
      "a column",
      "CREATE TABLE t (k PRIMARY KEY)",
      { columns: ["k", "n"] },
      /the table t has no column "n", only "k": add it/,
    ],
    [
      "a unique key",
      "CREATE TABLE t (k, n)",
      {},
      /no primary key or unique index of just "k".*CREATE UNIQUE INDEX "t_key" ON "t" \("k"\)/,
    ],
    [
      "a unique key of just these fields",
      "CREATE TABLE t (k, w, PRIMARY KEY (k, w))",
      {},
      /unique index of just "k"/,
    ],
    [
      "a unique key for all rows",
      "CREATE TABLE t (k, n); CREATE UNIQUE INDEX i ON t (k) WHERE n > 0",
      {},
      /unique index of just "k"/,
    ],
  ];
  for (const guarantee of ["none", "exactly-once"] as const) {
    for (const [what, sql, options, message] of unfit) {
      test(`is refused when opened where it lacks ${what}, with ${guarantee}`, async () => {
        using scratch = new Scratch();
        const db = new DatabaseSync(scratch.path);
        db.exec(sql);
        db.close();
        await assert.rejects(scratch.open(options, { guarantee }), { code: "FILE_UNWRITABLE", message });
      });
    }
  }

  test("has its constraints, and the error names the row that it refuses", async () => {
    using scratch = new Scratch();
    await assert.rejects(
      into(scratch, "CREATE TABLE t (k PRIMARY KEY, n CHECK (n > 0))", [
        { k: 1, n: 1 },
        { k: 2, n: -1 },
      ]),
      {
        code: "SINK_FAILED",
        message: /out\.db: the table t refuses the row \[2,-1\]: .*CHECK constraint failed/,
      },
    );
    assert.deepEqual(scratch.rows(), [], "a batch is one transaction");
  });
});

describe("sqliteTable()", () => {
  test("refuses bad options", () => {
    const bad: [string, object, RegExp][] = [
      ["", {}, /takes the path of a file, not ""/],
      [":memory:", {}, /takes the path of a file/],
      ["x.db", { table: "a b" }, /table takes letters/],
      ["x.db", { table: "sqlite_x" }, /table takes letters/],
      ["x.db", { table: "Millrace_epochs" }, /table takes letters/],
      ["x.db", { table: undefined }, /table takes letters/],
      ["x.db", { key: [] }, /key takes a list/],
      ["x.db", { key: "k" }, /key takes a list/],
      ["x.db", { key: ["k", "K"] }, /key takes a list of .*different ones/],
      ["x.db", { key: ["a\0"] }, /key takes a list/],
      ["x.db", { columns: ["a"] }, /columns must name the field "k" of key/],
      ["x.db", { columns: [] }, /columns takes a list/],
    ];
    for (const [path, options, message] of bad) {
      assert.throws(() => sqliteTable<Row>(path, { table: "t", key: ["k"], ...options }), {
        code: "OPTION_INVALID",
        message,
      });
    }
  });

  test("tells at its opening that no database can be there", async () => {
    using scratch = new Scratch();
    writeFileSync(
      scratch.path,
      "no database at all, but a text that is longer than SQLite's header of 100 bytes, which is why",
    );
    await assert.rejects(scratch.open(), {
      code: "FILE_UNWRITABLE",
      message: /out\.db: it can't be written: .*not a database/,
    });
    const missing = sqliteTable<Row>(join(scratch.folder, "none", "x.db"), { table: "t", key: ["k"] });
    await assert.rejects(missing.open(sinkContext()), { code: "FILE_UNWRITABLE", message: /none\/x\.db/ });
    assert.ok(!existsSync(join(scratch.folder, "none")));
  });
});
