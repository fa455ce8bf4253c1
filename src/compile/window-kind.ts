/** The heads of windows: which one a node gets, its tables, and the functions that are made anew with it. */
import { MillraceError } from "../core/errors.ts";
import { decodeNumber, encodeNumber, keyOf as keyOfToken, tokenOf } from "../core/key.ts";
import type { Fields } from "../operator/aggregator.ts";
import { alignedWindowHead, type PaneCell } from "../operator/aligned-window.ts";
import { type CountRow, countWindowHead } from "../operator/count-window.ts";
import { alignedBounds, calendarBounds, cumulatingBounds, globalBounds } from "../operator/fixed-windows.ts";
import { isNumeric, numberForm } from "../operator/number-aggregator.ts";
import { prefetchKeys } from "../operator/prefetch-keys.ts";
import { recordWindows } from "../operator/record-windows.ts";
import { atSessionEnd } from "../operator/session-firing.ts";
import { chainedSessions, cutSessions, givenWindows } from "../operator/session-places.ts";
import { bySessionTrigger, type TriggeredSessionRow } from "../operator/session-trigger.ts";
import { pairedSlices, stepSlices } from "../operator/slice-bounds.ts";
import { sliceFiring } from "../operator/slice-firing.ts";
import { type PanesRow, sliceLate } from "../operator/slice-late.ts";
import { sliceRows } from "../operator/slice-rows.ts";
import { type SliceCell, sliceTotals, type TotalRow } from "../operator/slice-totals.ts";
import { slicedWindowHead } from "../operator/sliced-window.ts";
import { type SessionRow, sessionWindowHead } from "../operator/session-window.ts";
import { stepLoop } from "../operator/step-loop.ts";
import { type TriggeredRow, triggeredWindowHead } from "../operator/triggered-window.ts";
import { fieldsOf, type KeyByNode, type WindowNode } from "../plan/node.ts";
import { overlaps, whyNotBySlices } from "../plan/slicing.ts";
import { Table } from "../state/table.ts";
import { Timers } from "../state/timers.ts";
import { copyOf } from "../state/value-copy.ts";
import {
  type CalendarWindows,
  type CountWindows,
  describeWindows,
  type FixedWindows,
  type GlobalWindow,
  isPerRecord,
  type SessionWindows,
} from "../window/assigner.ts";
import { type Calendar, calendarsOf } from "../window/calendar.ts";
import type { Trigger } from "../window/trigger.ts";
import { guardedTrigger } from "../window/trigger-guard.ts";
import type { HeadKind } from "./contract.ts";

/** What all heads of windows are given. */
interface Common {
  readonly name: string;
  readonly fields: Fields;
  readonly ports: {
    readonly latenessMs: number;
    readonly [port: string]: unknown;
  };
  /** What the rows mean: rows of another signature are not this program's. */
  readonly signature: string;
}

export function windowKind(node: WindowNode, keyBy: KeyByNode | null): HeadKind {
  const { name, windows, latenessMs, discard, finalOnly } = node;
  const trigger = node.trigger === null ? null : guardedTrigger(node.trigger, name);
  const fields = fieldsOf(node.aggregates);
  const common: Common = {
    name,
    fields,
    // A window that fires once, when it takes no more records, is one without lateness under a later watermark.
    ports: {
      keyOf: keyBy?.fn,
      tokenOf,
      keyOfToken,
      discard,
      latenessMs: finalOnly ? 0 : latenessMs,
      holdMs: finalOnly ? latenessMs : 0,
    },
    signature: `${describeWindows(windows)}: ${fields.map((f) => `${f.name} ${f.aggregate.name}`).join(", ")}`,
  };
  if (windows.kind === "count") return countKind(windows, common);
  if (isPerRecord(windows)) return perRecordKind(windows, trigger, common);
  if (trigger !== null) return triggeredKind(windows, trigger, common);
  if (windows.kind !== "global")
    return overlaps(node) && whyNotBySlices(node) === null
      ? slicedKind(windows, common)
      : fixedKind(windows, common);
  throw new MillraceError("ENGINE_BUG", `no head for ${describeWindows(windows)}`);
}

function perRecordKind(
  windows: SessionWindows | CalendarWindows,
  trigger: Trigger | null,
  { name, fields, ports, signature }: Common,
): HeadKind {
  const table = new Table<SessionRow<unknown>>(
    name,
    windows.kind === "session" ? "sessions" : "windows",
    "by-key",
  );
  table.signature = trigger === null ? signature : `${signature}, ${trigger.name}`;
  const timers = new Timers();
  const wakeUps = new Timers();
  const outlives = ports.latenessMs > 0 || trigger !== null;
  return {
    factory: sessionWindowHead,
    ports: { ...ports, ...spanOf(windows), table, timers, outlives, trigger, wakeUps },
    tables: [table],
    aggregator: { fields, withReplaces: windows.kind === "session", outlive: outlives },
    index: {
      table,
      add(token, row) {
        timers.push((row as SessionRow<unknown>).armed, token);
        if (trigger === null) return;
        const { woken } = row as TriggeredSessionRow<unknown>;
        if (woken !== Number.POSITIVE_INFINITY) wakeUps.push(woken, token);
      },
    },
    parts: {
      stepLoop,
      prefetchKeys,
      placesOf: placesOf(windows),
      firingOf: trigger === null ? atSessionEnd : bySessionTrigger,
    },
  };
}

