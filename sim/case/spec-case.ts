/** The random pipelines of the property tests, with their evaluator. */
import fc from "fast-check";
import { caseArbitrary, specArbitrary } from "../../test/property/arbitrary.ts";
import { canonical } from "../../test/property/canonical.ts";
import { type Evaluation, evaluate } from "../../test/property/oracle.ts";
import {
  inputsOf,
  type PipelineSpec,
  type Rec,
  type Step,
  sourceName,
  stepName,
  type Trace as SpecTrace,
} from "../../test/property/spec.ts";
import type { JobReport } from "../../src/runtime/report.ts";
import type { Dice } from "../world/dice.ts";
import type { Case } from "./case.ts";
import type { Inputs, Item } from "./items.ts";
import { wideInputs } from "./wide-inputs.ts";

interface Drawn {
  readonly spec: PipelineSpec;
  readonly inputs: Inputs;
}

/** A pipeline with the inputs that the property tests give it, or with those of many keys. */
export function drawSpec(dice: Dice): Drawn {
  const { spec, inputs } = drawAny(dice.of("pipeline"));
  const ends = dice.of("ends");
  return {
    spec: dice.of("numeric").chance(0.25) ? numeric(spec) : spec,
    inputs: ends.chance(0.3) ? endingEarly(inputs, ends) : inputs,
  };
}

/** Partitions but the first of each source end before the others. */
function endingEarly(inputs: Inputs, dice: Dice): Inputs {
  return inputs.map((partitions) =>
    partitions.map((items, i) => (i === 0 ? items : items.slice(0, Math.floor(items.length * dice.next())))),
  );
}

/** The pipeline with windows that count and sum only: their rows are numbers, which lie in typed arrays. */
function numeric(spec: PipelineSpec): PipelineSpec {
  const steps = spec.steps.map((step): Step => {
    if (step.kind !== "window") return step;
    const aggregates = step.aggregates.map(({ field }, i) => ({
      field,
      aggregate: i % 2 === 0 ? ("count" as const) : ("sum" as const),
    }));
    return { ...step, aggregates };
  });
  return { ...spec, steps };
}

function drawAny(dice: Dice): Drawn {
  const sampled = { seed: dice.below(2 ** 31), numRuns: 1, unbiased: dice.chance(0.8) };
  if (dice.chance(0.4)) {
    const [spec] = fc.sample(specArbitrary({ maxMoves: 4 }), sampled);
    return { spec, inputs: wideInputs(spec, dice) };
  }
  const maxItems = dice.pick([40, 100, 160]);
  const [{ spec, trace }] = fc.sample(caseArbitrary({ maxItems, ends: true }), sampled);
  return { spec, inputs: inputsOfTrace(spec, trace) };
}

export function specCase(spec: PipelineSpec, inputs: Inputs): Case {
  return {
    inputs,
    sources: spec.sources.map((_, i) => sourceName(i)),
    used: usedSources(spec),
    sinks: spec.sinks.map(({ name }) => name),
    description: JSON.stringify(spec),
    build: (engine, { source, sink }) =>
      engine.bind(spec, { sink, source: (_name, index) => source(index) }).app,
    rowOf,
    evaluate(trace) {
      const evaluation = evaluate(spec, trace as SpecTrace);
      return {
        rows: new Map(
          Array.from(evaluation.sinks, ([name, elements]) => [
            name,
            elements.map(({ ordinal, value, ts }) => ({ ordinal, row: rowOf(value, ts) })),
          ]),
        ),
        faultOf: (report) => accountsFault(spec, evaluation, report),
      };
    },
  };
}

const rowOf = (value: unknown, timestamp: number): string => `@${timestamp} ${canonical(value)}`;

function accountsFault(spec: PipelineSpec, { accounts }: Evaluation, report: JobReport): string | null {
  for (const [i, step] of spec.steps.entries()) {
    const found = report.operators.find(({ name }) => name === stepName(i));
    const account = accounts.get(stepName(i));
    // A union has no name of its own; of steps that lead to no sink nothing is known.
    if (step.kind === "union" || found === undefined || account === undefined) continue;
    const { contributed, filtered, unmatched, late, betweenWindows } = found.done;
    const { in: read, missedWindows } = found;
    const own = { in: read, contributed, filtered, unmatched, late, betweenWindows, missedWindows };
    if (canonical(own) !== canonical(account))
      return `${stepName(i)} accounts ${canonical(own)}, not ${canonical(account)}`;
  }
  return null;
}

/** The items of a trace, each partition's own. */
function inputsOfTrace(spec: PipelineSpec, trace: SpecTrace): Inputs {
  return spec.sources.map(({ partitions }, source) =>
    Array.from({ length: partitions }, (_, partition) =>
      trace.flatMap((item): Item[] => {
        if (item.source !== source || item.partition !== partition) return [];
        if ("record" in item) return [{ record: item.record satisfies Rec }];
        return "watermark" in item ? [{ watermark: item.watermark }] : [];
      }),
    ),
  );
}

function usedSources(spec: PipelineSpec): Set<number> {
  const used = new Set<number>();
  const use = (input: { readonly source: number } | { readonly step: number }): void => {
    if ("source" in input) used.add(input.source);
    else inputsOf(spec.steps[input.step]).forEach(use);
  };
  for (const { input } of spec.sinks) use(input);
  return used;
}
