/**
 * explain(): what a plan does, as text and as a Mermaid flowchart: its stages, where records change owner, the state
 * each stage keeps, and what bounds it. What has no bound is named.
 */
import type { Guarantee } from "../connector/contract.ts";
import { KEY_GROUPS } from "../core/key.ts";
import { formatDuration } from "../core/time.ts";
import { isMovedByRecords } from "../core/watermark.ts";
import type { Plan, PlanNode, SinkNode, SourceNode, WindowNode } from "./node.ts";
import { changelogState, describeChangelog, unboundedInChangelog } from "./explain-changelog.ts";
import { describeWindow, unboundedInWindow, windowState } from "./explain-window.ts";
import { describeProcess, processState, unboundedInProcess } from "./explain-process.ts";
import { inputsOf, isKeyed } from "./node.ts";
import { cutStages, type EdgePlan, type HeadNode, type StagePlan, type Tree } from "./stages.ts";

export interface ExplainContext {
  /** Names of operators that no sink hangs on: they are left out. */
  readonly unused: readonly string[];
  readonly batchMode: boolean;
  readonly durability: Durability;
}

/** What of the job survives its process. */
export interface Durability {
  /** The backend's description; null where nothing is durable. */
  readonly state: string | null;
  readonly guarantee: Guarantee;
  /** An epoch ends after so long, or after so many records. */
  readonly everyMs: number;
  readonly records: number;
}

export function explainText(plan: Plan, { unused, batchMode, durability }: ExplainContext): string {
  const stages = cutStages(plan);
  const number = new Map(stages.map((stage, i) => [stage.head, i + 1]));
  const lines = [`pipeline ${plan.name}`, ...durabilityLines(plan, durability), ""];
  for (const stage of stages) {
    lines.push(`stage ${number.get(stage.head)}  ${describe(stage.head)}`);
    if (stage.keyBy !== null) lines.push(`  key: ${stage.keyBy.name}`);
    if (stage.head.kind === "window")
      lines.push(...windowState(stage.head, batchMode).map((line) => `  ${line}`));
    if (stage.head.kind === "process")
      lines.push(...processState(stage.head, batchMode).map((line) => `  ${line}`));
    if (stage.head.kind === "changelog")
      lines.push(...changelogState(stage.head, batchMode).map((line) => `  ${line}`));
    stage.ports.forEach((trees, port) => {
      if (port > 0 && trees.length > 0) lines.push(`  ${portName(stage.head, port)}:`);
      lines.push(...trees.flatMap((tree) => treeLines(tree, number, port > 0 ? "    " : "  ")));
    });
    lines.push("");
  }
  if (plan.deadLetters !== null)
    lines.push(`dead letters  -> ${plan.deadLetters.name}: ${plan.deadLetters.sink.description}`, "");
  if (unused.length > 0) lines.push(`not run, since no sink hangs on it: ${unused.join(", ")}`, "");
  const unbounded = plan.nodes.flatMap((node) => unboundedIn(node, plan, batchMode));
  lines.push(unbounded.length === 0 ? "without bound: nothing" : "without bound:");
  lines.push(...unbounded.map((line) => `  ${line}`));
  return `${lines.join("\n")}\n`;
}

/** The same on an arrow. */
const portLabel = (head: HeadNode, port: number): string =>
  head.kind === "process" ? head.outputs[port - 1] : port === 1 ? "late" : "";

/** What a head's output port beside the first one gives. */
const portName = (head: HeadNode, port: number): string =>
  head.kind === "process"
    ? `output ${head.outputs[port - 1]}`
    : port === 1
      ? "late records"
      : "results, and which sessions are over";

/** A sink that can't commit by epochs may repeat, after a crash, what it took since the last one. */
function durabilityLines(plan: Plan, { state, guarantee, everyMs, records }: Durability): string[] {
  if (state === null) return ["state: in memory, gone with the process", "guarantee: none"];
  const limit = Number.isFinite(records) ? `, or ${records} records` : "";
  const sinks = [...plan.nodes, ...(plan.deadLetters === null ? [] : [plan.deadLetters])].flatMap((node) => {
    if (node.kind !== "sink" && node.kind !== "deadLetterSink") return [];
    const isLess = guarantee === "exactly-once" && node.sink.transactional !== true;
    return isLess ? [`  ${node.name}: at-least-once, as it can't commit by epochs`] : [];
  });
  return [
    `state: ${state}, committed every ${formatDuration(everyMs)}${limit}`,
    `guarantee: ${guarantee}`,
    ...sinks,
  ];
}

function treeLines(tree: Tree, number: ReadonlyMap<PlanNode, number>, indent: string): string[] {
  if ("edge" in tree) return [indent + edgeText(tree.edge, number)];
  const { operator, ports } = tree;
  return [
    indent + describe(operator),
    ...ports.flatMap((trees, port) => {
      const below = operator.kind === "branch" ? [`${indent}  ${operator.branches[port].name}:`] : [];
      return [
        ...below,
        ...trees.flatMap((t) =>
          treeLines(t, number, `${indent}${operator.kind === "branch" ? "    " : "  "}`),
        ),
      ];
    }),
  ];
}

function edgeText({ to }: EdgePlan, number: ReadonlyMap<PlanNode, number>): string {
  if ("sink" in to) return `-> ${describe(to.sink)}`;
  const stage = `stage ${number.get(to.stage)}`;
  return isKeyed(to.stage)
    ? `-> exchange by key (${KEY_GROUPS} key groups, all in this process) -> ${stage}`
    : `-> ${stage}${to.stage.kind === "union" ? ` (input ${to.port + 1})` : ""}`;
}

