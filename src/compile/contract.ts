/** What the two makers of a stage's head are given: generate.ts and closures.ts. */
import type { Fields } from "../operator/aggregator.ts";
import type { Batch } from "../operator/batch.ts";
import type { Sample } from "../operator/sample.ts";
import { type Head, HEAD_COUNTS } from "../operator/contract.ts";
import { countersOf, type Stateless } from "../operator/stateless.ts";
import type { StagePlan } from "../plan/stages.ts";
import type { Token } from "../core/key.ts";
import type { Cell } from "../state/bucket.ts";
import type { Rows } from "../state/table.ts";

/** The part of a head's parameters that comes from its node. */
export interface HeadKind {
  readonly factory: (ports: any) => Head;
  readonly ports: Record<string, unknown>;
  readonly tables: readonly Rows<any>[];
  /** `outlive`: rows live on after they have fired. */
  readonly aggregator: {
    readonly fields: Fields;
    readonly withReplaces: boolean;
    readonly outlive: boolean;
  } | null;
  readonly index: TableIndex | null;
  /** Functions written like the factory, which is given them: they are made anew with it. */
  readonly parts: Readonly<Record<string, (...parameters: any[]) => unknown>>;
}

/** A head without state. */
export const plain = { ports: {}, tables: [], aggregator: null, index: null, parts: {} };

/** A head's index over the rows of a table: it is told those that were restored. */
export interface TableIndex {
  readonly table: Rows<any>;
  /** @param owner of a by-owner table */
  readonly add: (token: Token, row: Cell, owner: Token | null) => void;
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
  /** Takes the late records of a window whose late stream nobody reads; null where there are none such. */
  readonly dropped: Sample | null;
  readonly failOperator: (index: number, error: unknown, value: unknown) => void;
  readonly factory: HeadKind["factory"];
  readonly parts: HeadKind["parts"];
  readonly aggregator: HeadKind["aggregator"];
  /** Rows of numbers may lie in typed arrays. */
  readonly inNumbers: boolean;
  readonly ports: Record<string, unknown>;
}

/**
 * Where the counters of each of a stage's stateless operators begin, and at the end how many there are in all.
 *
 * @param ports output ports of the head
 */
export function countBases(operators: readonly Stateless[], ports: number): number[] {
  const bases = [HEAD_COUNTS + ports];
  for (const operator of operators) bases.push(bases[bases.length - 1] + countersOf(operator));
  return bases;
}
