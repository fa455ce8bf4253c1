/** Every error that the API can raise without state, provoked: its code, its words, and when it comes. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import {
  count,
  type Duration,
  ERRORS,
  type ErrorCode,
  forEach,
  fromAsyncIterable,
  fromIterable,
  generator,
  ndjson,
  ndjsonFile,
  otherwise,
  type Pipeline,
  pipeline,
  session,
  sliding,
  type Sink,
  sum,
  toAsyncIterable,
  topN,
  tumbling,
} from "../../src/index.ts";
import { check, seen, STATE_CODES, thrown } from "./provoked.ts";
import { failBoth } from "./run-both.ts";

const wrong = (value: unknown): never => value as never;
const ticks = (app: Pipeline) => app.source(fromIterable([{ at: 1 }]), { timestamp: (r) => r.at });
const start = () => ticks(pipeline("p"));
const windowed = () =>
  start()
    .keyBy(() => "k")
    .window(tumbling(10));

describe("while the pipeline is written", () => {
  test("durations that can't be read are refused with the place where they stand", () => {
    for (const text of [
      "5 s",
      "5 minutes",
      "-5s",
      "s",
      "5",
      "",
      "1e3s",
      "5S",
      "0x5s",
      "1.5ms",
      "NaNs",
      "Infinityd",
      "9007199254740993ms",
    ]) {
      thrown(
        () => tumbling(text as Duration),
        "DURATION_INVALID",
        `the size of a tumbling window: ${JSON.stringify(text)} is no duration`,
      );
    }
    for (const value of [
      -1,
      1.5,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      2 ** 53,
      null,
      undefined,
      5n,
      {},
      true,
    ]) {
      assert.throws(() => session(wrong(value)), { code: "DURATION_INVALID" });
    }
    thrown(
      () => sliding("5s", wrong("1 s")),
      "DURATION_INVALID",
      'the slide of a sliding window: "1 s" is no duration',
    );
    thrown(() => session(-1), "DURATION_INVALID", "the gap of a session window: -1 is no duration");
    thrown(
      () => tumbling("5s", { offset: wrong("-1s") }),
      "DURATION_INVALID",
      'offset: "-1s" is no duration',
    );
    const keyed = start().keyBy(() => "k");
    thrown(
      () => keyed.window(tumbling(1), { allowedLateness: -1 }),
      "DURATION_INVALID",
      "allowedLateness: -1 is no duration",
    );
    const timestamp = () => 0;
    thrown(
      () =>
        pipeline("p").source(fromIterable([1]), {
          timestamp,
          watermark: { maxOutOfOrderness: wrong("soon") },
        }),
      "DURATION_INVALID",
      'watermark.maxOutOfOrderness: "soon" is no duration',
    );
    thrown(
      () =>
        pipeline("p").source(fromIterable([1]), {
          timestamp,
          watermark: { maxOutOfOrderness: 1, idleAfter: wrong("x") },
        }),
      "DURATION_INVALID",
      'watermark.idleAfter: "x" is no duration',
    );
  });

  test("windows without extent, and offsets of a slide or more, are refused", () => {
    thrown(() => tumbling(0), "WINDOW_INVALID", "the size of a tumbling window must be above zero");
    thrown(() => sliding("0s", "1s"), "WINDOW_INVALID", "the size of a sliding window must be above zero");
    thrown(() => sliding("1s", 0), "WINDOW_INVALID", "the slide of a sliding window must be above zero");
    thrown(
      () => sliding("1d", "1ms"),
      "WINDOW_INVALID",
      "sliding(1d, 1ms): every record would lie in 86400000 windows, more than 100000",
    );
    thrown(() => session("0d"), "WINDOW_INVALID", "the gap of a session window must be above zero");
    thrown(
      () => tumbling("5s", { offset: "5s" }),
      "WINDOW_INVALID",
      "offset 5000 ms must be smaller than 5s",
    );
    thrown(
      () => tumbling("5s", { offset: -5000 }),
      "WINDOW_INVALID",
      "offset -5000 ms must be smaller than 5s",
    );
    thrown(
      () => sliding("1m", "5s", { offset: "6s" }),
      "WINDOW_INVALID",
      "offset 6000 ms must be smaller than 5s",
    );
  });

  test("options that can't be are refused with their name and value", () => {
    thrown(() => pipeline(""), "OPTION_INVALID", 'A pipeline has a name, a text that is not empty, not ""');
    thrown(
      () => pipeline(wrong(7)),
      "OPTION_INVALID",
      "A pipeline has a name, a text that is not empty, not 7",
    );
    thrown(
      () => start().map((r) => r, { onError: wrong("ignore") }),
      "OPTION_INVALID",
      'onError is one of fail, skip, dead-letter, not "ignore"',
    );
    thrown(() => start().map(wrong("x")), "OPTION_INVALID", 'map takes a function, not "x"');
    thrown(() => start().filter(wrong(null)), "OPTION_INVALID", "filter takes a function, not null");
    thrown(() => start().flatMap(wrong([1])), "OPTION_INVALID", "flatMap takes a function, not [1]");
    thrown(() => start().peek(wrong(undefined)), "OPTION_INVALID", "peek takes a function, not undefined");
    thrown(() => start().keyBy(wrong("user")), "OPTION_INVALID", 'keyBy takes a function, not "user"');
    thrown(() => start().to(wrong({})), "OPTION_INVALID", "to takes a sink, not {}");
    thrown(() => start().to(wrong(undefined)), "OPTION_INVALID", "to takes a sink, not undefined");
    thrown(() => pipeline("p").source(wrong([1])), "OPTION_INVALID", "source takes a source, not [1]");
    thrown(
      () => pipeline("p").source(fromIterable([1]), { timestamp: wrong("at") }),
      "OPTION_INVALID",
      'timestamp is a function of the record, not "at"',
    );
    thrown(
      () => pipeline("p").source(fromIterable([1]), { watermark: "none" }),
      "OPTION_INVALID",
      "A watermark needs a timestamp function beside it",
    );
    thrown(
      () => pipeline("p").source(fromIterable([1]), { timestamp: () => 0, watermark: wrong("often") }),
      "OPTION_INVALID",
      'watermark: "often" is none of "monotone", "none", "processingTime", { maxOutOfOrderness: "5s" }, { punctuated: (record) => ... }',
    );
    thrown(() => start().branch({}), "OPTION_INVALID", "branch takes at least one branch");
    thrown(() => start().branch({ a: wrong(5) }), "OPTION_INVALID", "branch a takes a function, not 5");
    thrown(
      () => start().branch({ a: otherwise, b: () => true }),
      "OPTION_INVALID",
      "branch a: otherwise must be the last branch",
    );
    thrown(
      () =>
        start()
          .keyBy(() => 1)
          .window(wrong("5m")),
      "OPTION_INVALID",
      'window takes tumbling(...), sliding(...), cumulating(...), calendar(...), session(...), countWindow(...) or globalWindow(), not "5m"',
    );
    thrown(
      () =>
        start()
          .keyBy(() => 1)
          .window(tumbling(1), { panes: wrong("all") }),
      "OPTION_INVALID",
      'panes is "accumulating" or "discarding", not "all"',
    );
  });

  test("topN takes a whole number from 1 to 10,000", () => {
    for (const n of [0, -1, 1.5, 10_001, Number.NaN, Number.POSITIVE_INFINITY]) {
      thrown(
        () => topN(n, () => 0),
        "OPTION_INVALID",
        `topN takes a whole number from 1 to 10,000, not ${n}`,
      );
    }
    assert.doesNotThrow(() => [topN(1, () => 0), topN(10_000, () => 0)]);
  });

  test("what is no aggregate, and a name of the window's own, is refused", () => {
    thrown(
      () => windowed().aggregate(wrong({})),
      "AGGREGATE_INVALID",
      "aggregate takes an aggregate or an object of them, not {}",
    );
    thrown(
      () => windowed().aggregate(wrong(null)),
      "AGGREGATE_INVALID",
      "aggregate takes an aggregate or an object of them, not null",
    );
    thrown(() => windowed().aggregate(wrong({ n: 5 })), "AGGREGATE_INVALID", "n: 5 is no aggregate");
    thrown(
      () => windowed().aggregate(wrong({ n: count })),
      "AGGREGATE_INVALID",
      "n: a function is no aggregate",
    );
    for (const name of ["key", "windowStart", "windowEnd", "pane", "paneIndex", "replaces"]) {
      thrown(
        () => windowed().aggregate(wrong({ [name]: count() })),
        "AGGREGATE_INVALID",
        `The name ${name} belongs to the window`,
      );
    }
  });

  test("a name that another operator has is refused, whatever its kind", () => {
    const app = pipeline("p");
    const ticked = app.source(fromIterable([1]), { name: "ticks" }).map((n) => n, { name: "same" });
    thrown(
      () => ticked.map((n) => n, { name: "same" }),
      "NAME_TAKEN",
      "There is an operator named same already",
    );
    thrown(
      () =>
        ticked.to(
          forEach(() => {}),
          { name: "ticks" },
        ),
      "NAME_TAKEN",
      "There is an operator named ticks already",
    );
    thrown(() => ticked.filter(() => true, { name: "" }), "NAME_TAKEN", "A name can't be empty");
    thrown(
      () =>
        app.deadLetters.to(
          forEach(() => {}),
          { name: "same" },
        ),
      "NAME_TAKEN",
      "There is an operator named same already",
    );
  });

  test("a stream of another pipeline and a second dead-letter sink are refused", () => {
    const [a, b] = [pipeline("a"), pipeline("b")];
    thrown(
      () => ticks(a).union(ticks(a), ticks(b)),
      "PIPELINE_INVALID",
      "A stream of pipeline b can't be used in a",
    );
    a.deadLetters.to(forEach(() => {}));
    thrown(
      () => a.deadLetters.to(forEach(() => {})),
      "PIPELINE_INVALID",
      "The dead-letter stream has a sink already",
    );
  });
});

describe("when the pipeline is whole", () => {
  /** explain and run say the same. */
  async function refused(app: Pipeline, code: ErrorCode, words: string): Promise<void> {
    thrown(() => app.explain(), code, words);
    thrown(() => app.explain("mermaid"), code, words);
    await app.run({ handleSignals: false }).then(
      () => assert.fail("the pipeline ran"),
      (error) => check(error, code, words),
    );
  }

  test("it needs a sink", async () => {
    const app = pipeline("idle");
    await refused(app, "PIPELINE_INVALID", "Pipeline idle has no sink: end a stream with .to(sink)");
    ticks(app).map((r) => r.at);
    await refused(app, "PIPELINE_INVALID", "Pipeline idle has no sink: end a stream with .to(sink)");
  });

  test("a window needs event time from every source before it", async () => {
    const app = pipeline("p");
    const dated = ticks(app);
    const undated = app.source(fromIterable([{ at: 1 }]));
    dated
      .union(undated.map((r) => r))
      .keyBy(() => "k")
      .window(tumbling(1), { name: "minutes" })
      .aggregate(count())
      .to(forEach(() => {}));
    await refused(
      app,
      "EVENT_TIME_MISSING",
      "minutes needs event time, but a source before it has no timestamp function",
    );
  });

  test("dead letters need a sink", async () => {
    const app = pipeline("p");
    ticks(app)
      .map((r) => r, { name: "mend", onError: "dead-letter" })
      .to(forEach(() => {}));
    await refused(
      app,
      "DEAD_LETTER_SINK_MISSING",
      "mend sends its failed records to the dead-letter stream, which has no sink",
    );
    app.deadLetters.to(forEach(() => {}));
    await app.run({ handleSignals: false });
  });

  test("a sink belongs to one stream", async () => {
    const app = pipeline("p");
    const sink = forEach(() => {});
    ticks(app)
      .to(sink, { name: "left" })
      .map((r) => r.at)
      .to(sink, { name: "right" });
    await refused(
      app,
      "PIPELINE_INVALID",
      "left and right write to the same sink, forEach(): union the streams first",
    );
  });

  test("the dead-letter sink is no other stream's either", async () => {
    const app = pipeline("p");
    const sink = forEach<unknown>(() => {});
    ticks(app).to(sink);
    app.deadLetters.to(sink);
    assert.throws(() => app.explain(), { code: "PIPELINE_INVALID" });
  });

  test("batch mode needs inputs that end, and a mode is one of two", async () => {
    const app = pipeline("p");
    app
      .source(
        generator((i) => i),
        { name: "endless" },
      )
      .to(forEach(() => {}));
    const run = (mode: never) =>
      app.run({ handleSignals: false, mode }).then(
        () => assert.fail("the pipeline ran"),
        (error) => error,
      );
    check(await run(wrong("batch")), "BATCH_NEEDS_BOUNDED_INPUT", "Source endless does not end");
    check(await run(wrong("fast")), "OPTION_INVALID", 'mode is "streaming" or "batch", not "fast"');
  });
});

