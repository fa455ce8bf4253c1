/** Timestamps: takes each record's from the user's function, checks it, and leaves out the records without one. */
import { MAX_TIMESTAMP } from "../core/time.ts";
import { anewOrShared } from "./anew.ts";

/**
 * Stamps `values[from ... to - 1]` into `ts` and returns the new end: refused records are gone, the others moved up.
 */
export type Stamp = (values: unknown[], ts: Float64Array, from: number, to: number) => number;

export interface StampPorts {
  readonly timestampOf: (value: unknown) => unknown;
  /** A record without a timestamp: `index` counts from `from`; `got` is what the function returned. */
  readonly refuse: (index: number, value: unknown, got: unknown, error: unknown) => void;
  readonly max: number;
}

/** Written like a head's factory (operator/contract.ts): made anew per source. */
export function stampLoop({ timestampOf, refuse, max }: StampPorts): Stamp {
  return function stamp(values, ts, from, to) {
    let kept = from;
    for (let i = from; i < to; i++) {
      const value = values[i];
      let got: unknown;
      try {
        got = timestampOf(value);
      } catch (error) {
        refuse(i - from, value, undefined, error);
        continue;
      }
      const time = typeof got === "number" ? got : got instanceof Date ? got.getTime() : Number.NaN;
      if (!(time >= -max && time <= max)) {
        refuse(i - from, value, got, undefined);
        continue;
      }
      if (kept !== i) values[kept] = value;
      ts[kept] = Math.floor(time);
      kept += 1;
    }
    return kept;
  };
}

export function compileStamp(ports: Omit<StampPorts, "max">, generated: boolean): Stamp {
  const all = { ...ports, max: MAX_TIMESTAMP };
  const shared = (): Stamp => stampLoop(all);
  const anew = (): Stamp => new Function("$", `"use strict"; return (${stampLoop.toString()})($);`)(all);
  return generated ? anewOrShared(anew, shared) : shared();
}
