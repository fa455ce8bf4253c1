import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import type { Json } from "../../src/core/json.ts";
import {
  fromAsyncIterable,
  fromIterable,
  type GeneratorOptions,
  generator,
  ndjson,
} from "../../src/connector/index.ts";
import { MemoryFiles } from "./memory-files.ts";
import { openSource, pollAll, pollOnce, recordsOf } from "./poll-all.ts";
import { sourceSuite } from "./source-suite.ts";

const numbers = Array.from({ length: 100 }, (_, i) => i);

async function* slowly<T>(values: Iterable<T>) {
  for (const value of values) {
    if (Number(value) % 7 === 0) await turn();
    yield value;
  }
}

function* failingAt(count: number) {
  for (let i = 0; i < count; i++) yield i;
  throw new Error("broken");
}

// --- every source through the suite ---

sourceSuite(
  "ndjson() with two files and short reads",
  () => {
    const bytes: Record<string, readonly number[]> = {
      "a.ndjson": numbers,
      "b.ndjson": numbers.slice(0, 10),
    };
    const lines = (records: readonly number[]) => records.map((id) => JSON.stringify({ id, name: "ж" }));
    const files = new MemoryFiles(
      Object.fromEntries(Object.entries(bytes).map(([path, all]) => [path, lines(all).join("\n")])),
    );
    files.readBytes = 100;
    return {
      source: ndjson(["a.ndjson", "b.ndjson"]),
      ports: files.ports,
      expected: Object.fromEntries(
        Object.entries(bytes).map(([path, all]) => [path, all.map((id) => ({ id, name: "ж" }))]),
      ),
      origin(partition, index) {
        const before = lines(bytes[partition]!.slice(0, index));
        const offset = Buffer.byteLength(before.map((line) => `${line}\n`).join(""));
        const line = lines(bytes[partition]!)[index]!;
        return { offset, line: index + 1, bytes: new TextEncoder().encode(line) };
      },
    };
  },
  {
    replayable: true,
    failing() {
      const files = new MemoryFiles({ "a.ndjson": numbers.map((i) => `${i}\n`).join("") });
      files.readBytes = 10;
      files.readFailsAt = 50;
      // 10 lines of 2 bytes and 10 of 3 bytes make 50.
      return {
        source: ndjson<number>("a.ndjson"),
        ports: files.ports,
        before: numbers.slice(0, 20),
        code: "FILE_UNREADABLE",
      };
    },
  },
);

sourceSuite(
  "fromIterable() with an array",
  () => ({ source: fromIterable(numbers, { name: "numbers" }), expected: { numbers } }),
  { replayable: true },
);

sourceSuite(
  "fromIterable() with an empty array",
  () => ({ source: fromIterable([]), expected: { array: [] } }),
  { replayable: true },
);

sourceSuite(
  "fromIterable() with a set",
  () => ({ source: fromIterable(new Set(numbers)), expected: { iterable: numbers } }),
  {
    failing: () => ({
      source: fromIterable({ [Symbol.iterator]: () => failingAt(10) }),
      before: numbers.slice(0, 10),
      code: "SOURCE_FAILED",
    }),
  },
);

for (const buffer of [1, 3, 1024]) {
  sourceSuite(
    `fromAsyncIterable() with a buffer of ${buffer}`,
    () => ({
      source: fromAsyncIterable({ [Symbol.asyncIterator]: () => slowly(numbers) }, { name: "slow", buffer }),
      expected: { slow: numbers },
      bounded: false,
    }),
    {
      failing: () => ({
        source: fromAsyncIterable({ [Symbol.asyncIterator]: () => slowly(failingAt(10)) }, { buffer }),
        before: numbers.slice(0, 10),
        code: "SOURCE_FAILED",
      }),
    },
  );
}

sourceSuite(
  "generator() with 3 partitions",
  () => ({
    source: generator((index) => ({ index }), { count: 100, partitions: 3 }),
    expected: Object.fromEntries(
      [0, 1, 2].map((p) => [p, numbers.filter((i) => i % 3 === p).map((index) => ({ index }))]),
    ),
  }),
  {
    replayable: true,
    failing: () => ({
      source: generator((i) => {
        if (i === 10) throw new Error("broken");
        return { index: i };
      }),
      before: numbers.slice(0, 10).map((index) => ({ index })),
      code: "SOURCE_FAILED",
    }),
  },
);

sourceSuite(
  "generator() with more partitions than records",
  () => ({
    source: generator((i) => i, { count: 2, partitions: 4 }),
    expected: { 0: [0], 1: [1], 2: [], 3: [] },
  }),
  { replayable: true },
);

// --- what is special about each ---

