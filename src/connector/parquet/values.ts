/**
 * Parquet values as records hold them: numbers where they are exact, milliseconds for points in time.
 */
import type { ParquetParsers } from "hyparquet";

/** `value / per` rounded down, as a number; bigint division would round towards zero before 1970. */
function floorDivide(value: bigint, per: bigint): number {
  const quotient = value / per;
  return Number(value < 0n && quotient * per !== value ? quotient - 1n : quotient);
}

const DAY_MS = 86_400_000;

/** Points in time as whole milliseconds since 1970, rounded down; times without a zone count as UTC. */
export const timeParsers: Partial<ParquetParsers> = {
  timestampFromMilliseconds: (millis) => Number(millis),
  timestampFromMicroseconds: (micros) => floorDivide(micros, 1000n),
  timestampFromNanoseconds: (nanos) => floorDivide(nanos, 1_000_000n),
  dateFromDays: (days) => days * DAY_MS,
};

const MOST = BigInt(Number.MAX_SAFE_INTEGER);

/** A number where it is exact, else the bigint. */
export function exactNumber(value: bigint): number | bigint {
  return value <= MOST && value >= -MOST ? Number(value) : value;
}

/** A value of a list, map or struct column: bigints within it become numbers where they are exact. */
export function plainValue(value: unknown): unknown {
  if (typeof value === "bigint") return exactNumber(value);
  if (Array.isArray(value)) return value.map(plainValue);
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) {
    return value;
  }
  // fromEntries defines each field: assigning to one named __proto__ would not.
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plainValue(field)]));
}
