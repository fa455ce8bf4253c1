/**
 * The operator harness: one trace through a pipeline in every way in which the engine may run it. The results must be
 * the same (INV-1), nothing may be emitted below the emitter's own watermark (INV-6), emissions must stay as they
 * are, no batch may outgrow its bound by more than one step's outputs (INV-7), and nothing may be left at the end (but
 * the states of a process(), which live as long as the user says).
 *
 * The ways: item by item; in batches; generated and closures; outputs that look full every other time and take one
 * record; state given up at every step and loaded again, with prefetch and without; keys in the order of addresses.
 */
import { inspect, isDeepStrictEqual } from "node:util";
import type { Stage } from "../compile/stage.ts";
import { MillraceError, preview } from "../core/errors.ts";
import type { Pipeline } from "../job/pipeline.ts";
import { type Batch, IDLE, NONE } from "../operator/batch.ts";
import { type DriverOptions, type Output, testDriver } from "./driver.ts";
import type { TraceItem } from "./scripted-intake.ts";

export interface HarnessResult {
  /** By sink name, in order, as one item at a time through closures gave it. */
  readonly outputs: ReadonlyMap<string, readonly Output[]>;
}

export interface HarnessOptions {
  readonly partitions?: { readonly [source: string]: number };
  /** Sizes of batches to run with, beside item by item. Default: 2, 3, 7 and all at once */
  readonly batchSizes?: readonly number[];
  /** Whether every partition ends after the trace, and windows must then have no state. Default true */
  readonly end?: boolean;
}

/** By sink. */
type Outputs = ReadonlyMap<string, readonly Output[]>;

interface Way {
  readonly name: string;
  readonly options: DriverOptions;
}

const DETERMINISTIC: DriverOptions = { batchRecords: 7, deterministic: true };

/** The ways in which the harness runs a trace; the first is what the others are held against. */
export function ways(batchSizes: readonly number[]): readonly Way[] {
  const cold: Way[] = batchSizes.slice(0, 2).flatMap((batchRecords) => [
    {
      name: `batches of ${batchRecords}, evicted every step, prefetch`,
      options: { batchRecords, evict: "every-step", prefetch: true },
    },
    {
      name: `batches of ${batchRecords}, evicted every step, no prefetch`,
      options: { batchRecords, evict: "every-step", prefetch: false },
    },
    {
      name: `batches of ${batchRecords}, evicted every turn`,
      options: { batchRecords, evict: "every-turn" },
    },
    {
      name: `batches of ${batchRecords}, evicted every step, closures, outputs full every other time`,
      options: { batchRecords, evict: "every-step", prefetch: false, codegen: "off", stall: true },
    },
  ]);
  return [
    { name: "item by item, closures", options: { batchRecords: 1, codegen: "off" } },
    { name: "item by item, generated", options: { batchRecords: 1 } },
    ...batchSizes.flatMap((batchRecords): Way[] => [
      { name: `batches of ${batchRecords}, generated`, options: { batchRecords } },
      { name: `batches of ${batchRecords}, closures`, options: { batchRecords, codegen: "off" } },
    ]),
    { name: "outputs full every other time", options: { batchRecords: 7, stall: true } },
    { name: "deterministic, outputs full every other time", options: { ...DETERMINISTIC, stall: true } },
    ...cold,
  ];
}

/**
 * Runs the trace in every way and returns the outputs.
 *
 * @param build makes the pipeline anew; called once per way
 * @throws ENGINE_BUG naming the way, the sink and what differs
 */
export async function operatorHarness(
  build: () => Pipeline,
  trace: readonly TraceItem[],
  options: HarnessOptions = {},
): Promise<HarnessResult> {
  let expected: Outputs | null = null;
  /** In the order of addresses. */
  let inOrder: Outputs | null = null;
  for (const way of ways(options.batchSizes ?? [2, 3, 7, Math.max(8, trace.length)])) {
    const { outputs } = await runChecked(build(), trace, way.options, options);
    expected ??= outputs;
    if (way.options.evict === undefined && way.options.deterministic !== true) {
      compare(way, expected, outputs, (list) => list);
    } else {
      inOrder ??= outputs;
      compare(way, expected, outputs, bagOf);
      compare(way, inOrder, outputs, (list) => list);
    }
  }
  return { outputs: expected ?? new Map() };
}

