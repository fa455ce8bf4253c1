/** Batches of which each rewrites all that the one before wrote, so that a torn one shows. */
import type { Change } from "../../src/state/contract.ts";

const KEPT = 300;
const REPLACED = 100;

/** Batch n gives all rows under "k" the value n, and puts new rows under "t" in the place of those that were there. */
export function batch(n: number): Change[] {
  return [...rows(n).slice(0, KEPT / 2), { from: "t", to: "u" }, ...rows(n).slice(KEPT / 2)];
}

/** What the store holds after batch n, in order. */
export function rows(n: number): { readonly address: string; readonly value: Buffer }[] {
  const value = Buffer.from(`${n}`.padEnd(200, "."));
  const digits = (i: number) => String(i).padStart(6, "0");
  return [
    ...Array.from({ length: KEPT }, (_, i) => ({ address: `k${digits(i)}`, value })),
    ...Array.from({ length: REPLACED }, (_, i) => ({ address: `t${digits(n)}${digits(i)}`, value })),
  ];
}
