/** Sums of doubles that don't hang on the order of arrival. */
import { type Aggregate, builtIn, type Running } from "./contract.ts";
import { type Expansion, grow, nearest } from "./expansion.ts";
import { takeOf } from "./input.ts";

export interface ExactTotal {
  readonly parts: Expansion;
  /** The sum of numbers from 2^960 on, divided by SCALE: 2^60 of either kind can't overflow. */
  readonly huge: Expansion;
  nan: number;
  plusInfinity: number;
  minusInfinity: number;
}

const HUGE = 2 ** 960;
const SCALE = 2 ** 128;

/** @param sign -1 takes the number out again */
function put(total: ExactTotal, x: number, sign: 1 | -1): ExactTotal {
  if (Math.abs(x) < HUGE) grow(total.parts, sign * x);
  else if (Number.isFinite(x)) grow(total.huge, (sign * x) / SCALE);
  else if (Number.isNaN(x)) total.nan += sign;
  else if (x > 0) total.plusInfinity += sign;
  else total.minusInfinity += sign;
  return total;
}

/** Sums of `huge` from here on are not cancelled by what is in `parts`; below, they can be unscaled. */
const FAR = 2 ** 1022 / SCALE;
/** Numbers from here on can be divided by SCALE and lose no bit. */
const SCALABLE = 2 ** -800;

function sumOf({ parts, huge, nan, plusInfinity, minusInfinity }: ExactTotal): number {
  if (nan > 0 || (plusInfinity > 0 && minusInfinity > 0)) return Number.NaN;
  if (plusInfinity > 0) return Number.POSITIVE_INFINITY;
  if (minusInfinity > 0) return Number.NEGATIVE_INFINITY;
  if (huge.length === 0) return nearest(parts);
  if (Math.abs(nearest(huge)) < FAR) {
    const all = parts.slice();
    for (const x of huge) grow(all, x * SCALE);
    return nearest(all);
  }
  const scalable = parts.filter((x) => Math.abs(x) >= SCALABLE);
  // Of what is below, only the sign can matter, where all else ends half-way: that of the greatest part.
  const rest = parts[parts.length - scalable.length - 1] ?? 0;
  const all = huge.slice();
  for (const x of scalable) grow(all, x / SCALE);
  grow(all, Math.sign(rest) * Number.MIN_VALUE);
  return nearest(all) * SCALE;
}

/** Totals of doubles, each of which can be taken out again. */
export const exactTotal: Running<number, ExactTotal> = {
  create: () => ({ parts: [], huge: [], nan: 0, plusInfinity: 0, minusInfinity: 0 }),
  put,
  accumulator: sumOf,
};

/** The total with all of another one (1), or without it (-1). */
function putAll(
  into: ExactTotal,
  { parts, huge, nan, plusInfinity, minusInfinity }: ExactTotal,
  sign: 1 | -1,
) {
  for (const x of parts) grow(into.parts, sign * x);
  for (const x of huge) grow(into.huge, sign * x);
  into.nan += sign * nan;
  into.plusInfinity += sign * plusInfinity;
  into.minusInfinity += sign * minusInfinity;
  return into;
}

/**
 * The sum of a number of each record, as if added with infinite precision and rounded once: the same bits in any order
 * of arrival, where `sum` may differ in the last ones. A sum beyond the doubles is an infinity, one of zeros is 0.
 * NaN gives NaN, and so do infinities of both signs; one infinity gives that.
 * @example exactSum((o: { amount: number }) => o.amount) // 0.1 ten times: 1, where sum gives 0.9999999999999999
 * @throws OPTION_INVALID; AGGREGATE_INPUT_INVALID (by the operator's onError) where the function returns no number
 *
 * Source: Shewchuk 1997, Python's math.fsum (expansion.ts).
 */
export function exactSum<In>(of: (value: In) => number): Aggregate<In, ExactTotal, number> {
  return {
    ...builtIn,
    name: "exactSum",
    takes: "number",
    input: takeOf("exactSum", of),
    create: exactTotal.create,
    add: (total, x: number) => put(total, x, 1),
    merge: (a, b) => putAll(a, b, 1),
    result: sumOf,
    retract: (total, x: number) => put(total, x, -1),
    running: { create: exactTotal.create, put: putAll, accumulator: (total) => total },
  };
}
