/** How many different values: exactly, by keeping them, or about, in a fixed space. */
import type { Token } from "../core/key.ts";
import { type Aggregate, builtIn } from "./contract.ts";
import { addCode, codeOf, estimate, mergeSketches, type Sketch } from "./hyper-log-log.ts";
import { argument, type Distinct, takeToken } from "./input.ts";

/**
 * How many different values: SQL's COUNT(DISTINCT of). Values are the same as keys are the same: -0 is 0, NaN is NaN,
 * tuples go by their content, 1 is not "1"; Dates go by their time.
 * The state of a window grows with its different values: explain() says so.
 * @example distinctCount((v: { user: string }) => v.user)
 * @throws OPTION_INVALID; AGGREGATE_INPUT_INVALID (by the operator's onError) for null, undefined and objects
 */
export function distinctCount<In>(of: (value: In) => Distinct): Aggregate<In, Set<Token>, number> {
  return {
    ...builtIn,
    name: "distinctCount",
    takes: "anything",
    input: takeToken("distinctCount", of),
    create: () => new Set(),
    add: (seen, token: Token) => seen.add(token),
    merge: (a, b) => {
      for (const token of b) a.add(token);
      return a;
    },
    result: (seen) => seen.size,
    bound: "window",
  };
}

/**
 * About how many different values, by HyperLogLog: standard error 1.04 / sqrt(2^precision), 0.8 % by default; up to
 * 2^precision / 8 values (2,048) it is practically exact. Values are told apart as distinctCount does.
 *
 * One accumulator has 2^precision bytes (16 KB); one with few values has 8 bytes per value.
 *
 * @param options.precision a whole number from 4 to 18. Default 14
 * @example approxDistinctCount((v: { user: string }) => v.user) // 1_003_512, of a million
 * @throws OPTION_INVALID; AGGREGATE_INPUT_INVALID (by the operator's onError) for null, undefined and objects
 *
 * Source: Flajolet et al. 2007, Heule et al. 2013, Ertl 2017 (hyper-log-log.ts).
 */
export function approxDistinctCount<In>(
  of: (value: In) => Distinct,
  options: { readonly precision?: number } = {},
): Aggregate<In, Sketch, number> {
  const { precision = 14 } = options;
  const isGood = Number.isInteger(precision) && precision >= 4 && precision <= 18;
  argument("approxDistinctCount: precision", "a whole number from 4 to 18", precision, isGood);
  return {
    ...builtIn,
    name: `approxDistinctCount(${precision})`,
    takes: "anything",
    input: takeToken("approxDistinctCount", of),
    create: () => [],
    add: (sketch, token: Token) => addCode(sketch, codeOf(token), precision),
    merge: (a, b) => mergeSketches(a, b, precision),
    result: estimate,
  };
}
