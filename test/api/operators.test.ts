/** Every operator of the fluent API: what it gives, and how the report accounts for each record. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  fromIterable,
  generator,
  type Key,
  otherwise,
  type Pipeline,
  type SourceOptions,
  type Stream,
  sum,
  tumbling,
  count,
  collect,
} from "../../src/index.ts";
import { done, operator, runBoth } from "./run-both.ts";

const numbers = (app: Pipeline, ...values: number[]): Stream<number> => app.source(fromIterable(values));

describe("map", () => {
  test("makes one record of each, in order", async () => {
    const { out, report } = await runBoth((app) => ({ out: numbers(app, 1, 2, 3).map((n) => `${n * 10}`) }));
    assert.deepEqual(out, ["10", "20", "30"]);
    assert.deepEqual(operator(report, "map"), {
      name: "map",
      kind: "map",
      in: 3,
      out: 3,
      done: {
        contributed: 3,
        filtered: 0,
        unmatched: 0,
        late: 0,
        betweenWindows: 0,
        skipped: 0,
        deadLettered: 0,
      },
      missedWindows: 0,
      rows: 0,
    });
  });

  test("passes on undefined, null and NaN as records", async () => {
    const values = [undefined, null, Number.NaN, 0];
    const { out } = await runBoth((app) => ({ out: numbers(app, 0, 1, 2, 3).map((i) => values[i]) }));
    assert.deepEqual(out, [undefined, null, Number.NaN, 0]);
  });

  test("is called once for each record, whatever the number of streams that read it", async () => {
    const calls: number[] = [];
    const { a, b } = await runBoth((app) => {
      calls.length = 0;
      const mapped = numbers(app, 1, 2).map((n) => {
        calls.push(n);
        return n * 2;
      });
      return { a: mapped, b: mapped.map((n) => n + 1) };
    });
    assert.deepEqual(a, [2, 4]);
    assert.deepEqual(b, [3, 5]);
    assert.deepEqual(calls, [1, 2]);
  });
});

test("filter keeps the records for which the function holds, and counts the others", async () => {
  const { out, report } = await runBoth((app) => ({
    out: numbers(app, 1, 2, 3, 4, 5).filter((n) => n % 2 === 1),
  }));
  assert.deepEqual(out, [1, 3, 5]);
  assert.deepEqual(done(report, "filter"), { contributed: 3, filtered: 2 });
  assert.equal(operator(report, "filter").out, 3);
});

describe("flatMap", () => {
  test("takes arrays, generators, sets and nothing, and keeps the order", async () => {
    const items: Iterable<string>[] = [
      ["a", "b"],
      (function* () {
        yield "c";
        yield "d";
      })(),
      [],
      new Set(["e"]),
      (function* () {})(),
    ];
    const { out, report } = await runBoth((app) => ({
      // A generator can be read once only: here are as many as runs.
      out: numbers(app, 0, 1, 2, 3, 4).flatMap((i) => (i === 1 ? ["c", "d"].values() : items[i])),
    }));
    assert.deepEqual(out, ["a", "b", "c", "d", "e"]);
    assert.deepEqual(operator(report, "flatMap").in, 5);
    assert.deepEqual(operator(report, "flatMap").out, 5);
    assert.deepEqual(done(report, "flatMap"), { contributed: 5 });
  });

  test("within flatMap gives every combination, in order", async () => {
    const { out } = await runBoth((app) => ({
      out: numbers(app, 1, 2)
        .flatMap((n) => [n * 10, n * 10 + 1])
        .flatMap((n) => [`${n}a`, `${n}b`])
        .filter((text) => text !== "11a"),
    }));
    assert.deepEqual(out, ["10a", "10b", "11b", "20a", "20b", "21a", "21b"]);
  });

  test("gives each item its record's timestamp", async () => {
    const { out } = await runBoth((app) => ({
      out: app
        .source(fromIterable([500, 1500]), { timestamp: (n) => n })
        .flatMap((n) => [n, n + 10_000])
        .keyBy(() => "all")
        .window(tumbling("1s"))
        .aggregate(collect())
        .map((w) => [w.windowStart, w.value]),
    }));
    assert.deepEqual(out, [
      [0, [500, 10500]],
      [1000, [1500, 11500]],
    ]);
  });

  test("may give thousands of items for one record", async () => {
    const { out, report } = await runBoth((app) => ({
      out: numbers(app, 1, 2).flatMap((n) => Array.from({ length: 3000 }, (_, i) => n * 10_000 + i)),
    }));
    assert.equal(out.length, 6000);
    assert.deepEqual([out[0], out[2999], out[3000], out[5999]], [10000, 12999, 20000, 22999]);
    assert.equal(report.sinks[0].records, 6000);
  });
});

test("peek sees each record before the operator behind it, and passes it on", async () => {
  const seen: string[] = [];
  const { out, report } = await runBoth((app) => {
    seen.length = 0;
    return {
      out: numbers(app, 1, 2)
        .peek((n) => void seen.push(`peek ${n}`))
        .map((n) => {
          seen.push(`map ${n}`);
          return n;
        }),
    };
  });
  assert.deepEqual(out, [1, 2]);
  assert.deepEqual(seen, ["peek 1", "map 1", "peek 2", "map 2"]);
  assert.deepEqual(done(report, "peek"), { contributed: 2 });
});

describe("branch", () => {
  test("sends a record to the first branch that holds, and the rest to otherwise", async () => {
    const { big, even, rest, report } = await runBoth((app) =>
      numbers(app, 1, 2, 10, 12, 3).branch({
        big: (n) => n >= 10,
        even: (n) => n % 2 === 0,
        rest: otherwise,
      }),
    );
    assert.deepEqual(big, [10, 12]);
    assert.deepEqual(even, [2]);
    assert.deepEqual(rest, [1, 3]);
    assert.deepEqual(done(report, "branch"), { contributed: 5 });
  });

  test("counts the records that no branch takes", async () => {
    const { big, report } = await runBoth((app) =>
      numbers(app, 1, 10, 2, 12).branch({ big: (n) => n >= 10 }),
    );
    assert.deepEqual(big, [10, 12]);
    assert.deepEqual(done(report, "branch"), { contributed: 2, unmatched: 2 });
  });

  test("counts also what goes into a branch that nobody reads", async () => {
    const { small, report } = await runBoth((app) => {
      const { small } = numbers(app, 1, 10, 2).branch({ big: (n) => n >= 10, small: otherwise });
      return { small };
    });
    assert.deepEqual(small, [1, 2]);
    assert.deepEqual(done(report, "branch"), { contributed: 3 });
  });

  test("may have names like __proto__ and constructor", async () => {
    const { proto, built } = await runBoth((app) => {
      const name = "__proto__";
      const branches = numbers(app, 1, 2).branch({ [name]: (n) => n === 1, constructor: otherwise });
      return { proto: branches[name], built: branches.constructor };
    });
    assert.deepEqual(proto, [1]);
    assert.deepEqual(built, [2]);
  });

  test("streams go on and may be joined again", async () => {
    const { out } = await runBoth((app) => {
      const { odd, even } = numbers(app, 1, 2, 3, 4).branch({ odd: (n) => n % 2 === 1, even: otherwise });
      return { out: odd.map((n) => `odd ${n}`).union(even.map((n) => `even ${n}`)) };
    });
    assert.deepEqual(out, ["odd 1", "even 2", "odd 3", "even 4"]);
  });
});

describe("union", () => {
  test("of two branches of one stream keeps the order of the records", async () => {
    const { out, report } = await runBoth((app) => {
      const all = numbers(app, 1, 2, 3);
      return { out: all.map((n) => `a${n}`).union(all.map((n) => `b${n}`)) };
    });
    assert.deepEqual(out, ["a1", "b1", "a2", "b2", "a3", "b3"]);
    assert.deepEqual(operator(report, "union").in, 6);
  });

  test("of a stream with itself gives each record twice", async () => {
    const { out } = await runBoth((app) => {
      const all = numbers(app, 1, 2);
      return { out: all.union(all) };
    });
    assert.deepEqual(out, [1, 1, 2, 2]);
  });

  test("of bounded sources with event time merges by timestamp, then by the order of the sources", async () => {
    const { out, report } = await runBoth((app) => {
      const from = (name: string, ...times: number[]) =>
        app.source(fromIterable(times.map((at) => ({ name, at }))), { name, timestamp: (r) => r.at });
      return {
        out: from("a", 1, 4, 5)
          .union(from("b", 2, 4, 6), from("c", 0, 7))
          .map((r) => `${r.name}${r.at}`),
      };
    });
    assert.deepEqual(out, ["c0", "a1", "b2", "a4", "b4", "a5", "b6", "c7"]);
    assert.deepEqual(
      report.sources.map(({ name, records }) => [name, records]),
      [
        ["a", 3],
        ["b", 3],
        ["c", 2],
      ],
    );
  });

  test("takes the least watermark of its inputs: a slow source holds the windows open", async () => {
    const { out, report } = await runBoth((app) => {
      const from = (name: string, times: number[], watermark: SourceOptions<unknown>["watermark"]) =>
        app.source(fromIterable(times.map((at) => ({ name, at }))), {
          timestamp: (r) => r.at,
          watermark: watermark ?? "monotone",
        });
      const both = from("a", [0, 5000], "monotone").union(
        from("b", [100, 6000, 200], { maxOutOfOrderness: "10s" }),
      );
      return {
        out: both
          .keyBy(() => "all")
          .window(tumbling("1s"))
          .aggregate(collect((r) => `${r.name}${r.at}`))
          .map((w) => w.value),
      };
    });
    assert.deepEqual(out, [["a0", "b100", "b200"], ["a5000"], ["b6000"]]);
    assert.deepEqual(done(report, "window"), { contributed: 5 });
  });

  test("of sources without event time reads one after the other", async () => {
    const { out } = await runBoth((app) => ({
      out: numbers(app, 1, 2).union(numbers(app, 3), numbers(app, 4, 5)),
    }));
    assert.deepEqual(out, [1, 2, 3, 4, 5]);
  });
});

/** Windows of one key each: how often each key was seen, in the order in which the keys were. */
async function groups<K extends Key>(keys: readonly K[]): Promise<(readonly [unknown, number])[]> {
  const records = keys.map((key) => ({ key: key as Key }));
  const { out } = await runBoth((app) => ({
    out: app
      .source(fromIterable(records), { timestamp: () => 0 })
      .keyBy((r) => r.key)
      .window(tumbling("1s"))
      .aggregate(count())
      .map((w) => [w.key, w.value] as const),
  }));
  return out;
}

