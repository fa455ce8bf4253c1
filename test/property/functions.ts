/** The user functions that specs name: pure, total over records and window results, whole numbers only (sums are exact). */
import { canonical } from "./canonical.ts";
import type { Datum, FlatMapName, KeyByName, MapName, PredicateName, RecordKey } from "./spec.ts";

const NOT_NUMBERS = ["key", "windowStart", "windowEnd", "pane", "paneIndex", "replaces", "id", "at", "copy"];

function whole(x: unknown): number | null {
  // + 0 turns -0 into 0.
  return typeof x === "number" && Number.isFinite(x) ? Math.round(x) + 0 : null;
}

/** The number that filters, maps and aggregates work with. */
export function numberOf(datum: Datum): number {
  const own = Object.hasOwn(datum, "value") ? whole(datum["value"]) : null;
  if (own !== null) return own;
  for (const [field, x] of Object.entries(datum).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const n = NOT_NUMBERS.includes(field) ? null : whole(x);
    if (n !== null) return n;
  }
  return 0;
}

/** Tells records apart: the id, the copy, and for window results what they are of. */
export function tagOf(datum: Datum): string {
  const part = (field: string): unknown => (Object.hasOwn(datum, field) ? datum[field] : undefined);
  const fields = ["id", "copy", "windowStart", "windowEnd", "pane", "paneIndex"].map(part);
  return canonical(fields[0] === undefined ? [part("key"), ...fields] : fields);
}

function keyOf(datum: Datum): RecordKey {
  return datum["key"] as RecordKey;
}

function mod(n: number, by: number): number {
  return ((n % by) + by) % by;
}

export const KEY_BY: { readonly [N in KeyByName]: (datum: Datum) => RecordKey } = {
  key: keyOf,
  parity: (d) => mod(numberOf(d), 2) === 0,
  pair: (d) => [typeof keyOf(d), mod(numberOf(d), 2)],
  one: () => "all",
};

/** How long a record keeps its session open: as it says itself, or by its number. */
export const gapOf = (datum: Datum): number =>
  typeof datum["gapMs"] === "number" ? datum["gapMs"] : 1 + mod(numberOf(datum), 8);

function swapped(key: RecordKey): RecordKey {
  switch (typeof key) {
    case "string":
      return key.length;
    case "number":
      return Number.isFinite(key) ? BigInt(Math.round(key)) : String(key);
    case "bigint":
      return [key, true];
    case "boolean":
      return key ? "true" : -0;
    default:
      return key.length > 1;
  }
}

export const MAPS: { readonly [N in MapName]: (datum: Datum) => Datum } = {
  add1: (d) => ({ ...d, value: numberOf(d) + 1 }),
  negate: (d) => ({ ...d, value: 0 - numberOf(d) }),
  swapKey: (d) => ({ ...d, key: swapped(keyOf(d)) }),
  oneKey: (d) => ({ ...d, key: "one" }),
  reshape: (d) => ({ value: numberOf(d), tag: tagOf(d), key: keyOf(d), extra: null }),
};

export const PREDICATES: { readonly [N in PredicateName]: (datum: Datum) => boolean } = {
  even: (d) => mod(numberOf(d), 2) === 0,
  positive: (d) => numberOf(d) > 0,
  textKey: (d) => typeof keyOf(d) === "string",
  third: (d) => mod(numberOf(d), 3) === 0,
  always: () => true,
  never: () => false,
};

const copies = (d: Datum, n: number): Datum[] => Array.from({ length: n }, (_, copy) => ({ ...d, copy }));

function* generated(d: Datum, n: number): Generator<Datum> {
  for (const copy of copies(d, n)) yield copy;
}

export const FLAT_MAPS: { readonly [N in FlatMapName]: (datum: Datum) => Iterable<Datum> } = {
  upToThree: (d) => copies(d, mod(numberOf(d), 4)),
  twice: (d) => generated(d, 2),
  none: () => [],
};
