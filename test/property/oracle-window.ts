/**
 * The oracle's windows: the panes of one window step, from the complete log of its input.
 *
 * A log is what one edge carries, in order: elements and changes of the watermark, each with the ordinal of the trace
 * item that caused it. A record is judged by the watermark before it in the log. Each kind of windows is told key by
 * key (oracle-fixed.ts, oracle-session.ts, oracle-untimed.ts). Nothing is kept up to date: it is quadratic and more.
 */
import { canonical } from "./canonical.ts";
import { gapOf, KEY_BY } from "./functions.ts";
import { AGGREGATES } from "./oracle-aggregate.ts";
import { tellFixed } from "./oracle-fixed.ts";
import { tellSessions } from "./oracle-session.ts";
import {
  type Entry,
  type Firing,
  isElement,
  type Log,
  type Placed,
  type Told,
  watermarkBefore,
} from "./oracle-told.ts";
import { tellCounts, tellGlobal } from "./oracle-untimed.ts";
import type { Datum, RecordKey, WindowStep } from "./spec.ts";

export type { Element, Entry, Log } from "./oracle-told.ts";
export { isElement } from "./oracle-told.ts";

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

function tell(log: Log, records: readonly Placed[], step: WindowStep): Told {
  const { assigner, trigger, discard } = step;
  switch (assigner.type) {
    case "tumbling":
    case "sliding":
    case "cumulating":
      return tellFixed(log, records, step, assigner);
    case "session":
      return tellSessions(log, records, step, () => assigner.gapMs, assigner.maxDurationMs);
    case "sessionDynamic":
      return tellSessions(log, records, step, ({ value }) => gapOf(value));
    case "count":
      return tellCounts(records, assigner.size, assigner.slide);
    case "global":
      return tellGlobal(log, records, trigger ?? { type: "atEnd" }, discard);
  }
}

/** How far the output's time runs behind: sessions can still emit at end - 1 while the input is at end. */
function holdOf({ assigner, finalOnly, allowedLatenessMs }: WindowStep): number {
  const isSession = assigner.type === "session" || assigner.type === "sessionDynamic";
  return (isSession ? 1 : 0) + (finalOnly ? allowedLatenessMs : 0);
}

/** Without bounds in time: the latest of its records', but not below what left the operator before. */
function timestampOf({ end, held, cause }: Firing, log: Log): number {
  return end === null ? Math.max(watermarkBefore(log, cause), ...held.map(({ ts }) => ts)) : end - 1;
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
    ...tell(log, records, step),
  }));
  const firings = told
    .flatMap(({ key, firings }) => firings.map((firing) => ({ key, firing })))
    // One record fires its windows, and one watermark what is due, in the order of their ends.
    .sort((a, b) => a.firing.cause - b.firing.cause || (a.firing.end ?? 0) - (b.firing.end ?? 0));
  const tooLate = new Set(told.flatMap(({ late }) => late.map(({ index }) => index)));

  const holdMs = holdOf(step);
  const results: Entry[] = [];
  const late: Entry[] = [];
  log.forEach((entry, index) => {
    const { ordinal } = entry;
    for (const { key, firing } of firings.filter(({ firing }) => firing.cause === index)) {
      results.push({ ordinal, value: resultOf(step, key, firing), ts: timestampOf(firing, log) });
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
