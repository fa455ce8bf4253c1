/**
 * When a window fires. Without a trigger it fires when the watermark reaches its end, and then once per late record.
 *
 * A trigger is a small pure machine, one per window and key: with each record, and at the times that it asked for, it
 * is given its state and returns a step: the next state, whether the window fires now, and when to be asked again. It
 * has no clock and no memory but that; so what it does is replayed exactly after a restart.
 */

/** What a trigger sees of its window. Only valid during the call. */
export interface TriggerWindow {
  /** -Infinity for the global window. */
  readonly start: number;
  /** +Infinity for the global window. */
  readonly end: number;
  readonly watermark: number;
  /** Processing time: milliseconds since 1970. It moves between turns of the loop. */
  readonly now: number;
}

/** What a trigger decides. The engine reads it at once: a trigger may return the same object again and again. */
export interface TriggerStep<S> {
  /** Plain data: it is kept with the window. */
  readonly state: S;
  readonly fire: boolean;
  /** The watermark at which `onTime` is called; +Infinity: not by event time. Takes the place of the one before. */
  readonly eventTime: number;
  /** The same by processing time. */
  readonly processingTime: number;
}

export interface Trigger<S = any> {
  /** For explain(). */
  readonly name: string;
  /** A record was added. `state` is undefined for the window's first. */
  onRecord(state: S | undefined, value: unknown, timestamp: number, window: TriggerWindow): TriggerStep<S>;
  /** One of the times that it asked for has come; also when both have, and once for all that one advance passes. */
  onTime(state: S, window: TriggerWindow): TriggerStep<S>;
  /** Two sessions became one, with these bounds: before `onRecord` of the record that joined them. */
  merge(left: S, right: S, window: TriggerWindow): TriggerStep<S>;
}
