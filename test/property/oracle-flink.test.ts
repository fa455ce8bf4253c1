/** The oracle against Flink's answers: finds a rule of windows or triggers that was misread. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { Case, TriggerSpec as CaseTrigger, WindowSpec } from "../conformance/case.ts";
import { canonical } from "./canonical.ts";
import { evaluate } from "./oracle.ts";
import type { AssignerSpec, PipelineSpec, TraceItem, TriggerSpec } from "./spec.ts";

const FOLDER = join(import.meta.dirname, "../conformance/cases/windows");

function casesOf(file: string): readonly Case[] {
  const { cases } = JSON.parse(readFileSync(join(FOLDER, file), "utf8")) as { cases: Case[] };
  assert.ok(cases.length > 0);
  return cases;
}

function assignerOf(window: WindowSpec): AssignerSpec {
  switch (window.type) {
    case "count":
      return { type: "count", size: window.size, slide: window.size };
    case "countSliding":
      return { type: "count", size: window.size, slide: window.slide };
    default:
      return window;
  }
}

function triggerOf(trigger: CaseTrigger): TriggerSpec | undefined {
  switch (trigger.type) {
    case "eventTime":
    case "default":
      return undefined;
    case "count":
      return { type: "repeatedly", pace: { count: trigger.count } };
    case "continuousEventTime":
      return { type: "onTime", early: { eventTimeMs: trigger.intervalMs } };
    case "endOfStream":
      return { type: "atEnd" };
  }
}

/** The ids behind the tags that `collect` gives. */
function idsOf(tags: unknown): number[] {
  return (tags as string[]).map((tag) => Number(/^\[(-?\d+),/.exec(tag)![1]));
}

interface Shown {
  readonly after: number;
  readonly key: unknown;
  readonly windowStart: number | null;
  readonly windowEnd: number | null;
  readonly text: string;
}

/** Outputs of one step as a multiset, except that panes of one key and window in one step keep their order. */
function steps(outputs: readonly Shown[]): string[] {
  const seen = new Map<string, number>();
  return outputs
    .map(({ after, key, windowStart, windowEnd, text }) => {
      const id = canonical([after, key, windowStart, windowEnd]);
      const nth = seen.get(id) ?? 0;
      seen.set(id, nth + 1);
      return `${id}#${nth} ${text}`;
    })
    .sort();
}

function reproduces({ window, trigger, allowedLatenessMs, input, expected, late }: Case): void {
  const own = triggerOf(trigger);
  const spec: PipelineSpec = {
    sources: [{ partitions: 1, watermark: "none" }],
    steps: [
      {
        kind: "window",
        input: { source: 0 },
        keyBy: "key",
        assigner: assignerOf(window),
        allowedLatenessMs,
        discard: trigger.discard ?? false,
        ...(own === undefined ? {} : { trigger: own }),
        aggregates: [
          { field: "count", aggregate: "count" },
          { field: "sum", aggregate: "sum" },
          { field: "values", aggregate: "collect" },
        ],
        single: false,
      },
    ],
    sinks: [
      { name: "results", input: { step: 0, port: 0 } },
      { name: "late", input: { step: 0, port: 1 } },
    ],
  };
  const trace = input.map((item): TraceItem => {
    const at = { source: 0, partition: 0 };
    if (item.op === "watermark")
      return { ...at, watermark: item.exclusive === "max" ? Number.POSITIVE_INFINITY : item.exclusive };
    const { key, ts, value, gapMs } = item;
    return { ...at, record: { id: value, key, at: ts, value, ...(gapMs === undefined ? {} : { gapMs }) } };
  });
  const { sinks } = evaluate(spec, trace);
  const given = sinks.get("results")!.map(({ ordinal, value, ts }): Shown => {
    const { key, windowStart, windowEnd, values, count, sum } = value as unknown as Shown &
      Record<string, unknown>;
    if (windowEnd !== null) assert.equal(ts, windowEnd - 1);
    const ids = idsOf(values);
    if (window.type === "session" || window.type === "sessionDynamic") ids.sort((a, b) => a - b);
    return { after: ordinal, key, windowStart, windowEnd, text: canonical([ids, count, sum]) };
  });
  const wanted = expected.map((pane) => ({ ...pane, text: canonical([pane.values, pane.count, pane.sum]) }));
  assert.deepEqual(steps(given), steps(wanted));
  assert.deepEqual(
    sinks
      .get("late")!
      .map(({ ordinal, value, ts }) => ({ after: ordinal, key: value["key"], ts, value: value["value"] })),
    late.map(({ after, key, ts, value }) => ({ after, key, ts, value })),
  );
}

/** The oracle knows triggers of windows with fixed bounds and of the global one. */
const isTold = ({ window, trigger }: Case): boolean =>
  window.type !== "session" || trigger.type === "eventTime";

for (const file of readdirSync(FOLDER).toSorted()) {
  describe(`the oracle gives Flink's answers for ${file}`, () => {
    for (const one of casesOf(file).filter(isTold))
      test(`the case ${one.id} comes out as Flink has it`, () => reproduces(one));
  });
}
