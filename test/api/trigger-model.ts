/**
 * What triggered windows do, as plainly as it can be said: all rows are looked at in every step. It has no heap, no
 * entry that is put off, no bucket; what it shares with the engine is the contract of triggers.
 */
import type { AlignedWindows, GlobalWindow, Trigger, TriggerStep } from "../../src/index.ts";
import type { Step } from "./trigger-trace.ts";

interface Row {
  readonly key: string;
  readonly end: number;
  all: number[];
  fresh: number[];
  panes: number;
  state: unknown;
  eventTime: number;
  processingTime: number;
}

export interface ModelOptions {
  readonly windows: AlignedWindows | GlobalWindow;
  readonly trigger: Trigger;
  readonly latenessMs: number;
  readonly discard: boolean;
}

/** As the field `out` of trigger-trace.ts; within a step in any order, but for the panes of one window. */
export function model(
  { windows, trigger, latenessMs, discard }: ModelOptions,
  steps: readonly Step[],
): string[] {
  const rows = new Map<string, Row>();
  const out: string[] = [];
  let watermark = Number.NEGATIVE_INFINITY;
  let now = 0;
  let step = 0;
  const startOf = (end: number): number => (windows.kind === "global" ? -end : end - windows.sizeMs);
  const isPast = (end: number): boolean => end !== Number.POSITIVE_INFINITY && end + latenessMs <= watermark;

  function endsOf(at: number): number[] {
    if (windows.kind === "global") return [Number.POSITIVE_INFINITY];
    const { sizeMs, slideMs, offsetMs } = windows;
    const ends: number[] = [];
    for (let start = offsetMs - 1000 * slideMs; start <= at; start += slideMs)
      if (at < start + sizeMs) ends.push(start + sizeMs);
    return ends;
  }

  function adopt(
    row: Row,
    { state, eventTime, processingTime, fire }: TriggerStep<unknown>,
    at: number,
  ): void {
    row.state = state;
    row.eventTime = Math.max(eventTime ?? Number.POSITIVE_INFINITY, at + 1);
    row.processingTime = Math.max(processingTime ?? Number.POSITIVE_INFINITY, now + 1);
    const times = discard ? row.fresh : row.all;
    if (!fire || times.length === 0) return;
    const pane = at < row.end ? "early" : watermark < row.end ? "on-time" : "late";
    const bounds = windows.kind === "global" ? "" : ` [${startOf(row.end)}, ${row.end})`;
    out.push(`${step}: ${row.key}${bounds} ${pane} ${row.panes++}: ${times}`);
    row.fresh = [];
  }

  function ask(at: number, isDue: (row: Row) => boolean): void {
    for (const row of rows.values()) {
      if (isPast(row.end) || !isDue(row)) continue;
      adopt(
        row,
        trigger.onTime(row.state, { start: startOf(row.end), end: row.end, watermark: at, now }),
        at,
      );
    }
  }

  function record(key: string, at: number): void {
    const ends = endsOf(at).filter((end) => !isPast(end));
    if (ends.length === 0) out.push(`${step}: late ${at}`);
    for (const end of ends) {
      const id = `${key} ${end}`;
      const none = { eventTime: 0, processingTime: 0, state: undefined };
      const row = rows.get(id) ?? { key, end, all: [], fresh: [], panes: 0, ...none };
      rows.set(id, row);
      row.all.push(at);
      row.fresh.push(at);
      adopt(
        row,
        trigger.onRecord(row.state, { key, at }, at, { start: startOf(end), end, watermark, now }),
        watermark,
      );
    }
  }

  for (const one of steps) {
    if (typeof one === "number") record("k", one);
    else if ("w" in one) {
      if (one.w > watermark) {
        ask(one.w, ({ eventTime, end }) => eventTime <= one.w && eventTime <= end + latenessMs);
        watermark = one.w;
      }
    } else if ("ms" in one) {
      now += one.ms;
      ask(watermark, ({ processingTime }) => processingTime <= now);
    } else record(...one);
    step += 1;
  }
  return out;
}
