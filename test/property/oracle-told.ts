/** What the oracle's kinds of windows are given, and what each tells of the records of one key. */
import type { Held } from "./oracle-aggregate.ts";
import type { Datum } from "./spec.ts";

export interface Element {
  readonly ordinal: number;
  readonly value: Datum;
  readonly ts: number;
}

/** What one edge carries, in order. */
export type Entry = Element | { readonly ordinal: number; readonly watermark: number };
export type Log = readonly Entry[];

export const isElement = (entry: Entry): entry is Element => "value" in entry;

/** An element with its place in the log and the watermark before it. */
export interface Placed extends Held {
  readonly index: number;
  readonly before: number;
}

export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface Firing {
  /** null where the window has no bounds in time. */
  readonly start: number | null;
  readonly end: number | null;
  /** Index in the log of the record or watermark that fired the pane. */
  readonly cause: number;
  readonly kind: "early" | "on-time" | "late";
  readonly paneIndex: number;
  readonly held: readonly Held[];
  /** Sessions only: earlier panes of other bounds that this one stands in for. */
  readonly replaces?: readonly Span[];
}

/** What becomes of the records of one key. */
export interface Told {
  readonly firings: readonly Firing[];
  readonly late: readonly Placed[];
  readonly betweenWindows: number;
  readonly missedWindows: number;
}

/** Index of the first watermark entry behind `from` (and before `to`) that reaches `w`; -1 if none does. */
export function reached(log: Log, w: number, from: number, to: number): number {
  for (let i = from + 1; i < to; i++) {
    const entry = log[i];
    if (!isElement(entry) && entry.watermark >= w) return i;
  }
  return -1;
}

/** The watermark before an index of the log. */
export function watermarkBefore(log: Log, index: number): number {
  const entry = log.slice(0, index).findLast((one) => !isElement(one));
  return entry === undefined || isElement(entry) ? Number.NEGATIVE_INFINITY : entry.watermark;
}
