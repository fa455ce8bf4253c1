/**
 * The oracle's windows: the panes of one window step, from the complete log of its input.
 *
 * A log is what one edge carries, in order: elements and changes of the watermark, each with the ordinal of the trace
 * item that caused it. A record is judged by the watermark before it in the log. Aligned windows are told key by key
 * and window by window; sessions are told, at each record of a key anew, by sorting the key's remembered records by
 * timestamp and cutting where the distance exceeds the gap. Nothing is kept up to date: it is quadratic and more.
 */
import { canonical } from "./canonical.ts";
import { KEY_BY } from "./functions.ts";
import { AGGREGATES, type Held } from "./oracle-aggregate.ts";
import type { AssignerSpec, Datum, RecordKey, WindowStep } from "./spec.ts";

export interface Element {
  readonly ordinal: number;
  readonly value: Datum;
  readonly ts: number;
}

export type Entry = Element | { readonly ordinal: number; readonly watermark: number };
export type Log = readonly Entry[];

export const isElement = (entry: Entry): entry is Element => "value" in entry;

/** An element with its place in the log and the watermark before it. */
interface Placed extends Held {
  readonly index: number;
  readonly before: number;
}

interface Span {
  readonly start: number;
  readonly end: number;
}

interface Firing extends Span {
  /** Index in the log of the record or watermark that fired the pane. */
  readonly cause: number;
  readonly kind: "on-time" | "late";
  readonly paneIndex: number;
  readonly held: readonly Held[];
  /** Sessions only: earlier panes of other bounds that this one stands in for. */
  readonly replaces?: readonly Span[];
}

/** What becomes of the records of one key. */
interface Told {
  readonly firings: readonly Firing[];
  readonly late: readonly Placed[];
  readonly betweenWindows: number;
  readonly missedWindows: number;
}

export interface WindowOutcome {
  readonly results: Log;
  readonly late: Log;
  readonly counts: { readonly late: number; readonly betweenWindows: number; readonly missedWindows: number };
}

/** -0 is 0, also in tuples. */
function plainKey(key: RecordKey): RecordKey {
  if (typeof key === "number") return key + 0;
  return typeof key === "object" ? key.map((part) => (typeof part === "number" ? part + 0 : part)) : key;
}

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

/** Index of the first watermark entry behind `from` (and before `to`) that reaches `w`; -1 if none does. */
function reached(log: Log, w: number, from: number, to: number): number {
  for (let i = from + 1; i < to; i++) {
    const entry = log[i];
    if (!isElement(entry) && entry.watermark >= w) return i;
  }
  return -1;
}

function tellAligned(
  log: Log,
  records: readonly Placed[],
  step: WindowStep,
  assigner: Exclude<AssignerSpec, { type: "session" }>,
): Told {
  const { sizeMs, offsetMs } = assigner;
  const slideMs = assigner.type === "sliding" ? assigner.slideMs : sizeMs;
  const spansOf = (record: Placed): Span[] => alignedSpans(record.ts, sizeMs, slideMs, offsetMs);
  const misses = (record: Placed, { end }: Span): boolean => record.before >= end + step.allowedLatenessMs;

  const starts = [...new Set(records.flatMap((record) => spansOf(record).map(({ start }) => start)))];
  const firings = starts.flatMap((start): Firing[] => {
    const span = { start, end: start + sizeMs };
    const own = records.filter((r) => start <= r.ts && r.ts < span.end && !misses(r, span));
    const inTime = own.filter((r) => r.before < span.end);
    const after = own.filter((r) => r.before >= span.end);
    const onTime = inTime.length === 0 ? -1 : reached(log, span.end, inTime.at(-1)!.index, log.length);
    const first: Firing[] =
      onTime < 0 ? [] : [{ ...span, cause: onTime, kind: "on-time", paneIndex: 0, held: inTime }];
    const later = after.map((record, i): Firing => {
      const held = step.discard ? [record] : [...inTime, ...after.slice(0, i + 1)];
      return { ...span, cause: record.index, kind: "late", paneIndex: first.length + i, held };
    });
    return [...first, ...later];
  });

  const missed = records.map((record) => spansOf(record).filter((span) => misses(record, span)).length);
  // Without windows to go by (slide > size), the record's own timestamp takes the place of the end, as in Flink.
  const isBetween = (record: Placed): boolean => spansOf(record).length === 0;
  const isLate = (record: Placed, i: number): boolean =>
    isBetween(record)
      ? record.before > record.ts + step.allowedLatenessMs
      : missed[i] === spansOf(record).length;
  return {
    firings,
    late: records.filter(isLate),
    betweenWindows: records.filter((record, i) => isBetween(record) && !isLate(record, i)).length,
    missedWindows: missed.reduce((a, b) => a + b, 0),
  };
}

/** Records of one key in groups, cut where two neighbours in time are further apart than the gap. */
function sessionsOf(records: readonly Placed[], gapMs: number): Placed[][] {
  const sorted = records.slice().sort((a, b) => a.ts - b.ts);
  const cuts = sorted.flatMap((record, i) => (i === 0 || record.ts - sorted[i - 1].ts > gapMs ? [i] : []));
  return cuts.map((from, i) => sorted.slice(from, cuts[i + 1] ?? sorted.length));
}

