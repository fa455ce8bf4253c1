/** Windows of one key played by hand: records and watermarks in order, and what comes out as lines of text. */
import assert from "node:assert/strict";
import {
  collect,
  forEach,
  fromIterable,
  MillraceError,
  pipeline,
  type WindowAssigner,
  type WindowOptions,
} from "../../src/index.ts";
import { testDriver } from "../../src/testing/index.ts";

/** A record at a time, or the watermark that is reached. */
export type Step = number | { readonly w: number };
export const w = (watermark: number): Step => ({ w: watermark });
export const end = w(Number.POSITIVE_INFINITY);

interface Shown {
  readonly windowStart: number | null;
  readonly windowEnd: number | null;
  readonly pane: string;
  readonly value: number[];
}

/** What comes out, in order: "[start, end) pane: times", "late: time"; and at last what became of the records. */
export async function play(windows: WindowAssigner, steps: readonly Step[], options: WindowOptions = {}) {
  const app = pipeline("boundaries");
  const results = app
    .source(fromIterable<{ at: number }>([]), { name: "in", timestamp: (r) => r.at, watermark: "none" })
    .keyBy(() => "k")
    .window(windows, { ...options, name: "window" })
    .aggregate(collect((r) => r.at));
  results.to(
    forEach(() => {}),
    { name: "out" },
  );
  results.late.to(
    forEach(() => {}),
    { name: "late" },
  );
  const lists = [];
  for (const codegen of ["on", "off"] as const) {
    const driver = await testDriver(app, { codegen });
    const list: string[] = [];
    for (const step of steps) {
      if (typeof step === "number") await driver.push("in", { at: step });
      else await driver.watermark("in", step.w);
      for (const { value, timestamp } of driver.take("out")) {
        const { windowStart, windowEnd, pane, value: times } = value as Shown;
        if (windowEnd !== null) assert.equal(timestamp, windowEnd - 1);
        list.push(`${windowEnd === null ? "" : `[${windowStart}, ${windowEnd}) `}${pane}: ${times}`);
      }
      for (const { timestamp } of driver.take("late")) list.push(`late: ${timestamp}`);
    }
    const { betweenWindows } = driver.report().operators.find(({ name }) => name === "window")!.done;
    if (betweenWindows > 0) list.push(`between windows: ${betweenWindows}`);
    await driver.close();
    lists.push(list);
  }
  assert.deepEqual(lists[0], lists[1], 'codegen "off" and "on" disagree');
  return lists[0];
}

/** The error with which the call is refused. */
export const refusal = (make: () => unknown): MillraceError => {
  try {
    make();
  } catch (error) {
    assert.ok(error instanceof MillraceError, String(error));
    return error;
  }
  assert.fail("it was taken");
};
