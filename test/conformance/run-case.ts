/** Runs one language-neutral window case through the public API and the test kit. Format: README.md beside this file. */
import { isDeepStrictEqual } from "node:util";
import {
  aggregate,
  collect,
  count,
  forEach,
  fromIterable,
  pipeline,
  session,
  sliding,
  sum,
  tumbling,
} from "millrace";
import { testDriver } from "millrace/testing";

export interface Case {
  readonly id: string;
  readonly window: { readonly type: string; readonly [measure: string]: unknown };
  readonly trigger: { readonly type: string; readonly discard?: boolean };
  readonly allowedLatenessMs: number;
  readonly input: readonly (
    | { readonly op: "record"; readonly key: string; readonly ts: number; readonly value: number }
    | { readonly op: "watermark"; readonly exclusive: number | "max" }
  )[];
  readonly expected: readonly Pane[];
  readonly late: readonly Late[];
}

interface Pane {
  readonly after: number;
  readonly key: string;
  readonly windowStart: number | null;
  readonly windowEnd: number | null;
  readonly values: readonly number[];
  readonly count: number;
  readonly sum: number;
}

interface Late {
  readonly after: number;
  readonly key: string;
  readonly ts: number;
  readonly value: number;
}

export type Verdict =
  | { readonly passed: true }
  | { readonly passed: false; readonly expected: unknown; readonly actual: unknown }
  | { readonly passed: false; readonly unsupported: string };

interface Item {
  readonly key: string;
  readonly ts: number;
  readonly value: number;
}

function assigner({ type, sizeMs, slideMs, offsetMs, gapMs }: Case["window"]) {
  const offset = { offset: (offsetMs as number | undefined) ?? 0 };
  switch (type) {
    case "tumbling":
      return tumbling(sizeMs as number, offset);
    case "sliding":
      return sliding(sizeMs as number, slideMs as number, offset);
    case "session":
      return session(gapMs as number);
    default:
      return null;
  }
}

export async function runCase(test: Case, codegen: "on" | "off"): Promise<Verdict> {
  const windows = assigner(test.window);
  if (windows === null) return { passed: false, unsupported: `window ${test.window.type}` };
  if (test.trigger.type !== "eventTime")
    return { passed: false, unsupported: `trigger ${test.trigger.type}` };

  const app = pipeline("case");
  const results = app
    .source(fromIterable<Item>([]), { name: "in", timestamp: (r) => r.ts, watermark: "none" })
    .keyBy((r) => r.key)
    .window(windows, {
      allowedLateness: test.allowedLatenessMs,
      panes: test.trigger.discard ? "discarding" : "accumulating",
    })
    .aggregate({
      values: collect((r) => r.value),
      count: count(),
      sum: sum((r) => r.value),
      stamp: aggregate({
        create: () => 0,
        add: (n: number, _: Item, ts) => Math.max(n, ts),
        merge: Math.max,
        result: (n) => n,
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

  const driver = await testDriver(app, { codegen });
  const panes: Pane[] = [];
  const late: Late[] = [];
  for (const [after, item] of test.input.entries()) {
    if (item.op === "record") await driver.push("in", item);
    else await driver.watermark("in", item.exclusive === "max" ? Number.POSITIVE_INFINITY : item.exclusive);
    for (const { value, timestamp } of driver.take("results")) {
      const { key, windowStart, windowEnd, values, count, sum } = value as Pane;
      if (timestamp !== (windowEnd as number) - 1)
        throw new Error(`a result's timestamp is ${timestamp}, its window's end ${windowEnd}`);
      // Sessions that join may bring their records in another order than they came.
      const ordered = test.window.type === "session" ? values.toSorted((a, b) => a - b) : values;
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
