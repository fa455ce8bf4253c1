/**
 * What becomes of stored state when a program starts from it: told before anything starts, by the rules of a start
 * (runtime/upgrade.ts).
 */
import type { Files } from "../core/ports.ts";
import { isGivenUp, isUnfit, planUpgrade, type StoreUpgrade } from "../runtime/upgrade.ts";
import type { Program } from "./program.ts";
import { readState } from "./stored-state.ts";

export interface PlannedStore extends StoreUpgrade {
  /** It doesn't fit, and dropState gives it up. */
  readonly isGivenUp: boolean;
  /** It doesn't fit: the start is refused. */
  readonly isRefused: boolean;
}

export interface UpgradePlan {
  readonly job: { readonly old: string; readonly new: string; readonly isRefused: boolean };
  readonly epoch: number;
  readonly stores: readonly PlannedStore[];
  readonly isRefused: boolean;
}

/** The program that wrote the state; which older versions it could read is not in there, so any. @throws as readState */
export function storedProgram(files: Files, folder: string): Promise<Program> {
  return readState(files, folder, async ({ manifest, saved }) => ({
    job: manifest.job,
    stores: Object.fromEntries(
      Object.entries(saved?.stores ?? {}).map(([name, store]) => [name, { ...store, upcastsFrom: 1 }]),
    ),
    dropState: [],
  }));
}

/** @param folder a state directory or a savepoint. @throws as readState */
export function planUpgradeFrom(files: Files, folder: string, program: Program): Promise<UpgradePlan> {
  return readState(files, folder, async ({ manifest, saved }) => {
    const { job, epoch } = manifest;
    const old = saved?.stores ?? {};
    const { dropState } = program;
    const stores = planUpgrade(old, program.stores).map((upgrade): PlannedStore => {
      const givenUp = isUnfit(upgrade) && isGivenUp(upgrade, old, dropState);
      return { ...upgrade, isGivenUp: givenUp, isRefused: isUnfit(upgrade) && !givenUp };
    });
    const isForeign = job !== program.job;
    return {
      job: { old: job, new: program.job, isRefused: isForeign },
      epoch,
      stores,
      isRefused: isForeign || stores.some(({ isRefused }) => isRefused),
    };
  });
}
