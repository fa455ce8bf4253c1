/** What becomes of a record that fails, for each kind of operator and each onError; exact counts, exact letters. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  aggregate,
  collect,
  count,
  type ErrorCode,
  fromIterable,
  generator,
  type OnError,
  otherwise,
  type Pipeline,
  session,
  sliding,
  type Stream,
  sum,
  tumbling,
} from "../../src/index.ts";
import { done, failBoth, operator, runBoth } from "./run-both.ts";

interface Reading {
  readonly id: string;
  readonly at: number;
  readonly value: number;
}

const good = (id: string, at: number): Reading => ({ id, at, value: at });
const bad = (id: string, at: number): Reading => ({ id, at, value: -1 });

const readings = [good("a", 1), bad("b", 2), good("c", 3), bad("d", 4), good("e", 5)];

const refuse = (r: Reading): Reading => {
  if (r.value < 0) throw new RangeError(`${r.id} is negative`);
  return r;
};

const source = (app: Pipeline): Stream<Reading> =>
  app.source(fromIterable(readings), { name: "readings", timestamp: (r) => r.at });

interface Kind {
  readonly name: string;
  /** A pipeline whose operator "subject" fails for the bad readings, and which gives the ids of the others. */
  readonly build: (app: Pipeline, onError: OnError) => Stream<string>;
  readonly code: ErrorCode;
  readonly reason: (id: string) => string;
}

const threw = (id: string): string => `The function of subject threw RangeError: ${id} is negative`;

/** An aggregate whose result is the ids, and whose `add` fails. */
const ids = () =>
  aggregate({
    create: () => "",
    add: (acc, r: Reading) => acc + refuse(r).id,
    merge: (a, b) => a + b,
    result: (acc) => acc,
  });

const kinds: readonly Kind[] = [
  {
    name: "map",
    build: (app, onError) => source(app).map((r) => refuse(r).id, { name: "subject", onError }),
    code: "USER_FUNCTION_FAILED",
    reason: threw,
  },
  {
    name: "filter",
    build: (app, onError) =>
      source(app)
        .filter((r) => refuse(r).value >= 0, { name: "subject", onError })
        .map((r) => r.id),
    code: "USER_FUNCTION_FAILED",
    reason: threw,
  },
  {
    name: "flatMap, when called",
    build: (app, onError) => source(app).flatMap((r) => [refuse(r).id], { name: "subject", onError }),
    code: "USER_FUNCTION_FAILED",
    reason: threw,
  },
  {
    name: "flatMap, half way through its items",
    build: (app, onError) =>
      source(app).flatMap(
        function* (r) {
          yield r.id;
          refuse(r);
        },
        { name: "subject", onError },
      ),
    code: "USER_FUNCTION_FAILED",
    reason: threw,
  },
  {
    name: "peek",
    build: (app, onError) =>
      source(app)
        .peek((r) => void refuse(r), { name: "subject", onError })
        .map((r) => r.id),
    code: "USER_FUNCTION_FAILED",
    reason: threw,
  },
  {
    name: "branch",
    build: (app, onError) => {
      const options = { name: "subject", onError };
      const { none, rest } = source(app).branch(
        { none: (r) => refuse(r).value > 100, rest: otherwise },
        options,
      );
      return none.union(rest).map((r) => r.id);
    },
    code: "USER_FUNCTION_FAILED",
    reason: threw,
  },
  {
    name: "keyBy, whose function throws",
    build: (app, onError) =>
      source(app)
        .keyBy((r) => refuse(r).id, { name: "subject", onError })
        .window(tumbling(1))
        .aggregate(count())
        .map((w) => w.key),
    code: "USER_FUNCTION_FAILED",
    reason: threw,
  },
  {
    name: "keyBy, whose function gives no key",
    build: (app, onError) =>
      source(app)
        .keyBy((r) => (r.value < 0 ? ({ of: r.id } as unknown as string) : r.id), {
          name: "subject",
          onError,
        })
        .window(tumbling(1))
        .aggregate(count())
        .map((w) => w.key),
    code: "KEY_INVALID",
    reason: (id) => `{"of":"${id}"} is no key`,
  },
  {
    name: "a tumbling window's aggregate",
    build: (app, onError) =>
      source(app)
        .keyBy(() => "all")
        .window(tumbling(1), { name: "subject", onError })
        .aggregate(ids())
        .map((w) => w.value),
    code: "USER_FUNCTION_FAILED",
    reason: threw,
  },
  {
    name: "a session's aggregate",
    build: (app, onError) =>
      source(app)
        .keyBy((r) => r.id)
        .window(session(1), { name: "subject", onError })
        .aggregate(ids())
        .map((w) => w.value),
    code: "USER_FUNCTION_FAILED",
    reason: threw,
  },
  {
    name: "the input function of an aggregate",
    build: (app, onError) =>
      source(app)
        .keyBy((r) => r.id)
        .window(tumbling(1), { name: "subject", onError })
        .aggregate(sum((r) => refuse(r).value))
        .map((w) => w.key),
    code: "USER_FUNCTION_FAILED",
    reason: threw,
  },
  {
    name: "the input of an aggregate, which is no number",
    build: (app, onError) =>
      source(app)
        .keyBy((r) => r.id)
        .window(tumbling(1), { name: "subject", onError })
        .aggregate({ total: sum((r) => (r.value < 0 ? (`${r.id}!` as unknown as number) : r.value)) })
        .map((w) => w.key),
    code: "AGGREGATE_INPUT_INVALID",
    reason: (id) => `total takes numbers, not "${id}!"`,
  },
];

