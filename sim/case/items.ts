/** What the partitions of a run's sources hold, and the order in which it is taken. */
import type { Dice } from "../world/dice.ts";

/** A record; what else it holds is its pipeline's business. */
export interface Timed {
  readonly at: number;
}

export type Item =
  | { readonly record: Timed }
  | { readonly watermark: number }
  /** An input that the source can't decode, or a record without a time: each goes to the dead letters. */
  | { readonly bad: "malformed" | "timestamp" };

/** By source and partition. Every partition ends behind its last item. */
export type Inputs = readonly (readonly (readonly Item[])[])[];

export type TraceItem = { readonly source: number; readonly partition: number } & (
  | { readonly record: Timed }
  | { readonly watermark: number }
  | { readonly end: true }
);

/** What is taken, in its order. The index is the item's ordinal. */
export type Trace = readonly TraceItem[];

/** Bad inputs among the good ones. */
export function spoiled(inputs: Inputs, dice: Dice, rate: number): Inputs {
  const bad = (): Item => ({ bad: dice.chance(0.5) ? "malformed" : "timestamp" });
  return inputs.map((partitions) =>
    partitions.map((items) => items.flatMap((item) => (dice.chance(rate) ? [bad(), item] : [item]))),
  );
}

export const trimmed = (inputs: Inputs, most: number): Inputs =>
  inputs.map((partitions) => partitions.map((items) => items.slice(0, most)));

export const hasBad = (inputs: Inputs): boolean =>
  inputs.some((partitions) => partitions.some((items) => items.some((item) => "bad" in item)));
