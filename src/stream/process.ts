/** What process() takes: its functions and what they are given, typed by the states and outputs that are declared. */
import { MillraceError, preview } from "../core/errors.ts";
import type { ProcessNode, StateSpec } from "../plan/process-node.ts";
import type { ListDeclaration, MapDeclaration, StateDeclaration, ValueDeclaration } from "./state.ts";
import type { MustNotBePromise } from "./types.ts";

/** What kind of records process() emits, or gives on one of its outputs. */
export interface Output<T> {
  readonly output: true;
  /** Only in the type. */
  readonly record?: T;
}

/** Says of which type the records are. @example emits: output<Total>() */
export function output<T>(): Output<T> {
  return { output: true };
}

export type States = {
  readonly [name: string]: ValueDeclaration<any, any> | ListDeclaration<any> | MapDeclaration<any, any>;
};
export type Outputs = { readonly [name: string]: Output<any> };
type RecordOf<O> = O extends Output<infer T> ? T : never;

/** A timer that fires. */
export interface Timer {
  /** "" where it was set without. */
  readonly name: string;
  /** For which it was set. */
  readonly time: number;
  readonly domain: "event" | "processing";
}

/** Timers of the key at hand. A name has one timer: a second one, of whichever kind of time, replaces the first. */
export interface ProcessTimers {
  /**
   * onTimer is called when the watermark reaches the time: where it has already, at its next advance. +Infinity is the
   * end of the input. @throws TIMESTAMP_INVALID, EVENT_TIME_MISSING
   */
  setEventTime(name: string, time: number): void;
  setEventTime(time: number): void;
  /** onTimer is called when the clock reaches the time; never after the end of the input. @throws TIMESTAMP_INVALID */
  setProcessingTime(name: string, time: number): void;
  setProcessingTime(time: number): void;
  delete(name?: string): void;
}

export interface ProcessContext<K, S, E, O> {
  readonly key: K;
  /** Of the record; of a timer, its time. NaN where the source gives none. */
  readonly timestamp: number;
  /** Before the record; in a timer of event time at least its time. */
  readonly watermark: number;
  /** The clock, as it stood when this turn of the job began: milliseconds since 1970. */
  readonly time: number;
  readonly state: { readonly [N in keyof S]: S[N] extends StateDeclaration<infer H> ? H : never };
  readonly timers: ProcessTimers;
  /** Gives a record; its timestamp is that of the record or timer, unless another is given. */
  emit(value: E, timestamp?: number): void;
  /** Gives a record on one of the outputs. */
  output<N extends keyof O & string>(name: N, value: RecordOf<O[N]>, timestamp?: number): void;
}

/** By map: which of its entries onRecord will read, or "all"; by list: "all". */
export type Touches<T, S> = {
  readonly [N in keyof S]?: S[N] extends MapDeclaration<infer K, any>
    ? ((value: T) => Iterable<K>) | "all"
    : S[N] extends ListDeclaration<any>
      ? "all"
      : never;
};

export interface ProcessSpec<T, K, S, E, O, R, RT> {
  /** By name: made by valueState, listState, mapState. */
  readonly state?: S;
  /** The type of what `emit` takes. Default: nothing can be emitted */
  readonly emits?: Output<E>;
  /** Further streams of records, by name. */
  readonly outputs?: O;
  /** What onRecord will read: loaded ahead where state is not all in memory. Only the speed hangs on it. */
  readonly touches?: Touches<T, NoInfer<S>>;
  onRecord(
    this: void,
    record: T,
    context: ProcessContext<K, NoInfer<S>, NoInfer<E>, NoInfer<O>>,
  ): R & MustNotBePromise<R>;
  onTimer?(
    this: void,
    timer: Timer,
    context: ProcessContext<K, NoInfer<S>, NoInfer<E>, NoInfer<O>>,
  ): RT & MustNotBePromise<RT>;
}

/** Names of states stand in addresses of rows; and an object's prototype is no state. */
const STATE_NAME = /^(?!__proto__$)[A-Za-z_$][\w$]*$/;

/** What of the node the spec says. @throws OPTION_INVALID */
export function processParts(
  spec: ProcessSpec<any, any, States, any, Outputs, unknown, unknown>,
): Pick<ProcessNode, "states" | "outputs" | "onRecord" | "onTimer"> {
  if (typeof spec !== "object" || spec === null)
    throw invalid(`process takes an object with onRecord, not ${preview(spec)}`);
  const { state = {}, emits, outputs = {}, touches = {}, onRecord, onTimer } = spec;
  if (typeof onRecord !== "function")
    throw invalid(`process: onRecord is a function, not ${preview(onRecord)}`);
  if (onTimer !== undefined && typeof onTimer !== "function")
    throw invalid(`process: onTimer is a function, not ${preview(onTimer)}`);
  for (const [name, one] of [["emits", emits ?? output()] as const, ...Object.entries(outputs)]) {
    if (one?.output !== true) throw invalid(`process: ${name} is output<...>(), not ${preview(one)}`);
  }
  const stranger = Object.keys(touches).find((name) => !Object.hasOwn(state, name));
  if (stranger !== undefined) throw invalid(`process: touches names ${stranger}, which is no state`);
  const states = Object.entries(state).map(([name, declared]): StateSpec => {
    if (!STATE_NAME.test(name))
      throw invalid(
        `process: ${preview(name)} can't be a state's name: it is an identifier of plain letters`,
      );
    if (declared?.spec?.coding === undefined) {
      throw invalid(
        `process: state ${name} is made by valueState, listState or mapState, not ${preview(declared)}`,
      );
    }
    const touched = touches[name] as StateSpec["touches"];
    const { kind } = declared.spec;
    const fits =
      touched === undefined ||
      (touched === "all" && kind !== "value") ||
      (typeof touched === "function" && kind === "map");
    if (!fits) throw invalid(`process: touches can't say ${preview(touched)} of ${name}, a ${kind}`);
    return { ...declared.spec, name, touches: touched };
  });
  return {
    states,
    outputs: Object.keys(outputs),
    onRecord: onRecord as ProcessNode["onRecord"],
    onTimer: onTimer as ProcessNode["onTimer"],
  };
}

const invalid = (what: string): MillraceError => new MillraceError("OPTION_INVALID", what);
