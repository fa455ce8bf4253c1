/** The file sinks through the one suite of sinks: visible at once, and under exactly-once over a disk that crashes. */
import assert from "node:assert/strict";
import { files, ndjsonFile } from "../../src/connector/file/index.ts";
import type { CrashDisk } from "../epoch/crash-files.ts";
import type { EpochCase, Written } from "./epoch-run.ts";
import { MemoryFiles } from "./memory-files.ts";
import { sinkEpochSuite, sinkSuite } from "./sink-suite.ts";

const parse = (text: string) =>
  text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Written);

sinkSuite("files()", () => {
  const disk = new MemoryFiles();
  return {
    sink: files<Written>("out", { rollBytes: 20_000 }),
    ports: disk.ports,
    async received() {
      const names = (await disk.list("out")).filter((name) => name.startsWith("part-"));
      return names.flatMap((name) => parse(disk.text(`out/${name}`)));
    },
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>();
      disk.gate = promise;
      return resolve;
    },
  };
});

// --- exactly-once ---

const textOf = (disk: CrashDisk, path: string) => (disk.names.has(path) ? disk.content(path).toString() : "");

/** Whole lines, up to what a loss of power made up. */
function soundLines(text: string): Written[] {
  const lines = text.split("\n").slice(0, -1);
  const bad = lines.findIndex((line) => line.includes("\0"));
  return parse(`${(bad < 0 ? lines : lines.slice(0, bad)).join("\n")}\n`.replace(/^\n$/, ""));
}

const contents = (disk: CrashDisk, except: readonly string[]) =>
  Object.fromEntries(
    [...disk.names.keys()]
      .filter((path) => !except.includes(path) && typeof disk.names.get(path) !== "symbol")
      .sort()
      .map((path) => [path, textOf(disk, path)]),
  );

sinkEpochSuite("ndjsonFile()", {
  sink: () => ndjsonFile<Written>("/out.ndjson"),
  visible: (disk) => soundLines(textOf(disk, "/out.ndjson")),
  atOnce: true,
  outcome: (disk) => contents(disk, ["/.out.ndjson.epoch"]),
});

/** As readers of a folder do: the files that the decided part of the list names. */
function listed(disk: CrashDisk): Written[] {
  const mark = textOf(disk, "/out/_committed.json");
  if (mark === "") return [];
  const { bytes } = JSON.parse(mark) as { bytes: number };
  const list = Buffer.from(textOf(disk, "/out/_files.ndjson")).toString("utf8", 0, bytes);
  return list
    .split("\n")
    .slice(0, -1)
    .flatMap((line) => {
      const { file, bytes } = JSON.parse(line) as { file: string; bytes: number };
      const content = disk.content(`/out/${file}`);
      assert.equal(content.length, bytes, `${file} is not what the list says`);
      return parse(content.toString());
    });
}

const folder: Omit<EpochCase, "sink"> = {
  visible: listed,
  atOnce: false,
  outcome: (disk) => contents(disk, ["/out/_committed.json"]),
};

sinkEpochSuite("files()", { ...folder, sink: () => files<Written>("/out", { rollBytes: 70 }) });

sinkEpochSuite("files() in partitions, with fewer handles than files", {
  ...folder,
  sink: () =>
    files<Written>("/out", { rollBytes: 60, partitionBy: ({ id }) => ({ of: id % 3 }), maxOpenFiles: 2 }),
  lane: ({ id }) => id % 3,
});
