/** The node of process(): a user's functions over the records of a key, with state, timers and outputs of its own. */
import type { Coding } from "../schema/coding.ts";
import type { WithInput } from "./node.ts";

/** Output port 0: what it emits; ports 1, 2, ...: its outputs, in their order. The input is a KeyByNode. */
export interface ProcessNode extends WithInput {
  readonly kind: "process";
  readonly states: readonly StateSpec[];
  readonly outputs: readonly string[];
  readonly onRecord: (value: unknown, context: unknown) => unknown;
  /** Absent: it sets no timers. */
  readonly onTimer: ((timer: unknown, context: unknown) => unknown) | undefined;
}

export interface StateSpec {
  readonly name: string;
  readonly kind: "value" | "list" | "map";
  /** Of a value: what it is before it was set. */
  readonly initial: (() => unknown) | undefined;
  readonly ttl: StateTtl | null;
  readonly coding: Coding;
  /** What onRecord will read of a map: these entries, or all; "all" of a list. */
  readonly touches: ((value: unknown) => Iterable<unknown>) | "all" | undefined;
}

export interface StateTtl {
  readonly ms: number;
  readonly time: "event" | "processing";
}
