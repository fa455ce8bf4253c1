/** A text for any plain value: equal values and only those have equal texts. -0 is not 0, 1 is not 1n, NaN is NaN. */

export interface CanonicalOptions {
  /** Fields left out at any depth, e.g. `replaces`. */
  readonly without?: readonly string[];
}

export function canonical(value: unknown, options: CanonicalOptions = {}): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (Object.is(value, -0)) return "-0";
  if (typeof value !== "object" || value === null) return String(value);
  if (value instanceof Date) return `Date(${value.getTime()})`;
  if (Array.isArray(value)) return `[${value.map((x) => canonical(x, options)).join(",")}]`;
  const fields = Object.keys(value)
    .filter((field) => options.without?.includes(field) !== true)
    .sort()
    .map(
      (field) => `${JSON.stringify(field)}:${canonical((value as Record<string, unknown>)[field], options)}`,
    );
  return `{${fields.join(",")}}`;
}

export interface Written {
  readonly value: unknown;
  readonly ts: number;
}

/** Records as a multiset: one text each, sorted. */
export function bagOf(records: readonly Written[], options: CanonicalOptions = {}): string[] {
  return records.map(({ value, ts }) => `@${ts} ${canonical(value, options)}`).sort();
}
