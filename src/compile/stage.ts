/**
 * A stage as it runs: its head, the chains behind the head's ports, its tables and counters.
 */
import { keyOf as keyOfToken, tokenOf } from "../core/key.ts";
import { alignedWindowHead } from "../operator/aligned-window.ts";
import { type Batch, IDLE, NONE } from "../operator/batch.ts";
import { COUNT, type Head, type HeadPorts } from "../operator/contract.ts";
import { forwardHead } from "../operator/forward.ts";
import { sessionWindowHead } from "../operator/session-window.ts";
import { stepLoop } from "../operator/step-loop.ts";
import { unionHead } from "../operator/union.ts";
import type { OnError } from "../connector/contract.ts";
import { fieldsOf, type PlanNode } from "../plan/node.ts";
import type { StagePlan } from "../plan/stages.ts";
import { Table } from "../state/table.ts";
import { Timers } from "../state/timers.ts";
import { anewOrShared } from "./anew.ts";
import { chainClosures } from "./closures.ts";
import { countBases, type HeadKind, type MakeHead } from "./contract.ts";
import { generate } from "./generate.ts";

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
  /** Called at the beginning of every step; null in the usual case that state is all in memory. */
  readonly onBegin: (() => void) | null;
}

export interface Stage {
  readonly plan: StagePlan;
  readonly inputs: readonly Batch[];
  readonly outputs: readonly Batch[];
  readonly head: Head;
  readonly tables: readonly Table<unknown>[];
  readonly counts: Float64Array;
  /** By stateless operator: where its counters begin. */
  readonly bases: readonly number[];
  /** Undoes the step at hand after a MISS: rows and emissions. */
  undo(): void;
}

function headKind({ head, keyBy }: StagePlan): HeadKind {
  if (head.kind === "source") return { factory: forwardHead, ports: {}, tables: [], aggregator: null };
  if (head.kind === "union") return { factory: unionHead, ports: {}, tables: [], aggregator: null };
  const { windows, latenessMs, discard } = head;
  const common = { keyOf: keyBy?.fn, tokenOf, keyOfToken, latenessMs, discard };
  const fields = fieldsOf(head.aggregates);
  if (windows.kind === "session") {
    const table = new Table<unknown>(head.name, "sessions", "by-key");
    const ports = { ...common, table, timers: new Timers(), gapMs: windows.gapMs };
    return { factory: sessionWindowHead, ports, tables: [table], aggregator: { fields, withReplaces: true } };
  }
  const table = new Table<unknown>(head.name, "panes", "by-time");
  const { sizeMs, slideMs, offsetMs } = windows;
  const ports = { ...common, table, sizeMs, slideMs, offsetMs };
  return { factory: alignedWindowHead, ports, tables: [table], aggregator: { fields, withReplaces: false } };
}

export function compileStage({
  plan,
  inputs,
  outputs,
  fail,
  generated,
  stall,
  onBegin,
}: StageOptions): Stage {
  const { factory, ports: kindPorts, tables, aggregator } = headKind(plan);
  const bases = countBases(plan.operators);
  const counts = new Float64Array(bases[bases.length - 1]);
  const position = { ordinal: 0 };
  const marks = outputs.map(() => ({ n: 0, start: 0, last: 0, lastWm: 0 }));

  const failOperator = (index: number, error: unknown, value: unknown): void =>
    fail(plan.operators[index], error, value, position.ordinal);
  // A window's head fails as its keyBy (0) or as itself (1).
  const failHead = (index: number, error: unknown, value: unknown): void => {
    const node = index === 0 ? plan.keyBy : plan.head;
    if (node === null || node.kind === "source" || node.kind === "union") throw error;
    fail(node, error, value, position.ordinal);
  };

  const savedCounts = new Float64Array(counts.length);

  function saveStep(): void {
    savedCounts.set(counts);
    outputs.forEach((out, i) => {
      const { n, start, last } = out;
      marks[i] = { n, start, last, lastWm: n > 0 ? out.wm[n - 1] : 0 };
    });
  }

  const begin = (): void => {
    for (const table of tables) table.cold?.begin();
    onBegin?.();
    saveStep();
  };

  const base: Omit<HeadPorts, "emit" | "side" | "mark" | "full" | "room"> = {
    inputs,
    idle: () => {
      for (const out of outputs) out.idle(position.ordinal);
    },
    begin: onBegin === null ? () => {} : begin,
    position,
    fail: failHead,
    counts,
    NONE,
    IDLE,
  };
  // The late side has no watermark before the end: nothing bounds how late its records are.
  const sideEdges = new Set((plan.ports[1] ?? []).flatMap(edgesBelow));
  const isSide = (i: number): boolean => sideEdges.has(plan.outputs[i].id);

  let looked = 0;
  const make: MakeHead = {
    plan,
    outputs,
    isSide,
    direct: onBegin === null,
    stalled: stall ? () => ++looked % 2 === 1 : null,
    counts,
    bases,
    position,
    failOperator,
    factory,
    aggregator,
    ports: { ...base, ...kindPorts, stepLoop },
  };
  const shared = (): Head => chainClosures(make);
  const head = generated ? anewOrShared(() => generate(make), shared) : shared();

  return {
    plan,
    inputs,
    outputs,
    head,
    tables,
    counts,
    bases,
    undo() {
      for (const table of tables) table.cold?.undo();
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