describe("fromIterable()", () => {
  test("gives the records that the array holds when the job starts", async () => {
    const values = [1, 2];
    const opened = await openSource(fromIterable(values));
    values.push(3);
    assert.deepEqual(await pollAll(opened, opened.partitions[0]!, 10), [1, 2]);
  });

  test("goes on in an array that has grown, and tells of one that lacks records or of a strange position", async () => {
    const from = (values: number[], position: Json) =>
      openSource(fromIterable(values), undefined, undefined, new Map([["array", position]]));
    const opened = await from([1, 2, 3, 4], { index: 3 });
    assert.deepEqual(await pollAll(opened, opened.partitions[0]!, 10), [4]);
    const lost = (message: RegExp) => ({ code: "SOURCE_POSITION_LOST", message });
    await assert.rejects(from([1, 2], { index: 3 }), lost(/fromIterable\(array\) .* it has only 2 records/));
    for (const strange of [null, 3, { index: -1 }, { index: 0.5 }, { row: 1 }]) {
      await assert.rejects(from([1, 2], strange), lost(/no position in numbered records/));
    }
  });

  test("lets go of an iterator when it is closed before its end, once", async () => {
    let finished = 0;
    const iterable = {
      *[Symbol.iterator]() {
        try {
          yield* numbers;
        } finally {
          finished++;
        }
      },
    };
    const opened = await openSource(fromIterable(iterable));
    pollOnce(opened.partitions[0]!, 5);
    await opened.partitions[0]!.close();
    await opened.partitions[0]!.close();
    assert.equal(finished, 1);
  });
});

describe("fromAsyncIterable()", () => {
  test("pulls no more than the buffer ahead of the job", async () => {
    let pulled = 0;
    async function* counted() {
      for (;;) yield pulled++;
    }
    const opened = await openSource(fromAsyncIterable(counted(), { buffer: 8 }));
    for (let i = 0; i < 20; i++) await turn();
    assert.equal(pulled, 8);
    assert.deepEqual(pollOnce(opened.partitions[0]!, 3), [0, 1, 2]);
    for (let i = 0; i < 20; i++) await turn();
    assert.equal(pulled, 11);
    await opened.partitions[0]!.close();
  });

  test("is caught up exactly when nothing is buffered", async () => {
    const opened = await openSource(fromAsyncIterable(slowly([7, 8])));
    const partition = opened.partitions[0]!;
    assert.equal(partition.caughtUp, true);
    await opened.woken();
    assert.equal(partition.caughtUp, false);
    await pollAll(opened, partition, 1);
    assert.equal(partition.caughtUp, true);
  });

  test("calls the iterator's return when it is closed", async () => {
    let returned = false;
    async function* endless() {
      try {
        for (let i = 0; ; i++) yield i;
      } finally {
        returned = true;
      }
    }
    const opened = await openSource(fromAsyncIterable(endless(), { buffer: 2 }));
    await opened.woken();
    for (let i = 0; i < 5; i++) await turn();
    await opened.partitions[0]!.close();
    assert.equal(returned, true);
  });

  test("can be closed while the iterable waits for something that never comes", async () => {
    async function* stuck() {
      await new Promise(() => {});
      yield 1;
    }
    const opened = await openSource(fromAsyncIterable(stuck()));
    await turn();
    await opened.partitions[0]!.close();
  });

  test("keeps the cause of a failure", async () => {
    const opened = await openSource(fromAsyncIterable(slowly(failingAt(0))));
    await assert.rejects(pollAll(opened, opened.partitions[0]!, 10), (error: Error) => {
      assert.match(error.message, /broken/);
      assert.equal((error.cause as Error).message, "broken");
      return true;
    });
  });

  test("refuses a buffer of no records", () => {
    assert.throws(() => fromAsyncIterable(slowly([]), { buffer: 0 }), { code: "OPTION_INVALID" });
  });
});

describe("generator()", () => {
  test("never ends without a count", async () => {
    const source = generator((i) => i);
    assert.equal(source.bounded, false);
    const opened = await openSource(source);
    assert.equal(pollOnce(opened.partitions[0]!, 10_000).length, 10_000);
    assert.equal(opened.partitions[0]!.ended, false);
  });

  test("refuses a count or a number of partitions that is no whole number", () => {
    assert.throws(() => generator((i) => i, { count: -1 }), { code: "OPTION_INVALID" });
    assert.throws(() => generator((i) => i, { partitions: 0.5 }), { code: "OPTION_INVALID" });
  });

  test("tells where it can't go on: with fewer records, or other partitions", async () => {
    const from = (options: GeneratorOptions, position: Json) =>
      openSource(
        generator((i) => i, options),
        undefined,
        undefined,
        new Map([["0", position]]),
      );
    const position = { index: 5, partitions: 2 };
    const opened = await from({ count: 12, partitions: 2 }, position);
    assert.deepEqual(await pollAll(opened, opened.partitions[0]!, 10), [10]);
    const lost = (message: RegExp) => ({ code: "SOURCE_POSITION_LOST", message });
    await assert.rejects(from({ count: 8, partitions: 2 }, position), lost(/only 4 records/));
    await assert.rejects(from({ count: 12, partitions: 3 }, position), lost(/it has 3 partitions now/));
    await assert.rejects(from({ count: 12, partitions: 2 }, { partitions: 2 }), lost(/no position/));
  });

  test("gives nothing with a count of zero", async () => {
    assert.deepEqual(await recordsOf(generator((i) => i, { count: 0 })), []);
  });
});
