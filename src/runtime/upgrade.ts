/**
 * What becomes of each store when a program meets the state of an older one: decided before anything starts, by the
 * same rules at start-up and for those who only ask.
 */
import { MillraceError } from "../core/errors.ts";
import type { Plan } from "../plan/node.ts";
import { Shapes } from "../schema/shapes.ts";
import type { Cell } from "../state/bucket.ts";
import type { Rows } from "../state/table.ts";
import type { SavedJob, SavedStore } from "./saved-job.ts";

export interface ProgramStore extends SavedStore {
  /** The oldest version of its values that the program can read. */
  readonly upcastsFrom: number;
}

export type Stores<S extends SavedStore = SavedStore> = { readonly [store: string]: S };

/**
 * compatible: goes on as it is. migrate: values are brought up to date as they are read. new: begins empty. rebuild:
 * what is stored is of no use to the program. orphan: the program has no such store. The last two are refused unless
 * the user gives the store up.
 */
export type Verdict = "compatible" | "migrate" | "new" | "rebuild" | "orphan";

export interface StoreUpgrade {
  /** "operator/table" */
  readonly store: string;
  readonly verdict: Verdict;
  readonly why: string;
}

/**
 * What a program keeps: its tables, and beside them the positions of its sources and the epochs of its sinks. To lose
 * one of those by a new name would be to read everything again, or to begin the output anew.
 */
export function storesOf(plan: Plan, tables: readonly Rows<Cell>[]): Stores<ProgramStore> {
  const shapes = new Shapes();
  const stores = tables.map(({ operator, name, layout, signature, version, codec }): ProgramStore => {
    const { current, upcastsFrom } = version;
    const shape = (codec?.(shapes).shape ?? "structural").replace(/^v\d+:/, "");
    return { operator, table: name, layout, signature, version: current, upcastsFrom, shape };
  });
  const ends = [...plan.nodes, ...(plan.deadLetters === null ? [] : [plan.deadLetters])];
  for (const node of ends) {
    const fixed = { operator: node.name, layout: "none", version: 1, upcastsFrom: 1, shape: "none" };
    if (node.kind === "source") stores.push({ ...fixed, table: "positions", signature: "positions" });
    else if ((node.kind === "sink" || node.kind === "deadLetterSink") && node.sink.transactional === true)
      stores.push({ ...fixed, table: "epochs", signature: "epochs" });
  }
  return Object.fromEntries(stores.map((store) => [`${store.operator}/${store.table}`, store]));
}

export function planUpgrade(old: Stores, program: Stores<ProgramStore>): readonly StoreUpgrade[] {
  const names = new Set([...Object.keys(old), ...Object.keys(program)]);
  return [...names].sort().map((store) => ({ store, ...verdictOn(old[store], program[store]) }));
}

function verdictOn(
  old: SavedStore | undefined,
  program: ProgramStore | undefined,
): Omit<StoreUpgrade, "store"> {
  if (program === undefined) return { verdict: "orphan", why: "the program has no such store" };
  if (old === undefined) return { verdict: "new", why: "begins empty" };
  if (old.layout !== program.layout || old.signature !== program.signature) {
    return { verdict: "rebuild", why: `stored: ${old.signature}; program: ${program.signature}` };
  }
  if (old.version === program.version) {
    return old.shape === program.shape
      ? { verdict: "compatible", why: program.signature }
      : {
          verdict: "rebuild",
          why: `the values' schema changed from ${old.shape} to ${program.shape} without a new version`,
        };
  }
  if (old.version > program.version) {
    return {
      verdict: "rebuild",
      why: `stored are values of version ${old.version}, the program knows version ${program.version}`,
    };
  }
  return old.version >= program.upcastsFrom
    ? { verdict: "migrate", why: `from version ${old.version} to ${program.version}, as values are read` }
    : {
        verdict: "rebuild",
        why: `there is no upcaster from version ${old.version} to ${program.version}`,
      };
}

/** Whether what is stored is of no use to the program: the start is refused, unless the user gives it up. */
export const isUnfit = ({ verdict }: StoreUpgrade): boolean => verdict === "rebuild" || verdict === "orphan";

/** @param givenUp operators, or stores, that the user gives up */
export const isGivenUp = ({ store }: StoreUpgrade, stored: Stores, givenUp: readonly string[]): boolean =>
  givenUp.includes(store) || givenUp.includes(stored[store].operator);

/**
 * The stores whose rows the program gives up.
 *
 * @param givenUp operators, or stores, that the user gives up
 * @throws STATE_SCHEMA_CHANGED where there are others that don't fit
 */
export function storesToDrop(
  saved: Pick<SavedJob, "stores">,
  program: Stores<ProgramStore>,
  givenUp: readonly string[],
): readonly SavedStore[] {
  const unfit = planUpgrade(saved.stores, program).filter(isUnfit);
  const refused = unfit.filter((upgrade) => !isGivenUp(upgrade, saved.stores, givenUp));
  if (refused.length > 0) {
    const list = refused.map(({ store, verdict, why }) => `${store}: ${verdict} (${why})`).join("; ");
    throw new MillraceError("STATE_SCHEMA_CHANGED", `Stored state doesn't fit the program: ${list}`);
  }
  return unfit.map(({ store }) => saved.stores[store]);
}
