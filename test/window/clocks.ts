/** Zones that no government has made: offsets that change when and by how much a test wants. */
import fc from "fast-check";
import type { OffsetSpan, Zone } from "../../src/window/zone.ts";
import { DAY_MS } from "./wall-clock.ts";

/** A change of offset: so long after the one before. */
export interface Change {
  readonly afterMs: number;
  readonly offsetMs: number;
}

/** Spans that lie one after the other, for all time; the first change is `afterMs` after `from`. */
export function spansOf(from: number, firstOffsetMs: number, changes: readonly Change[]): OffsetSpan[] {
  const spans: OffsetSpan[] = [];
  let at = Number.NEGATIVE_INFINITY;
  let offsetMs = firstOffsetMs;
  let next = from;
  for (const change of changes) {
    next += change.afterMs;
    spans.push({ from: at, to: next, offsetMs });
    at = next;
    offsetMs = change.offsetMs;
  }
  return [...spans, { from: at, to: Number.POSITIVE_INFINITY, offsetMs }];
}

export function zoneOfSpans(spans: readonly OffsetSpan[]): Zone {
  return {
    name: "of spans",
    spanAt(timestamp) {
      const span = spans.find(({ to }) => timestamp < to);
      if (span === undefined) throw new Error(`no span at ${timestamp}`);
      return span;
    },
  };
}

/** Offsets within a day either way, in whole multiples. */
export function offsetArbitrary(unitMs: number): fc.Arbitrary<number> {
  const most = Math.floor((DAY_MS - 1) / unitMs);
  return fc.integer({ min: -most, max: most }).map((units) => units * unitMs);
}