describe("while the pipeline runs", () => {
  test("it can't be run once more, but it can afterwards", async () => {
    const app = pipeline("one");
    const got: number[] = [];
    app.source(fromIterable([1, 2])).to(forEach((n) => void got.push(n)));
    const first = app.run({ handleSignals: false });
    await app.run({ handleSignals: false }).then(
      () => assert.fail("it ran twice"),
      (error) => check(error, "JOB_RUNNING", "Pipeline one is running"),
    );
    await first;
    await app.run({ handleSignals: false });
    assert.deepEqual(got, [1, 2, 1, 2]);
  });

  test("it can be run again after it failed", async () => {
    let fails = true;
    const app = pipeline("p");
    app
      .source(fromIterable([1]))
      .map((n) => {
        if (fails) throw new Error("no");
        return n;
      })
      .to(forEach(() => {}));
    await assert.rejects(app.run({ handleSignals: false }), { code: "USER_FUNCTION_FAILED" });
    fails = false;
    assert.equal((await app.run({ handleSignals: false })).sinks[0].records, 1);
  });

  test("a function that throws, a value that is no key, no number or no time end it", async () => {
    const fails = async (build: Parameters<typeof failBoth>[0], code: ErrorCode, words: string) =>
      check(await failBoth(build), code, words);
    const boom = () => {
      throw new Error("boom");
    };
    await fails(
      (app) => ({ out: ticks(app).map(boom) }),
      "USER_FUNCTION_FAILED",
      "The function of map threw boom",
    );
    await fails(
      (app) => ({
        out: ticks(app)
          .keyBy((): string => wrong(undefined))
          .window(tumbling(1))
          .aggregate(count()),
      }),
      "KEY_INVALID",
      "undefined is no key",
    );
    await fails(
      (app) => ({
        out: ticks(app)
          .keyBy(() => ["a", wrong(null) as string])
          .window(tumbling(1))
          .aggregate(count()),
      }),
      "KEY_INVALID",
      '["a",null] is no key: its part null is none',
    );
    await fails(
      (app) => ({
        out: ticks(app)
          .keyBy(() => 1)
          .window(tumbling(1))
          .aggregate({ total: sum((): number => wrong("3")) }),
      }),
      "AGGREGATE_INPUT_INVALID",
      'total takes numbers, not "3"',
    );
    await fails(
      (app) => ({ out: app.source(fromIterable([1]), { timestamp: (): number => wrong("2024-01-01") }) }),
      "TIMESTAMP_INVALID",
      '"2024-01-01" is no timestamp',
    );
  });

  test("a source or a sink that fails ends it, with the cause", async () => {
    async function* broken() {
      yield 1;
      throw new RangeError("the line is dead");
    }
    const source = await failBoth((app) => ({
      out: app.source(fromAsyncIterable(broken(), { name: "line" })),
    }));
    check(source, "SOURCE_FAILED", "fromAsyncIterable(line) failed: RangeError: the line is dead");
    assert.equal(String(source.cause), "RangeError: the line is dead");
    const sink = await failBoth((app) => {
      const out = ticks(app);
      out.to(
        forEach(() => {
          throw new RangeError("full");
        }),
      );
      return { out };
    });
    check(sink, "SINK_FAILED", "forEach() failed: RangeError: full");
  });

  const folder = mkdtempSync(join(tmpdir(), "millrace-errors-"));
  after(() => rmSync(folder, { recursive: true, force: true }));

  test("files that are missing, malformed or can't be written end it, with the path", async () => {
    const missing = join(folder, "missing.ndjson");
    const unreadable = await failBoth((app) => ({ out: app.source(ndjson(missing)) }));
    assert.match(unreadable.message, /missing\.ndjson can't be read: ENOENT/);
    assert.equal(unreadable.code, "FILE_UNREADABLE");
    seen.add("FILE_UNREADABLE");
    const bad = join(folder, "bad.ndjson");
    writeFileSync(bad, '{"at":1}\n{"at":}\n');
    const malformed = await failBoth((app) => ({ out: app.source(ndjson(bad), { name: "file" }) }));
    assert.equal(malformed.code, "RECORD_MALFORMED");
    assert.deepEqual(
      [
        malformed.context.source,
        malformed.context.partition,
        malformed.context.offset,
        malformed.context.line,
      ],
      ["file", bad, 9, 2],
    );
    seen.add("RECORD_MALFORMED");
    const unwritable = await failBoth((app) => {
      const out = ticks(app);
      out.to(ndjsonFile(join(folder, "no-such-folder", "out.ndjson")));
      return { out };
    });
    assert.equal(unwritable.code, "FILE_UNWRITABLE");
    assert.match(unwritable.message, /out\.ndjson.* can't be written: ENOENT/);
    seen.add("FILE_UNWRITABLE");
  });

  const failingSink = (part: "open" | "flush" | "close"): Sink<unknown> => {
    const fail = async (at: string) => {
      if (at === part) throw new RangeError(part);
    };
    return {
      description: "failing",
      async open() {
        await fail("open");
        return { write() {}, flush: () => fail("flush"), close: () => fail("close") };
      },
    };
  };

  for (const part of ["open", "flush", "close"] as const) {
    test(`a sink of one's own whose ${part} fails ends it with SINK_FAILED`, async () => {
      const error = await failBoth((app) => {
        const out = ticks(app);
        out.to(failingSink(part), { name: "store" });
        return { out };
      });
      check(error, "SINK_FAILED", `store failed: RangeError: ${part}`);
      assert.equal(String(error.cause), `RangeError: ${part}`);
    });
  }

  test("a source of one's own whose open fails ends it with SOURCE_FAILED", async () => {
    const open = async (): Promise<never> => {
      throw new RangeError("open");
    };
    const error = await failBoth((app) => ({
      out: app.source({ description: "failing", bounded: true, open }),
    }));
    assert.equal(error.code, "SOURCE_FAILED");
  });

  test("the first error is told, not one of closing after it", async () => {
    const error = await failBoth((app) => {
      const out = ticks(app).map(() => {
        throw new RangeError("first");
      });
      out.to(failingSink("close"));
      return { out };
    });
    assert.equal(error.code, "USER_FUNCTION_FAILED");
  });

  test("sinks are closed also where onProgress throws", async () => {
    let closed = false;
    const app = pipeline("p");
    ticks(app).to({
      description: "watched",
      open: async () => ({ write() {}, flush: async () => {}, close: async () => void (closed = true) }),
    });
    const onProgress = () => {
      throw new RangeError("progress");
    };
    await assert.rejects(app.run({ handleSignals: false, onProgress }));
    assert.ok(closed);
  });

  test("connector options are checked when the connector is made", () => {
    thrown(() => ndjson([]), "OPTION_INVALID", "ndjson: there is no path in the list");
    thrown(() => ndjson(["a", "a"]), "OPTION_INVALID", 'ndjson: the path "a" is given twice');
    for (const call of [
      () => generator((i) => i, { count: -1 }),
      () => generator((i) => i, { partitions: 0 }),
      () => fromAsyncIterable(new ReadableStream(), { buffer: 0 }),
      () => toAsyncIterable({ buffer: 1.5 }),
    ]) {
      assert.throws(call, { code: "OPTION_INVALID" });
    }
  });
});

test("every code of the registry was provoked, but those of state, the command line, missing packages and bugs", () => {
  const others = [
    ...STATE_CODES,
    "DRIVER_MISSING",
    "CLI_USAGE",
    "CLI_NO_PIPELINE",
    "JOB_STUCK",
    "ENGINE_BUG",
  ];
  assert.deepEqual(
    Object.keys(ERRORS)
      .filter((code) => !seen.has(code as ErrorCode))
      .toSorted(),
    others.toSorted(),
  );
});
