/** Parquet, on the three million flights of vega-datasets: eleven row groups, dictionaries, nullable columns. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { loadDriver } from "../../src/connector/parquet/driver.ts";
import { parquet } from "../../src/connector/parquet/index.ts";
import { rowBuilder } from "../../src/connector/parquet/row-builder.ts";
import { plainValue, timeParsers } from "../../src/connector/parquet/values.ts";
import type { Json } from "../../src/core/json.ts";
import { systemPorts } from "../../src/core/ports.ts";
import { MemoryFiles } from "./memory-files.ts";
import { openSource } from "./poll-all.ts";
import { parquetReference } from "./parquet-reference.ts";
import { stored } from "./replay.ts";

const flights = join(import.meta.dirname, "../../node_modules/vega-datasets/data/flights-3m.parquet");
const ROWS = 3_000_000;

interface Flight {
  date: number;
  delay: number;
  distance: number;
  origin: string;
  destination: string;
}

describe("parquet()", () => {
  test("gives all rows of all row groups in order, and says how fast", async (t) => {
    const opened = await openSource(parquet<Flight>(flights));
    const [partition] = opened.partitions;
    assert.equal(opened.partitions.length, 1);
    assert.equal(partition!.id, flights);
    const into: Flight[] = new Array(1024);
    let rows = 0;
    let delays = 0;
    const startMs = performance.now();
    while (!partition!.ended) {
      const n = partition!.poll(into, 0, 1024);
      for (let i = 0; i < n; i++) delays += into[i]!.delay;
      rows += n;
      if (n < 1024 && !partition!.ended) await opened.woken();
    }
    const seconds = (performance.now() - startMs) / 1000;
    t.diagnostic(`${(rows / seconds / 1e6).toFixed(2)} M rows/s`);
    assert.equal(rows, ROWS);
    assert.equal(delays, 20_003_603);
    assert.deepEqual(partition!.progress!(), { done: ROWS, total: ROWS, unit: "records" });
    await partition!.close();
    await partition!.close();
  });

  test("gives the rows that hyparquet gives, with numbers for its bigints and dates", async () => {
    const wanted = await parquetReference(flights, 272_000, 273_500);
    const opened = await openSource(parquet<Flight>(flights));
    const [partition] = opened.partitions;
    const seen: Flight[] = [];
    let row = 0;
    // 1000 rows at a time straddle the end of the first row group (272,727 rows).
    while (row < 273_500) {
      const into: Flight[] = [];
      const n = partition!.poll(into, 0, 1000);
      assert.equal(into.length, n);
      if (n > 0) assert.deepEqual(partition!.locate(n - 1), { offset: row + n - 1 });
      for (const flight of into) if (row++ >= 272_000 && row <= 273_500) seen.push(flight);
      if (n < 1000) await opened.woken();
    }
    await partition!.close();
    assert.deepEqual(seen, wanted);
  });

  test("is replayable: goes on from any row, also at the edges of row groups", async () => {
    assert.equal(parquet(flights).replayable, true);
    const columns = ["date", "distance"];
    const open = (positions: Map<string, Json> | null) =>
      openSource(parquet<Flight>(flights, { columns }), undefined, undefined, positions);
    const whole = await open(null);
    const first = whole.partitions[0]!;
    const rows = new Map<number, { position: Json; flights: Flight[] }>();
    const wanted = [0, 1, 1000, 272_726, 272_727, 272_728, 400_000, ROWS - 1, ROWS];
    for (let row = 0; ; ) {
      const into: Flight[] = [];
      const n = first.poll(into, 0, 1000);
      for (const at of wanted.filter((one) => one >= row && one <= row + n)) {
        rows.set(at, {
          position: stored(first.position!(at - row)),
          flights: into.slice(at - row, at - row + 3),
        });
      }
      row += n;
      if (first.ended) break;
      if (n < 1000) await whole.woken();
    }
    await first.close();
    assert.deepEqual([...rows.keys()], wanted);
    for (const [row, { position, flights: expected }] of rows) {
      const opened = await open(new Map([[flights, position]]));
      const partition = opened.partitions[0]!;
      assert.deepEqual(partition.position!(0), position);
      assert.equal(partition.ended, row === ROWS);
      const into: Flight[] = [];
      while (into.length < expected.length) {
        if (partition.poll(into, into.length, expected.length - into.length) === 0) await opened.woken();
        else assert.equal(partition.locate(0).offset, row + into.length - expected.length);
      }
      assert.deepEqual(into, expected, `from row ${row}`);
      await partition.close();
    }
  });

  test("does not go on in another file, or without one", async () => {
    const bytes = readFileSync(flights);
    const files = new MemoryFiles({ f: bytes });
    const opened = await openSource(parquet<Flight>("f"), files.ports);
    const at = { ...(stored(opened.partitions[0]!.position!(0)) as object), row: 7 };
    await opened.partitions[0]!.close();
    const from = (position: Json) =>
      openSource(parquet("f"), files.ports, undefined, new Map([["f", position]]));
    const lost = (message: RegExp) => ({ code: "SOURCE_POSITION_LOST", message });
    for (const other of [{ footer: 1 }, { rows: 5 }, { row: ROWS + 1 }]) {
      await assert.rejects(
        from({ ...at, ...other }),
        lost(/f can't be read on: row \d+ was in another file/),
      );
    }
    for (const strange of [null, 7, { row: -1 }, { row: "7" }]) {
      await assert.rejects(from(strange), lost(/no position in a Parquet file/));
    }
    await (await from({ row: 0, rows: 1, footer: 1 })).partitions[0]!.close();
    await files.remove("f");
    await assert.rejects(from(at), lost(/gone/));
    assert.equal(files.open.size, 0);
  });

  test("gives only the columns asked for, in the order asked for", async () => {
    const opened = await openSource(parquet(flights, { columns: ["origin", "delay"] }));
    const into: unknown[] = [];
    while (opened.partitions[0]!.poll(into as never[], 0, 1) === 0) await opened.woken();
    assert.equal(JSON.stringify(into[0]), '{"origin":"LAS","delay":33}');
    await opened.partitions[0]!.close();
  });

  test("refuses columns that are not there, none, or repeated", async () => {
    await assert.rejects(openSource(parquet(flights, { columns: ["altitude"] })), {
      code: "OPTION_INVALID",
      message: /no column "altitude"; it has date, delay, distance, origin, destination/,
    });
    assert.throws(() => parquet(flights, { columns: [] }), { code: "OPTION_INVALID" });
    assert.throws(() => parquet(flights, { columns: ["a", "a"] }), { code: "OPTION_INVALID" });
  });

  test("tells at its opening of a file that is missing or is no Parquet, and closes it", async () => {
    const files = new MemoryFiles({ "a.parquet": "no parquet, but long enough to have a footer" });
    for (const path of ["missing.parquet", "a.parquet"]) {
      await assert.rejects(openSource(parquet(path), files.ports), {
        code: "FILE_UNREADABLE",
        message: new RegExp(path),
      });
    }
    assert.equal(files.open.size, 0);
  });

  test("throws from poll when the disk fails later", async () => {
    const files = new MemoryFiles({ f: readFileSync(flights) });
    const opened = await openSource(parquet<Flight>("f"), files.ports);
    files.readFailsAt = 5_000_000;
    const into: Flight[] = new Array(100_000);
    let rows = 0;
    await assert.rejects(
      async () => {
        for (;;) {
          const n = opened.partitions[0]!.poll(into, 0, into.length);
          rows += n;
          if (n < into.length) await opened.woken();
        }
      },
      { code: "FILE_UNREADABLE", message: /EIO/ },
    );
    assert.ok(rows > 0 && rows % 272_727 === 0, `${rows} rows of whole groups came first`);
    assert.equal(opened.partitions[0]!.ended, false);
    await opened.partitions[0]!.close();
  });

  test("names the packages when they are not installed", async () => {
    const missing = () => Promise.reject(new Error("Cannot find package"));
    await assert.rejects(loadDriver(missing), {
      code: "DRIVER_MISSING",
      message: /npm install hyparquet hyparquet-compressors/,
    });
  });

  test("rounds points in time down to milliseconds, also before 1970", () => {
    assert.equal(timeParsers.timestampFromMicroseconds!(1_500n), 1);
    assert.equal(timeParsers.timestampFromMicroseconds!(-1n), -1);
    assert.equal(timeParsers.timestampFromMicroseconds!(-2_000n), -2);
    assert.equal(timeParsers.timestampFromNanoseconds!(-1n), -1);
    assert.equal(timeParsers.timestampFromMilliseconds!(-5n), -5);
    assert.equal(timeParsers.dateFromDays!(2), 172_800_000);
  });

  test("keeps an integer beyond 2^53 a bigint, also within lists and structs", () => {
    const big = 2n ** 53n;
    assert.deepEqual(plainValue([1n, { a: big, b: [-1n] }, null]), [1, { a: big, b: [-1] }, null]);
  });

  test("builds rows of any column names, none of which is code", () => {
    const names = ["__proto__", 'a"]; process.exit(1); //', "\u2028", "ж", "constructor"];
    const into: Record<string, unknown>[] = [];
    rowBuilder(names)(
      names.map((_, i) => [i, 10 + i]),
      1,
      1,
      into,
      0,
    );
    assert.deepEqual(
      Object.entries(into[0]!),
      names.map((name, i) => [name, 10 + i]),
    );
    assert.equal(Object.getPrototypeOf(into[0]), Object.prototype);
  });

  test("is closed while a row group is being decoded without an unhandled failure", async () => {
    const opened = await openSource(parquet(flights), systemPorts);
    await opened.partitions[0]!.close();
  });
});
