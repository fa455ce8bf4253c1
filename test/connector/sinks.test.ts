import assert from "node:assert/strict";
import { describe, mock, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { forEach, ndjsonFile, toAsyncIterable, toConsole } from "../../src/connector/index.ts";
import { MemoryFiles } from "./memory-files.ts";
import { sinkContext, type Written } from "./epoch-run.ts";
import { sinkSuite } from "./sink-suite.ts";

const parseLines = (text: string) =>
  text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Written);

const noTimes = new Float64Array(16);

// --- every sink through the suite ---

sinkSuite("ndjsonFile()", () => {
  const files = new MemoryFiles();
  return {
    sink: ndjsonFile<Written>("out.ndjson"),
    ports: files.ports,
    received: () => parseLines(files.text("out.ndjson")),
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>();
      files.gate = promise;
      return resolve;
    },
  };
});

sinkSuite("forEach() with a function that returns nothing", () => {
  const received: Written[] = [];
  return { sink: forEach<Written>((record) => void received.push(record)), received: () => received };
});

sinkSuite("forEach() with a function that returns promises", () => {
  const received: Written[] = [];
  let gate = Promise.resolve();
  return {
    sink: forEach<Written>(async (record) => {
      await gate;
      received.push(record);
    }),
    received: () => received,
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = promise;
      return resolve;
    },
  };
});

sinkSuite("toConsole()", () => {
  const log = mock.method(console, "log", () => {});
  return {
    sink: toConsole<Written>(),
    received() {
      const text = log.mock.calls.map((call) => `${call.arguments[0]}\n`).join("");
      log.mock.restore();
      return parseLines(text);
    },
  };
});

sinkSuite("toAsyncIterable()", () => {
  const sink = toAsyncIterable<Written>({ buffer: 100 });
  const received: Written[] = [];
  let gate = Promise.resolve();
  const loop = (async () => {
    for await (const record of sink) {
      await gate;
      received.push(record);
    }
  })();
  return {
    sink,
    received: () => loop.then(() => received),
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = promise;
      return resolve;
    },
  };
});

// --- what is special about each ---

describe("ndjsonFile()", () => {
  const openFile = (files: MemoryFiles) =>
    ndjsonFile<unknown>("out.ndjson").open(sinkContext({ ports: files.ports }));

  test("writes one JSON text per line, with bytes in base64", async () => {
    const files = new MemoryFiles();
    const sink = await openFile(files);
    const bytes = new Uint8Array([0, 1, 255]);
    await sink.write([{ a: "ж\n" }, 1, null, { reason: "bad", bytes, value: undefined }], noTimes, 0, 4);
    await sink.close();
    assert.equal(files.text("out.ndjson"), '{"a":"ж\\n"}\n1\nnull\n{"reason":"bad","bytes":"AAH/"}\n');
  });

  const inaccurate: [string, unknown, RegExp][] = [
    ["a bigint", { id: 7n }, /\{"id":"7n"\}.*map bigints to numbers or strings first/],
    ["undefined", undefined, /JSON has no undefined/],
    ["a function", () => 1, /JSON has no function/],
  ];
  for (const [what, record, message] of inaccurate) {
    test(`refuses ${what}, names the record, and writes those before it`, async () => {
      const files = new MemoryFiles();
      const sink = await openFile(files);
      assert.throws(() => sink.write([1, record, 3], noTimes, 0, 3), { code: "SINK_FAILED", message });
      await sink.close();
      assert.equal(files.text("out.ndjson"), "1\n");
    });
  }

  test("has one write in flight at most", async () => {
    const files = new MemoryFiles();
    const sink = await openFile(files);
    for (let i = 0; i < 100; i++) await sink.write(["x".repeat(50_000)], noTimes, 0, 1);
    await sink.close();
    assert.equal(files.mostWritesInFlight, 1);
    assert.equal(files.text("out.ndjson").length, 100 * 50_003);
  });

  test("tells at its opening that the file can't be written", async () => {
    const { ports } = new MemoryFiles();
    await assert.rejects(ndjsonFile("/missing/out.ndjson").open(sinkContext({ ports })), {
      code: "FILE_UNWRITABLE",
      message: /\/missing\/out\.ndjson/,
    });
  });

  test("tells of a failing disk with the cause, at flush, at the next write and at close", async () => {
    const files = new MemoryFiles();
    files.writeError = new Error("ENOSPC: no space left");
    const sink = await openFile(files);
    assert.equal(sink.write([1], noTimes, 0, 1), undefined);
    const failure = (error: { code: string; cause: unknown }) =>
      error.code === "SINK_FAILED" && error.cause === files.writeError;
    await assert.rejects(sink.flush(), failure);
    assert.throws(() => sink.write([2], noTimes, 0, 1), failure);
    await assert.rejects(sink.close(), failure);
    assert.equal(files.open.size, 0, "the file is closed all the same");
  });
});

