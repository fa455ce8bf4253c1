/**
 * Which files are the older generations of a file that is rotated, and in which order, told by their names alone.
 *
 * `app.log` may become `app.log.1` or `app.1.log` (counted: the lower, the newer) or `app.log-20260131`,
 * `app.log.2026-01-31.2`, `app-2026-01-31.log` (dated: the higher, the newer), packed or not. Names compare only within
 * one way of naming: files that someone else put there are never taken for generations in between.
 */

export interface Generation {
  /** The way of naming: two generations compare if theirs are the same. */
  readonly scheme: string;
  readonly numbers: readonly bigint[];
  readonly packed: boolean;
}

const PACKED = /\.(?:gz|bz2|xz|zst|lz4|zip|Z)$/;
const STAMP = /^[-._]\d+(?:[-._:T]\d+)*Z?$/;
/** A lone number is a count up to here, and a date or a time above: a year has four digits. */
const MOST_COUNT = 999n;

/** @example generationOf("app.log", "app.log.2.gz") // { scheme: "app.log.#", numbers: [2n], packed: true } */
export function generationOf(base: string, name: string): Generation | null {
  const plain = name.replace(PACKED, "");
  const dot = base.lastIndexOf(".");
  const [stem, ending] = dot > 0 ? [base.slice(0, dot), base.slice(dot)] : [base, ""];
  for (const [front, back] of [
    [base, ""],
    [stem, ending],
  ]) {
    if (plain.length <= front.length + back.length || !plain.startsWith(front) || !plain.endsWith(back))
      continue;
    const stamp = plain.slice(front.length, plain.length - back.length);
    if (!STAMP.test(stamp)) continue;
    const numbers = stamp.match(/\d+/g)!.map(BigInt);
    return { scheme: front + stamp.replace(/\d+/g, "#") + back, numbers, packed: plain !== name };
  }
  return null;
}

/** May the file be what `base` was once? By its beginning, or by the way rotated files are named. */
export function isRelated(base: string, name: string): boolean {
  return name.startsWith(base) || generationOf(base, name) !== null;
}

export interface NewerNames {
  /** The names of the newer files, the oldest first, `base` last. */
  readonly names: readonly string[];
  /** Of these, the first that can't be read, with the reason. */
  readonly lost: string | null;
}

/** Those of `all` that came after the file which is now called `name`. */
export function newerNames(base: string, all: readonly string[], name: string): NewerNames {
  if (name === base) return { names: [], lost: null };
  const live = all.includes(base) ? [base] : [];
  const own = generationOf(base, name);
  if (own === null) return { names: live, lost: null };
  const counted = isCount(own);
  const newer = new Map<string, { name: string; generation: Generation }>();
  for (const one of all) {
    const generation = generationOf(base, one);
    if (generation === null || generation.scheme !== own.scheme) continue;
    if ((counted ? compare(own, generation) : compare(generation, own)) <= 0) continue;
    const key = generation.numbers.join(" ");
    // While a file is being packed it is there twice.
    if (!newer.has(key) || !generation.packed) newer.set(key, { name: one, generation });
  }
  const order = [...newer.values()].sort((a, b) => compare(a.generation, b.generation));
  if (counted) order.reverse();
  const packed = order.find(({ generation }) => generation.packed);
  const missing = counted ? missingCount(own, newer) : null;
  const lost =
    missing !== null
      ? `number ${missing} of the rotated files is missing`
      : packed === undefined
        ? null
        : `${packed.name} was packed before it was read`;
  return { names: [...order.map((one) => one.name), ...live], lost };
}

/** All generations of `base`, the oldest first, `base` last. */
export function allNames(base: string, all: readonly string[]): NewerNames {
  const older = all.flatMap((name) => {
    const generation = generationOf(base, name);
    return generation === null ? [] : [{ name, generation }];
  });
  const [first] = older;
  if (first === undefined) return { names: all.filter((name) => name === base), lost: null };
  const other = older.find(({ generation }) => generation.scheme !== first.generation.scheme);
  if (other !== undefined)
    return { names: [], lost: `${first.name} and ${other.name} are not rotated in one way` };
  const counted = isCount(first.generation);
  const oldest = older.reduce((a, b) => (compare(a.generation, b.generation) < 0 === counted ? b : a));
  const { names, lost } = newerNames(base, all, oldest.name);
  return {
    names: [oldest.name, ...names],
    lost: oldest.generation.packed ? `${oldest.name} is packed` : lost,
  };
}

const isCount = ({ numbers }: Generation): boolean => numbers.length === 1 && numbers[0] <= MOST_COUNT;

/** Counts have no gaps from 1 on; some begin with 0. */
function missingCount(own: Generation, newer: ReadonlyMap<string, unknown>): bigint | null {
  for (let n = own.numbers[0] - 1n; n > 0n; n--) if (!newer.has(String(n))) return n;
  return null;
}

function compare(a: Generation, b: Generation): number {
  for (const [i, number] of a.numbers.entries()) {
    if (number !== b.numbers[i]) return number < b.numbers[i] ? -1 : 1;
  }
  return 0;
}
