/** Collects the nodes of a pipeline while it is written, gives them their names, and makes the plan of them. */
import { MillraceError } from "../core/errors.ts";
import type { DeadLetterSinkNode, Input, Plan, PlanNode, SinkNode } from "./node.ts";
import { checkSinkContent } from "./changelog.ts";
import { inputsOf, isKeyed } from "./node.ts";

export class PlanBuilder {
  readonly name: string;
  private readonly nodes: PlanNode[] = [];
  private readonly names = new Set<string>();
  private deadLetters: DeadLetterSinkNode | null = null;

  constructor(name: string) {
    this.name = name;
  }

  /** Adds a node under the name asked for, or one made of its kind (or another base): "map", "map-2", ... @throws NAME_TAKEN */
  add<N extends PlanNode>(
    node: Omit<N, "name">,
    name: string | undefined,
    base: string = (node as N).kind,
  ): N {
    const named = Object.freeze({ ...node, name: this.nameFor(base, name) }) as N;
    this.nodes.push(named);
    return named;
  }

  setDeadLetters(node: Omit<DeadLetterSinkNode, "name" | "kind">, name: string | undefined): void {
    if (this.deadLetters !== null) {
      throw new MillraceError("PIPELINE_INVALID", "The dead-letter stream has a sink already");
    }
    this.deadLetters = Object.freeze({
      ...node,
      kind: "deadLetterSink",
      name: this.nameFor("deadLetters", name),
    });
  }

  /** The plan: only nodes that lead to a sink. @throws PIPELINE_INVALID, EVENT_TIME_MISSING, DEAD_LETTER_SINK_MISSING */
  build(): Plan {
    const used = new Set<PlanNode>();
    const use = (node: PlanNode): void => {
      if (used.has(node)) return;
      used.add(node);
      for (const input of inputsOf(node)) use(input.node);
    };
    for (const node of this.nodes) if (node.kind === "sink") use(node);
    if (used.size === 0) {
      throw new MillraceError(
        "PIPELINE_INVALID",
        `Pipeline ${this.name} has no sink: end a stream with .to(sink)`,
      );
    }
    const nodes = this.nodes.filter((node) => used.has(node));
    const plan: Plan = { name: this.name, nodes, deadLetters: this.deadLetters };
    validate(plan);
    return plan;
  }

  /** Names of nodes that no sink hangs on. */
  unused(plan: Plan): readonly string[] {
    return this.nodes.filter((node) => !plan.nodes.includes(node)).map((node) => node.name);
  }

  private nameFor(kind: string, asked: string | undefined): string {
    if (asked !== undefined) {
      if (asked === "" || this.names.has(asked)) {
        throw new MillraceError(
          "NAME_TAKEN",
          asked === "" ? "A name can't be empty" : `There is an operator named ${asked} already`,
        );
      }
      this.names.add(asked);
      return asked;
    }
    let name = kind;
    for (let n = 2; this.names.has(name); n++) name = `${kind}-${n}`;
    this.names.add(name);
    return name;
  }
}

/** What can only be known of the whole. */
function validate(plan: Plan): void {
  const sinks = new Map<unknown, string>();
  const claim = ({ sink, name }: SinkNode | DeadLetterSinkNode): void => {
    for (const what of [sink, sink.resource]) {
      const other = what === undefined ? undefined : sinks.get(what);
      if (other !== undefined) {
        throw new MillraceError(
          "PIPELINE_INVALID",
          `${other} and ${name} write to the same sink, ${sink.description}: union the streams first`,
        );
      }
      if (what !== undefined) sinks.set(what, name);
    }
  };
  if (plan.deadLetters !== null) claim(plan.deadLetters);
  for (const node of plan.nodes) {
    const needing = needsEventTime(node);
    if (needing !== null) {
      throw new MillraceError(
        "EVENT_TIME_MISSING",
        `${needing} needs event time, but a source before it has no timestamp function`,
      );
    }
    if (node.kind === "sink") {
      claim(node);
      checkSinkContent(node);
    }
    if ("onError" in node && node.onError === "dead-letter" && plan.deadLetters === null) {
      throw new MillraceError(
        "DEAD_LETTER_SINK_MISSING",
        `${node.name} sends its failed records to the dead-letter stream, which has no sink`,
      );
    }
  }
}

/** What of a node needs event time and has none. */
function needsEventTime(node: PlanNode): string | null {
  if (!isKeyed(node) || hasEventTime(node.input)) return null;
  if (node.kind === "window") return node.windows.kind === "count" ? null : node.name;
  const state = node.states.find(({ ttl }) => ttl?.time === "event");
  return state === undefined ? null : `The ttl of ${state.name} in ${node.name}`;
}

/** Whether the records of an input have timestamps. */
export function hasEventTime(input: Input): boolean {
  if (input.node.kind === "source") return input.node.timestamp !== undefined;
  return inputsOf(input.node).every(hasEventTime);
}
