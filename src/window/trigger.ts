/**
 * When a window fires. Without a trigger it fires when the watermark reaches its end, and then once per late record.
 *
 * A trigger is a small pure machine, one per window and key: with each record, and at the times that it asked for, it
 * is given its state and returns a step: the next state, whether the window fires now, and when to be asked again. It
 * has no clock and no memory but that; so what it does is replayed exactly after a restart. What is ready-made
 * (triggers.ts, pace.ts) is no more than this.
 *
 * Source: Akidau et al., "The Dataflow Model" (VLDB 2015), section 2.3.
 */

/** What a trigger sees of its window. Only valid during the call. */
export interface TriggerWindow {
  /** -Infinity for the global window. */
  readonly start: number;
  /** +Infinity for the global window. Of a session: with the record at hand. */
  readonly end: number;
  /** The operator's own. A record is judged by the one before it; `onTime` sees the one that was reached. */
  readonly watermark: number;
  /** Processing time: milliseconds since 1970. It moves between turns of the loop. */
  readonly now: number;
}

/** What a trigger decides. The engine reads it at once: a trigger may return the same object again and again. */
export interface TriggerStep<S> {
  /** Plain data: it is kept with the window. Its parts are not to be changed any more. */
  readonly state: S;
  /** A discarding window to which nothing was added since it last fired has nothing to emit. */
  readonly fire: boolean;
  /**
   * The watermark at which `onTime` is called, in place of what was asked before; one that is reached already: at the
   * next advance. Default +Infinity: not before the end of the input, which only the global window lives to see.
   */
  readonly eventTime?: number;
  /** The same by processing time. Default +Infinity: never. */
  readonly processingTime?: number;
}

/**
 * A trigger. What it throws in `onRecord` is dealt with as the window's `onError` says; elsewhere it ends the job.
 *
 * @typeParam S its state
 * @typeParam T the records
 * @example
 * // As soon as somebody orders for more than 1000, and at the window's end.
 * const big: Trigger<null, { amount: number }> = {
 *   name: "big orders",
 *   onRecord: (_, order, _timestamp, { end }) => ({ state: null, fire: order.amount > 1000, eventTime: end }),
 *   onTime: () => ({ state: null, fire: true }),
 *   merge: () => null,
 * };
 */
export interface Trigger<S = any, T = any> {
  /** For explain(). */
  readonly name: string;
  /** A record comes in. `state` is undefined for the window's first. */
  onRecord(state: S | undefined, value: T, timestamp: number, window: TriggerWindow): TriggerStep<S>;
  /** A time that it asked for has come; once, however many times one advance passes. */
  onTime(state: S, window: TriggerWindow): TriggerStep<S>;
  /** The state of two sessions that became one. `onRecord` of the record that joined them follows. */
  merge(left: S, right: S): S;
}

export const isTrigger = (value: unknown): value is Trigger =>
  typeof value === "object" &&
  value !== null &&
  typeof Reflect.get(value, "name") === "string" &&
  ["onRecord", "onTime", "merge"].every((part) => typeof Reflect.get(value, part) === "function");