for (const { name, build, code, reason } of kinds) {
  describe(name, () => {
    test("fails the job by default, and the error says where", async () => {
      const error = await failBoth((app) => ({ out: build(app, "fail") }));
      assert.equal(error.code, code);
      assert.equal(error.message.split("\n")[0], `${reason("b")} [${code}]`);
      assert.equal(error.context.operator, "subject");
      assert.equal(error.context.text, '{"id":"b","at":2,"value":-1}');
      if (!/aggregate|keyBy|session/.test(name)) {
        const { source, partition, offset } = error.context;
        assert.deepEqual(
          { source, partition, offset },
          { source: "readings", partition: "array", offset: 1 },
        );
      }
      assert.equal(error.recovery, "fix-program");
      if (code === "USER_FUNCTION_FAILED") assert.equal(String(error.cause), "RangeError: b is negative");
    });

    test("skips the records that failed and counts them", async () => {
      const { out, report, letters } = await runBoth((app) => ({ out: build(app, "skip") }));
      assert.deepEqual(out, ["a", "c", "e"]);
      assert.deepEqual(done(report, "subject"), { contributed: 3, skipped: 2 });
      assert.equal(operator(report, "subject").in, 5);
      assert.deepEqual(letters, []);
    });

    test("sends the records that failed to the dead letters, with all that is known", async () => {
      const { out, report, letters } = await runBoth((app) => ({ out: build(app, "dead-letter") }), {
        deadLetters: true,
      });
      assert.deepEqual(out, ["a", "c", "e"]);
      assert.deepEqual(done(report, "subject"), { contributed: 3, deadLettered: 2 });
      const letter = (id: string, offset: number) => ({
        operator: "subject",
        source: "readings",
        partition: "array",
        offset,
        line: null,
        code,
        reason: reason(id),
        bytes: null,
        value: readings[offset],
      });
      assert.deepEqual(letters, [letter("b", 1), letter("d", 3)]);
    });
  });
}

