/**
 * HyperLogLog: about how many different values, in a fixed space.
 *
 * A value's hash chooses one of m = 2^precision registers; the register keeps the greatest rank (leading zeros + 1) of
 * the bits behind. A few values are kept sparse instead: sorted codes of 25 bits of index and a rank, which is exact
 * but for collisions of 25 bits. More than m / 8 codes would need more memory than the registers, and become those.
 * Both forms follow from the set of hashes alone, so any order and any merging gives the same sketch.
 *
 * Invariant: a sparse sketch has at most m / 8 codes, ascending, one per index.
 * Cost: sparse a binary search and at times a move of up to m / 8 numbers, dense one byte; the estimate O(m).
 * Error: standard error 1.04 / sqrt(m), over the whole range; sparse practically none.
 *
 * Sources: Flajolet, Fusy, Gandouet, Meunier, "HyperLogLog" (AofA 2007); Heule, Nunkesser, Hall, "HyperLogLog in
 * practice" (EDBT 2013): 64 bits of hash, sparse form; Ertl, "New cardinality estimation algorithms for HyperLogLog
 * sketches" (arXiv:1702.01284, algorithm 6): the estimate, which needs no tables of corrections.
 */
import type { Token } from "../core/key.ts";
import { hashToken } from "./hash.ts";

/** Sparse codes, or registers. */
export type Sketch = number[] | Uint8Array;

/** Bits of index in a sparse code; behind them RANK_BITS of rank. */
const SPARSE_BITS = 25;
const RANK_BITS = 6;

const SEEDS = [0x6a09e667, 0x3b67ae85] as const;

/** Of 64 bits of hash, the first 25 and the rank of the other 39: all that either form needs. Below 2^31. */
export function codeOf(token: Token): number {
  const high = hashToken(token, SEEDS[0]);
  const index = high >>> (32 - SPARSE_BITS);
  const rest = high & 0x7f;
  const rank = rest !== 0 ? Math.clz32(rest) - 24 : 8 + Math.clz32(hashToken(token, SEEDS[1]));
  return index * 2 ** RANK_BITS + rank;
}

const indexOf = (code: number): number => code >>> RANK_BITS;

export function addCode(sketch: Sketch, code: number, precision: number): Sketch {
  if (sketch instanceof Uint8Array) {
    raise(sketch, code, precision);
    return sketch;
  }
  let at = 0;
  for (let high = sketch.length; at < high; ) {
    const middle = (at + high) >> 1;
    if (sketch[middle] < code) at = middle + 1;
    else high = middle;
  }
  const index = indexOf(code);
  if (at < sketch.length && indexOf(sketch[at]) === index) return sketch;
  if (at > 0 && indexOf(sketch[at - 1]) === index) {
    sketch[at - 1] = code;
    return sketch;
  }
  sketch.splice(at, 0, code);
  return sketch.length > 2 ** precision / 8 ? dense(sketch, precision) : sketch;
}

/** The left one with the right one in it. */
export function mergeSketches(left: Sketch, right: Sketch, precision: number): Sketch {
  if (!(right instanceof Uint8Array)) {
    for (const code of right) left = addCode(left, code, precision);
    return left;
  }
  const registers = left instanceof Uint8Array ? left : dense(left, precision);
  for (let i = 0; i < registers.length; i++) if (right[i] > registers[i]) registers[i] = right[i];
  return registers;
}

function dense(codes: readonly number[], precision: number): Uint8Array {
  const registers = new Uint8Array(2 ** precision);
  for (const code of codes) raise(registers, code, precision);
  return registers;
}

function raise(registers: Uint8Array, code: number, precision: number): void {
  // The bits of the sparse index that are not the register's are the first of those that are ranked.
  const more = SPARSE_BITS - precision;
  const index = indexOf(code);
  const rest = index & (2 ** more - 1);
  const rank = rest !== 0 ? Math.clz32(rest) - 31 + more : more + (code & (2 ** RANK_BITS - 1));
  const register = index >>> more;
  if (rank > registers[register]) registers[register] = rank;
}

/** About how many different values were added: a whole number. */
export function estimate(sketch: Sketch): number {
  if (!(sketch instanceof Uint8Array)) {
    const indices = 2 ** SPARSE_BITS;
    return Math.round(-indices * Math.log1p(-sketch.length / indices));
  }
  const m = sketch.length;
  const highest = 64 - Math.log2(m) + 1;
  const having = new Array<number>(highest + 1).fill(0);
  for (const rank of sketch) having[rank] += 1;
  let z = m * tau(1 - having[highest] / m);
  for (let rank = highest - 1; rank > 0; rank--) z = (z + having[rank]) / 2;
  z += m * sigma(having[0] / m);
  return Math.round((m * m) / (2 * Math.LN2 * z));
}

/** What the registers that are still 0 add: x + the sum of 2^(k - 1) x^(2^k). */
function sigma(x: number): number {
  let sum = x;
  for (let before = Number.NaN, factor = 1; sum !== before; factor *= 2) {
    before = sum;
    x *= x;
    sum += x * factor;
  }
  return sum;
}

/** What the registers that can't rise add. */
function tau(x: number): number {
  if (x === 0 || x === 1) return 0;
  let sum = 1 - x;
  for (let before = Number.NaN, factor = 0.5; sum !== before; factor /= 2) {
    before = sum;
    x = Math.sqrt(x);
    sum -= (1 - x) ** 2 * factor;
  }
  return sum / 3;
}
