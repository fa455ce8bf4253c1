/** Text in columns. */

/**
 * The cells of each column below each other, the numbers of `right` (columns by index) at its right edge. Lines don't
 * end with spaces, and each with a line break.
 */
export function columns(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, cell.length);
    });
  const padded = (cell: string, i: number): string =>
    right.includes(i) ? cell.padStart(widths[i]) : cell.padEnd(widths[i]);
  return rows.map((row) => `${row.map(padded).join("  ").trimEnd()}\n`).join("");
}
