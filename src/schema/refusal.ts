/**
 * Why a value can't be kept, found out after the fact.
 *
 * Encoders do not keep track of where they are: they throw REFUSED and are done. The one who called them walks over
 * the value again, slowly, for the sentence.
 */
import { MillraceError, preview } from "../core/errors.ts";
import { binaryKind } from "./binary.ts";
import { pathText, type Step } from "./path.ts";
import { isPlain, isPlainArray, MAX_DEPTH, MAX_ELEMENTS } from "./plain.ts";

/** Thrown by encoders, and never seen outside of codecs. */
export const REFUSED: unique symbol = Symbol("refused");

/** A part of a value that can't be kept: "items[3].price" "is a function". */
export interface Problem {
  readonly path: readonly Step[];
  readonly what: string;
}

export const problemText = ({ path, what }: Problem): string => `${pathText(path)} ${what}`;

/** The error for a value at which an encoder threw `thrown`; undefined: no problem is to be seen. */
export function refusal(problem: Problem | undefined, thrown: unknown): MillraceError {
  if (problem !== undefined) return new MillraceError("STATE_VALUE_REFUSED", problemText(problem));
  if (thrown instanceof MillraceError) return thrown;
  const cause = thrown === REFUSED ? undefined : thrown;
  return new MillraceError("STATE_VALUE_REFUSED", "the value can't be encoded", {}, cause);
}

const KNOWN = new Set<unknown>([Map.prototype, Set.prototype, Date.prototype, RegExp.prototype]);

/** The first part of the value that no structural codec can keep. */
export function unkept(
  value: unknown,
  path: readonly Step[] = [],
  above: readonly unknown[] = [],
): Problem | undefined {
  if (typeof value === "function" || typeof value === "symbol") return { path, what: `is a ${typeof value}` };
  if (typeof value !== "object" || value === null) return undefined;
  const again = above.indexOf(value);
  if (again >= 0) {
    const first = pathText(path.slice(0, path.length - above.length + again));
    return { path, what: `is ${first} again: a value that contains itself can't be kept` };
  }
  if (above.length > MAX_DEPTH) return { path, what: `is nested more than ${MAX_DEPTH} deep` };
  const prototype: unknown = Object.getPrototypeOf(value);
  const known = Array.isArray(value)
    ? isPlainArray(value)
    : isPlain(value) || KNOWN.has(prototype) || binaryKind(prototype) !== undefined;
  if (!known) return { path, what: `is an instance of ${className(value)}` };
  if (Array.isArray(value) && value.length > MAX_ELEMENTS) {
    return { path, what: `has more than ${MAX_ELEMENTS} elements` };
  }
  for (const [step, part] of partsOf(value)) {
    const problem = unkept(part, [...path, step], [...above, value]);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function* partsOf(value: object): Generator<readonly [Step, unknown]> {
  if (Array.isArray(value)) yield* value.entries();
  else if (value instanceof Map) {
    for (const [key, element] of value) {
      yield [KEY_STEP, key];
      yield [valueStep(key), element];
    }
  } else if (value instanceof Set) for (const element of value) yield [ELEMENT_STEP, element];
  else if (isPlain(value)) yield* Object.entries(value);
}

export const KEY_STEP: Step = { key: "keys", text: ".keys()" };
export const ELEMENT_STEP: Step = { key: "values", text: ".values()" };
/** To the value that a Map has for a key. */
export const valueStep = (key: unknown): Step => {
  const name = typeof key === "string" || typeof key === "number" ? key : preview(key, 40);
  return { key: name, text: `.get(${preview(key, 40)})` };
};

export function className(value: object): string {
  const made: unknown = value.constructor;
  return typeof made === "function" && made.name !== "" ? made.name : "a class";
}
