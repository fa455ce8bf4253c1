/** Which sinks of a plan a reprocessing can correct, and why it leaves the others alone. */
import { windowOf } from "../plan/changelog.ts";
import type { Input, Plan, SinkNode, WindowNode } from "../plan/node.ts";
import { inputsOf } from "../plan/node.ts";

/** A sink that is not written. */
export interface LeftSink {
  readonly name: string;
  readonly description: string;
  /** Goes on behind "SINK is left alone: ". */
  readonly why: string;
}

export interface SinksOfPlan {
  readonly corrected: readonly SinkNode[];
  readonly left: readonly LeftSink[];
}

/** Late records are an output of windows beside their results. */
export const LATE_PORT = 1;

export function sinksOf(plan: Plan): SinksOfPlan {
  const corrected: SinkNode[] = [];
  const left: LeftSink[] = [];
  for (const node of plan.nodes) {
    if (node.kind !== "sink" || node.sink.lateRecords !== undefined) continue;
    const why = whyLeft(node);
    if (why === null) corrected.push(node);
    else left.push({ name: node.name, description: node.sink.description, why });
  }
  if (plan.deadLetters !== null) {
    const { name, sink } = plan.deadLetters;
    left.push({ name, description: sink.description, why: "it has the dead letters of the job" });
  }
  return { corrected, left };
}

function whyLeft({ sink, input }: SinkNode): string | null {
  if (sink.form !== "upsert") return "it only appends, and what it has can't be taken back";
  if (sink.correct === undefined) return "it can't replace the rows of a range";
  return whyNotByRange(input) ?? whyNotAnew(input, new Set());
}

/** Why the rows of a range can't be told among the records of an input. */
function whyNotByRange(input: Input): string | null {
  const { node } = input;
  switch (node.kind) {
    case "source":
      return `its rows come from ${node.name} and no window`;
    case "process":
      return `its rows come from ${node.name}, which has no windows`;
    case "window":
      return node.windows.kind === "count" || node.windows.kind === "global"
        ? `the windows of ${node.name} have no bounds in time`
        : null;
    default:
      return (
        inputsOf(node)
          .map(whyNotByRange)
          .find((why) => why !== null) ?? null
      );
  }
}

/** Why what an input is made of would be something else when it is read again. */
function whyNotAnew({ node, port }: Input, seen: Set<unknown>): string | null {
  if (node.kind === "window" && port === LATE_PORT)
    return `it is made of the late records of ${node.name}, and here no record is late`;
  if (seen.has(node)) return null;
  seen.add(node);
  if (node.kind === "process" && (node.onTimer !== undefined || node.states.some(({ ttl }) => ttl !== null)))
    return `before it stands ${node.name}, whose timers and times to live need the progress of time`;
  for (const input of inputsOf(node)) {
    const why = whyNotAnew(input, seen);
    if (why !== null) return why;
  }
  return null;
}

/** The windows of which a sink's rows are results. */
export function windowsOf({ node }: Input): readonly WindowNode[] {
  if (node.kind === "window") return [node];
  if (node.kind === "changelog") return [windowOf(node)];
  return inputsOf(node).flatMap(windowsOf);
}

/** A window, and the sinks that keep its late records. */
export interface LateLogs {
  readonly logs: ReadonlyMap<WindowNode, readonly SinkNode[]>;
  readonly left: readonly LeftSink[];
}

export function lateLogsOf(plan: Plan): LateLogs {
  const logs = new Map<WindowNode, SinkNode[]>();
  const left: LeftSink[] = [];
  for (const node of plan.nodes) {
    if (node.kind !== "sink" || node.sink.lateRecords === undefined) continue;
    const window = lateWindowOf(node.input);
    const derived = window === null ? null : derivedFrom(window.input);
    if (window !== null && derived === null) logs.set(window, [...(logs.get(window) ?? []), node]);
    else
      left.push({
        name: node.name,
        description: node.sink.description,
        why:
          window === null
            ? "its records are not the late ones of one window, as they came"
            : `its records are made by ${derived}, which makes them anew`,
      });
  }
  return { logs, left };
}

/** The window whose late records come in, all of them or some, but as they are; null where there is none. */
function lateWindowOf({ node, port }: Input): WindowNode | null {
  if (node.kind === "window") return port === LATE_PORT ? node : null;
  return node.kind === "filter" || node.kind === "peek" || node.kind === "branch"
    ? lateWindowOf(node.input)
    : null;
}

/** The name of an operator with state or time that the records of an input are made by; null: they are the sources'. */
function derivedFrom({ node }: Input): string | null {
  if (node.kind === "window" || node.kind === "process" || node.kind === "changelog") return node.name;
  return (
    inputsOf(node)
      .map(derivedFrom)
      .find((name) => name !== null) ?? null
  );
}