describe("keyBy", () => {
  test("groups strings, also empty ones and ones that begin with NUL", async () => {
    assert.deepEqual(await groups(["a", "", "\0", "\0s", "\0sa", "\0t", "a", "\0", "\0sa"]), [
      ["a", 2],
      ["", 1],
      ["\0", 2],
      ["\0s", 1],
      ["\0sa", 2],
      ["\0t", 1],
    ]);
  });

  test("groups strings that are names of object properties", async () => {
    assert.deepEqual(await groups(["__proto__", "constructor", "toString", "__proto__"]), [
      ["__proto__", 2],
      ["constructor", 1],
      ["toString", 1],
    ]);
  });

  test("tells lone surrogates apart", async () => {
    assert.deepEqual(await groups(["\ud800", "\ud801", "\udc00", "\ufffd", "😀", "\ud800"]), [
      ["\ud800", 2],
      ["\ud801", 1],
      ["\udc00", 1],
      ["\ufffd", 1],
      ["😀", 1],
    ]);
  });

  test("takes -0 and 0 for one key and NaN for equal to NaN", async () => {
    const keys = [-0, 0, Number.NaN, 1.5, Number.NaN, Number.POSITIVE_INFINITY, -1, Number.NEGATIVE_INFINITY];
    // Across keys the order is not promised.
    assert.deepEqual(
      new Map(await groups(keys)),
      new Map([
        [0, 2],
        [Number.NaN, 2],
        [1.5, 1],
        [Number.POSITIVE_INFINITY, 1],
        [-1, 1],
        [Number.NEGATIVE_INFINITY, 1],
      ]),
    );
  });

  test('takes "1", 1, 1n, true, "true" and [1] for different keys', async () => {
    const groupsByKey = new Map(await groups<Key>(["1", 1, 1n, true, "true", [1], 1, "1", 1n, true, [1]]));
    assert.deepEqual(
      groupsByKey,
      new Map<unknown, number>([
        ["1", 2],
        [1, 2],
        [1n, 2],
        [true, 2],
        ["true", 1],
        [[1], 2],
      ]),
    );
  });

  test("groups bigints of any size and booleans", async () => {
    assert.deepEqual(await groups([2n ** 80n, -(2n ** 80n), 0n, false, 2n ** 80n, true, false]), [
      [1208925819614629174706176n, 2],
      [-1208925819614629174706176n, 1],
      [0n, 1],
      [false, 2],
      [true, 1],
    ]);
  });

  test("compares tuples by content, part by part", async () => {
    assert.deepEqual(
      await groups<Key>([
        ["a", 1],
        ["a", 1],
        ["a", "1"],
        ["a1"],
        ["a", 1, true],
        [],
        [""],
        ["", ""],
        [-0],
        [0],
        [Number.NaN, 1n],
        [Number.NaN, 1n],
        [],
      ]),
      [
        [["a", 1], 2],
        [["a", "1"], 1],
        [["a1"], 1],
        [["a", 1, true], 1],
        [[], 2],
        [[""], 1],
        [["", ""], 1],
        [[0], 2],
        [[Number.NaN, 1n], 2],
      ],
    );
  });
});

