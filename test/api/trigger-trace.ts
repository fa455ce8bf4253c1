/** Runs a trace through a triggered window: in every way of the harness, and step by step, to see what each step fires. */
import {
  collect,
  forEach,
  fromIterable,
  type Pipeline,
  pipeline,
  type WindowAssigner,
  type WindowOptions,
} from "../../src/index.ts";
import { type DriverOptions, testDriver } from "../../src/testing/driver.ts";
import { operatorHarness } from "../../src/testing/harness.ts";
import type { TraceItem } from "../../src/testing/scripted-intake.ts";

/** A record at a time, of key "k" or its own; a watermark; time that passes by the clock. */
export type Step =
  | number
  | readonly [key: string, at: number]
  | { readonly w: number }
  | { readonly ms: number };

interface Item {
  readonly key: string;
  readonly at: number;
}

const source = "in";

function itemOf(step: Step): TraceItem {
  if (typeof step === "number") return { source, record: { key: "k", at: step } };
  if ("w" in step) return { source, watermark: step.w };
  if ("ms" in step) return { advanceMs: step.ms };
  return { source, record: { key: step[0], at: step[1] } };
}

export function build(windows: WindowAssigner, options: WindowOptions): Pipeline {
  const app = pipeline("triggers");
  const results = app
    .source(fromIterable<Item>([]), { name: source, timestamp: (r) => r.at, watermark: "none" })
    .keyBy((r) => r.key)
    .window(windows, { ...options, name: "window" })
    .aggregate({ times: collect((r) => r.at) });
  results
    .map(({ key, windowStart, windowEnd, pane, paneIndex, times }) => {
      const bounds = windowEnd === null ? "" : ` [${windowStart}, ${windowEnd})`;
      return `${key}${bounds} ${pane} ${paneIndex}: ${times}`;
    })
    .to(
      forEach(() => {}),
      { name: "out" },
    );
  results.late.to(
    forEach(() => {}),
    { name: "late" },
  );
  return app;
}

export interface Ran {
  /** By step: "step: key [start, end) pane index: times", or "step: late time". */
  readonly out: readonly string[];
  /** The results' own timestamps. */
  readonly timestamps: readonly number[];
  readonly rowsLeft: number;
}

/** @param steps run as they are: nothing follows by itself */
export async function run(
  windows: WindowAssigner,
  options: WindowOptions,
  steps: readonly Step[],
  driverOptions: DriverOptions = {},
): Promise<Ran> {
  const trace = steps.map(itemOf);
  await operatorHarness(() => build(windows, options), trace, { end: false });
  const driver = await testDriver(build(windows, options), driverOptions);
  const out: string[] = [];
  const timestamps: number[] = [];
  for (const [i, item] of trace.entries()) {
    await driver.feed([item]);
    for (const { value, timestamp } of driver.take("out")) {
      out.push(`${i}: ${value}`);
      timestamps.push(timestamp);
    }
    for (const { timestamp } of driver.take("late")) out.push(`${i}: late ${timestamp}`);
  }
  const rowsLeft = driver.state("window").length;
  await driver.close();
  return { out, timestamps, rowsLeft };
}
