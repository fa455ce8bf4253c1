/** Runs one language-neutral window case through the public API and the test kit. Format: README.md beside this file. */
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { aggregate, collect, count, forEach, fromIterable, type Pipeline, pipeline, sum } from "millrace";
import { testDriver } from "millrace/testing";
import type { Case, Item, Late, Pane } from "./case.ts";
import { assignerOf, joins, triggerOf } from "./windows-of.ts";

export type Verdict =
  | { readonly passed: true }
  | { readonly passed: false; readonly expected: unknown; readonly actual: unknown };

function build({ window, trigger, allowedLatenessMs }: Case): Pipeline {
  const app = pipeline("case");
  const own = triggerOf(trigger, window);
  const results = app
    .source(fromIterable<Item>([]), { name: "in", timestamp: (r) => r.ts, watermark: "none" })
    .keyBy((r) => r.key)
    .window(assignerOf(window), {
      allowedLateness: allowedLatenessMs,
      panes: trigger.discard ? "discarding" : "accumulating",
      ...(own === undefined ? {} : { trigger: own }),
    })
    .aggregate({
      values: collect((r) => r.value),
      count: count(),
      sum: sum((r) => r.value),
      latest: aggregate({
        create: () => Number.NEGATIVE_INFINITY,
        add: (latest: number, _: Item, ts) => Math.max(latest, ts),
        merge: Math.max,
        result: (latest) => latest,
      }),
    });
  results.to(
    forEach(() => {}),
    { name: "results" },
  );
  results.late.to(
    forEach(() => {}),
    { name: "late" },
  );
  return app;
}

/** Throws where a result's own timestamp is not what the README says, or where the case can't be run. */
export async function runCase(test: Case, codegen: "on" | "off"): Promise<Verdict> {
  const driver = await testDriver(build(test), { codegen });
  const panes: Pane[] = [];
  const late: Late[] = [];
  let watermark = Number.NEGATIVE_INFINITY;
  for (const [after, item] of test.input.entries()) {
    const before = watermark;
    if (item.op === "record") {
      await driver.push("in", item);
    } else {
      watermark = item.exclusive === "max" ? Number.POSITIVE_INFINITY : item.exclusive;
      await driver.watermark("in", watermark);
    }
    for (const { value, timestamp } of driver.take("results")) {
      const { key, windowStart, windowEnd, values, count, sum, latest } = value as Pane & { latest: number };
      // Nothing says what the time is after the end of time.
      if (windowEnd !== null) assert.equal(timestamp, windowEnd - 1, "the timestamp of a result");
      else if (before < Number.POSITIVE_INFINITY)
        assert.equal(timestamp, Math.max(latest, before), "the timestamp of a result without bounds");
      const ordered = joins(test) ? values.toSorted((a, b) => a - b) : values;
      panes.push({ after, key, windowStart, windowEnd, values: ordered, count, sum });
    }
    for (const { value, timestamp } of driver.take("late")) {
      const { key, value: number } = value as Item;
      late.push({ after, key, ts: timestamp, value: number });
    }
  }
  await driver.close();
  const expected = canonical(test.expected, test.late);
  const actual = canonical(panes, late);
  return isDeepStrictEqual(actual, expected) ? { passed: true } : { passed: false, expected, actual };
}

/** Within a step a multiset, except that the panes of one (key, window) keep their order. */
function canonical(panes: readonly Pane[], late: readonly Late[]): unknown {
  const place = (p: Pane): string => JSON.stringify([p.after, p.key, p.windowStart, p.windowEnd]);
  const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  return {
    panes: panes
      .map(({ after, key, windowStart, windowEnd, values, count, sum }) => ({
        after,
        key,
        windowStart,
        windowEnd,
        values,
        count,
        sum,
      }))
      .toSorted((a, b) => order(place(a), place(b))),
    late: late
      .map(({ after, key, ts, value }) => ({ after, key, ts, value }))
      .toSorted((a, b) => order(JSON.stringify(a), JSON.stringify(b))),
  };
}
