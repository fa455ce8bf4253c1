/**
 * The oracle against cases told by hand, and against plainer models where the plain case is all there is (against
 * Flink's answers: oracle-flink.test.ts). Each catches something else: watermarks, unions and late streams misplaced;
 * records lost or counted twice on random pipelines.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { property } from "../connector/seed.ts";
import { caseArbitrary } from "./arbitrary.ts";
import { gridOf } from "./arbitrary-windows.ts";
import { emptySource, bind } from "./bind.ts";
import { bagOf, canonical } from "./canonical.ts";
import { evaluate, type Element, logOf, logsOf } from "./oracle.ts";
import { isElement } from "./oracle-window.ts";
import {
  type AssignerSpec,
  type Input,
  inputsOf,
  type PipelineSpec,
  type RecordKey,
  type SourceSpec,
  type Step,
  type Trace,
  type TraceItem,
  type WindowStep,
} from "./spec.ts";

function windowStep(assigner: AssignerSpec, more: Partial<WindowStep> = {}): WindowStep {
  return {
    kind: "window",
    input: { source: 0 },
    keyBy: "key",
    assigner,
    allowedLatenessMs: 0,
    discard: false,
    aggregates: [
      { field: "count", aggregate: "count" },
      { field: "sum", aggregate: "sum" },
      { field: "values", aggregate: "collect" },
    ],
    single: false,
    ...more,
  };
}

const one: SourceSpec = { partitions: 1, watermark: "none" };
const results = { name: "results", input: { step: 0, port: 0 } } as const;
const lateSink = { name: "late", input: { step: 0, port: 1 } } as const;

/** The ids behind the tags that `collect` gives. */
function idsOf(tags: unknown): number[] {
  return (tags as string[]).map((tag) => Number(/^\[(-?\d+),/.exec(tag)![1]));
}

// --- by hand ---

const record = (
  at: number,
  more: { source?: number; partition?: number; key?: RecordKey; value?: number } = {},
): TraceItem => {
  const { source = 0, partition = 0, key = "a", value = 1 } = more;
  return { source, partition, record: { id: 0, key, at, value } };
};
const watermark = (w: number, source = 0, partition = 0): TraceItem => ({ source, partition, watermark: w });
const end = (source = 0, partition = 0): TraceItem => ({ source, partition, end: true });
/** Ids run. */
const numbered = (...items: TraceItem[]): Trace => {
  let id = 0;
  return items.map((item) => ("record" in item ? { ...item, record: { ...item.record, id: id++ } } : item));
};

const tumbling10: AssignerSpec = { type: "tumbling", sizeMs: 10, offsetMs: 0 };
const bounded0: SourceSpec = { partitions: 1, watermark: { boundMs: 0 } };

/** "ordinal: key [start, end) kind paneIndex ids" for each result. */
function panes(elements: readonly Element[]): string[] {
  return elements.map(({ ordinal, value: v }) => {
    const replaced = (v["replaces"] as { start: number; end: number }[] | undefined) ?? [];
    const text = `${ordinal}: ${String(v["key"])} [${v["windowStart"]}, ${v["windowEnd"]}) ${v["pane"]} ${v["paneIndex"]}`;
    const ids = v["values"] === undefined ? `sum ${v["sum"]}` : idsOf(v["values"]).sort((a, b) => a - b);
    return `${text}: ${ids}${replaced.map(({ start, end }) => ` for [${start}, ${end})`).join("")}`;
  });
}

function run(sources: SourceSpec[], stepList: Step[], trace: Trace, input: Input = results.input): string[] {
  return panes(
    evaluate({ sources, steps: stepList, sinks: [{ name: "results", input }] }, trace).sinks.get("results")!,
  );
}

describe("the oracle by hand", () => {
  test("a record is judged by the watermark before it, and fires what its own timestamp makes due", () => {
    const trace = numbered(record(3), record(10), record(9), record(4));
    assert.deepEqual(run([bounded0], [windowStep(tumbling10)], trace), ["1: a [0, 10) on-time 0: 0"]);
    const spec = { sources: [bounded0], steps: [windowStep(tumbling10)], sinks: [lateSink] };
    assert.deepEqual(
      evaluate(spec, trace)
        .sinks.get("late")!
        .map(({ ordinal, ts }) => [ordinal, ts]),
      [
        [2, 9],
        [3, 4],
      ],
    );
    assert.deepEqual(evaluate(spec, trace).accounts.get("step0"), {
      in: 4,
      contributed: 2,
      filtered: 0,
      unmatched: 0,
      late: 2,
      betweenWindows: 0,
      missedWindows: 2,
    });
  });

  test("a bound holds the watermark back by exactly its length", () => {
    const source: SourceSpec = { partitions: 1, watermark: { boundMs: 3 } };
    const trace = numbered(record(3), record(12), record(9), record(13), record(9));
    assert.deepEqual(run([source], [windowStep(tumbling10)], trace), ["3: a [0, 10) on-time 0: 0,2"]);
  });

  test("late panes accumulate or hold only what is new, and the pane index runs on", () => {
    const trace = numbered(record(1), watermark(10), record(2), record(3), watermark(15), record(4));
    const at = (discard: boolean): string[] =>
      run([one], [windowStep(tumbling10, { allowedLatenessMs: 5, discard })], trace);
    assert.deepEqual(at(false), [
      "1: a [0, 10) on-time 0: 0",
      "2: a [0, 10) late 1: 0,1",
      "3: a [0, 10) late 2: 0,1,2",
    ]);
    assert.deepEqual(at(true), [
      "1: a [0, 10) on-time 0: 0",
      "2: a [0, 10) late 1: 1",
      "3: a [0, 10) late 2: 2",
    ]);
  });

  test("a record that is late for some of its windows misses those and is not late", () => {
    const assigner: AssignerSpec = { type: "sliding", sizeMs: 10, slideMs: 5, offsetMs: 0 };
    const spec: PipelineSpec = { sources: [one], steps: [windowStep(assigner)], sinks: [results] };
    const { accounts } = evaluate(spec, numbered(watermark(10), record(7), record(4), end()));
    const { contributed, late, missedWindows } = accounts.get("step0")!;
    assert.deepEqual({ contributed, late, missedWindows }, { contributed: 1, late: 1, missedWindows: 3 });
  });

  test("a record between two windows is in no result, and late only where it is behind the watermark and the lateness", () => {
    const assigner: AssignerSpec = { type: "sliding", sizeMs: 2, slideMs: 10, offsetMs: 0 };
    const step = windowStep(assigner, { allowedLatenessMs: 3 });
    const spec: PipelineSpec = { sources: [one], steps: [step], sinks: [results] };
    const trace = numbered(record(2), watermark(9), record(6), record(5), record(10), end());
    const { accounts, sinks, late } = evaluate(spec, trace);
    const { contributed, betweenWindows, missedWindows } = accounts.get("step0")!;
    assert.deepEqual(
      { contributed, betweenWindows, missedWindows },
      { contributed: 1, betweenWindows: 2, missedWindows: 0 },
    );
    assert.deepEqual(
      late.get("step0")!.map(({ ts }) => ts),
      [5],
    );
    assert.deepEqual(panes(sinks.get("results")!), ["5: a [10, 12) on-time 0: 3"]);
  });

  test("the watermark of a source is the least of its partitions', and an ended one holds nothing back", () => {
    const source: SourceSpec = { partitions: 2, watermark: { boundMs: 0 } };
    const trace = numbered(record(1), record(50), record(9, { partition: 1 }), end(0, 1), end());
    assert.deepEqual(run([source], [windowStep(tumbling10)], trace), [
      "3: a [0, 10) on-time 0: 0,2",
      "4: a [50, 60) on-time 0: 1",
    ]);
  });

  test("a window of final results fires once, at its end and lateness, and holds time back so long", () => {
    const step = windowStep(tumbling10, { allowedLatenessMs: 5, finalOnly: true });
    const trace = numbered(
      record(1),
      watermark(10),
      record(2),
      watermark(14),
      record(3),
      watermark(15),
      record(4),
    );
    assert.deepEqual(run([one], [step], trace), ["5: a [0, 10) on-time 0: 0,1,2"]);
    const [log, late] = logsOf({ sources: [one], steps: [step], sinks: [] }, trace).steps[0];
    assert.deepEqual(
      log.map((entry) => (isElement(entry) ? entry.ts : entry.watermark)),
      [5, 9, 9, 10],
    );
    assert.deepEqual(
      late.map(({ ordinal }) => ordinal),
      [6],
    );
    const session: AssignerSpec = { type: "session", gapMs: 4 };
    const final = windowStep(session, { allowedLatenessMs: 5, finalOnly: true });
    const visits = numbered(record(1), watermark(9), record(0), record(5), watermark(14), watermark(15));
    assert.deepEqual(run([one], [final], visits), ["5: a [0, 9) on-time 0: 0,1,2"]);
  });

  test("a count window's result is of the latest of its records, or of the watermark before it", () => {
    const step = windowStep({ type: "count", size: 2, slide: 2 });
    const trace = numbered(record(9), record(3), watermark(20), record(2), record(5), record(30), record(1));
    const [log] = logsOf({ sources: [one], steps: [step], sinks: [] }, trace).steps[0];
    assert.deepEqual(
      log.filter(isElement).map(({ ts }) => ts),
      [9, 20, 30],
    );
  });

  test("sessions close one millisecond past their end, and records exactly a gap apart are of one session", () => {
    const assigner: AssignerSpec = { type: "session", gapMs: 10 };
    const trace = numbered(
      record(0),
      watermark(10),
      record(10),
      watermark(20),
      watermark(21),
      record(20),
      end(),
    );
    assert.deepEqual(run([one], [windowStep(assigner)], trace), [
      "4: a [0, 20) on-time 0: 0,1",
      // [0, 20) is cleaned up by then: the record opens its own session, though it touches it.
      "6: a [20, 30) on-time 0: 2",
    ]);
  });

  test("a pane of joined sessions counts their panes and names those that it stands in for", () => {
    const assigner: AssignerSpec = { type: "session", gapMs: 10 };
    const step = windowStep(assigner, { allowedLatenessMs: 100 });
    const trace = numbered(record(0), record(15), watermark(40), record(8), record(9), record(31), end());
    assert.deepEqual(run([one], [step], trace), [
      "2: a [0, 10) on-time 0: 0",
      "2: a [15, 25) on-time 0: 1",
      "3: a [0, 25) late 2: 0,1,2 for [0, 10) for [15, 25)",
      "4: a [0, 25) late 3: 0,1,2,3",
      "6: a [31, 41) on-time 0: 4",
    ]);
    const discarding = run([one], [{ ...step, discard: true }], trace);
    assert.deepEqual(discarding.slice(2, 4), ["3: a [0, 25) late 2: 2", "4: a [0, 25) late 3: 3"]);
  });

  test("results enter the next window before the watermark that brought them out, and none is late there", () => {
    const first = windowStep(
      { type: "session", gapMs: 10 },
      { aggregates: [{ field: "sum", aggregate: "sum" }] },
    );
    const second = windowStep(tumbling10, {
      input: { step: 0, port: 0 },
      keyBy: "one",
      aggregates: [{ field: "sum", aggregate: "sum" }],
    });
    // The session ends at 20, so its result is of 19: the window [10, 20) waits for it though the source is at 20.
    const trace = numbered(record(10, { value: 5 }), watermark(20), watermark(21));
    const given = run([one], [first, second], trace, { step: 1, port: 0 });
    assert.deepEqual(given, ["2: all [10, 20) on-time 0: sum 5"]);
  });

  test("a union takes the elements of one ordinal port after port, and its watermark moves behind the last", () => {
    const steps: Step[] = [
      { kind: "branch", input: { source: 0 }, predicates: ["even"], otherwise: true },
      { kind: "map", input: { step: 0, port: 1 }, fn: "add1" },
      { kind: "union", inputs: [{ step: 1, port: 0 }, { step: 0, port: 0 }, { source: 1 }] },
    ];
    const spec: PipelineSpec = { sources: [bounded0, bounded0], steps, sinks: [] };
    const trace = numbered(
      record(5, { value: 1 }),
      record(7, { source: 1, value: 2 }),
      record(20, { value: 4 }),
      record(6, { source: 1, value: 3 }),
      end(1),
    );
    const log = logsOf(spec, trace).steps[2][0];
    assert.deepEqual(
      log.map((entry) =>
        isElement(entry) ? [entry.ordinal, entry.ts, entry.value["value"]] : [entry.ordinal, entry.watermark],
      ),
      [
        [0, 5, 2],
        [1, 7, 2],
        [1, 5],
        [2, 20, 4],
        [2, 7],
        [3, 6, 3],
        [4, 20],
      ],
    );
  });

  test("a union of one step's ways gives the first port's elements first, however many either way made", () => {
    const steps: Step[] = [
      { kind: "flatMap", input: { source: 0 }, fn: "twice" },
      { kind: "union", inputs: [{ step: 0, port: 0 }, { source: 0 }] },
    ];
    const spec: PipelineSpec = {
      sources: [bounded0],
      steps,
      sinks: [{ name: "all", input: { step: 1, port: 0 } }],
    };
    const given = evaluate(spec, numbered(record(1), record(2), record(3))).sinks.get("all")!;
    const ways = given.map(({ value }) => `${value["id"]}${value["copy"] ?? "-"}`);
    assert.deepEqual(ways, ["00", "01", "0-", "10", "11", "1-", "20", "21", "2-"]);
  });

  test("the late stream has no watermark before the end of the input", () => {
    const first = windowStep(tumbling10);
    const second = windowStep(tumbling10, { input: { step: 0, port: 1 } });
    const trace = numbered(watermark(50), record(1), record(-30), record(2), end());
    assert.deepEqual(run([one], [first, second], trace, { step: 1, port: 0 }), [
      "4: a [-30, -20) on-time 0: 1",
      "4: a [0, 10) on-time 0: 0,2",
    ]);
  });

  test('-0 and 0 are one key, NaN is equal to NaN, and 1 is neither 1n nor "1"', () => {
    const keys: RecordKey[] = [0, -0, Number.NaN, Number.NaN, 1, 1n, "1", [1], [-0], [0], "__proto__"];
    const step = windowStep(tumbling10, { aggregates: [{ field: "sum", aggregate: "sum" }] });
    const given = run([one], [step], numbered(...keys.map((key) => record(1, { key })), end()));
    const sums = given.map((pane) => Number(/sum (\d+)/.exec(pane)![1]));
    assert.deepEqual(sums, [2, 2, 1, 1, 1, 1, 2, 1]);
  });
});

// --- on random pipelines ---

describe("the oracle on random pipelines", () => {
  test("INV-5: the account of every operator adds up, and late streams hold what was counted late", () => {
    const check = fc.property(caseArbitrary(), ({ spec, trace }) => {
      const { accounts, late } = evaluate(spec, trace);
      for (const [name, a] of accounts) {
        assert.equal(a.in, a.contributed + a.filtered + a.unmatched + a.late + a.betweenWindows);
        assert.ok(Object.values(a).every((n) => n >= 0));
        assert.equal(late.get(name)?.length ?? 0, a.late);
      }
    });
    fc.assert(check, property);
  });

  test("INV-6: watermarks rise on every edge, and nothing but late panes and late records is below them", () => {
    const check = fc.property(caseArbitrary(), ({ spec, trace }) => {
      const { sources, steps } = logsOf(spec, trace);
      for (const log of [...sources, ...steps.flat()]) {
        const watermarks = log.flatMap((entry) => (isElement(entry) ? [] : [entry.watermark]));
        assert.ok(watermarks.every((w, i) => i === 0 || w > watermarks[i - 1]));
      }
      spec.steps.forEach((step, i) => {
        if (step.kind !== "window") return;
        let w = Number.NEGATIVE_INFINITY;
        for (const entry of steps[i][0]) {
          if (!isElement(entry)) w = entry.watermark;
          else if (entry.value["pane"] === "on-time") assert.ok(entry.ts >= w, canonical(entry.value));
        }
      });
    });
    fc.assert(check, property);
  });

  test("INV-3: the output of a prefix of the trace is the prefix of the output", () => {
    const check = fc.property(caseArbitrary(), fc.nat(60), ({ spec, trace }, n) => {
      const whole = evaluate(spec, trace).sinks;
      const part = evaluate(spec, trace.slice(0, n)).sinks;
      for (const [name, elements] of part) {
        const before = whole.get(name)!.filter(({ ordinal }) => ordinal < n);
        assert.deepEqual(bagOf(elements), bagOf(before));
      }
    });
    fc.assert(check, property);
  });

  test("an input that ends leaves no record out: last accumulating panes hold all, discarding ones add up to them", () => {
    const check = fc.property(caseArbitrary({ ends: true, maxMoves: 3 }), ({ spec, trace }) => {
      const probed: PipelineSpec = {
        ...spec,
        steps: spec.steps.map((step) =>
          step.kind === "window"
            ? { ...step, single: true, aggregates: [{ field: "n", aggregate: "count" }] }
            : step,
        ),
      };
      const outputs = logsOf(probed, trace);
      probed.steps.forEach((step, i) => {
        if (step.kind !== "window" || !showsAll(step)) return;
        const input = logOf(outputs, step.input).filter(isElement);
        const account = outputs.accounts.get(`step${i}`)!;
        const given = outputs.steps[i][0].filter(isElement).map(({ value }) => value);
        const windows =
          windowsOf(
            step.assigner,
            input.map(({ ts }) => ts),
          ) - account.missedWindows;
        if (step.discard) {
          assert.equal(
            given.reduce((n, v) => n + (v["value"] as number), 0),
            windows,
          );
        } else if (step.assigner.type !== "session" && step.assigner.type !== "sessionDynamic") {
          const last = new Map(
            given.map((v) => [canonical([v["key"], v["windowStart"], v["windowEnd"]]), v["value"] as number]),
          );
          assert.equal(
            [...last.values()].reduce((a, b) => a + b, 0),
            windows,
          );
        }
      });
    });
    fc.assert(check, property);
  });

  test("where nothing is late, sessions are the cuts of each key's sorted timestamps", () => {
    const times = fc.array(fc.tuple(fc.constantFrom("a", "b"), fc.integer({ min: -40, max: 40 })), {
      maxLength: 30,
    });
    const check = fc.property(times, fc.integer({ min: 1, max: 9 }), (list, gapMs) => {
      const step = windowStep(
        { type: "session", gapMs },
        { aggregates: [{ field: "sum", aggregate: "count" }] },
      );
      const trace = numbered(...list.map(([key, at]) => record(at, { key })), end());
      const given = run([one], [step], trace);
      const wanted = ["a", "b"].flatMap((key) => {
        const own = list
          .filter(([k]) => k === key)
          .map(([, at]) => at)
          .sort((a, b) => a - b);
        const cut: number[][] = [];
        for (const at of own) {
          if (cut.length > 0 && at <= cut.at(-1)!.at(-1)! + gapMs) cut.at(-1)!.push(at);
          else cut.push([at]);
        }
        return cut.map(
          (s) => `${list.length}: ${key} [${s[0]}, ${s.at(-1)! + gapMs}) on-time 0: sum ${s.length}`,
        );
      });
      assert.deepEqual(given.sort(), wanted.sort());
    });
    fc.assert(check, property);
  });

  test("every random pipeline can be built through the public API", () => {
    const sink = (description: string) => ({
      description,
      open: async () => ({ write() {}, async flush() {}, async close() {} }),
    });
    const check = fc.property(caseArbitrary(), ({ spec }) => {
      const { app, stepNames, sinkNames } = bind(spec, {
        sink,
        source: (_, i) => emptySource(spec.sources[i].partitions),
      });
      const names = app.plan().nodes.map(({ name }) => name);
      for (const name of [...stepNames, ...sinkNames]) assert.ok(names.includes(name), name);
    });
    fc.assert(check, property);
  });

  test("the random cases reach what they are made for", () => {
    const seen = new Set<string>();
    const check = fc.property(caseArbitrary(), ({ spec, trace }) => {
      const { accounts, sinks } = evaluate(spec, trace);
      spec.steps.forEach((step, i) => {
        const account = accounts.get(`step${i}`)!;
        if (account.in > 0) seen.add(step.kind);
        if (account.late > 0) seen.add("late records");
        if (account.missedWindows > account.late) seen.add("missed windows");
        if (account.betweenWindows > 0) seen.add("between windows");
        if (account.unmatched > 0) seen.add("unmatched");
        if (step.kind === "window" && account.contributed > 0) {
          seen.add(`${step.assigner.type} windows`);
          if (step.finalOnly && step.allowedLatenessMs > 0) seen.add("final results only");
          if (step.trigger !== undefined) seen.add(`trigger ${step.trigger.type}`);
        }
        for (const input of inputsOf(step)) {
          if (step.kind !== "window" || account.contributed === 0 || "source" in input) continue;
          seen.add(
            spec.steps[input.step].kind === "window"
              ? `window over port ${input.port}`
              : "window over others",
          );
        }
      });
      for (const { value } of [...sinks.values()].flat()) {
        if (value["pane"] === "late" || value["pane"] === "early") seen.add(`${value["pane"]} panes`);
        if ((value["replaces"] as unknown[] | undefined)?.length) seen.add("replaced panes");
      }
    });
    fc.assert(check, { ...property, numRuns: Math.max(property.numRuns, 500) });
    const wanted = [
      "map",
      "filter",
      "flatMap",
      "peek",
      "branch",
      "union",
      "window",
      "late records",
      "missed windows",
    ];
    const more = [
      "between windows",
      "unmatched",
      "window over port 0",
      "window over port 1",
      "late panes",
      "early panes",
      "replaced panes",
      ...["tumbling", "sliding", "cumulating", "session", "sessionDynamic", "count", "global"].map(
        (type) => `${type} windows`,
      ),
      "final results only",
      ...["onTime", "repeatedly", "atEnd"].map((type) => `trigger ${type}`),
    ];
    for (const what of [...wanted, ...more]) assert.ok(seen.has(what), what);
  });
});

/** Whether every record that a window takes is in its last pane, or in one of its discarding panes. */
function showsAll({ assigner, trigger }: WindowStep): boolean {
  if (assigner.type === "count" || trigger?.type === "repeatedly") return false;
  if (trigger?.type === "atEnd") return assigner.type === "global";
  return trigger?.late === undefined;
}

/** (Record, window) pairs. */
function windowsOf(assigner: AssignerSpec, times: readonly number[]): number {
  const grid = gridOf(assigner);
  if (grid === null) return times.length;
  const { sizeMs, slideMs, offsetMs } = grid;
  if (assigner.type === "cumulating") {
    // Steps that end above ts, from there to the end of the longest.
    const into = (ts: number): number => (((ts - offsetMs) % sizeMs) + sizeMs) % sizeMs;
    return times.reduce((n, ts) => n + Math.ceil((sizeMs - into(ts)) / slideMs), 0);
  }
  // Starts in (ts - size, ts] on the grid.
  const startsUpTo = (x: number): number => Math.floor((x - offsetMs) / slideMs);
  return times.reduce((n, ts) => n + startsUpTo(ts) - startsUpTo(ts - sizeMs), 0);
}
