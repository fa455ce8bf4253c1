/**
 * A step of process(): one record, or one timer, through the user's function.
 *
 * User code reads and changes in any order, and any read may miss, or the function throw. So nothing that it does takes
 * effect while it runs: states, timers and emissions keep the step's changes beside the tables, and show them to the
 * step's own reads. When the function is through and all rows that are to change are in memory, everything is
 * committed at once; a step that missed or failed is forgotten by beginning the next one. Nothing is ever undone.
 */
import type { Token } from "../core/key.ts";

export interface Step {
  /** Grows with every attempt: what is remembered of another one is void. */
  n: number;
  token: Token;
  /** Of the record, or of the timer. */
  timestamp: number;
  /** The event time from which a TTL counts, where the watermark is not beyond it. */
  eventTime: number;
  watermark: number;
  /** A read missed. Whatever the user's function makes of that, the step is run again. */
  missed: boolean;
}

/** A state of the user's towards the head. */
export interface KeptState {
  readonly handle: unknown;
  /** All rows that `commit` changes are in memory then. @throws MISS */
  prepare(): void;
  commit(): void;
  /** Asks for what onRecord will read for this record; returns how many rows that may be. */
  want(token: Token, value: unknown): number;
  /** Asks for what onTimer may read. */
  wantDue(token: Token): void;
  /** Removes what of the key has expired at `now`; returns how many values. @throws MISS */
  expire(token: Token, now: number): number;
}

/** How long the values of a state live: process-life.ts. */
export interface Life {
  /** A value is gone when this reaches its `until`. */
  now(): number;
  /** Of a value that is written now. */
  until(): number;
  /** Something of the key lives until then, and is to be removed after it. */
  register(token: Token, until: number): void;
}

/** What each of the three kinds of state is given. */
export interface StatePorts {
  readonly step: Step;
  /** null: without end. */
  readonly life: Life | null;
  /** Hands out a stored value: itself, or a copy where the step may be run again or forgotten. */
  readonly give: (value: unknown) => unknown;
}
