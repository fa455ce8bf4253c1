/**
 * A stage as it runs: its head, the chains behind the head's ports, its tables and counters.
 */
import { type Batch, IDLE, NONE } from "../operator/batch.ts";
import { COUNT, type Head, type HeadPorts } from "../operator/contract.ts";
import { forwardHead } from "../operator/forward.ts";
import { Sample } from "../operator/sample.ts";
import { isNumeric } from "../operator/number-aggregator.ts";
import { unionHead } from "../operator/union.ts";
import type { OnError } from "../connector/contract.ts";
import type { PlanNode } from "../plan/node.ts";
import type { StagePlan } from "../plan/stages.ts";
import type { Cell } from "../state/bucket.ts";
import type { Rows } from "../state/table.ts";
import { anewOrShared } from "./anew.ts";
import { chainClosures } from "./closures.ts";
import { countBases, type HeadKind, type MakeHead, plain, type TableIndex } from "./contract.ts";
import { changelogKind } from "./changelog-kind.ts";
import { generate } from "./generate.ts";
import { processKind } from "./process-kind.ts";
import { windowKind } from "./window-kind.ts";

/** The failed operator's node is told, and what it worked on; throws if the job is to end. */
export type FailHandler = (
  node: PlanNode & { readonly onError: OnError },
  error: unknown,
  value: unknown,
  ordinal: number,
) => void;

export interface StageOptions {
  readonly plan: StagePlan;
  readonly inputs: readonly Batch[];
  /** By the plan's edge. */
  readonly outputs: readonly Batch[];
  readonly fail: FailHandler;
  /** False: closures. */
  readonly generated: boolean;
  /** For tests: outputs look full every other time. */
  readonly stall: boolean;
  /** The keys of one firing come in the order of their addresses. */
  readonly deterministic: boolean;
  /** Callback sinks may be called from within the stage. */
  readonly direct: boolean;
  /** Called at the beginning of every step; null in the usual case that state is all in memory. */
  readonly onBegin: (() => void) | null;
  readonly clock: HeadPorts["clock"];
  /** Gives each table those who keep its rows, before the head is made. */
  readonly keep: (table: Rows<Cell>) => void;
}

export interface Stage {
  readonly plan: StagePlan;
  readonly inputs: readonly Batch[];
  readonly outputs: readonly Batch[];
  readonly head: Head;
  readonly tables: readonly Rows<Cell>[];
  readonly index: TableIndex | null;
  readonly counts: Float64Array;
  /** By stateless operator: where its counters begin. */
  readonly bases: readonly number[];
  /** Some of the late records that nobody reads; null where there are none such. */
  readonly dropped: Sample | null;
  /** Output i hangs on the late side. */
  readonly isSide: (i: number) => boolean;
  /** Undoes the step at hand after a MISS: rows and emissions. */
  undo(): void;
}

function headKind({ head, keyBy }: StagePlan): HeadKind {
  if (head.kind === "source") return { ...plain, factory: forwardHead };
  if (head.kind === "union") return { ...plain, factory: unionHead };
  if (head.kind === "changelog") return changelogKind(head);
  return head.kind === "process" ? processKind(head, keyBy) : windowKind(head, keyBy);
}

export function compileStage({
  plan,
  inputs,
  outputs,
  fail,
  generated,
  stall,
  deterministic,
  direct,
  onBegin,
  clock,
  keep,
}: StageOptions): Stage {
  const { factory, ports: kindPorts, tables, aggregator, index, parts } = headKind(plan);
  for (const table of tables) {
    table.byAddress = deterministic;
    keep(table);
  }
  const bases = countBases(plan.operators, plan.ports.length);
  const counts = new Float64Array(bases[bases.length - 1]);
  const position = { ordinal: 0 };
  const marks = outputs.map(() => ({ n: 0, start: 0, last: 0, lastWm: 0 }));

  const failOperator = (index: number, error: unknown, value: unknown): void =>
    fail(plan.operators[index], error, value, position.ordinal);
  // A window's head fails as its keyBy (0) or as itself (1).
  const failHead = (index: number, error: unknown, value: unknown): void => {
    const node = index === 0 ? plan.keyBy : plan.head;
    if (node === null || !("onError" in node) || node.kind === "source") throw error;
    fail(node, error, value, position.ordinal);
  };

  const savedCounts = new Float64Array(counts.length);

  // Once per record: a call or an object would cost more than what is copied.
  function saveStep(): void {
    for (let i = 0; i < counts.length; i++) savedCounts[i] = counts[i];
    for (let i = 0; i < outputs.length; i++) {
      const { n, start, last, wm } = outputs[i];
      const saved = marks[i];
      saved.n = n;
      saved.start = start;
      saved.last = last;
      saved.lastWm = n > 0 ? wm[n - 1] : 0;
    }
  }

  const begin = (): void => {
    onBegin?.();
    saveStep();
  };

  const base: Omit<HeadPorts, "emit" | "side" | "sides" | "mark" | "full" | "room"> = {
    inputs,
    idle: () => {
      for (const out of outputs) out.idle(position.ordinal);
    },
    begin: onBegin === null ? () => {} : begin,
    position,
    fail: failHead,
    counts,
    clock,
    NONE,
    IDLE,
  };
  // A window's late side has no watermark before the end: nothing bounds how late its records are.
  const lateTrees = plan.head.kind === "window" ? plan.ports[1] : [];
  const sideEdges = new Set(lateTrees.flatMap(edgesBelow));
  const isSide = (i: number): boolean => sideEdges.has(plan.outputs[i].id);

  const dropped = plan.head.kind === "window" && lateTrees.length === 0 ? new Sample() : null;

  let looked = 0;
  const make: MakeHead = {
    plan,
    outputs,
    isSide,
    direct,
    stalled: stall ? () => ++looked % 2 === 1 : null,
    counts,
    bases,
    position,
    dropped,
    failOperator,
    factory,
    parts,
    aggregator,
    // Rows of numbers are walked as they came.
    inNumbers: !deterministic && aggregator !== null && isNumeric(aggregator.fields),
    ports: { ...base, ...kindPorts },
  };
  const shared = (): Head => chainClosures(make);
  const head = generated ? anewOrShared(() => generate(make), shared) : shared();

  return {
    plan,
    inputs,
    outputs,
    head,
    tables,
    index,
    counts,
    bases,
    dropped,
    isSide,
    undo() {
      // The head adds its records at the end of run, also of this one: they are no part of the step.
      const read = counts[COUNT.in];
      counts.set(savedCounts);
      counts[COUNT.in] = read;
      outputs.forEach((out, i) => {
        const saved = marks[i];
        out.n = saved.n;
        out.start = saved.start;
        out.last = saved.last;
        if (saved.n > 0) out.wm[saved.n - 1] = saved.lastWm;
      });
    },
  };
}

function edgesBelow(tree: StagePlan["ports"][number][number]): number[] {
  return "edge" in tree ? [tree.edge.id] : tree.ports.flatMap((trees) => trees.flatMap(edgesBelow));
}
