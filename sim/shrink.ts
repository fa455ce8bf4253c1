/** A failing seed made smaller: faults, inputs, sinks and choices are left out for as long as it goes on failing. */
import { scenarioOf, type Scenario, type Trims } from "./case/scenario.ts";
import { type Outcome, type RunOptions, simulate } from "./simulate.ts";
import { FAULT_KINDS } from "./world/faults.ts";

export interface Shrunk {
  readonly trims: Trims;
  readonly outcome: Outcome;
  readonly tries: number;
}

/** Runs that are spent on one seed. */
const MOST_TRIES = 150;

/** @param outcome of the seed with the trims: a violation */
export async function shrink(
  seed: string,
  trims: Trims,
  outcome: Outcome,
  options: RunOptions = {},
): Promise<Shrunk> {
  let best = { trims, outcome };
  let tries = 0;
  const fails = async (candidate: Trims): Promise<boolean> => {
    tries += 1;
    const tried = await simulate(scenarioOf(seed, candidate), options);
    if (tried.violation !== null) best = { trims: candidate, outcome: tried };
    return tried.violation !== null;
  };
  for (let before = ""; before !== JSON.stringify(best.trims) && tries < MOST_TRIES; ) {
    before = JSON.stringify(best.trims);
    for (const candidate of candidates(seed, best)) {
      if (tries >= MOST_TRIES) break;
      await fails(candidate(best.trims, best.outcome));
    }
  }
  return { ...best, tries };
}

type Candidate = (trims: Trims, outcome: Outcome) => Trims;

/** The greatest steps first. */
function candidates(seed: string, { trims }: { readonly trims: Trims }): Candidate[] {
  const scenario = scenarioOf(seed, trims);
  const longest = longestOf(scenario);
  return [
    ...[8, 4, 2, 1.3].map(
      (by): Candidate =>
        (t) => ({ ...t, items: Math.floor(longest / by) }),
    ),
    (t) => ({ ...t, sound: true }),
    (t) => ({ ...t, oneLog: true }),
    (t) => ({ ...t, closures: true }),
    (t) => ({ ...t, undisturbed: true }),
    ...FAULT_KINDS.map(
      (kind): Candidate =>
        (t) => ({ ...t, without: [...new Set([...(t.without ?? []), kind])] }),
    ),
    ...[0.25, 0.5, 0.8].map(
      (part): Candidate =>
        (t, { faults }) => ({ ...t, faults: Math.floor(faults.length * part) }),
    ),
    ...scenario.case.sinks.map(
      (_, i): Candidate =>
        (t) => {
          const sinks = t.sinks ?? scenario.case.sinks.map((_, k) => k);
          return sinks.length === 1 ? t : { ...t, sinks: sinks.filter((_, k) => k !== i) };
        },
    ),
  ];
}

const longestOf = ({ case: { inputs } }: Scenario): number =>
  Math.max(...inputs.flatMap((partitions) => partitions.map((items) => items.length)));
