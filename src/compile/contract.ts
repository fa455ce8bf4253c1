/** What the two makers of a stage's head are given: generate.ts and closures.ts. */
import type { Fields } from "../operator/aggregator.ts";
import type { Batch } from "../operator/batch.ts";
import { type Head, HEAD_COUNTS } from "../operator/contract.ts";
import { countersOf, type Stateless } from "../operator/stateless.ts";
import type { StagePlan } from "../plan/stages.ts";
import type { Table } from "../state/table.ts";

/** The part of a head's parameters that comes from its node. */
export interface HeadKind {
  readonly factory: (ports: any) => Head;
  readonly ports: Record<string, unknown>;
  readonly tables: readonly Table<unknown>[];
  readonly aggregator: { readonly fields: Fields; readonly withReplaces: boolean } | null;
}

export interface MakeHead {
  readonly plan: StagePlan;
  readonly outputs: readonly Batch[];
  /** Output i hangs on the late side. */
  readonly isSide: (i: number) => boolean;
  /** Callback sinks may be called from within the stage: no step of it is ever undone. */
  readonly direct: boolean;
  /** For tests: says that the outputs are full although they are not. */
  readonly stalled: (() => boolean) | null;
  readonly counts: Float64Array;
  /** By operator index: where its counters begin. */
  readonly bases: readonly number[];
  readonly position: { ordinal: number };
  readonly failOperator: (index: number, error: unknown, value: unknown) => void;
  readonly factory: HeadKind["factory"];
  readonly aggregator: HeadKind["aggregator"];
  readonly ports: Record<string, unknown>;
}

/** Where the counters of each of a stage's stateless operators begin, and at the end how many there are in all. */
export function countBases(operators: readonly Stateless[]): number[] {
  const bases = [HEAD_COUNTS];
  for (const operator of operators) bases.push(bases[bases.length - 1] + countersOf(operator));
  return bases;
}
