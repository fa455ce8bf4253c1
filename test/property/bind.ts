/** Builds the real pipeline of a spec through the public API. */
import {
  type Aggregate,
  aggregate,
  atEnd,
  avg,
  collect,
  count,
  countWindow,
  cumulating,
  distinctCount,
  type Duration,
  everyCount,
  everyEventTime,
  exactSum,
  first,
  globalWindow,
  histogram,
  type JobOptions,
  type Key,
  last,
  max,
  maxBy,
  min,
  minBy,
  onTime,
  otherwise,
  type Pipeline,
  pipeline,
  repeatedly,
  type Sink,
  type Source,
  type Stream,
  session,
  sliding,
  sum,
  topN,
  type Trigger,
  tumbling,
  type WindowAssigner,
} from "../../src/index.ts";
import { FLAT_MAPS, gapOf, KEY_BY, MAPS, numberOf, PREDICATES, tagOf } from "./functions.ts";
import {
  type AggregateName,
  type AssignerSpec,
  type Datum,
  type Input,
  inputsOf,
  type PaceSpec,
  type PipelineSpec,
  portsOf,
  type Rec,
  type Step,
  sourceName,
  stepName,
  type TriggerSpec,
  type WindowStep,
} from "./spec.ts";

export interface BindOptions {
  readonly sink: (name: string) => Sink<unknown>;
  /** What the source reads. Default: as many partitions as the spec says, all empty and at their end. */
  readonly source?: (name: string, index: number) => Source<Rec>;
  readonly job?: JobOptions;
  /** Called by peek steps. */
  readonly onPeek?: (step: number, value: Datum) => void;
}

export interface Bound {
  readonly app: Pipeline;
  readonly sourceNames: readonly string[];
  readonly sinkNames: readonly string[];
  /** The operators' names in reports, by step; unions can't be given one. */
  readonly stepNames: readonly string[];
}

/** Partition ids of the sources: "0", "1", ... */
export function emptySource(partitions: number): Source<Rec> {
  return {
    description: `${partitions} partitions`,
    bounded: true,
    async open() {
      return Array.from({ length: partitions }, (_, i) => ({
        id: String(i),
        poll: () => 0,
        ended: true,
        caughtUp: true,
        locate: () => ({ offset: 0 }),
        async close() {},
      }));
    },
  };
}

const AGGREGATES: { readonly [N in AggregateName]: () => Aggregate<Datum, any, unknown> } = {
  count: () => count(),
  sum: () => sum(numberOf),
  min: () => min(numberOf),
  max: () => max(numberOf),
  maxText: () => max(tagOf),
  avg: () => avg(numberOf),
  exactSum: () => exactSum(numberOf),
  distinct: () => distinctCount(numberOf),
  buckets: () => histogram(numberOf, [-1, 0, 4]),
  first: () => first(tagOf),
  last: () => last(tagOf),
  minBy: () => minBy(numberOf),
  maxBy: () => maxBy(numberOf),
  collect: () => collect(tagOf),
  top1: () => topN(1, numberOf),
  top2: () => topN(2, numberOf),
  top3: () => topN(3, numberOf),
  bag: () =>
    aggregate({
      create: (): readonly string[] => [],
      add: (tags, value: Datum) => [...tags, tagOf(value)],
      merge: (a, b) => [...a, ...b],
      result: (tags) => tags.toSorted(),
    }),
};

function assignerOf(spec: AssignerSpec): WindowAssigner {
  switch (spec.type) {
    case "tumbling":
      return tumbling(spec.sizeMs, { offset: spec.offsetMs as Duration });
    case "sliding":
      return sliding(spec.sizeMs, spec.slideMs, { offset: spec.offsetMs as Duration });
    case "cumulating":
      return cumulating(spec.maxSizeMs, spec.stepMs, { offset: spec.offsetMs as Duration });
    case "session":
      return session(spec.gapMs, spec.maxDurationMs === undefined ? {} : { maxDuration: spec.maxDurationMs });
    case "sessionDynamic":
      return session(gapOf);
    case "count":
      return countWindow(spec.size, spec.slide);
    case "global":
      return globalWindow();
  }
}

