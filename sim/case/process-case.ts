/** The random programs of process(): values, lists, maps, event-time timers, time to live; with their oracle. */
import fc from "fast-check";
import { canonical } from "../../test/property/canonical.ts";
import { Oracle } from "../../test/property/process-oracle.ts";
import { eventTimeProgram, type Item as Step, type Program } from "../../test/property/process-program.ts";
import type { Dice } from "../world/dice.ts";
import type { Case, ExpectedRow } from "./case.ts";
import type { Inputs, Item, Timed, Trace } from "./items.ts";

const MOST_PROGRAMS = 6;

/**
 * Several programs with the options of the first: one after the other for the same keys, or all at once for keys of
 * their own, which makes an epoch change many rows.
 */
export function drawProgram(dice: Dice): { readonly program: Program; readonly inputs: Inputs } {
  const seed = dice.below(2 ** 31);
  const programs = fc.sample(eventTimeProgram, {
    seed,
    numRuns: 1 + dice.below(MOST_PROGRAMS),
    unbiased: true,
  });
  const steps = programs.map(({ trace }) =>
    trace.flatMap((step) => ("record" in step ? [step.record as Step] : [])),
  );
  const records = dice.chance(0.5) ? oneAfterTheOther(steps) : allAtOnce(steps, dice);
  const items = records.flatMap((record): Item[] =>
    dice.chance(0.1) ? [{ record }, { watermark: record.at + dice.below(15) - 3 }] : [{ record }],
  );
  return { program: programs[0], inputs: [[items]] };
}

function oneAfterTheOther(programs: readonly (readonly Step[])[]): Step[] {
  let begin = 0;
  return programs.flatMap((steps) => {
    const shifted = steps.map((step) => ({ ...step, at: begin + step.at }));
    begin = Math.max(begin, ...shifted.map(({ at }) => at));
    return shifted;
  });
}

function allAtOnce(programs: readonly (readonly Step[])[], dice: Dice): Step[] {
  const left = programs.map((steps, i) => steps.map((step) => ({ ...step, key: `${step.key}${i}` })));
  const mixed: Step[] = [];
  for (;;) {
    const open = left.filter((steps) => steps.length > 0);
    if (open.length === 0) return mixed;
    mixed.push(dice.pick(open).shift() as Step);
  }
}

export function processCase(program: Program, inputs: Inputs): Case {
  return {
    inputs,
    sources: ["items"],
    used: new Set([0]),
    sinks: ["shown", "told"],
    description: JSON.stringify({ ...program, trace: undefined }),
    build: (engine, { source, sink }) =>
      engine.buildProcess(program, {
        source: source(0),
        shown: sink("shown"),
        told: sink("told"),
        options: {},
      }),
    rowOf,
    evaluate(trace) {
      const { oracle, shown, told } = evaluated(program, trace);
      return {
        rows: new Map([
          ["shown", shown],
          ["told", told],
        ]),
        faultOf(report) {
          const found = report.operators.find(({ kind }) => kind === "process");
          const records = trace.filter((item) => "record" in item).length;
          const own = [found?.in, found?.out, found?.done.skipped, found?.done.contributed];
          const right = [records, oracle.shown.length, oracle.failed, records - oracle.failed];
          return canonical(own) === canonical(right)
            ? null
            : `process accounts ${canonical(own)}, not ${canonical(right)} (in, out, skipped, contributed)`;
        },
      };
    },
  };
}

/** Without what hangs on the clock. */
function rowOf(value: unknown, timestamp: number): string {
  if (typeof value !== "object" || value === null) return `@${timestamp} ${canonical(value)}`;
  return `@${timestamp} ${canonical({ ...value, time: 0 })}`;
}

/** The oracle takes the trace to its end, and to the end of time. What it has shown before each input, the trace sees. */
function evaluated(program: Program, trace: Trace) {
  const shownBefore: number[] = [];
  const toldBefore: number[] = [];
  const watched = function* (): Generator {
    const look = (): void => {
      shownBefore.push(oracle.shown.length);
      toldBefore.push(oracle.told.length);
    };
    for (const item of trace) {
      look();
      if ("end" in item) return;
      yield { ...(item as { readonly record: Timed }), source: "items" };
    }
    // What the end of time brings belongs to an input behind the trace.
    look();
  };
  const steps = { [Symbol.iterator]: watched } as unknown as Program["trace"];
  const oracle = new Oracle({ ...program, ttlTime: "event", trace: steps });
  oracle.run();
  const rows = (before: readonly number[], outputs: Oracle["shown"]): ExpectedRow[] =>
    outputs.map(({ value, timestamp }, i) => ({
      ordinal: before.findLastIndex((n) => n <= i),
      row: rowOf(value, timestamp),
    }));
  return { oracle, shown: rows(shownBefore, oracle.shown), told: rows(toldBefore, oracle.told) };
}
