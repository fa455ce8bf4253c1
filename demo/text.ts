/** Plain text for people: tables, numbers, UTC dates. */

const integers = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** 1234567.8 -> "1,234,568" */
export const whole = (n: number): string => integers.format(n);
/** 0.123 -> "12 %" */
export const percent = (share: number): string => `${Math.round(share * 100)} %`;
/** 2001-06-14 */
export const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
/** 17:05 */
export const time = (ms: number): string => new Date(ms).toISOString().slice(11, 16);
/** 2001-06-14 17:05 */
export const moment = (ms: number): string => `${day(ms)} ${time(ms)}`;
export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** 19380000 -> "5h 23m" */
export function hours(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  return `${Math.floor(minutes / 60)}h ${String(minutes % 60).padStart(2, "0")}m`;
}

/** Columns aligned under their heads: numbers to the right (their heads begin with a space), texts to the left. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heads.map((head, i) => Math.max(head.trim().length, ...rows.map((row) => row[i].length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (heads[i].startsWith(" ") ? cell.trim().padStart(widths[i]) : cell.padEnd(widths[i])))
      .join("  ")
      .trimEnd();
  const rule = widths.map((width) => "-".repeat(width));
  return [heads, rule, ...rows].map((cells) => `  ${line(cells)}\n`).join("");
}
