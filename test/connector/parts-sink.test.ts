/** What files() writes where, when a file ends, and what it does with a folder in which something is. */
import assert from "node:assert/strict";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { SinkContext } from "../../src/connector/contract.ts";
import { type FilesOptions, files } from "../../src/connector/file/index.ts";
import { systemPorts } from "../../src/core/ports.ts";
import { CrashDisk } from "../epoch/crash-files.ts";
import { record, records, sinkContext, type Written } from "./epoch-run.ts";
import { MemoryFiles } from "./memory-files.ts";
import { propertyOptions } from "./seed.ts";

const noTimes = new Float64Array(4096);
const lines = (from: number, to: number) =>
  records(from, to)
    .map((one) => `${JSON.stringify(one)}\n`)
    .join("");

async function openAt(
  disk: MemoryFiles,
  options: FilesOptions<any> = {},
  overrides: Partial<SinkContext> = {},
) {
  return files<any>("out", options).open(
    sinkContext({ ports: disk.ports, guarantee: "exactly-once", ...overrides }),
  );
}

/** The folder's files and their texts. */
async function contents(disk: MemoryFiles, folder = "out"): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of await disk.list(folder)) {
    const path = `${folder}/${name}`;
    if ((await disk.stat(path))!.isFolder) Object.assign(found, await contents(disk, path));
    else found[path.slice(4)] = disk.text(path);
  }
  return found;
}

const partsOf = async (disk: MemoryFiles) =>
  Object.fromEntries(Object.entries(await contents(disk)).filter(([path]) => /part-\d+\.ndjson$/.test(path)));

