/**
 * What the makers of aggregates are given, checked where the pipeline is built; and what aggregates take of records
 * beyond what `Takes` says: their `input` refuses a value before any accumulator has changed.
 */
import { MillraceError, preview } from "../core/errors.ts";
import { type Key, type Token, tokenOf } from "../core/key.ts";

/** @throws OPTION_INVALID */
export function takeOf<In, X>(
  name: string,
  of: (value: In) => X,
  what: "of" | "score" = "of",
): (value: In) => X {
  return argument(`${name}: ${what}`, "a function", of, typeof of === "function");
}

/** The argument, if it can be had. @param takes what it is: "a whole number from 1 to 9" @throws OPTION_INVALID */
export function argument<X>(name: string, takes: string, value: X, isGood: boolean): X {
  if (!isGood) throw new MillraceError("OPTION_INVALID", `${name} is ${takes}, not ${preview(value)}`);
  return value;
}

/** For aggregates that order numbers: NaN has no place there. @throws OPTION_INVALID */
export function takeOrdered<In>(name: string, of: (value: In) => number): (value: In) => number {
  takeOf(name, of);
  return (value) => {
    const x = of(value);
    if (Number.isNaN(x))
      throw new MillraceError("AGGREGATE_INPUT_INVALID", `${name} takes numbers in an order, not NaN`);
    return x;
  };
}

/** Values that can be told apart: as keys are, and Dates by their time. */
export type Distinct = Key | Date;

/** No token of a key begins so (core/key.ts). */
const DATE_MARK = "\0d";

/** For aggregates that tell values apart: their tokens. @throws OPTION_INVALID */
export function takeToken<In>(name: string, of: (value: In) => Distinct): (value: In) => Token {
  takeOf(name, of);
  return (value) => {
    const x = of(value);
    if (x instanceof Date && !Number.isNaN(x.getTime())) return DATE_MARK + x.getTime();
    try {
      return tokenOf(x);
    } catch {
      throw new MillraceError(
        "AGGREGATE_INPUT_INVALID",
        `${name} takes strings, numbers, bigints, booleans, Dates and tuples as keys are, not ${preview(x)}`,
      );
    }
  };
}