test("several sources and sinks run in one pipeline without touching each other", async () => {
  const { a, b, report } = await runBoth((app) => ({
    a: app.source(fromIterable([1, 2]), { name: "left" }).map((n) => n * 10, { name: "ten" }),
    b: app
      .source(
        generator((i) => i, { count: 3 }),
        { name: "right" },
      )
      .filter((n) => n > 0),
  }));
  assert.deepEqual(a, [10, 20]);
  assert.deepEqual(b, [1, 2]);
  assert.deepEqual(
    report.operators.map(({ name, in: read, out }) => [name, read, out]),
    [
      ["ten", 2, 2],
      ["filter", 3, 2],
    ],
  );
  assert.deepEqual(report.sinks, [
    { name: "sink", records: 2 },
    { name: "sink-2", records: 2 },
  ]);
});

test("the partitions of a bounded source merge by timestamp", async () => {
  const { out } = await runBoth((app) => ({
    out: app.source(
      generator((i) => (i % 2 === 0 ? i : i + 100), { count: 8, partitions: 2 }),
      { timestamp: (n) => n },
    ),
  }));
  assert.deepEqual(out, [0, 2, 4, 6, 101, 103, 105, 107]);
});

test("two windows in a row: results go on with the timestamp of their window's end - 1", async () => {
  const records = [0, 400, 900, 1000, 3999].map((at) => ({ at, user: at === 400 ? "bob" : "ada" }));
  const { out, report } = await runBoth((app) => ({
    out: app
      .source(fromIterable(records), { timestamp: (r) => r.at })
      .keyBy((r) => r.user)
      .window(tumbling("1s"), { name: "seconds" })
      .aggregate({ n: count() })
      .keyBy(() => "all")
      .window(tumbling("2s"), { name: "pairs" })
      .aggregate({ users: count(), records: sum((r) => r.n) }),
  }));
  assert.deepEqual(out, [
    { key: "all", windowStart: 0, windowEnd: 2000, pane: "on-time", paneIndex: 0, users: 3, records: 4 },
    { key: "all", windowStart: 2000, windowEnd: 4000, pane: "on-time", paneIndex: 0, users: 1, records: 1 },
  ]);
  assert.deepEqual(done(report, "seconds"), { contributed: 5 });
  assert.deepEqual(done(report, "pairs"), { contributed: 4 });
});
