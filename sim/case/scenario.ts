/**
 * What one seed stands for: a pipeline and its input, a configuration, and the rates of what goes wrong. `Trims` make a
 * failing run smaller; a seed with its trims says all of a run.
 */
import { Dice } from "../world/dice.ts";
import type { Case } from "./case.ts";
import { type Inputs, spoiled, trimmed } from "./items.ts";
import { drawProgram, processCase } from "./process-case.ts";
import { drawSpec, specCase } from "./spec-case.ts";

export type PlaceKind = "staged" | "ndjson" | "parts" | "queue" | "callback";

export interface Scenario {
  readonly seed: string;
  readonly engine: "as written" | "small sizes";
  readonly case: Case;
  /** Sources are bounded, and merge by time; otherwise records come as they come. */
  readonly merging: boolean;
  readonly guarantee: "exactly-once" | "at-least-once" | "at-most-once";
  /** null: state is in memory. */
  readonly cacheBytes: number | null;
  readonly everyMs: number;
  readonly records: number | null;
  readonly batchRecords: number;
  readonly logs: number;
  readonly generated: boolean;
  readonly restarts: number;
  /** What a look at the clock takes. */
  readonly lookMs: number;
  readonly mostAtOnce: number;
  readonly delayMs: number;
  readonly slices: boolean;
  readonly places: readonly PlaceKind[];
  readonly letters: PlaceKind;
  /** How likely somebody stops the job, or wants a savepoint of it, in one life of the process. */
  readonly stops: number;
  readonly savepoints: number;
  readonly mostFaults: number;
  readonly without: readonly string[];
}

/** What is left out of a seed's run. */
export interface Trims {
  /** Items of each partition at the most. */
  readonly items?: number;
  readonly faults?: number;
  /** Kinds of faults. */
  readonly without?: readonly string[];
  /** Sinks that stay, of a pipeline that has any number. */
  readonly sinks?: readonly number[];
  readonly oneLog?: boolean;
  readonly closures?: boolean;
  /** No bad inputs. */
  readonly sound?: boolean;
  /** Nobody stops the job, or wants a savepoint. */
  readonly undisturbed?: boolean;
}

const GUARANTEES = ["exactly-once", "exactly-once", "exactly-once", "at-least-once", "at-most-once"] as const;
const KINDS: readonly PlaceKind[] = [
  "staged",
  "staged",
  "ndjson",
  "ndjson",
  "parts",
  "parts",
  "queue",
  "callback",
];

export function scenarioOf(seed: string, trims: Trims = {}): Scenario {
  const dice = new Dice(seed);
  const drawn = caseOf(dice.of("case"), trims);
  // Each choice has a stream of its own: a further one moves none of the others.
  const own = (choice: string): Dice => dice.of(choice);
  const places = own("places");
  const everyMs = Math.round(own("every").scale(1, 30_000));
  return {
    seed,
    engine: own("engine").chance(0.7) ? "small sizes" : "as written",
    case: drawn,
    merging: own("merging").chance(0.6),
    guarantee: own("guarantee").pick(GUARANTEES),
    cacheBytes: own("backend").chance(0.5) ? null : own("cache").pick([0, 0, 500, 5000, 50_000, 64 << 20]),
    everyMs,
    records: own("count").chance(0.5) ? null : own("records").pick([1, 3, 10, 50]),
    batchRecords: own("batch").pick([1, 2, 5, 17, 100, 1000, 10_000]),
    logs: trims.oneLog === true ? 1 : 1 + own("logs").below(4),
    generated: trims.closures !== true && own("generated").chance(0.3),
    restarts: own("restarts").pick([0, 0, 1, 5]),
    lookMs: own("look").pick([0.001, 0.01, 0.1, 1, 3]),
    mostAtOnce: own("fetch").pick([1, 2, 3, 5, 8, 20, 1000]),
    // Inputs take some epochs, or come in less than one.
    delayMs: own("delay").pick([0, 0.2, 0.5, 1, 2, 4]) * everyMs,
    slices: own("slices").chance(0.3),
    places: drawn.sinks.map(() => places.pick(KINDS)),
    letters: own("letters").pick(["staged", "ndjson", "parts"]),
    stops: trims.undisturbed === true ? 0 : own("stops").pick([0, 0, 0.1, 0.5]),
    savepoints: trims.undisturbed === true ? 0 : own("savepoints").pick([0, 0, 0.1, 0.5]),
    mostFaults: trims.faults ?? Number.POSITIVE_INFINITY,
    without: trims.without ?? [],
  };
}

function caseOf(dice: Dice, trims: Trims): Case {
  const shaped = (inputs: Inputs): Inputs => {
    const bad = dice.chance(0.4) && trims.sound !== true ? dice.scale(0.01, 0.2) : 0;
    const all = bad === 0 ? inputs : spoiled(inputs, dice, bad);
    return trims.items === undefined ? all : trimmed(all, trims.items);
  };
  if (dice.chance(0.25)) {
    const { program, inputs } = drawProgram(dice);
    return processCase(program, shaped(inputs));
  }
  const { spec, inputs } = drawSpec(dice);
  const kept = trims.sinks;
  const sinks = kept === undefined ? spec.sinks : spec.sinks.filter((_, i) => kept.includes(i));
  return specCase({ ...spec, sinks }, shaped(inputs));
}