describe("the timestamp function", () => {
  const noTimes = [1, Number.NaN, 3, undefined, 8.65e15, new Date(4), new Date(Number.NaN), "5", 6].map(
    (at, id) => ({ id, at }),
  );
  const build = (onError: OnError) => (app: Pipeline) => ({
    out: app
      .source(fromIterable(noTimes), {
        name: "times",
        onError,
        timestamp: (r) => {
          if (r.id === 8) throw new Error("six!");
          return r.at as number;
        },
      })
      .map((r) => r.id),
  });

  test("fails the job by default", async () => {
    const error = await failBoth(build("fail"));
    assert.equal(error.code, "TIMESTAMP_INVALID");
    assert.equal(error.message.split("\n")[0], "NaN is no timestamp [TIMESTAMP_INVALID]");
    assert.deepEqual(error.context, {
      source: "times",
      partition: "array",
      offset: 1,
      text: '{"id":1,"at":null}',
    });
  });

  test("skips the records without a time and counts them", async () => {
    const { out, report } = await runBoth(build("skip"));
    assert.deepEqual(out, [0, 2, 5]);
    assert.deepEqual(report.sources, [
      { name: "times", records: 9, watermark: Number.POSITIVE_INFINITY, skipped: 6, deadLettered: 0 },
    ]);
  });

  test("sends the records without a time to the dead letters", async () => {
    const { out, report, letters } = await runBoth(build("dead-letter"), { deadLetters: true });
    assert.deepEqual(out, [0, 2, 5]);
    assert.deepEqual(
      letters.map(({ operator: name, source: from, partition, offset, code, reason, value }) => [
        name,
        from,
        partition,
        offset,
        code,
        reason,
        value,
      ]),
      [
        ["times", "times", "array", 1, "TIMESTAMP_INVALID", "NaN is no timestamp", noTimes[1]],
        ["times", "times", "array", 3, "TIMESTAMP_INVALID", "undefined is no timestamp", noTimes[3]],
        ["times", "times", "array", 4, "TIMESTAMP_INVALID", "8650000000000000 is no timestamp", noTimes[4]],
        ["times", "times", "array", 6, "TIMESTAMP_INVALID", "null is no timestamp", noTimes[6]],
        ["times", "times", "array", 7, "TIMESTAMP_INVALID", '"5" is no timestamp', noTimes[7]],
        [
          "times",
          "times",
          "array",
          8,
          "USER_FUNCTION_FAILED",
          "the timestamp function threw six!",
          noTimes[8],
        ],
      ],
    );
    assert.equal(report.sources[0].deadLettered, 6);
  });
});

describe("dead letters", () => {
  test("come in the order of the records that caused them, whichever operator gave up", async () => {
    const { letters } = await runBoth(
      (app) => {
        const first = source(app).map((r) => r, { name: "first" });
        return {
          late: first
            .map((r) => refuse(r.id === "d" ? r : good(r.id, r.at)), {
              name: "second",
              onError: "dead-letter",
            })
            .keyBy((r) => (r.id === "b" ? (null as unknown as string) : r.id), {
              name: "third",
              onError: "dead-letter",
            })
            .window(tumbling(1))
            .aggregate(count()),
        };
      },
      { deadLetters: true },
    );
    assert.deepEqual(
      letters.map(({ operator: name, offset, code }) => [name, offset, code]),
      [
        ["third", 1, "KEY_INVALID"],
        ["second", 3, "USER_FUNCTION_FAILED"],
      ],
    );
  });

  test("name the partition and the offset in it, in a merge of partitions and over many turns", async () => {
    const { out, letters } = await runBoth(
      (app) => ({
        out: app
          .source(
            generator((i) => i, { count: 5000, partitions: 3 }),
            { name: "made", timestamp: (i) => i },
          )
          .map((i) => refuse(i === 4321 ? bad("x", i) : good("y", i)).at, {
            name: "subject",
            onError: "dead-letter",
          }),
      }),
      { deadLetters: true },
    );
    assert.equal(out.length, 4999);
    // 4321 = 3 * 1440 + 1
    assert.deepEqual(
      letters.map(({ source: from, partition, offset, value }) => ({ from, partition, offset, value })),
      [{ from: "made", partition: "1", offset: 1440, value: 4321 }],
    );
  });

  test("of an operator behind a window name the record that made the window fire", async () => {
    const { letters } = await runBoth(
      (app) => ({
        out: source(app)
          .keyBy(() => "all")
          .window(tumbling(2))
          .aggregate({ n: count() })
          .map(
            (w) => {
              if (w.windowStart === 2) throw new Error("two");
              return w.n;
            },
            { name: "subject", onError: "dead-letter" },
          ),
      }),
      { deadLetters: true },
    );
    assert.deepEqual(
      letters.map(({ offset, reason, value }) => ({ offset, reason, value })),
      [
        {
          offset: 3,
          reason: "The function of subject threw two",
          value: { key: "all", windowStart: 2, windowEnd: 4, pane: "on-time", paneIndex: 0, n: 2 },
        },
      ],
    );
  });
});

