/** Every error that a job with a state directory can raise, provoked through the API. */
import assert from "node:assert/strict";
import { cpSync, globSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import {
  collect,
  count,
  files,
  fromAsyncIterable,
  type JobOptions,
  memory,
  ndjson,
  ndjsonFile,
  type Pipeline,
  pipeline,
  type RunOptions,
  type RunReport,
  type Sink,
  type StateBackend,
  tumbling,
} from "../../src/index.ts";
import { rocksdb } from "../../src/state/rocksdb/index.ts";
import { Feed, Ledger } from "../job/feed.ts";
import { hastyPorts, scratch } from "../job/scratch.ts";
import { check, seen, STATE_CODES } from "./provoked.ts";

const folder = scratch();
let made = 0;
const fresh = (): string => folder(`d${made++}`);
const run = { handleSignals: false } as const;

interface Tick {
  readonly at: number;
  readonly value?: unknown;
}

const ticks = (from: number, to: number): Tick[] =>
  Array.from({ length: to - from }, (_, i) => ({ at: from + i }));

function copying(
  feed: Feed<Tick>,
  sink: Sink<unknown>,
  state: StateBackend,
  options: JobOptions = {},
): Pipeline {
  const app = pipeline("copy", { state, ...options });
  app.source(feed.source(), { name: "ticks", timestamp: (r) => r.at }).to(sink, { name: "out" });
  return app;
}

/** Runs until so many records are handed over, and stops. */
async function upTo(feed: Feed<Tick>, records: number, app: Pipeline): Promise<RunReport> {
  feed.push(...ticks(feed.records.length, records));
  const job = app.start(run);
  let isOver = false;
  job.done.finally(() => (isOver = true)).catch(() => {});
  while (feed.handed < records && !isOver) await new Promise((resolve) => setTimeout(resolve, 2));
  return job.stop();
}

const failed = (app: Pipeline, options: RunOptions = {}): Promise<unknown> =>
  app.run({ ...run, ...options }).then(
    () => assert.fail("it ran"),
    (error: unknown) => error,
  );

const manifestsIn = (directory: string): string[] =>
  readdirSync(directory)
    .filter((name) => name.startsWith("manifest-"))
    .map((name) => join(directory, name));

class Money {
  readonly cents = 5;
}

describe("a value of state", () => {
  for (const { what, value } of [
    { what: "is an instance of Money", value: new Money() },
    { what: "is a function", value: () => 1 },
    { what: "is a symbol", value: Symbol("s") },
  ]) {
    for (const backend of [memory, rocksdb]) {
      test(`that ${what} ends the job when it is written down, on ${backend.name}`, async () => {
        const feed = new Feed<Tick>().push({ at: 1, value: { price: value } });
        const app = pipeline("p", { state: backend(fresh()), commit: { every: 5 } });
        app
          .source(feed.source(), { timestamp: (r) => r.at })
          .keyBy(() => "k")
          .window(tumbling("1h"))
          .aggregate(collect((r) => r.value))
          .to(new Ledger().transactional());
        check(await failed(app), "STATE_VALUE_REFUSED", new RegExp(`\\[0\\]\\.price ${what} `));
      });
    }
  }
});

describe("stored state", () => {
  test("that the program has no use for is refused, with each store", async () => {
    const directory = fresh();
    const feed = new Feed<Tick>();
    const counting = (size: "1h" | "2h", sink: string) => {
      const app = pipeline("counting", { state: memory(directory) });
      app
        .source(feed.source(), { name: "ticks", timestamp: (r) => r.at })
        .keyBy(() => "k")
        .window(tumbling(size), { name: "hours" })
        .aggregate(count())
        .to(new Ledger().transactional(), { name: sink });
      return app;
    };
    await upTo(feed, 3, counting("1h", "out"));
    check(
      await failed(counting("2h", "results")),
      "STATE_SCHEMA_CHANGED",
      "Stored state doesn't fit the program: " +
        "hours/panes: rebuild (stored: tumbling(1h): value count; " +
        "program: tumbling(2h): value count); " +
        "out/epochs: orphan (the program has no such store)",
    );
  });

  test("of another job is refused", async () => {
    const directory = fresh();
    const feed = new Feed<Tick>();
    await upTo(feed, 1, copying(feed, new Ledger().plain(), memory(directory)));
    const other = pipeline("other", { state: memory(directory) });
    other.source(new Feed<Tick>().end().source()).to(new Ledger<Tick>().plain());
    check(
      await failed(other),
      "STATE_DIRECTORY_FOREIGN",
      `${directory} holds the state of job "copy", not of "other"`,
    );
  });

  test("that a running job has is refused to another, and free when that one has ended", async () => {
    const directory = fresh();
    const feed = new Feed<Tick>();
    const job = copying(feed, new Ledger().plain(), memory(directory)).start(run);
    feed.push(...ticks(0, 1));
    while (feed.handed < 1) await new Promise((resolve) => setTimeout(resolve, 2));
    const second = copying(feed, new Ledger().plain(), memory(directory));
    check(await failed(second), "STATE_DIRECTORY_IN_USE", `${directory} is in use by process ${process.pid}`);
    await job.stop();
    await upTo(feed, 2, second);
  });

  test("can't be kept where there can be no directory", async () => {
    const file = fresh();
    writeFileSync(file, "");
    for (const backend of [memory, rocksdb]) {
      const app = copying(new Feed<Tick>().end(), new Ledger().plain(), backend(join(file, "state")));
      check(await failed(app), "STATE_UNWRITABLE", /state.*: ENOTDIR: not a directory/);
    }
  });

  test("whose every manifest is damaged is told with each file, and goes on when one is mended", async () => {
    const directory = fresh();
    const feed = new Feed<Tick>();
    const ledger = new Ledger<unknown>();
    const app = copying(feed, ledger.transactional(), memory(directory));
    await upTo(feed, 3, app);
    const manifests = manifestsIn(directory).map((path) => ({ path, text: readFileSync(path, "utf8") }));
    assert.equal(manifests.length, 2);
    for (const { path, text } of manifests)
      writeFileSync(path, text.replace('"job": "copy"', '"job": "copz"'));
    const error = check(
      await failed(app),
      "STATE_DAMAGED",
      /: its checksum doesn't fit; .*: its checksum doesn't fit/,
    );
    for (const { path } of manifests) assert.ok(error.message.includes(path));
    for (const { path, text } of manifests) writeFileSync(path, text);
    await upTo(feed, 5, app);
    assert.deepEqual(ledger.visible, ticks(0, 5));
  });

  test("whose log is cut short is told with the file and the byte", async () => {
    const directory = fresh();
    const feed = new Feed<Tick>();
    const app = pipeline("counting", { state: memory(directory) });
    app
      .source(feed.source(), { timestamp: (r) => r.at })
      .keyBy((r) => r.at)
      .window(tumbling("1h"))
      .aggregate(count())
      .to(new Ledger().transactional());
    await upTo(feed, 3, app);
    const log = join(directory, "log-0-0.bin");
    const { length } = readFileSync(log);
    truncateSync(log, length - 1);
    check(
      await failed(app),
      "STATE_DAMAGED",
      `${log} ends at byte ${length - 1}, and should have ${length} bytes`,
    );
  });

  const places: readonly {
    name: string;
    make: (out: string) => { sink: Sink<unknown>; shown: () => unknown };
  }[] = [
    {
      name: "a sink",
      make() {
        const ledger = new Ledger<unknown>();
        return { sink: ledger.transactional(), shown: () => ledger.visible.length };
      },
    },
    { name: "a file", make: (out) => ({ sink: ndjsonFile(out), shown: () => readFileSync(out, "utf8") }) },
    {
      name: "a folder of files",
      make: (out) => ({
        sink: files(out, { rollBytes: 1 }),
        shown: () => globSync("*.ndjson", { cwd: out }).length,
      }),
    },
  ];
  for (const { name, make } of places) {
    test(`that is older than what ${name} shows is refused, and the output stays as it is`, async () => {
      const [directory, older, out] = [fresh(), fresh(), fresh()];
      const feed = new Feed<Tick>();
      const { sink, shown } = make(out);
      await upTo(feed, 2, copying(feed, sink, memory(directory)));
      cpSync(directory, older, { recursive: true });
      await upTo(feed, 4, copying(feed, sink, memory(directory)));
      const before = shown();
      feed.push(...ticks(4, 6)).end();
      check(
        await failed(copying(feed, sink, memory(older))),
        "STATE_BEHIND_SINK",
        /epoch 2.* epoch 1|later epoch|bytes/,
      );
      assert.deepEqual(shown(), before);
      await copying(feed, sink, memory(directory)).run(run);
      assert.notDeepEqual(shown(), before);
    });
  }
});

describe("the world around a job", () => {
  test("that has lost decided output is told which, and the job goes on when it is back", async () => {
    const out = `${fresh()}.ndjson`;
    const feed = new Feed<Tick>();
    const directory = fresh();
    const app = copying(feed, ndjsonFile(out), memory(directory));
    await upTo(feed, 2, app);
    await upTo(feed, 4, app);
    const text = readFileSync(out, "utf8");
    rmSync(out);
    check(await failed(app), "SINK_STATE_MISSING", new RegExp(`${out}`));
    writeFileSync(out, text);
    await upTo(feed, 6, app);
    assert.equal(
      readFileSync(out, "utf8"),
      ticks(0, 6)
        .map((tick) => `${JSON.stringify(tick)}\n`)
        .join(""),
    );
  });

  test("whose input was replaced is told where the job was", async () => {
    const input = `${fresh()}.ndjson`;
    const directory = fresh();
    const lines = (from: number, to: number) =>
      ticks(from, to)
        .map((tick) => `${JSON.stringify(tick)}\n`)
        .join("");
    writeFileSync(input, lines(0, 50));
    const abort = new AbortController();
    const app = pipeline("copy", { state: memory(directory), commit: { records: 1 } });
    app
      .source(ndjson<Tick>(input), { name: "input" })
      .peek(({ at }) => {
        if (at === 49) abort.abort();
      })
      .to(new Ledger<Tick>().transactional());
    const report = await app.run({ ...run, signal: abort.signal });
    assert.ok(report.stopped);
    writeFileSync(input, lines(0, 3));
    check(await failed(app), "SOURCE_POSITION_LOST", new RegExp(`${input}`));
  });

  test("that can't be read again is no source for a promise", async () => {
    async function* lines() {
      yield 1;
    }
    const app = pipeline("p", { state: memory(fresh()) });
    app
      .source(fromAsyncIterable(lines(), { name: "socket" }), { name: "lines" })
      .to(new Ledger<number>().plain());
    check(
      await failed(app),
      "GUARANTEE_UNMET",
      "Source lines, fromAsyncIterable(socket), can't be read again from a position, which exactly-once needs",
    );
  });

  test("that fails again and again ends the job with the last failure", async () => {
    const feed = new Feed<Tick>();
    feed.failsToOpen = 3;
    const { ports } = hastyPorts();
    const app = copying(feed, new Ledger().plain(), memory(fresh()), { restart: { attempts: 2 } });
    const error = check(
      await failed(app, { ports }),
      "RESTARTS_EXHAUSTED",
      /^The job failed 3 times in a row, the last time with: .*the line is dead/,
    );
    check(error.cause, "SOURCE_FAILED", /the line is dead/);
  });

  test("that has no savepoint where one was named is no place to start from", async () => {
    const nowhere = fresh();
    const app = copying(new Feed<Tick>().end(), new Ledger().plain(), memory(fresh()));
    check(await failed(app, { from: nowhere }), "SAVEPOINT_INVALID", `${nowhere} holds no savepoint`);
    const job = copying(new Feed<Tick>().end(), new Ledger().plain(), memory(fresh())).start(run);
    await job.done;
    check(
      await job.savepoint(fresh()).catch((error: unknown) => error),
      "SAVEPOINT_INVALID",
      "The job is not running",
    );
  });
});

test("every code about state was provoked here", () => {
  assert.deepEqual(
    STATE_CODES.filter((code) => !seen.has(code)),
    [],
  );
});