/** One run with all checks on. */
export async function runChecked(
  pipeline: Pipeline,
  trace: readonly TraceItem[],
  driverOptions: DriverOptions,
  { partitions = {}, end = true }: HarnessOptions = {},
): Promise<{
  outputs: ReadonlyMap<string, readonly Output[]>;
  driver: Awaited<ReturnType<typeof testDriver>>;
}> {
  const check = edgeChecks(driverOptions.batchRecords ?? 1);
  const driver = await testDriver(pipeline, { ...driverOptions, partitions, onRun: check });
  await driver.feed(trace);
  if (end) {
    await driver.end();
    const stages = driver.loop.stages.filter(({ plan }) => plan.head.kind !== "process");
    const left = stages.flatMap(({ plan }) => driver.state(plan.head.name));
    if (left.length > 0) throw bug(`state is left at the end: ${preview(left[0], 200)}`);
  }
  const outputs = new Map(
    driver.loop.stages.flatMap((stage) => sinkNames(stage)).map((sink) => [sink, driver.take(sink)]),
  );
  return { outputs, driver };
}

const sinkNames = (stage: Stage): string[] =>
  stage.plan.outputs.flatMap(({ to }) => ("sink" in to ? [to.sink.name] : []));

const bug = (what: string): MillraceError => new MillraceError("ENGINE_BUG", what);

/**
 * In memory the keys of one firing come in the order of their arrival, where it is deterministic or over a cold backend
 * in that of their addresses: each in one order, both of them the same bag.
 */
function compare(
  way: Way,
  expected: Outputs,
  actual: Outputs,
  view: (outputs: readonly Output[]) => unknown,
): void {
  for (const [sink, want] of expected) {
    const got = actual.get(sink) ?? [];
    if (!isDeepStrictEqual(view(got), view(want)))
      throw bug(`${way.name}: sink ${sink} got ${preview(got, 2000)} and not ${preview(want, 2000)}`);
  }
}

const bagOf = (outputs: readonly Output[]): string[] =>
  outputs
    .map((output) => inspect(output, { depth: null, maxArrayLength: null, maxStringLength: null }))
    .sort();

/** Looks at every edge after every run of its stage. */
function edgeChecks(batchRecords: number): (stage: Stage) => void {
  const lasts = new Map<Batch, number>();
  return (stage) => {
    stage.outputs.forEach((out, i) => {
      const plan = stage.plan.outputs[i];
      const isLate =
        stage.plan.head.kind === "window" && stage.plan.ports[1].some((tree) => hasEdge(tree, plan.id));
      let watermark = lasts.get(out) ?? Number.NEGATIVE_INFINITY;
      if (out.start < watermark)
        throw bug(`INV-6: an edge of ${stage.plan.head.name} went back from ${watermark} to ${out.start}`);
      watermark = out.start;
      for (let slot = 0; slot < out.n; slot++) {
        const value = out.values[slot];
        if (value !== NONE && value !== IDLE) {
          const pane = (value as { readonly pane?: unknown } | null)?.pane;
          // A source may bring anything; what follows from a late record is as late as that.
          const marked =
            stage.plan.head.kind !== "window" || isLate || pane === "late" || stage.plan.operators.length > 0;
          if (!marked && out.ts[slot] < watermark) {
            throw bug(
              `INV-6: ${stage.plan.head.name} emitted ${preview(value)} at ${out.ts[slot]}, below its watermark ${watermark}`,
            );
          }
          if (watermark === Number.POSITIVE_INFINITY && !isLate)
            throw bug(`INV-6: ${stage.plan.head.name} emitted ${preview(value)} after the end`);
          freeze(value);
        }
        if (out.wm[slot] < watermark)
          throw bug(
            `INV-6: an edge of ${stage.plan.head.name} went back from ${watermark} to ${out.wm[slot]}`,
          );
        watermark = out.wm[slot];
      }
      if (out.n === 0) lasts.set(out, watermark);
      // One step may give more than the limit: all panes of a session's key, a flatMap's records.
      if (!plan.merging && out.n > out.limit + batchRecords + 64) {
        throw bug(
          `INV-7: an edge of ${stage.plan.head.name} holds ${out.n} records, its limit is ${out.limit}`,
        );
      }
    });
  };
}

function hasEdge(tree: Stage["plan"]["ports"][number][number], id: number): boolean {
  return "edge" in tree ? tree.edge.id === id : tree.ports.some((trees) => trees.some((t) => hasEdge(t, id)));
}

function freeze(value: unknown): void {
  if (typeof value !== "object" || value === null || Object.isFrozen(value) || ArrayBuffer.isView(value))
    return;
  Object.freeze(value);
  for (const part of Object.values(value)) freeze(part);
}