describe("forEach()", () => {
  test("gives no promise when the function gives none", async () => {
    const sink = await forEach<number>(() => {}).open(sinkContext());
    assert.equal(sink.write([1, 2, 3], noTimes, 0, 3), undefined);
  });

  test("passes the timestamps, also behind a promise", async () => {
    const seen: [string, number][] = [];
    const sink = await forEach<string>(async (record, timestamp) => {
      seen.push([record, timestamp]);
    }).open(sinkContext());
    await sink.write(["skipped", "a", "b"], Float64Array.of(1, 2, 3), 1, 3);
    assert.deepEqual(seen, [
      ["a", 2],
      ["b", 3],
    ]);
  });

  test("never calls the function while its last promise is pending", async () => {
    let running = 0;
    const sink = await forEach<number>(async () => {
      assert.equal(++running, 1);
      await turn();
      running--;
    }).open(sinkContext());
    await sink.write([1, 2, 3], noTimes, 0, 3);
    await sink.close();
  });

  test("fails with the cause when the function throws or its promise rejects", async () => {
    const cause = new Error("no network");
    const failure = { code: "SINK_FAILED", message: /no network/, cause };
    const throwing = await forEach(() => {
      throw cause;
    }).open(sinkContext());
    assert.throws(() => throwing.write([1], noTimes, 0, 1), failure);
    const rejecting = await forEach(() => Promise.reject(cause)).open(sinkContext());
    await assert.rejects(async () => rejecting.write([1], noTimes, 0, 1), failure);
  });
});

describe("toConsole()", () => {
  test("prints with the given format, and shows what JSON can't hold", async () => {
    const log = mock.method(console, "log", () => {});
    const plain = await toConsole<unknown>().open(sinkContext());
    plain.write([{ a: 1 }, undefined, { big: 1n }], noTimes, 0, 3);
    const own = await toConsole<number>({ format: (n) => `<${n}>` }).open(sinkContext());
    own.write([1, 2], noTimes, 0, 2);
    const printed = log.mock.calls.map((call) => call.arguments[0]);
    log.mock.restore();
    assert.deepEqual(printed, ['{"a":1}\nundefined\n{ big: 1n }', "<1>\n<2>"]);
  });
});

describe("toAsyncIterable()", () => {
  test("keeps what was written for a loop that starts after the job has ended", async () => {
    const sink = toAsyncIterable<number>();
    const open = await sink.open(sinkContext());
    open.write([1, 2, 3], noTimes, 0, 3);
    await open.close();
    assert.deepEqual(await Array.fromAsync(sink), [1, 2, 3]);
  });

  test("releases the job when the loop is left, and drops what follows", async () => {
    const sink = toAsyncIterable<number>({ buffer: 2 });
    const open = await sink.open(sinkContext());
    const waiting = open.write([1, 2, 3], noTimes, 0, 3);
    assert.ok(waiting !== undefined);
    for await (const record of sink) {
      assert.equal(record, 1);
      break;
    }
    await waiting;
    assert.equal(open.write([4, 5, 6], noTimes, 0, 3), undefined);
    await open.close();
    assert.deepEqual(await Array.fromAsync(sink), []);
  });

  test("refuses a buffer that is no whole number above zero", () => {
    assert.throws(() => toAsyncIterable({ buffer: 0 }), { code: "OPTION_INVALID" });
  });
});
