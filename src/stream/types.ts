/** The types of the fluent API, those that read as sentences when something is wrong included. */
import type { Aggregate, AnyAggregate } from "../aggregate/contract.ts";
import type { OnError } from "../connector/contract.ts";
import type { Key } from "../core/key.ts";
import type { Duration } from "../core/time.ts";
import type { WatermarkOption } from "../core/watermark.ts";
import type { SessionWindows, WindowAssigner } from "../window/assigner.ts";

export interface OperatorOptions {
  /** Identifies the operator's state and metrics. Default: its kind, numbered. */
  readonly name?: string;
  /** What becomes of a record for which the function throws. Default "fail" */
  readonly onError?: OnError;
}

export interface SourceOptions<T> extends OperatorOptions {
  /**
   * The record's event time: milliseconds since 1970 (fractions are dropped) or a Date. Without it the records have
   * no event time and can't be windowed.
   */
  readonly timestamp?: (value: T) => number | Date;
  /** How the source tells the progress of event time. Default "monotone" */
  readonly watermark?: WatermarkOption;
}

export interface WindowOptions extends OperatorOptions {
  /** How long past its end a window takes late records, each of which fires it again. Default 0 */
  readonly allowedLateness?: Duration;
  /** Whether a pane holds everything so far, or only what came since the one before. Default "accumulating" */
  readonly panes?: "accumulating" | "discarding";
}

/** Why a pane was emitted: the watermark passed the window's end, or a record came after that. */
export type PaneKind = "early" | "on-time" | "late";

/** What every window result says of its window. */
export interface Pane<K> {
  readonly key: K;
  /** First millisecond of the window. */
  readonly windowStart: number;
  /** First millisecond after it. */
  readonly windowEnd: number;
  readonly pane: PaneKind;
  /** 0 for the window's first pane. */
  readonly paneIndex: number;
}

/** A session's result also names the panes that it stands in for, where sessions that had fired were joined. */
export interface SessionPane<K> extends Pane<K> {
  readonly replaces: readonly { readonly start: number; readonly end: number }[];
}

export type ReservedField = keyof SessionPane<unknown>;

/** One aggregate, or several by the name of their field. */
export type Aggregates<T> = Aggregate<T, any, any> | { readonly [field: string]: Aggregate<T, any, any> };

type Results<A> =
  A extends Aggregate<any, any, infer Out>
    ? { readonly value: Out }
    : { readonly [F in keyof A]: A[F] extends Aggregate<any, any, infer Out> ? Out : never };

type Flat<T> = { [F in keyof T]: T[F] };

/** A result: the pane's fields and one field per aggregate (`value` for a single one). */
export type WindowResult<K, W extends WindowAssigner, A> = Flat<
  (W extends SessionWindows ? SessionPane<K> : Pane<K>) & Results<A>
>;

// Wrong use meets one of these, and the compiler shows the sentence.

export type MustBeKey<K> = K extends Key
  ? unknown
  : "A key must be a string, a number, a bigint, a boolean, or a tuple of those";

export type MustNotBePromise<U> = U extends PromiseLike<unknown>
  ? "This function must not be async: a pipeline's functions return their result at once"
  : unknown;

export type MustNotBeReserved<A> = A extends AnyAggregate
  ? unknown
  : Extract<keyof A, ReservedField> extends never
    ? unknown
    : `The name ${Extract<keyof A, ReservedField>} belongs to the window: give the aggregate another name`;
