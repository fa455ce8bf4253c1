/**
 * The plan: an immutable graph that says what is computed, made by the fluent API (and later by SQL). Every node has
 * a name of its own, which identifies its state and its metrics. An input is an output port of another node.
 */
import type { AnyAggregate } from "../aggregate/contract.ts";
import type { WatermarkStrategy } from "../core/watermark.ts";
import type { OnError, Sink, Source } from "../connector/contract.ts";
import type { WindowAssigner } from "../window/assigner.ts";
import type { Trigger } from "../window/trigger.ts";
import type { ProcessNode } from "./process-node.ts";

export interface Input {
  readonly node: PlanNode;
  readonly port: number;
}

interface Named {
  readonly name: string;
}

export interface WithInput extends Named {
  readonly input: Input;
  readonly onError: OnError;
}

export interface SourceNode extends Named {
  readonly kind: "source";
  readonly source: Source<unknown>;
  /** "clock": the time at which a record is taken. Absent: the records have no event time. */
  readonly timestamp: ((value: unknown) => unknown) | "clock" | undefined;
  readonly watermark: WatermarkStrategy;
  readonly onError: OnError;
}

export interface MapNode extends WithInput {
  readonly kind: "map";
  readonly fn: (value: unknown) => unknown;
}

export interface FilterNode extends WithInput {
  readonly kind: "filter";
  readonly fn: (value: unknown, timestamp: number) => unknown;
  /** The function is given the record's timestamp, too. Functions of users are not. */
  readonly timed?: true;
}

export interface FlatMapNode extends WithInput {
  readonly kind: "flatMap";
  readonly fn: (value: unknown) => Iterable<unknown>;
}

export interface PeekNode extends WithInput {
  readonly kind: "peek";
  readonly fn: (value: unknown) => void;
}

/** Output port i: the records for which predicate i is the first that holds; undefined holds for the rest. */
export interface BranchNode extends WithInput {
  readonly kind: "branch";
  readonly branches: readonly {
    readonly name: string;
    readonly predicate: ((value: unknown) => unknown) | undefined;
  }[];
}

export interface KeyByNode extends WithInput {
  readonly kind: "keyBy";
  readonly fn: (value: unknown) => unknown;
}

export interface UnionNode extends Named {
  readonly kind: "union";
  readonly inputs: readonly Input[];
}

/**
 * Output port 0: the results; port 1: the late records; port 2, of sessions that fire more than once: the results and,
 * with -1 in place of their index, which of those that are out are over. The input is a KeyByNode.
 */
export interface WindowNode extends WithInput {
  readonly kind: "window";
  readonly windows: WindowAssigner;
  readonly latenessMs: number;
  /** True: each pane holds only what came since the last one. */
  readonly discard: boolean;
  /** null: it fires at its end, and then once per late record. */
  readonly trigger: Trigger | null;
  /** It fires at its end + lateness and takes no record after that. */
  readonly finalOnly: boolean;
  readonly aggregates: Aggregates;
}

/** What becomes of the panes of the window before it: see changelog.ts. */
export interface ChangelogNode extends Named {
  readonly kind: "changelog";
  readonly input: Input;
  /** What it gives: changes, or again panes. */
  readonly form: "changes" | "rows";
  /** By the clock: at most one change per window and key in so long; 0: each. */
  readonly throttleMs: number;
}

/** One aggregate, whose result is the field `value`; or several by the name of their field. */
export type Aggregates =
  | { readonly one: AnyAggregate }
  | { readonly fields: ReadonlyMap<string, AnyAggregate> };

/** The aggregates in order, each with the field that shows its result. */
export function fieldsOf(
  aggregates: Aggregates,
): readonly { readonly name: string; readonly aggregate: AnyAggregate }[] {
  if ("one" in aggregates) return [{ name: "value", aggregate: aggregates.one }];
  return Array.from(aggregates.fields, ([name, aggregate]) => ({ name, aggregate }));
}

export interface SinkNode extends Named {
  readonly kind: "sink";
  readonly input: Input;
  readonly sink: Sink<unknown>;
}

/** Takes every dead letter of the job. */
export interface DeadLetterSinkNode extends Named {
  readonly kind: "deadLetterSink";
  readonly sink: Sink<unknown>;
}

/** Operators without state, which a stage carries behind its head. */
export type StatelessNode = MapNode | FilterNode | FlatMapNode | PeekNode | BranchNode;

export type PlanNode =
  | SourceNode
  | StatelessNode
  | KeyByNode
  | UnionNode
  | WindowNode
  | ProcessNode
  | ChangelogNode
  | SinkNode;

/** Whether a node works per key, behind a KeyByNode. */
export function isKeyed(node: PlanNode): node is WindowNode | ProcessNode {
  return node.kind === "window" || node.kind === "process";
}

export interface Plan {
  readonly name: string;
  /** In the order of definition, inputs before what reads them. */
  readonly nodes: readonly PlanNode[];
  readonly deadLetters: DeadLetterSinkNode | null;
}

export function inputsOf(node: PlanNode): readonly Input[] {
  return node.kind === "source" ? [] : node.kind === "union" ? node.inputs : [node.input];
}
