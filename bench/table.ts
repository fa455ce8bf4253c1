/** The table for people. */
import type { Comparison } from "./compare.ts";

const WIDTHS = [20, 11, 11, 8, 8, 8, 11];

const line = (cells: readonly string[]): string =>
  cells
    .map((cell, i) => (i === 0 ? cell.padEnd(WIDTHS[0]) : cell.padStart(WIDTHS[i] ?? 0)))
    .join(" ")
    .trimEnd();

export const titles = line(["benchmark", "ours ns", "by hand ns", "ratio", "target", "median", "records"]);

export function row(name: string, comparison: Comparison, target: number | null): string {
  const { ratio, oursNs, byHandNs, medianRatio, records, byHandWay } = comparison;
  const cells = [
    name,
    oursNs.toFixed(1),
    byHandNs.toFixed(1),
    ratio.toFixed(2),
    target === null ? "-" : String(target),
    medianRatio.toFixed(2),
    records.toLocaleString("en"),
  ];
  const notes = [
    target !== null && ratio > target ? "ABOVE TARGET" : "",
    byHandWay === "plain" ? "" : `by hand: ${byHandWay}`,
  ].filter((note) => note !== "");
  return `${line(cells)}  ${notes.join(", ")}`.trimEnd();
}
