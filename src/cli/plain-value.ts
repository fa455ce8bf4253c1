/** Values of any kind for people and for JSON. */
import { inspect } from "node:util";
import type { Key } from "../core/key.ts";

/** Text longer than that is for no one's eyes. */
const MOST_CHARACTERS = 10_000;

/** One line, as Node's `inspect` shows it; of long lists the first 100. */
export const valueText = (value: unknown): string =>
  inspect(value, {
    depth: null,
    compact: true,
    breakLength: Number.POSITIVE_INFINITY,
    maxStringLength: MOST_CHARACTERS,
  });

/** As `--key` takes it, where JSON has it. */
export const keyText = (key: Key): string =>
  [key].flat().every((part) => typeof part !== "bigint" && !Number.isNaN(part))
    ? JSON.stringify(key)
    : valueText(key);

/** The value as JSON has it; what JSON has not (bigints, Maps, NaN, ...) as the text of `valueText`. */
export function jsonOf(value: unknown): unknown {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (Array.isArray(value)) return value.map(jsonOf);
  if (typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype)
    return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, jsonOf(field)]));
  return valueText(value);
}

/** ISO 8601; before the first and behind the last moment the number. */
export function timeText(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString();
}