describe("files() visibly", () => {
  test("writes each record to the folder of its fields, on a real disk", async () => {
    const folder = mkdtempSync(join(tmpdir(), "millrace-files-"));
    try {
      const out = join(folder, "new", "out");
      const sink = files<Record<string, unknown>>(out, { partitionBy: ["country", "day"] });
      const open = await sink.open(sinkContext({ guarantee: "exactly-once" }));
      const orders = [
        { country: "DE", day: 1, n: 0 },
        { country: "FR", day: 1, n: 1 },
        { country: "DE", day: 1, n: 2 },
        { country: null, day: 2, n: 3 },
      ];
      await open.write(orders, noTimes, 0, 4);
      await open.epochs!.commit(1, await open.epochs!.prepare(1, true));
      await open.close();
      const found = globSync("**/*.ndjson", { cwd: out }).sort();
      assert.deepEqual(
        found.map((path) => [path, readFileSync(join(out, path), "utf8")]),
        [
          ["_files.ndjson", readFileSync(join(out, "_files.ndjson"), "utf8")],
          [
            join("country=DE", "day=1", "part-00000.ndjson"),
            '{"country":"DE","day":1,"n":0}\n{"country":"DE","day":1,"n":2}\n',
          ],
          [join("country=FR", "day=1", "part-00000.ndjson"), '{"country":"FR","day":1,"n":1}\n'],
          [join("country=__null__", "day=2", "part-00000.ndjson"), '{"country":null,"day":2,"n":3}\n'],
        ],
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("ends a file with the record that fills it, whatever the batches", async () => {
    const text = fc.string({ unit: "grapheme", maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(text, { maxLength: 60 }),
        fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }),
        fc.integer({ min: 1, max: 400 }),
        async (texts, batches, rollBytes) => {
          const disk = new MemoryFiles();
          const open = await openAt(disk, { rollBytes }, { guarantee: "none" });
          for (let at = 0, i = 0; at < texts.length; i++) {
            const to = Math.min(texts.length, at + batches[i % batches.length]);
            await open.write(texts, noTimes, at, to);
            at = to;
          }
          await open.close();
          const expected = [""];
          for (const one of texts) {
            if (Buffer.byteLength(expected.at(-1)!) >= rollBytes) expected.push("");
            expected[expected.length - 1] += `${JSON.stringify(one)}\n`;
          }
          assert.deepEqual(Object.values(await partsOf(disk)), texts.length === 0 ? [] : expected);
        },
      ),
      propertyOptions(100),
    );
  });

  test("ends a file that is old enough at the next batch, and names files by the prefix", async () => {
    const disk = new MemoryFiles();
    let now = 1000;
    const ports = { ...disk.ports, clock: { ...systemPorts.clock, now: () => now } };
    const open = await openAt(disk, { rollEvery: "10s", prefix: "x" }, { guarantee: "none", ports });
    for (const [at, id] of [
      [1000, 0],
      [10_999, 1],
      [11_000, 2],
      [20_000, 3],
      [30_000, 4],
    ] as const) {
      now = at;
      await open.write([record(id)], noTimes, 0, 1);
    }
    await open.close();
    assert.deepEqual(Object.values(await contents(disk)), [lines(0, 2), lines(2, 4), lines(4, 5)]);
    assert.deepEqual(Object.keys(await contents(disk)).at(-1), "x-00002.ndjson");
  });

  test("writes the records before one that can't be written", async () => {
    const disk = new MemoryFiles();
    const open = await openAt(disk, {}, { guarantee: "none" });
    assert.throws(() => open.write([record(0), 7n, record(1)], noTimes, 0, 3), { code: "SINK_FAILED" });
    await open.close();
    assert.deepEqual(await partsOf(disk), { "part-00000.ndjson": lines(0, 1) });
  });

  test("keeps no more files open than it may, and loses nothing by it", async () => {
    const disk = new MemoryFiles();
    const open = await openAt(
      disk,
      { partitionBy: ({ id }) => ({ of: id % 7 }), maxOpenFiles: 3 },
      { guarantee: "none" },
    );
    let most = 0;
    const { openAppend } = disk;
    disk.openAppend = async (path, bytes) => {
      const file = await openAppend.call(disk, path, bytes);
      most = Math.max(most, disk.open.size);
      return file;
    };
    for (let at = 0; at < 700; at += 10) await open.write(records(at, at + 10), noTimes, 0, 10);
    await open.flush();
    for (let at = 700; at < 1400; at += 1) await open.write(records(at, at + 1), noTimes, 0, 1);
    await open.close();
    assert.equal(most, 3);
    assert.equal(disk.open.size, 0);
    for (const [path, text] of Object.entries(await partsOf(disk))) {
      const of = Number(/of=(\d)/.exec(path)![1]);
      const expected = records(0, 1400).filter(({ id }) => id % 7 === of);
      assert.equal(text, expected.map((one) => `${JSON.stringify(one)}\n`).join(""));
    }
  });

  for (const guarantee of ["at-least-once", "at-most-once"] as const) {
    test(`begins new files after a crash, and cuts off torn lines, ${guarantee}`, async () => {
      const disk = new MemoryFiles({
        "out/part-00000.ndjson": lines(0, 3),
        "out/part-00001.ndjson": `${lines(3, 5)}{"i`,
      });
      await disk.makeFolder("out");
      const open = await openAt(disk, {}, { guarantee, recovered: { epoch: 2, handles: [] }, generation: 2 });
      open.write(records(5, 6), noTimes, 0, 1);
      await open.close();
      assert.deepEqual(Object.values(await contents(disk)), [lines(0, 3), lines(3, 5), lines(5, 6)]);
    });
  }

  test("goes on in its folder when it died before its first epoch was decided", async () => {
    const disk = new MemoryFiles();
    for (const generation of [1, 2]) {
      const open = await openAt(disk, {}, { guarantee: "at-least-once", generation });
      open.write(records(0, 1), noTimes, 0, 1);
      await open.close();
    }
    assert.deepEqual(Object.values(await contents(disk)), [lines(0, 1), lines(0, 1)]);
  });

  test("tells of a failing disk at flush, at the next write and at close", async () => {
    const disk = new MemoryFiles();
    const open = await openAt(disk, {}, { guarantee: "at-least-once" });
    disk.writeError = new Error("ENOSPC: no space left");
    const failure = { code: "SINK_FAILED", message: /part-00000\.ndjson.*ENOSPC/, cause: disk.writeError };
    open.write(records(0, 1), noTimes, 0, 1);
    await assert.rejects(open.flush(), failure);
    assert.throws(() => open.write(records(1, 2), noTimes, 0, 1), failure);
    await assert.rejects(open.close(), failure);
    assert.equal(disk.open.size, 0);
  });
});

describe("files() in a folder that is not empty", () => {
  const occupied: [string, Record<string, string>][] = [
    ["parts", { "out/part-00000.ndjson": "1\n" }],
    ["parts of another prefix in a partition", { "out/a=1/other-00003.ndjson": "1\n" }],
    ["a finished run", { "out/_SUCCESS": "" }],
    [
      "another job's output",
      { "out/_committed.json": '{"job":"older","epoch":3,"files":0,"bytes":0,"ended":false}' },
    ],
  ];
  for (const [what, content] of occupied) {
    for (const guarantee of ["exactly-once", "none"] as const) {
      test(`refuses to start among ${what}, ${guarantee}, and leaves it as it is`, async () => {
        const disk = new MemoryFiles(content);
        await disk.makeFolder("out/a=1");
        const before = await contents(disk);
        await assert.rejects(openAt(disk, {}, { guarantee }), {
          code: "FILE_UNWRITABLE",
          message: /the folder out holds .*; give an empty folder/,
        });
        assert.deepEqual(await contents(disk), before);
      });
    }
  }

  test("refuses to go on where another job has written", async () => {
    const disk = new MemoryFiles({ "out/_committed.json": '{"job":"older","epoch":3,"files":0,"bytes":0}' });
    await assert.rejects(openAt(disk, {}, { recovered: { epoch: 5, handles: [] } }), {
      code: "FILE_UNWRITABLE",
      message: /the output of the job older/,
    });
  });

  test("does not mind what is not its own", async () => {
    const disk = new MemoryFiles({ "out/README.md": "hello", "out/a=b.txt": "", "out/.keep": "" });
    await (await openAt(disk)).close();
    assert.deepEqual(Object.keys(await contents(disk)), [".keep", "README.md", "a=b.txt"]);
  });
});

describe("files() under exactly-once", () => {
  const commitNext = async (open: Awaited<ReturnType<typeof openAt>>, epoch: number, last = false) => {
    const handle = await open.epochs!.prepare(epoch, last);
    await open.epochs!.commit(epoch, handle);
    return { epoch, handles: [{ epoch, handle }] };
  };

  test("tells readers by its marker which files are decided", async () => {
    const disk = new MemoryFiles();
    const open = await openAt(disk, { rollBytes: 20 });
    open.write(records(0, 5), noTimes, 0, 5);
    await commitNext(open, 1);
    const part = { "part-00000.ndjson": lines(0, 3), ".part-00001.ndjson.open": lines(3, 5) };
    const list = '{"file":"part-00000.ndjson","bytes":27}\n';
    assert.deepEqual(await contents(disk), {
      ...part,
      "_files.ndjson": list,
      "_committed.json": '{"job":"job","epoch":1,"files":1,"bytes":40,"ended":false}\n',
    });
    await commitNext(open, 2, true);
    const { "_committed.json": marker, _SUCCESS, ...rest } = await contents(disk);
    assert.equal(marker, '{"job":"job","epoch":2,"files":2,"bytes":80,"ended":true}\n');
    assert.equal(_SUCCESS, "");
    assert.deepEqual(rest, {
      "part-00000.ndjson": lines(0, 3),
      "part-00001.ndjson": lines(3, 5),
      "_files.ndjson": `${list}{"file":"part-00001.ndjson","bytes":18}\n`,
    });
  });

  test("waits in prepare for every byte of the epoch, those of finished files too", async () => {
    for (const rollBytes of [20, 1000]) {
      const disk = new MemoryFiles();
      const open = await openAt(disk, { rollBytes });
      const { promise, resolve } = Promise.withResolvers<void>();
      disk.gate = promise;
      open.write(records(0, 3), noTimes, 0, 3);
      let prepared = false;
      const preparing = open.epochs!.prepare(1, false).then(() => {
        prepared = true;
      });
      await new Promise((turn) => setTimeout(turn, 5));
      assert.equal(prepared, false, `with rollBytes ${rollBytes}`);
      resolve();
      await preparing;
    }
  });

  test("writes nothing any more once it is closed, whatever failed before", async () => {
    const disk = new MemoryFiles();
    const { promise, resolve } = Promise.withResolvers<void>();
    const { openAppend } = disk;
    let written = 0;
    disk.openAppend = async (path, bytes) => ({
      ...(await openAppend.call(disk, path, bytes)),
      async write() {
        if (path.includes("of=0")) throw new Error("EIO: i/o error");
        await promise;
        written++;
      },
    });
    const open = await openAt(disk, { partitionBy: ({ id }) => ({ of: id % 2 }) });
    open.write(records(0, 2), noTimes, 0, 2);
    await assert.rejects(open.epochs!.prepare(1, false), { code: "SINK_FAILED" });
    let closed = false;
    const closing = assert.rejects(open.close(), { code: "SINK_FAILED" }).then(() => {
      closed = true;
    });
    await new Promise((turn) => setTimeout(turn, 5));
    assert.deepEqual([closed, written], [false, 0]);
    resolve();
    await closing;
    assert.equal(written, 1);
  });

  test("finishes old files at the barrier, when no record comes", async () => {
    const disk = new MemoryFiles();
    let now = 0;
    const ports = { ...disk.ports, clock: { ...systemPorts.clock, now: () => now } };
    const open = await openAt(disk, { rollEvery: "10s" }, { ports });
    open.write(records(0, 2), noTimes, 0, 2);
    const recovered = await commitNext(open, 1);
    assert.deepEqual(await partsOf(disk), {});
    await open.close();
    now = 10_000;
    const again = await openAt(disk, { rollEvery: "10s" }, { ports, recovered });
    await commitNext(again, 2);
    assert.deepEqual(await partsOf(disk), { "part-00000.ndjson": lines(0, 2) });
  });

  test("cuts off and removes what no epoch decided, also when the power is lost behind it", async () => {
    for (let seed = 0; seed < 20; seed++) {
      let draw = seed;
      const disk = new CrashDisk(() => {
        draw = (draw * 16807 + 11) % 2147483647;
        return draw / 2147483647;
      });
      const life = (recovered: SinkContext["recovered"]) =>
        files<Written>("/out", { partitionBy: ({ id }) => ({ of: id % 2 }) }).open(
          sinkContext({
            ports: { ...systemPorts, files: disk.boot() },
            guarantee: "exactly-once",
            recovered,
          }),
        );
      const first = await life(null);
      first.write([record(0)], noTimes, 0, 1);
      const handle = await first.epochs!.prepare(1, false);
      first.write([record(2), record(1)], noTimes, 0, 2);
      // On the disk, as if the epoch had been prepared and not decided.
      await first.epochs!.prepare(2, false);
      disk.lose("process");
      const second = await life({ epoch: 1, handles: [{ epoch: 1, handle }] });
      await second.epochs!.commit(1, handle);
      await second.epochs!.commit(2, await second.epochs!.prepare(2, true));
      const parts = () => [...disk.names.keys()].filter((path) => path.includes("part-"));
      assert.deepEqual(parts(), ["/out/of=0/part-00000.ndjson"]);
      disk.lose("power");
      // The removal of a hidden file may be undone. Nobody sees it.
      assert.deepEqual(
        parts().filter((path) => !path.endsWith(".open")),
        ["/out/of=0/part-00000.ndjson"],
      );
      assert.equal(disk.content("/out/of=0/part-00000.ndjson").toString(), lines(0, 1));
    }
  });

  test("says which decided file is gone or too short", async () => {
    for (const text of [null, "{"]) {
      const disk = new MemoryFiles();
      const open = await openAt(disk, { rollBytes: 30 });
      open.write(records(0, 5), noTimes, 0, 5);
      const handle = await open.epochs!.prepare(1, false);
      await open.close();
      for (const [path, committed] of [
        [".part-00001.ndjson.open", false],
        [".part-00000.ndjson.open", true],
      ] as const) {
        const other = new MemoryFiles(
          Object.fromEntries(Object.entries(await contents(disk)).map(([name, old]) => [`out/${name}`, old])),
        );
        await other.makeFolder("out");
        if (text === null) await other.remove(`out/${path}`);
        else other.overwrite(`out/${path}`, text);
        const goOn = async () => {
          const again = await openAt(other, {}, { recovered: { epoch: 1, handles: [{ epoch: 1, handle }] } });
          if (committed) await again.epochs!.commit(1, handle);
        };
        await assert.rejects(goOn(), { code: "SINK_STATE_MISSING", message: /part-0000[01]\.ndjson/ });
      }
    }
  });

  test("refuses a folder with a part that no decided epoch knows", async () => {
    const disk = new MemoryFiles();
    const open = await openAt(disk, { rollBytes: 20 });
    open.write(records(0, 3), noTimes, 0, 3);
    const recovered = await commitNext(open, 1);
    disk.put("out/part-00001.ndjson", lines(3, 6));
    await assert.rejects(openAt(disk, {}, { recovered }), {
      code: "STATE_BEHIND_SINK",
      message: /part-00001\.ndjson is of a later epoch/,
    });
  });

  test("takes over the files of a run that was not exactly-once", async () => {
    const disk = new MemoryFiles({ "out/part-00000.ndjson": `${lines(0, 2)}{"to` });
    await disk.makeFolder("out");
    const open = await openAt(disk, {}, { recovered: { epoch: 4, handles: [] }, generation: 2 });
    open.write(records(2, 3), noTimes, 0, 1);
    await commitNext(open, 5, true);
    assert.deepEqual(await partsOf(disk), {
      "part-00000.ndjson": lines(0, 2),
      "part-00001.ndjson": lines(2, 3),
    });
    assert.equal((await contents(disk))["_files.ndjson"].split("\n").length, 3);
  });

  test("leaves its decided output to a run that is not exactly-once", async () => {
    const disk = new MemoryFiles();
    const open = await openAt(disk, { rollBytes: 20 });
    open.write(records(0, 4), noTimes, 0, 4);
    const handle = await open.epochs!.prepare(1, false);
    open.write(records(4, 5), noTimes, 0, 1);
    await open.flush();
    await open.close();
    const again = await openAt(
      disk,
      {},
      { guarantee: "at-least-once", recovered: { epoch: 1, handles: [{ epoch: 1, handle }] }, generation: 2 },
    );
    again.write(records(4, 5), noTimes, 0, 1);
    await again.close();
    assert.deepEqual(await partsOf(disk), {
      "part-00000.ndjson": lines(0, 3),
      "part-00001.ndjson": lines(3, 4),
      "part-00002.ndjson": lines(4, 5),
    });
  });

  test("has not ended any more when its job goes on with more input", async () => {
    const disk = new MemoryFiles();
    const open = await openAt(disk, { rollBytes: 20 });
    const recovered = await commitNext(open, 1, true);
    assert.ok("_SUCCESS" in (await contents(disk)));
    const again = await openAt(disk, { rollBytes: 20 }, { recovered, generation: 2 });
    again.write(records(0, 3), noTimes, 0, 3);
    await commitNext(again, 2);
    assert.ok(!("_SUCCESS" in (await contents(disk))));
    await commitNext(again, 3, true);
    assert.ok("_SUCCESS" in (await contents(disk)));
  });
});

describe("files()", () => {
  const invalid: [FilesOptions<any>, string][] = [
    [{ prefix: "" }, "OPTION_INVALID"],
    [{ prefix: "../x" }, "OPTION_INVALID"],
    [{ prefix: "_x" }, "OPTION_INVALID"],
    [{ rollBytes: 0 }, "OPTION_INVALID"],
    [{ maxOpenFiles: 0 }, "OPTION_INVALID"],
    [{ rollEvery: "soon" as "1s" }, "DURATION_INVALID"],
    [{ partitionBy: [] }, "OPTION_INVALID"],
  ];
  for (const [options, code] of invalid) {
    test(`refuses the options ${JSON.stringify(options)}`, () => {
      assert.throws(() => files("out", options), { code });
    });
  }
});
