/** A window's process(): all elements of a pane to a function. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fromIterable, MillraceError, pipeline, session, sliding, tumbling } from "../../src/index.ts";
import { testDriver } from "../../src/testing/index.ts";
import { done, failBoth, runBoth } from "./run-both.ts";

interface Bid {
  readonly at: number;
  readonly user: string;
  readonly n: number;
}

const bids: readonly Bid[] = [
  { at: 1, user: "a", n: 5 },
  { at: 3, user: "b", n: 1 },
  { at: 2, user: "a", n: 7 },
  { at: 12, user: "a", n: 9 },
];
const options = { timestamp: (b: Bid) => b.at, watermark: { maxOutOfOrderness: 100 } } as const;

test("gets each key's window with its elements in the order of arrival, and gives any number of records", async () => {
  const { out } = await runBoth((app) => ({
    out: app
      .source(fromIterable(bids), options)
      .keyBy((b) => b.user)
      .window(tumbling(10))
      .process(function* (window, elements) {
        if (window.key === "b") return;
        yield { window, all: elements.map((b) => b.n) };
        if (elements.length > 1) yield "more than one";
      }),
  }));
  const window = (start: number) => ({
    key: "a",
    windowStart: start,
    windowEnd: start + 10,
    pane: "on-time",
    paneIndex: 0,
  });
  assert.deepEqual(out, [
    { window: window(0), all: [5, 7] },
    "more than one",
    { window: window(10), all: [9] },
  ]);
});

test("gives records at the window's end - 1, so that further windows take them", async () => {
  const { out } = await runBoth((app) => ({
    out: app
      .source(fromIterable(bids), options)
      .keyBy((b) => b.user)
      .window(sliding(10, 5))
      .process((_, elements) => elements)
      .keyBy((b) => b.user)
      .window(tumbling(5))
      .process(({ key, windowStart }, elements) => [`${key} ${windowStart} ${elements.map((b) => b.n)}`]),
  }));
  assert.deepEqual(out.toSorted(), ["a 0 5,7", "a 10 9", "a 15 9", "a 5 5,7", "b 0 1", "b 5 1"]);
});

test("gets each pane anew: accumulated or only what is new", async () => {
  for (const [panes, expected] of [
    ["accumulating", ["on-time 0: 1", "late 1: 1,2"]],
    ["discarding", ["on-time 0: 1", "late 1: 2"]],
  ] as const) {
    const { out } = await runBoth((app) => ({
      out: app
        .source(fromIterable([1, 20, 2].map((at) => ({ at }))), { timestamp: (r) => r.at })
        .keyBy(() => "all")
        .window(tumbling(10), { allowedLateness: 100, panes })
        .process(({ pane, paneIndex }, elements) => [`${pane} ${paneIndex}: ${elements.map((r) => r.at)}`]),
    }));
    assert.deepEqual(out.slice(0, 2), expected);
  }
});

test("of sessions says which panes it replaces", async () => {
  const { out } = await runBoth((app) => ({
    out: app
      .source(fromIterable([0, 30, 15].map((at) => ({ at }))), { timestamp: (r) => r.at })
      .keyBy(() => "all")
      .window(session(20), { allowedLateness: 100 })
      .process(({ replaces }, elements) => [{ replaces, all: elements.map((r) => r.at) }]),
  }));
  assert.deepEqual(out, [
    { replaces: [], all: [0] },
    { replaces: [{ start: 0, end: 20 }], all: [0, 15, 30] },
  ]);
});

test("has the late stream of its window", async () => {
  const { late, out } = await runBoth((app) => {
    const out = app
      .source(fromIterable([1, 20, 2].map((at) => ({ at }))), { timestamp: (r) => r.at })
      .keyBy(() => "all")
      .window(tumbling(10))
      .process((_, elements) => [elements.length]);
    return { out, late: out.late };
  });
  assert.deepEqual(late, [{ at: 2 }]);
  assert.deepEqual(out, [1, 1]);
});

test("has timestamps that the driver shows", async () => {
  const app = pipeline("bids");
  app
    .source(fromIterable<Bid>([]), { ...options, name: "bids" })
    .keyBy((b) => b.user)
    .window(tumbling(10), { name: "window" })
    .process((_, elements) => elements, { name: "elements" })
    .to({ open: async () => assert.fail("a driver opens no sinks") } as never, { name: "out" });
  const t = await testDriver(app);
  await t.push("bids", bids[0]);
  await t.watermark("bids", 10);
  assert.deepEqual(
    t.take("out").map(({ value, timestamp }) => [value, timestamp]),
    [[bids[0], 9]],
  );
});

describe("a function that fails", () => {
  const failing = (onError?: "skip") => (app: ReturnType<typeof pipeline>) => ({
    out: app
      .source(fromIterable(bids), options)
      .keyBy((b) => b.user)
      .window(tumbling(10))
      .process(
        ({ key }, elements) => {
          if (key === "b") throw new RangeError("no b");
          return [elements.length];
        },
        { name: "sizes", ...(onError === undefined ? {} : { onError }) },
      ),
  });

  test("ends the job", async () => {
    const error = await failBoth(failing());
    assert.equal(error.code, "USER_FUNCTION_FAILED");
    assert.match(error.message, /The function of sizes threw RangeError: no b/);
  });

  test("loses its pane with onError", async () => {
    const { out, report } = await runBoth(failing("skip"));
    assert.deepEqual(out, [2, 1]);
    assert.deepEqual(done(report, "sizes"), { contributed: 2, skipped: 1 });
  });
});

test("what is no function is refused where the pipeline is built", () => {
  const windowed = pipeline("bids")
    .source(fromIterable(bids), options)
    .keyBy((b) => b.user)
    .window(tumbling(10));
  assert.throws(
    () => windowed.process("all" as never),
    (error) => error instanceof MillraceError && /^process takes a function, not "all"/.test(error.message),
  );
});

test("explain says that the state grows with the window's records", () => {
  const app = pipeline("bids");
  app
    .source(fromIterable(bids), options)
    .keyBy((b) => b.user)
    .window(tumbling(10))
    .process((_, elements) => elements)
    .to({ open: async () => assert.fail("nothing runs") } as never);
  assert.match(app.explain(), /elements = collect may keep as much as its window brings/);
});
