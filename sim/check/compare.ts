/** Rows that are visible against those that should be. Each function gives the first difference as text, or null. */
import type { ExpectedRow } from "../case/case.ts";

/** As many of each, and in the order of the inputs that brought them. */
export function sameRows(visible: readonly string[], expected: readonly ExpectedRow[]): string | null {
  const fault = beginningOf(visible, expected);
  if (fault !== null || visible.length === expected.length) return fault;
  return `${visible.length} rows of ${expected.length}: ${expected[visible.length].row} is missing`;
}

/** The first rows of what is expected. */
export function beginningOf(visible: readonly string[], expected: readonly ExpectedRow[]): string | null {
  let at = 0;
  while (at < visible.length) {
    if (at >= expected.length) return `row ${at} should not be there: ${visible[at]}`;
    const { ordinal } = expected[at];
    let end = at;
    while (end < expected.length && expected[end].ordinal === ordinal) end += 1;
    const left = expected.slice(at, end).map(({ row }) => row);
    for (const row of visible.slice(at, end)) {
      const found = left.indexOf(row);
      if (found < 0) return `row ${at}: ${row}, where ${left.join(" or ")} should be`;
      left.splice(found, 1);
      at += 1;
    }
  }
  return null;
}

/** As many of each, in any order. */
export function sameBag(visible: readonly string[], expected: readonly ExpectedRow[]): string | null {
  return noMore(visible, expected) ?? noLess(visible, expected);
}

/** Each no more often than expected. */
export function noMore(visible: readonly string[], expected: readonly ExpectedRow[]): string | null {
  const counts = countsOf(expected.map(({ row }) => row));
  for (const row of visible) {
    const left = counts.get(row) ?? 0;
    if (left === 0) return `too often, or not at all to be there: ${row}`;
    counts.set(row, left - 1);
  }
  return null;
}

/** Each at least as often as expected. */
export function noLess(visible: readonly string[], expected: readonly ExpectedRow[]): string | null {
  const counts = countsOf(visible);
  for (const { row } of expected) {
    const left = counts.get(row) ?? 0;
    if (left === 0) return `missing: ${row}`;
    counts.set(row, left - 1);
  }
  return null;
}

/** None that is not expected at all. */
export function onlyThese(visible: readonly string[], expected: readonly ExpectedRow[]): string | null {
  const known = new Set(expected.map(({ row }) => row));
  const unknown = visible.find((row) => !known.has(row));
  return unknown === undefined ? null : `not to be there: ${unknown}`;
}

function countsOf(rows: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const row of rows) counts.set(row, (counts.get(row) ?? 0) + 1);
  return counts;
}
