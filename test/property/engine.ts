/** Runs the engine on a spec and a trace, and gives what the oracle gives. */
import { forEach } from "millrace";
import { type TraceItem as DriverItem, testDriver } from "millrace/testing";
import type { DriverOptions } from "../../src/testing/driver.ts";
import { bind } from "./bind.ts";
import { canonical } from "./canonical.ts";
import { evaluate } from "./oracle.ts";
import { type PipelineSpec, sourceName, stepName, type Trace } from "./spec.ts";

export const build = (spec: PipelineSpec) => bind(spec, { sink: () => forEach(() => {}) }).app;

export function itemsOf(trace: Trace): DriverItem[] {
  return trace.map(
    ({ source, partition, ...item }): DriverItem => ({ source: sourceName(source), partition, ...item }),
  );
}

export function partitionsOf(spec: PipelineSpec): Record<string, number> {
  return Object.fromEntries(spec.sources.map(({ partitions }, i) => [sourceName(i), partitions]));
}

/** Windows without bounds in time: what they hold stays when the input ends. */
export const untimedOf = (spec: PipelineSpec): string[] =>
  spec.steps.flatMap((step, i) =>
    step.kind === "window" && (step.assigner.type === "count" || step.assigner.type === "global")
      ? [stepName(i)]
      : [],
  );

/** Whether the harness may end all partitions, and ask for the state to be empty then: if the trace ends none itself. */
export const mayEnd = (spec: PipelineSpec, trace: Trace): boolean =>
  spec.sources.length > 0 && !trace.some((item) => "end" in item) && untimedOf(spec).length === 0;

/** What one trace item brought to one sink, as texts in any order. */
type BySink = Record<string, string[]>;

export interface Observed {
  /** By trace item. */
  readonly steps: readonly BySink[];
  /** By operator: in, and what became of it. */
  readonly accounts: Record<string, string>;
  readonly watermarks: Record<string, number>;
}

const lineOf = (value: unknown, ts: number): string => `@${ts} ${canonical(value)}`;

/** The engine, one item after the other. */
export async function observeEngine(
  spec: PipelineSpec,
  trace: Trace,
  options: DriverOptions,
): Promise<Observed> {
  const driver = await testDriver(build(spec), { ...options, partitions: partitionsOf(spec) });
  const steps: BySink[] = [];
  for (const item of itemsOf(trace)) {
    await driver.feed([item]);
    const bySink: BySink = {};
    for (const { name } of spec.sinks) {
      const taken = driver.take(name);
      if (taken.length > 0)
        bySink[name] = taken.map(({ value, timestamp }) => lineOf(value, timestamp)).sort();
    }
    steps.push(bySink);
  }
  const report = driver.report();
  const accounts: Record<string, string> = {};
  for (const { name, done, missedWindows, in: read } of report.operators) {
    const { contributed, filtered, unmatched, late, betweenWindows } = done;
    accounts[name] = canonical({
      in: read,
      contributed,
      filtered,
      unmatched,
      late,
      betweenWindows,
      missedWindows,
    });
  }
  return {
    steps,
    accounts,
    watermarks: Object.fromEntries(report.sources.map(({ name, watermark }) => [name, watermark])),
  };
}

/** The oracle, in the same form; `operators` are those that the engine runs (others lead to no sink). */
export function observeOracle(
  spec: PipelineSpec,
  trace: Trace,
  operators: readonly string[],
  sources: readonly string[],
): Observed {
  const evaluation = evaluate(spec, trace);
  const steps = trace.map((): BySink => ({}));
  for (const [name, elements] of evaluation.sinks) {
    for (const { ordinal, value, ts } of elements) {
      const bySink = steps[ordinal];
      bySink[name] = [...(bySink[name] ?? []), lineOf(value, ts)];
    }
  }
  for (const bySink of steps) for (const lines of Object.values(bySink)) lines.sort();
  const accounts: Record<string, string> = {};
  spec.steps.forEach((step, i) => {
    const account = evaluation.accounts.get(stepName(i));
    // A union has no name of its own, and reads all that its inputs give.
    if (account === undefined || step.kind === "union" || !operators.includes(stepName(i))) return;
    accounts[stepName(i)] = canonical(account);
  });
  return {
    steps,
    accounts,
    watermarks: Object.fromEntries(
      [...evaluation.sources]
        .filter(([name]) => sources.includes(name))
        .map(([name, { watermark }]) => [name, watermark]),
    ),
  };
}