test("what a function throws may be anything", async () => {
  const reasons: (readonly [thrown: unknown, reason: string])[] = [
    ["text", '"text"'],
    [undefined, "undefined"],
    [null, "null"],
    [7, "7"],
    [{ is: "an object" }, '{"is":"an object"}'],
    [Symbol("s"), "Symbol(s)"],
    [Object.create(null), "{}"],
  ];
  for (const [thrown, reason] of reasons) {
    const { letters } = await runBoth(
      (app) => ({
        out: source(app).map(
          () => {
            throw thrown;
          },
          { onError: "dead-letter" },
        ),
      }),
      { deadLetters: true },
    );
    assert.equal(letters.length, 5);
    assert.equal(letters[0].reason, `The function of map threw ${reason}`);
  }
});

test("a record that fails in one of its sliding windows is in none of them", async () => {
  const capped = aggregate({
    create: () => 0,
    add: (n, r: { value: number }) => {
      if (n + r.value > 3) throw new RangeError("full");
      return n + r.value;
    },
    merge: (a, b) => a + b,
    result: (n) => n,
  });
  // The record at 3 s fits in [2, 6), which it has for itself, but not in [0, 4); in [0, 4) it comes first.
  const records = [
    { at: 4500, value: 3 },
    { at: 3000, value: 1 },
  ];
  const { out, report } = await runBoth((app) => ({
    out: app
      .source(fromIterable(records), { timestamp: (r) => r.at, watermark: { maxOutOfOrderness: "10s" } })
      .keyBy(() => "k")
      .window(sliding("4s", "2s"), { onError: "skip" })
      // With collect, each window has an accumulator of its own.
      .aggregate({ n: count(), capped, all: collect() })
      .map((w) => [w.windowStart, w.n, w.capped]),
  }));
  assert.deepEqual(done(report, "window"), { contributed: 1, skipped: 1 });
  assert.deepEqual(out, [
    [2000, 1, 3],
    [4000, 1, 3],
  ]);
});

for (const windows of [tumbling(10), session(10)]) {
  for (const part of ["create", "result"] as const) {
    test(`${part} of an aggregate of one's own that throws in a ${windows.kind} window ends the job with USER_FUNCTION_FAILED`, async () => {
      const fails = (at: string): void => {
        if (at === part) throw new RangeError(part);
      };
      const own = aggregate({
        create: () => {
          fails("create");
          return 0;
        },
        add: (n: number) => n + 1,
        merge: (a, b) => a + b,
        result: (n) => {
          fails("result");
          return n;
        },
      });
      const error = await failBoth((app) => ({
        out: source(app)
          .keyBy(() => "all")
          .window(windows, { name: "subject" })
          .aggregate(own),
      }));
      assert.equal(error.code, "USER_FUNCTION_FAILED");
      assert.equal(error.context.operator, "subject");
    });
  }
}

test("merge of an aggregate of one's own that throws ends the job with USER_FUNCTION_FAILED", async () => {
  const own = aggregate({
    create: () => 0,
    add: (n: number) => n + 1,
    merge: (): number => {
      throw new RangeError("merge");
    },
    result: (n) => n,
  });
  const error = await failBoth((app) => ({
    out: app
      .source(fromIterable([0, 15, 8]), { timestamp: (at) => at, watermark: { maxOutOfOrderness: 100 } })
      .keyBy(() => "all")
      .window(session(10), { name: "subject" })
      .aggregate(own),
  }));
  assert.equal(error.code, "USER_FUNCTION_FAILED");
  assert.equal(error.context.operator, "subject");
});

test("an aggregate of one's own is called in the same way on both paths", async () => {
  await runBoth((app) => ({
    out: source(app)
      .keyBy(() => "all")
      .window(tumbling(10), { onError: "skip" })
      .aggregate(
        aggregate({
          create: () => 0,
          add(this: unknown, n: number) {
            return n + (this === undefined ? 1 : 2);
          },
          merge: (a, b) => a + b,
          result: (n) => n,
        }),
      ),
  }));
});

test("max and min do not hang on where a NaN came among the numbers", async () => {
  const { max, min } = await import("../../src/index.ts");
  const over = async (...values: number[]) => {
    const { out } = await runBoth((app) => ({
      out: app
        .source(fromIterable(values), { timestamp: () => 0 })
        .keyBy(() => "all")
        .window(tumbling(10), { onError: "skip" })
        .aggregate({ most: max((n) => n), least: min((n) => n) })
        .map(({ most, least }) => ({ most, least })),
    }));
    return out;
  };
  assert.deepEqual(await over(Number.NaN, 5, 7), await over(5, 7, Number.NaN));
});
