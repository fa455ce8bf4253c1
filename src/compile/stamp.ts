/**
 * Stamps: takes each record's timestamp from the user's function, and what else it says of time, checks both, and leaves
 * out the records that can't be taken.
 */
import { MAX_TIMESTAMP } from "../core/time.ts";
import { anewOrShared } from "./anew.ts";

/** How far time is in a partition, as its records are read. */
export interface Reach {
  /** The greatest timestamp, or watermark with the bound on top; -Infinity before the first. */
  reach: number;
}

/**
 * Stamps `values[from ... to - 1]` into `ts` and returns the new end: refused records are gone, the others moved up.
 * `marks`, where the source is punctuated, gets the watermark that each record tells, -Infinity for none.
 */
export type Stamp = (
  values: unknown[],
  ts: Float64Array,
  marks: Float64Array | null,
  from: number,
  to: number,
  partition: Reach,
) => number;

/** Why a record can't be taken. `of` is the function that said, or was to say, the time. */
export type Refusal = { readonly of: "timestamp" | "punctuated" } & (
  | { readonly why: "threw"; readonly error: unknown }
  | { readonly why: "no time"; readonly got: unknown }
  /** `reach` is how far time was: the partition's, or for its first record the clock's. */
  | { readonly why: "ahead"; readonly time: number; readonly reach: number; readonly isFirst: boolean }
);

export interface StampPorts {
  readonly timestampOf: (value: unknown) => unknown;
  /** What a record says of time beside its timestamp; null where the source is not punctuated. */
  readonly punctuated: ((value: unknown, timestamp: number) => unknown) | null;
  /** `index` counts from `from`. */
  readonly refuse: (index: number, value: unknown, refusal: Refusal) => void;
  /** How far ahead a record may be; +Infinity: any. */
  readonly skewMs: number;
  readonly clock: { readonly tick: number };
  readonly max: number;
}

/** Written like a head's factory (operator/contract.ts): made anew per source. */
export function stampLoop({ timestampOf, punctuated, refuse, skewMs, clock, max }: StampPorts): Stamp {
  const isLimited = skewMs !== Number.POSITIVE_INFINITY;

  return function stamp(values, ts, marks, from, to, partition) {
    let { reach } = partition;
    let kept = from;
    for (let i = from; i < to; i++) {
      const value = values[i];
      let got: unknown;
      try {
        got = timestampOf(value);
      } catch (error) {
        refuse(i - from, value, { of: "timestamp", why: "threw", error });
        continue;
      }
      let time = typeof got === "number" ? got : got instanceof Date ? got.getTime() : Number.NaN;
      if (!(time >= -max && time <= max)) {
        refuse(i - from, value, { of: "timestamp", why: "no time", got });
        continue;
      }
      time = Math.floor(time);
      let mark = Number.NEGATIVE_INFINITY;
      if (punctuated !== null) {
        try {
          got = punctuated(value, time);
        } catch (error) {
          refuse(i - from, value, { of: "punctuated", why: "threw", error });
          continue;
        }
        if (got !== null && got !== undefined) {
          mark = typeof got === "number" ? got : got instanceof Date ? got.getTime() : Number.NaN;
          if (!(mark >= -max && mark <= max)) {
            refuse(i - from, value, { of: "punctuated", why: "no time", got });
            continue;
          }
          mark = Math.floor(mark);
        }
      }
      if (isLimited) {
        const isFirst = reach === Number.NEGATIVE_INFINITY;
        const known = isFirst ? clock.tick : reach;
        const furthest = mark > time ? mark : time;
        if (furthest > known + skewMs) {
          const of = mark > time ? "punctuated" : "timestamp";
          refuse(i - from, value, { of, why: "ahead", time: furthest, reach: known, isFirst });
          continue;
        }
        if (furthest > reach) reach = furthest;
      }
      if (kept !== i) values[kept] = value;
      ts[kept] = time;
      if (marks !== null) marks[kept] = mark;
      kept += 1;
    }
    partition.reach = reach;
    return kept;
  };
}

export function compileStamp(ports: Omit<StampPorts, "max">, generated: boolean): Stamp {
  const all = { ...ports, max: MAX_TIMESTAMP };
  const shared = (): Stamp => stampLoop(all);
  const anew = (): Stamp => new Function("$", `"use strict"; return (${stampLoop.toString()})($);`)(all);
  return generated ? anewOrShared(anew, shared) : shared();
}
