/** lateLog(): the file sink that it is, through the suites of sinks, and what it gives back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { LateRecord, OpenSink } from "../../src/connector/contract.ts";
import { lateLog } from "../../src/connector/file/index.ts";
import type { CrashDisk } from "../epoch/crash-files.ts";
import { sinkContext, type Written } from "./epoch-run.ts";
import { MemoryFiles } from "./memory-files.ts";
import { sinkEpochSuite, sinkSuite } from "./sink-suite.ts";

const valuesOf = (text: string): Written[] =>
  text
    .split("\n")
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { value: Written }).value);

sinkSuite("lateLog()", () => {
  const files = new MemoryFiles();
  return {
    sink: lateLog<Written>("late.ndjson"),
    ports: files.ports,
    received: () => valuesOf(files.text("late.ndjson")),
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>();
      files.gate = promise;
      return resolve;
    },
  };
});

const textOf = (disk: CrashDisk, path: string): string =>
  disk.names.has(path) ? disk.content(path).toString() : "";

/** Whole lines, up to what a loss of power made up. */
function soundValues(text: string): Written[] {
  const lines = text.split("\n").slice(0, -1);
  const bad = lines.findIndex((line) => line.includes("\0"));
  return valuesOf((bad < 0 ? lines : lines.slice(0, bad)).map((line) => `${line}\n`).join(""));
}

sinkEpochSuite("lateLog()", {
  sink: () => lateLog<Written>("/late.ndjson"),
  visible: (disk) => soundValues(textOf(disk, "/late.ndjson")),
  atOnce: true,
  outcome: (disk) => ({ log: textOf(disk, "/late.ndjson") }),
});

async function write(
  files: MemoryFiles,
  values: readonly unknown[],
  times: readonly number[],
): Promise<void> {
  const open = (await lateLog("late.ndjson").open(sinkContext({ ports: files.ports }))) as OpenSink<unknown>;
  await open.write(values, Float64Array.from(times), 0, values.length);
  await open.close();
}

const read = (files: MemoryFiles): Promise<readonly LateRecord[]> | undefined =>
  lateLog("late.ndjson").lateRecords?.(files.ports);

test("a late log gives back each record with its timestamp, in the order in which they came", async () => {
  const files = new MemoryFiles();
  await write(files, [{ id: 1 }, "text", null, [2]], [5, -3, 0, 8.64e15]);
  assert.deepEqual(await read(files), [
    { timestamp: 5, value: { id: 1 } },
    { timestamp: -3, value: "text" },
    { timestamp: 0, value: null },
    { timestamp: 8.64e15, value: [2] },
  ]);
});

test("a late log of many records is read in pieces", async () => {
  const files = new MemoryFiles();
  const values = Array.from({ length: 20_000 }, (_, id) => ({ id, text: "é".repeat(id % 50) }));
  await write(
    files,
    values,
    values.map(({ id }) => id),
  );
  const records = (await read(files)) ?? [];
  assert.equal(records.length, values.length);
  assert.deepEqual(records.at(-1), { timestamp: 19_999, value: values.at(-1) });
});

test("a late log that is not there has no records, and a line that is not whole yet is none", async () => {
  const files = new MemoryFiles();
  assert.deepEqual(await read(files), []);
  await write(files, [1], [1]);
  files.append("late.ndjson", '{"timestamp":2,"val');
  assert.deepEqual(await read(files), [{ timestamp: 1, value: 1 }]);
});

test("what is no late log is refused with the number of its line", async () => {
  for (const [text, why] of [
    [
      '{"timestamp":1,"value":1}\n{"id":7}\n',
      /late\.ndjson can't be read: its record 2 is no line of a lateLog/,
    ],
    ['{"timestamp":1,"value":1}\n{"timesta\n', /late\.ndjson can't be read: line 2 is no late record/],
  ] as const) {
    const files = new MemoryFiles({ "late.ndjson": text });
    await assert.rejects(Promise.resolve(read(files)), { code: "FILE_UNREADABLE", message: why });
  }
});

test("a record without a timestamp, or that is no JSON, is refused", async () => {
  for (const [value, time, why] of [
    [{ id: 1 }, Number.NaN, /has no timestamp/],
    [undefined, 1, /is no JSON/],
    [1n, 1, /JSON has no bigint/],
  ] as const)
    await assert.rejects(write(new MemoryFiles(), [value], [time]), { code: "SINK_FAILED", message: why });
});
