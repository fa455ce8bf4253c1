/**
 * Cuts a plan into stages: a source, a union, a window, a process() or a changelog at the head, and behind each of its
 * output ports the trees of stateless operators that end in edges. An edge leads to another stage or to a sink.
 */
import type {
  ChangelogNode,
  KeyByNode,
  Plan,
  PlanNode,
  SinkNode,
  SourceNode,
  StatelessNode,
  UnionNode,
  WindowNode,
} from "./node.ts";
import { inputsOf, isKeyed } from "./node.ts";
import type { ProcessNode } from "./process-node.ts";

export type HeadNode = SourceNode | UnionNode | WindowNode | ProcessNode | ChangelogNode;

export type Tree =
  | { readonly operator: StatelessNode; readonly index: number; readonly ports: readonly (readonly Tree[])[] }
  | { readonly edge: EdgePlan };

export interface EdgePlan {
  readonly id: number;
  readonly from: HeadNode;
  readonly to: { readonly stage: HeadNode; readonly port: number } | { readonly sink: SinkNode };
  /** Carries ordinals: it ends, at any distance, in a stage that follows time, or dead letters are kept in order. */
  readonly ordered: boolean;
  /** Leads straight into a stage with several inputs, which waits for all of them: it can't be paused when full. */
  readonly merging: boolean;
}

export interface StagePlan {
  readonly head: HeadNode;
  /** What gives the head's keys. */
  readonly keyBy: KeyByNode | null;
  /** Its inputs carry ordinals. */
  readonly ordered: boolean;
  /** By output port of the head. */
  readonly ports: readonly (readonly Tree[])[];
  /** The stage's stateless operators by `index`. */
  readonly operators: readonly StatelessNode[];
  readonly inputs: readonly EdgePlan[];
  readonly outputs: readonly EdgePlan[];
}

const isHead = (node: PlanNode): node is HeadNode =>
  node.kind === "source" || node.kind === "union" || node.kind === "changelog" || isKeyed(node);

/** Output ports of a head. @param read those that something reads */
function portsOf(head: HeadNode, read: readonly number[]): number {
  // The third port of a window is there only for those who read it.
  if (head.kind === "window") return Math.max(2, ...read.map((port) => port + 1));
  return head.kind === "process" ? 1 + head.outputs.length : 1;
}

/** The stages in topological order. */
export function cutStages(plan: Plan): readonly StagePlan[] {
  const readers = new Map<PlanNode, { node: PlanNode; from: number; port: number }[]>();
  for (const node of plan.nodes) {
    inputsOf(node).forEach((input, port) => {
      const list = readers.get(input.node) ?? [];
      list.push({ node, from: input.port, port });
      readers.set(input.node, list);
    });
  }
  const isOrdered = orderedNodes(plan, readers);
  let edges = 0;
  const inputs = new Map<HeadNode, EdgePlan[]>();

  const stages = plan.nodes.filter(isHead).map((head): Omit<StagePlan, "inputs"> => {
    const operators: StatelessNode[] = [];
    const outputs: EdgePlan[] = [];

    const trees = (node: PlanNode, port: number): Tree[] =>
      (readers.get(node) ?? [])
        .filter((reader) => reader.from === port)
        .flatMap((reader) => tree(reader.node, reader.port));

    const edge = (to: EdgePlan["to"], ordered: boolean): Tree => {
      const merging = "stage" in to && hasSeveralInputs(to.stage);
      const plan: EdgePlan = { id: edges++, from: head, to, ordered, merging };
      outputs.push(plan);
      if ("stage" in to) inputs.set(to.stage, [...(inputs.get(to.stage) ?? []), plan]);
      return { edge: plan };
    };

    const tree = (node: PlanNode, port: number): Tree[] => {
      if (node.kind === "sink") return [edge({ sink: node }, false)];
      if (node.kind === "keyBy") {
        // The key is computed by the stage that needs it.
        return (readers.get(node) ?? []).map((r) =>
          edge({ stage: r.node as HeadNode, port: r.port }, isOrdered(r.node)),
        );
      }
      if (isHead(node)) return [edge({ stage: node, port }, isOrdered(node))];
      const index = operators.push(node) - 1;
      const count = node.kind === "branch" ? node.branches.length : 1;
      return [{ operator: node, index, ports: Array.from({ length: count }, (_, p) => trees(node, p)) }];
    };

    const read = (readers.get(head) ?? []).map(({ from }) => from);
    const ports = Array.from({ length: portsOf(head, read) }, (_, port) => trees(head, port));
    const keyBy = isKeyed(head) && head.input.node.kind === "keyBy" ? head.input.node : null;
    return { head, keyBy, ordered: isOrdered(head), ports, operators, outputs };
  });

  return stages.map((stage) => ({
    ...stage,
    inputs: (inputs.get(stage.head) ?? []).toSorted((a, b) => portOf(a) - portOf(b)),
  }));
}

const portOf = (edge: EdgePlan): number => ("stage" in edge.to ? edge.to.port : 0);

const hasSeveralInputs = (node: PlanNode): boolean => node.kind === "union";

/**
 * What it gives hangs on every single move of its input's time, those without a record too: where there are several
 * inputs, on which of them moved first; where there is a trigger, on how far one advance goes.
 */
const followsTime = (node: PlanNode): boolean =>
  hasSeveralInputs(node) || (node.kind === "window" && node.trigger !== null);

/** The nodes from which a stage that follows time can be reached; all of them where dead letters are kept, in order. */
function orderedNodes(
  plan: Plan,
  readers: ReadonlyMap<PlanNode, readonly { node: PlanNode }[]>,
): (node: PlanNode) => boolean {
  if (plan.nodes.some((node) => "onError" in node && node.onError === "dead-letter")) return () => true;
  const known = new Map<PlanNode, boolean>();
  const leads = (node: PlanNode): boolean => {
    let result = known.get(node);
    if (result === undefined) {
      result = followsTime(node) || (readers.get(node) ?? []).some((r) => leads(r.node));
      known.set(node, result);
    }
    return result;
  };
  return leads;
}
