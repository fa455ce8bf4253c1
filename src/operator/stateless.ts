/**
 * The stateless operators as closures; stateless-text.ts has the statements that the stage compiler puts in their
 * place. Both do the same: call the user's function once per record, hand a throw to `fail`, count what they leave out.
 */
import { preview } from "../core/errors.ts";
import type { Emit } from "./contract.ts";

/** What the engine needs to know of a stateless operator. */
export type Stateless =
  | { readonly kind: "map"; readonly fn: (value: unknown) => unknown }
  | {
      readonly kind: "filter";
      readonly fn: (value: unknown, timestamp: number) => unknown;
      readonly timed?: true;
    }
  | { readonly kind: "flatMap"; readonly fn: (value: unknown) => Iterable<unknown> }
  | { readonly kind: "peek"; readonly fn: (value: unknown) => void }
  /** Output port i takes the records for which predicate i is the first that holds; undefined holds for the rest. */
  | {
      readonly kind: "branch";
      readonly branches: readonly { readonly predicate: ((value: unknown) => unknown) | undefined }[];
    };

/** Counter of filter and branch: records left out (filtered, or matched by no branch). */
export const LEFT_OUT = 0;
/** Counter of flatMap: records given. */
export const GIVEN = 0;
/** Counters of branch: records given on port 0, 1, ... */
export const GIVEN_ON = 1;

/** How many counters an operator has. What it reads is what the one before gives, so most need none. */
export function countersOf(node: Stateless): number {
  if (node.kind === "branch") return GIVEN_ON + node.branches.length;
  return node.kind === "filter" || node.kind === "flatMap" ? 1 : 0;
}

/** All of what a flatMap's function returned: taken at once, so that a failure leaves none of it behind. */
export function itemsOf(given: unknown): readonly unknown[] {
  if (Array.isArray(given)) return given;
  if (typeof (given as Iterable<unknown> | null | undefined)?.[Symbol.iterator] !== "function") {
    throw new TypeError(`flatMap's function returned ${preview(given)}, which is not iterable`);
  }
  return Array.from(given as Iterable<unknown>);
}

export interface ClosureContext {
  readonly node: Stateless;
  /** By output port. */
  readonly next: readonly Emit[];
  /** Calls the stage's `fail` as this operator. */
  readonly fail: (error: unknown, value: unknown) => void;
  readonly counts: Float64Array;
  /** Where this operator's counters begin. */
  readonly base: number;
}

export function closure({ node, next, fail, counts, base }: ClosureContext): Emit {
  switch (node.kind) {
    case "map": {
      const { fn } = node;
      return (value, timestamp) => {
        let mapped: unknown;
        try {
          mapped = fn(value);
        } catch (error) {
          fail(error, value);
          return;
        }
        next[0](mapped, timestamp);
      };
    }
    case "filter": {
      const { fn, timed } = node;
      return (value, timestamp) => {
        let keep: unknown;
        try {
          keep = timed ? fn(value, timestamp) : (fn as (value: unknown) => unknown)(value);
        } catch (error) {
          fail(error, value);
          return;
        }
        if (keep) next[0](value, timestamp);
        else counts[base + LEFT_OUT] += 1;
      };
    }
    case "flatMap": {
      const { fn } = node;
      return (value, timestamp) => {
        let items: readonly unknown[];
        try {
          items = itemsOf(fn(value));
        } catch (error) {
          fail(error, value);
          return;
        }
        counts[base + GIVEN] += items.length;
        for (let i = 0; i < items.length; i++) next[0](items[i], timestamp);
      };
    }
    case "peek": {
      const { fn } = node;
      return (value, timestamp) => {
        try {
          fn(value);
        } catch (error) {
          fail(error, value);
          return;
        }
        next[0](value, timestamp);
      };
    }
    case "branch": {
      const predicates = node.branches.map((branch) => branch.predicate ?? (() => true));
      return (value, timestamp) => {
        let port = 0;
        try {
          while (port < predicates.length && !predicates[port](value)) port += 1;
        } catch (error) {
          fail(error, value);
          return;
        }
        if (port === predicates.length) {
          counts[base + LEFT_OUT] += 1;
          return;
        }
        counts[base + GIVEN_ON + port] += 1;
        next[port](value, timestamp);
      };
    }
  }
}
