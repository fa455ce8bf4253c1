/** What a start compares with stored state, of a program that is not started. */
import type { Ports } from "../core/ports.ts";
import type { Plan } from "../plan/node.ts";
import { Loop } from "../runtime/loop.ts";
import { type ProgramStore, type Stores, storesOf } from "../runtime/upgrade.ts";

export interface Program {
  readonly job: string;
  readonly stores: Stores<ProgramStore>;
  /** Operators, or stores, that are given up. */
  readonly dropState: readonly string[];
}

/** The tables are those of the compiled stages: to make them opens no source, no sink and no state. */
export function programOf(plan: Plan, ports: Ports, dropState: readonly string[]): Program {
  const { stages } = new Loop({ plan, ports, batchMode: false, generated: false });
  return {
    job: plan.name,
    stores: storesOf(
      plan,
      stages.flatMap(({ tables }) => tables),
    ),
    dropState,
  };
}
