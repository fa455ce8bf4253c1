/** What a mistyped word may have meant. */

/** Edits that still count as a slip. */
const MOST_EDITS = 2;

/** "; did you mean X?", or nothing where no known word is near. */
export function nearest(word: string, known: readonly string[]): string {
  const [best] = known
    .map((candidate) => ({ candidate, edits: editsBetween(word, candidate) }))
    .toSorted((a, b) => a.edits - b.edits);
  return best !== undefined && best.edits <= MOST_EDITS ? `; did you mean ${best.candidate}?` : "";
}

/** Levenshtein distance, row by row. */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length];
}