/** The interval that a record brings. */
function spanOf(windows: SessionWindows | CalendarWindows): object {
  if (windows.kind === "calendar") {
    const { unit, zone } = windows;
    const calendars = calendarsOf(unit);
    const zoneOf = zone as (value: unknown) => string;
    const calendarOf = (value: unknown): Calendar => calendars(zoneOf(value));
    return { gapMs: Number.NaN, gapOf: null, calendarOf, closesAfterMs: 0 };
  }
  const { gapMs, maxDurationMs } = windows;
  const gap = typeof gapMs === "function" ? { gapMs: Number.NaN, gapOf: gapMs } : { gapMs, gapOf: null };
  // At w = end a record at distance gap may still come.
  return { ...gap, calendarOf: null, maxDurationMs, closesAfterMs: 1 };
}

function placesOf(windows: SessionWindows | CalendarWindows): HeadKind["parts"][string] {
  if (windows.kind === "calendar") return givenWindows;
  return windows.maxDurationMs === null ? chainedSessions : cutSessions;
}

function countKind({ size, slide }: CountWindows, { name, fields, ports, signature }: Common): HeadKind {
  const table = new Table<CountRow<unknown>>(name, "counts", "by-key");
  table.signature = signature;
  return {
    factory: countWindowHead,
    ports: {
      ...ports,
      table,
      size,
      slide,
      hasCustom: fields.some(({ aggregate }) => aggregate.custom),
      copyOf,
    },
    tables: [table],
    aggregator: { fields, withReplaces: false, outlive: size > slide },
    index: null,
    parts: { stepLoop, prefetchKeys },
  };
}

function fixedKind(windows: FixedWindows, { name, fields, ports, signature }: Common): HeadKind {
  const table = new Table<PaneCell>(name, "panes", "by-time");
  table.signature = signature;
  const outlive = ports.latenessMs > 0;
  const form = numberForm(fields, outlive);
  if (isNumeric(fields)) table.numberForm = form;
  return {
    factory: alignedWindowHead,
    ports: { ...ports, ...measuresOf(windows), table, valuesOf: form.valuesOf },
    tables: [table],
    aggregator: { fields, withReplaces: false, outlive },
    index: null,
    parts: { stepLoop, recordWindows, boundsOf: boundsOf(windows) },
  };
}

function slicedKind(windows: FixedWindows, { name, fields, ports, signature }: Common): HeadKind {
  const table = new Table<SliceCell>(name, "slices", "by-time");
  const totals = new Table<TotalRow>(name, "totals", "by-key");
  const panes = new Table<PanesRow>(name, "panes", "by-time");
  const tables = [table, totals, panes];
  for (const rows of tables) rows.signature = signature;
  const outlive = ports.latenessMs > 0;
  const form = numberForm(fields, outlive);
  if (isNumeric(fields)) table.numberForm = form;
  const totalsBy = sliceTotals(fields, copyOf);
  return {
    factory: slicedWindowHead,
    ports: { ...ports, ...windows, ...form, table, totals, panes, totalsBy },
    tables,
    aggregator: { fields, withReplaces: false, outlive },
    index: null,
    parts: {
      stepLoop,
      recordWindows,
      sliceRows,
      sliceFiring,
      sliceLate,
      boundsOf: boundsOf(windows),
      slicesOf: windows.kind === "cumulating" ? stepSlices : pairedSlices,
    },
  };
}

function triggeredKind(
  windows: FixedWindows | GlobalWindow,
  trigger: Trigger,
  { name, fields, ports, signature }: Common,
): HeadKind {
  const table = new Table<TriggeredRow<unknown>>(name, "panes", "by-time");
  table.signature = `${signature}, trigger ${trigger.name}`;
  const event = new Timers();
  const processing = new Timers();
  return {
    factory: triggeredWindowHead,
    ports: {
      ...ports,
      ...measuresOf(windows),
      table,
      trigger,
      event,
      processing,
      nameOfEnd: encodeNumber,
      endOfName: (text: string) => decodeNumber(text, 0),
    },
    tables: [table],
    aggregator: { fields, withReplaces: false, outlive: true },
    index: {
      table,
      add(token, row) {
        const { end, eventArmed, processingArmed } = row as TriggeredRow<unknown>;
        if (!Number.isNaN(eventArmed)) event.push(eventArmed, token, encodeNumber(end));
        if (!Number.isNaN(processingArmed)) processing.push(processingArmed, token, encodeNumber(end));
      },
    },
    parts: { stepLoop, recordWindows, boundsOf: boundsOf(windows) },
  };
}

/** What the bounds of windows are computed from. */
function measuresOf(windows: FixedWindows | GlobalWindow): object {
  if (windows.kind !== "calendar" || typeof windows.zone !== "string") return windows;
  return { calendar: calendarsOf(windows.unit)(windows.zone) };
}

function boundsOf(windows: FixedWindows | GlobalWindow): HeadKind["parts"][string] {
  switch (windows.kind) {
    case "global":
      return globalBounds;
    case "aligned":
      return alignedBounds;
    case "cumulating":
      return cumulatingBounds;
    case "calendar":
      return calendarBounds;
  }
}