/** One line for a node. */
function describe(node: PlanNode): string {
  switch (node.kind) {
    case "source":
      return `source ${node.name}: ${node.source.description}, ${node.source.bounded ? "bounded" : "unbounded"}, ${timeOf(node)}${errorsOf(node)}`;
    case "window":
      return `window ${node.name}: ${describeWindow(node)}${errorsOf(node)}`;
    case "process":
      return `process ${node.name}: ${describeProcess(node)}${errorsOf(node)}`;
    case "changelog":
      return `changelog ${node.name}: ${describeChangelog(node)}`;
    case "sink":
      return `sink ${node.name}: ${node.sink.description}`;
    case "union":
      return `union ${node.name}: ${node.inputs.length} inputs`;
    default:
      return `${node.kind}${node.name === node.kind ? "" : ` ${node.name}`}${errorsOf(node)}`;
  }
}

const errorsOf = (node: { readonly onError: string }): string =>
  node.onError === "fail" ? "" : `, on error ${node.onError}`;

function timeOf({ timestamp, watermark }: SourceNode): string {
  const { boundMs, punctuated, byClock, idleAfterMs, maxDriftMs, maxFutureSkewMs } = watermark;
  if (timestamp === undefined) return "no event time";
  if (byClock) return "processing time: timestamps and watermark are the clock's";
  if (!isMovedByRecords(watermark)) return "event time, no watermark before the end";
  const limit = (name: string, ms: number): string =>
    ms === Number.POSITIVE_INFINITY ? "" : `, ${name} ${formatDuration(ms)}`;
  const by =
    punctuated === null
      ? `watermark ${formatDuration(boundMs)} behind the greatest timestamp of each partition`
      : "watermark told by the records of each partition";
  return `event time, ${by}${limit("idle after", idleAfterMs)}${limit("paused when ahead by more than", maxDriftMs)}${limit("records refused when ahead by more than", maxFutureSkewMs)}`;
}

function unboundedIn(node: PlanNode, plan: Plan, batchMode: boolean): string[] {
  if (node.kind === "union") {
    return windowsBefore(node).map(
      (window) =>
        `${node.name}: it waits for all its inputs, so what one firing of ${window.name} gives stands before it at once`,
    );
  }
  if (node.kind === "process") {
    if (batchMode) return [];
    return unboundedInProcess(node, withoutWatermark(node.input.node, node.input.port, plan));
  }
  if (node.kind === "changelog") return unboundedInChangelog(node);
  if (node.kind !== "window") return [];
  return unboundedInWindow(node, batchMode ? null : withoutWatermark(node.input.node, node.input.port, plan));
}

/** The windows whose results reach the node without another stage between. */
function windowsBefore(node: PlanNode): WindowNode[] {
  return inputsOf(node).flatMap((input) =>
    input.node.kind === "window"
      ? [input.node]
      : input.node.kind === "union"
        ? []
        : windowsBefore(input.node),
  );
}

/** Why no watermark comes out of a node's port; empty where one does. */
function withoutWatermark(node: PlanNode, port: number, plan: Plan): string[] {
  if (node.kind === "source")
    return node.watermark.byClock || isMovedByRecords(node.watermark)
      ? []
      : [`source ${node.name} gives no watermark`];
  if (node.kind === "window" && port === 1) return [`the late stream of ${node.name} has no watermark`];
  return inputsOf(node).flatMap((input) => withoutWatermark(input.node, input.port, plan));
}

/** The stages as subgraphs, exchanges as labelled arrows. */
export function explainMermaid(plan: Plan): string {
  const stages = cutStages(plan);
  const ids = new Map<PlanNode, string>();
  const id = (node: PlanNode): string => {
    if (!ids.has(node)) ids.set(node, `n${ids.size}`);
    return ids.get(node) as string;
  };
  const quote = (text: string): string =>
    `"${text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")}"`;
  const arrows: string[] = [];
  const lines = ["flowchart LR"];
  const walk = (from: PlanNode, label: string, tree: Tree): string[] => {
    const arrow = (to: PlanNode, text: string): void => {
      arrows.push(`  ${id(from)} -->${text === "" ? "" : `|${quote(text)}|`} ${id(to)}`);
    };
    if ("edge" in tree) {
      const { to } = tree.edge;
      const target = "sink" in to ? to.sink : to.stage;
      arrow(
        target,
        [label, "stage" in to && isKeyed(to.stage) ? "exchange by key" : ""]
          .filter((t) => t !== "")
          .join(", "),
      );
      return [];
    }
    arrow(tree.operator, label);
    const { operator } = tree;
    const below = tree.ports.flatMap((trees, port) =>
      trees.flatMap((t) => walk(operator, operator.kind === "branch" ? operator.branches[port].name : "", t)),
    );
    return [`    ${id(operator)}[${quote(describe(operator))}]`, ...below];
  };
  const sinks: SinkNode[] = [];
  stages.forEach((stage: StagePlan, i) => {
    lines.push(
      `  subgraph s${i + 1}[${quote(`stage ${i + 1}`)}]`,
      `    ${id(stage.head)}[${quote(describe(stage.head))}]`,
    );
    stage.ports.forEach((trees, port) => {
      for (const tree of trees)
        lines.push(...walk(stage.head, port > 0 ? portLabel(stage.head, port) : "", tree));
    });
    lines.push("  end");
    for (const { to } of stage.outputs) if ("sink" in to) sinks.push(to.sink);
  });
  for (const sink of sinks) lines.push(`  ${id(sink)}[(${quote(describe(sink))})]`);
  return `${[...lines, ...arrows].join("\n")}\n`;
}