function tellSessions(log: Log, records: readonly Placed[], step: WindowStep, gapMs: number): Told {
  const spanOf = (group: readonly Placed[]): Span => ({
    start: Math.min(...group.map(({ ts }) => ts)),
    end: Math.max(...group.map(({ ts }) => ts)) + gapMs,
  });
  const isOver = (group: readonly Placed[], w: number): boolean =>
    w >= spanOf(group).end + 1 + step.allowedLatenessMs;

  let remembered: Placed[] = [];
  const late: Placed[] = [];
  /** With all records of the session then, not only those in the pane: they tell which panes belong to one session. */
  const panes: (Firing & { readonly members: readonly Placed[] })[] = [];

  const fire = (group: readonly Placed[], cause: number, kind: Firing["kind"]): void => {
    const members = group.slice().sort((a, b) => a.index - b.index);
    const earlier = panes.filter((pane) => pane.members.some((record) => members.includes(record)));
    const shown = new Set(earlier.flatMap((pane) => pane.members));
    const held = step.discard ? members.filter((record) => !shown.has(record)) : members;
    const span = spanOf(members);
    // A pane stands until a later pane of its session is fired. A discarding pane stands in for nothing.
    const standing = earlier.filter(
      (pane) => !earlier.some((next) => next.cause > pane.cause && next.members.includes(pane.members[0])),
    );
    const replaces = standing
      .filter((pane) => !step.discard && (pane.start !== span.start || pane.end !== span.end))
      .map(({ start, end }) => ({ start, end }))
      .sort((a, b) => a.start - b.start);
    panes.push({ ...span, cause, kind, paneIndex: earlier.length, held, replaces, members });
  };

  records.forEach((record, i) => {
    // What was cleaned up since the record before is forgotten: nothing can join it any more.
    remembered = sessionsOf(remembered, gapMs)
      .filter((group) => !isOver(group, record.before))
      .flat();
    const joined = sessionsOf([...remembered, record], gapMs).find((group) => group.includes(record))!;
    if (isOver(joined, record.before)) {
      late.push(record);
    } else {
      remembered = [...remembered, record];
      if (record.before >= spanOf(joined).end + 1) fire(joined, record.index, "late");
    }
    const next = records[i + 1]?.index ?? log.length;
    for (const group of sessionsOf(remembered, gapMs)) {
      const shown = new Set(panes.flatMap(({ members }) => members));
      if (group.every((one) => shown.has(one))) continue;
      const due = reached(log, spanOf(group).end + 1, record.index, next);
      if (due >= 0) fire(group, due, "on-time");
    }
  });
  return { firings: panes, late, betweenWindows: 0, missedWindows: late.length };
}

function resultOf(step: WindowStep, key: RecordKey, firing: Firing): Datum {
  const values = step.aggregates.map(({ field, aggregate }) => [
    step.single ? "value" : field,
    AGGREGATES[aggregate](firing.held),
  ]);
  return {
    key,
    windowStart: firing.start,
    windowEnd: firing.end,
    pane: firing.kind,
    paneIndex: firing.paneIndex,
    ...(firing.replaces === undefined ? {} : { replaces: firing.replaces }),
    // Defines a field even where it is called __proto__.
    ...Object.fromEntries(values),
  };
}

export function windowOf(step: WindowStep, log: Log): WindowOutcome {
  const { assigner } = step;
  const byKey = new Map<string, { key: RecordKey; records: Placed[] }>();
  let before = Number.NEGATIVE_INFINITY;
  log.forEach((entry, index) => {
    if (!isElement(entry)) {
      before = entry.watermark;
      return;
    }
    const key = plainKey(KEY_BY[step.keyBy](entry.value));
    const id = canonical(key);
    const group = byKey.get(id) ?? { key, records: [] };
    group.records.push({ index, before, value: entry.value, ts: entry.ts });
    byKey.set(id, group);
  });

  const told = [...byKey.values()].map(({ key, records }) => ({
    key,
    ...(assigner.type === "session"
      ? tellSessions(log, records, step, assigner.gapMs)
      : tellAligned(log, records, step, assigner)),
  }));
  const firings = told
    .flatMap(({ key, firings }) => firings.map((firing) => ({ key, firing })))
    // One record fires its windows, and one watermark what is due, in the order of their ends.
    .sort((a, b) => a.firing.cause - b.firing.cause || a.firing.end - b.firing.end);
  const tooLate = new Set(told.flatMap(({ late }) => late.map(({ index }) => index)));

  // Sessions can still emit at end - 1 while the input is at end: their output's time runs 1 ms behind.
  const holdMs = assigner.type === "session" ? 1 : 0;
  const results: Entry[] = [];
  const late: Entry[] = [];
  log.forEach((entry, index) => {
    const { ordinal } = entry;
    for (const { key, firing } of firings.filter(({ firing }) => firing.cause === index)) {
      results.push({ ordinal, value: resultOf(step, key, firing), ts: firing.end - 1 });
    }
    if (isElement(entry)) {
      if (tooLate.has(index)) late.push(entry);
      return;
    }
    results.push({ ordinal, watermark: entry.watermark - holdMs });
    if (entry.watermark === Number.POSITIVE_INFINITY) late.push(entry);
  });

  const sum = (of: (one: Told) => number): number => told.reduce((total, one) => total + of(one), 0);
  return {
    results,
    late,
    counts: {
      late: sum((one) => one.late.length),
      betweenWindows: sum((one) => one.betweenWindows),
      missedWindows: sum((one) => one.missedWindows),
    },
  };
}
