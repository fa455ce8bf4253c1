/** The oracle's windows with bounds that hang on nothing but the timestamp: told window by window. */
import { panesByTrigger } from "./oracle-trigger.ts";
import { type Firing, type Log, type Placed, reached, type Span, type Told } from "./oracle-told.ts";
import type { FixedSpec, WindowStep } from "./spec.ts";

/** All windows of the grid that hold the timestamp, by counting up from below the lowest that can. */
function alignedSpans(ts: number, sizeMs: number, slideMs: number, offsetMs: number): Span[] {
  const spans: Span[] = [];
  const lowest = Math.floor((ts - sizeMs - offsetMs) / slideMs) - 1;
  for (let k = lowest; k * slideMs + offsetMs <= ts; k++) {
    const start = k * slideMs + offsetMs;
    if (ts < start + sizeMs) spans.push({ start, end: start + sizeMs });
  }
  return spans;
}

function spansOf(assigner: FixedSpec, ts: number): Span[] {
  switch (assigner.type) {
    case "tumbling":
      return alignedSpans(ts, assigner.sizeMs, assigner.sizeMs, assigner.offsetMs);
    case "sliding":
      return alignedSpans(ts, assigner.sizeMs, assigner.slideMs, assigner.offsetMs);
    case "cumulating": {
      // The steps of a tumbling window as long as the longest, each from its beginning.
      const { maxSizeMs, stepMs, offsetMs } = assigner;
      return alignedSpans(ts, maxSizeMs, maxSizeMs, offsetMs)
        .flatMap(({ start }) =>
          Array.from({ length: maxSizeMs / stepMs }, (_, i) => ({ start, end: start + (i + 1) * stepMs })),
        )
        .filter(({ end }) => ts < end);
    }
  }
}

/** The panes of one window without a trigger of its own. `own` are the records that it takes. */
function panesByDefault(log: Log, own: readonly Placed[], span: Span, step: WindowStep): Firing[] {
  const firesAt = span.end + (step.finalOnly ? step.allowedLatenessMs : 0);
  const inTime = own.filter((r) => r.before < firesAt);
  const after = own.filter((r) => r.before >= firesAt);
  const onTime = inTime.length === 0 ? -1 : reached(log, firesAt, inTime.at(-1)!.index, log.length);
  const first: Firing[] =
    onTime < 0 ? [] : [{ ...span, cause: onTime, kind: "on-time", paneIndex: 0, held: inTime }];
  const later = after.map((record, i): Firing => {
    const held = step.discard ? [record] : [...inTime, ...after.slice(0, i + 1)];
    return { ...span, cause: record.index, kind: "late", paneIndex: first.length + i, held };
  });
  return [...first, ...later];
}

export function tellFixed(log: Log, records: readonly Placed[], step: WindowStep, assigner: FixedSpec): Told {
  const spans = records.map(({ ts }) => spansOf(assigner, ts));
  const misses = (record: Placed, { end }: Span): boolean => record.before >= end + step.allowedLatenessMs;

  const windows = new Map(spans.flat().map((span) => [`${span.start} ${span.end}`, span]));
  const firings = [...windows.values()].flatMap((span): readonly Firing[] => {
    const own = records.filter((r) => span.start <= r.ts && r.ts < span.end && !misses(r, span));
    return step.trigger === undefined
      ? panesByDefault(log, own, span, step)
      : panesByTrigger(log, own, span, step.trigger, step);
  });

  const missed = records.map((record, i) => spans[i].filter((span) => misses(record, span)).length);
  // Without windows to go by (slide > size), the record's own timestamp takes the place of the end, as in Flink.
  const isLate = (record: Placed, i: number): boolean =>
    spans[i].length === 0
      ? record.before > record.ts + step.allowedLatenessMs
      : missed[i] === spans[i].length;
  return {
    firings,
    late: records.filter(isLate),
    betweenWindows: records.filter((record, i) => spans[i].length === 0 && !isLate(record, i)).length,
    missedWindows: missed.reduce((a, b) => a + b, 0),
  };
}