const paceOf = (pace: PaceSpec): Trigger =>
  "count" in pace ? everyCount(pace.count) : everyEventTime(pace.eventTimeMs);

function triggerOf(spec: TriggerSpec): Trigger {
  if (spec.type === "atEnd") return atEnd();
  if (spec.type === "repeatedly") return repeatedly(paceOf(spec.pace));
  const { early, late } = spec;
  return onTime({
    ...(early === undefined ? {} : { early: paceOf(early) }),
    ...(late === undefined ? {} : { late: paceOf(late) }),
  });
}

function windowPorts(input: Stream<Datum>, step: WindowStep, name: string): Stream<Datum>[] {
  const windowed = input
    .keyBy<Key>((value) => KEY_BY[step.keyBy](value), { name: `${name}-key` })
    .window(assignerOf(step.assigner), {
      name,
      allowedLateness: step.allowedLatenessMs,
      panes: step.discard ? "discarding" : "accumulating",
      finalOnly: step.finalOnly ?? false,
      ...(step.trigger === undefined ? {} : { trigger: triggerOf(step.trigger) }),
    });
  const fields = step.aggregates.map(({ field, aggregate }) => [field, AGGREGATES[aggregate]()] as const);
  // Object.fromEntries defines a field even where it is called __proto__.
  const results = step.single
    ? windowed.aggregate(fields[0][1])
    : windowed.aggregate(Object.fromEntries(fields));
  return [results as Stream<unknown> as Stream<Datum>, results.late];
}

function portsOfStep(
  step: Step,
  inputs: readonly Stream<Datum>[],
  index: number,
  options: BindOptions,
): Stream<Datum>[] {
  const name = stepName(index);
  const [input] = inputs;
  switch (step.kind) {
    case "map":
      return [input.map(MAPS[step.fn], { name })];
    case "filter":
      return [input.filter(PREDICATES[step.fn], { name })];
    case "flatMap":
      return [input.flatMap(FLAT_MAPS[step.fn], { name })];
    case "peek":
      return [input.peek((value) => options.onPeek?.(index, value), { name })];
    case "branch": {
      const predicates = step.predicates.map((predicate) => PREDICATES[predicate]);
      const ways: ((typeof predicates)[number] | typeof otherwise)[] = step.otherwise
        ? [...predicates, otherwise]
        : predicates;
      const branches = input.branch(Object.fromEntries(ways.map((way, i) => [`way${i}`, way] as const)), {
        name,
      });
      return Array.from({ length: portsOf(step) }, (_, i) => branches[`way${i}`]);
    }
    case "union":
      return [input.union(...inputs.slice(1))];
    case "window":
      return windowPorts(input, step, name);
  }
}

export function bind(spec: PipelineSpec, options: BindOptions): Bound {
  const app = pipeline("property", options.job);
  const sources = spec.sources.map(({ partitions, watermark }, i) => {
    const name = sourceName(i);
    const source = options.source?.(name, i) ?? emptySource(partitions);
    const stream = app.source(source, {
      name,
      timestamp: (value) => value.at,
      watermark: watermark === "none" ? "none" : { maxOutOfOrderness: watermark.boundMs },
    });
    return stream as Stream<unknown> as Stream<Datum>;
  });
  const steps: Stream<Datum>[][] = [];
  const streamOf = (input: Input): Stream<Datum> =>
    "source" in input ? sources[input.source] : steps[input.step][input.port];
  spec.steps.forEach((step, i) => {
    steps.push(portsOfStep(step, inputsOf(step).map(streamOf), i, options));
  });
  for (const { name, input } of spec.sinks) streamOf(input).to(options.sink(name), { name });
  return {
    app,
    sourceNames: spec.sources.map((_, i) => sourceName(i)),
    sinkNames: spec.sinks.map(({ name }) => name),
    stepNames: steps.map(([stream]) => stream.input.node.name),
  };
}
