/** What a reader makes of a file of NDJSON. */
import type { OutRow } from "./place.ts";

/** Whole lines only: the last one may still be written. */
export function rowsOf(content: Buffer | null): { rows: string[]; broken: number } {
  const lines = (content?.toString() ?? "").split("\n").slice(0, -1);
  const rows: string[] = [];
  let broken = 0;
  for (const line of lines) {
    try {
      rows.push((JSON.parse(line) as OutRow).row);
    } catch {
      broken += 1;
    }
  }
  return { rows, broken };
}
