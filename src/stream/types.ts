/** The types of the fluent API, those that read as sentences when something is wrong included. */
import type { Aggregate } from "../aggregate/contract.ts";
import type { OnError } from "../connector/contract.ts";
import type { Duration } from "../core/time.ts";
import type { WatermarkOption } from "../core/watermark.ts";
import type { SessionWindows, UntimedWindows, WindowAssigner } from "../window/assigner.ts";
import type { Trigger } from "../window/trigger.ts";

export interface OperatorOptions {
  /** Identifies the operator's state and metrics. Default: its kind, numbered. */
  readonly name?: string;
  /** What becomes of a record for which the function throws. Default "fail" */
  readonly onError?: OnError;
}

export interface SourceOptions<T> extends OperatorOptions {
  /**
   * The record's event time: milliseconds since 1970 (fractions are dropped) or a Date. Without it the records have
   * no event time, unless the watermark is "processingTime", and can be windowed by count only.
   */
  readonly timestamp?: (value: T) => number | Date;
  /** How the source tells the progress of event time. Default "monotone" */
  readonly watermark?: WatermarkOption<T>;
}

export interface WindowOptions extends OperatorOptions {
  /** How long past its end a window takes late records, each of which fires it again. Default 0 */
  readonly allowedLateness?: Duration;
  /** Whether a pane holds everything so far, or only what came since the one before. Default "accumulating" */
  readonly panes?: "accumulating" | "discarding";
  /** When a window fires. Default: when the watermark reaches its end, and then once per late record */
  readonly trigger?: Trigger;
  /** One pane per window: it fires when no record can come any more, at its end + allowedLateness. Default false */
  readonly finalOnly?: boolean;
}

/**
 * Why a pane was emitted: its trigger fired it before the watermark reached the window's end ("early"), the watermark
 * reached it ("on-time"; once more for a session that a record re-opened), or it was fired after that ("late").
 */
export type PaneKind = "early" | "on-time" | "late";

/** What every window result says of its window. */
export interface Pane<K> {
  readonly key: K;
  /** First millisecond of the window. */
  readonly windowStart: number;
  /** First millisecond after it. */
  readonly windowEnd: number;
  readonly pane: PaneKind;
  /** How many panes of the window came before; of a session, those of the sessions that it joined included. */
  readonly paneIndex: number;
}

/** A session's result also names the panes that it stands in for, where sessions that had fired were joined. */
export interface SessionPane<K> extends Pane<K> {
  readonly replaces: readonly { readonly start: number; readonly end: number }[];
}

/** A result of count windows and of the global window: they have no bounds in time. */
export interface UntimedPane<K> extends Omit<Pane<K>, "windowStart" | "windowEnd"> {
  readonly windowStart: null;
  readonly windowEnd: null;
}

export type ReservedField = keyof SessionPane<unknown>;

/** Several aggregates by the name of their field, R the results of each: it infers T into them and R out of them. */
export type Fields<T, R> = {
  readonly [F in keyof R]: F extends ReservedField ? ReservedSentence : Aggregate<T, any, R[F]>;
};

/** Stands for a result that is not inferred: the argument of `aggregate` was of the other kind. */
export interface Absent {
  readonly absent: never;
}

/** What the aggregates add to a result: the field `value` for a single one, else one field each. */
export type Results<Out, R> =
  IsAny<Out> extends true
    ? { readonly value: Out }
    : [Out, Absent] extends [Absent, Out]
      ? { readonly [F in keyof R]: R[F] }
      : { readonly value: Out };

type Flat<T> = { [F in keyof T]: T[F] };

/** A result: the pane's fields and those of the aggregates. */
export type WindowResult<K, W extends WindowAssigner, R> = Flat<
  (W extends SessionWindows ? SessionPane<K> : W extends UntimedWindows ? UntimedPane<K> : Pane<K>) & R
>;

// Wrong use meets one of these, and the compiler shows the sentence.

export type KeySentence = "A key must be a string, a number, a bigint, a boolean, or a tuple of those";

type IsAny<U> = 0 extends 1 & U ? true : false;

export type MustNotBePromise<U> =
  IsAny<U> extends true
    ? unknown
    : [Extract<U, PromiseLike<unknown>>] extends [never]
      ? unknown
      : "This function must not be async: a pipeline's functions return their result at once";

export type ReservedSentence = "This name belongs to the window: give the aggregate another name";
