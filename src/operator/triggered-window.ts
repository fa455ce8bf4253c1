/**
 * Keyed windows with fixed bounds (fixed-windows.ts), or the global one, that fire when their trigger says
 * (window/trigger.ts).
 *
 * State: table "panes", one bucket per window end (the global window's is +Infinity), one row per key: the accumulator,
 * the trigger's state, and when it wants to be asked again. A record is added to each of its windows that still takes
 * it; each asks the trigger. When one of a row's times comes, by the watermark or by the clock, the trigger is asked
 * again. A window is dropped when the watermark reaches its end + lateness; times behind that never come. The global window is never
 * dropped.
 *
 * A heap per kind of time says which row is next; it is an index over the rows (state/timers.ts). A row has an entry at
 * the time `armed`; one whose time is put off keeps it, and when that comes up it is seen that nothing is due. So a
 * trigger that puts its time off with every record costs no heap operation.
 *
 * A pane is early while the watermark is below the end, on time where the advance at hand reaches it, late after that.
 * Its timestamp is end - 1. The global window's panes have the greatest timestamp of their records, but none below the
 * operator's own watermark: they would be late further down.
 *
 * Cost of a record: a row look-up and a step of the trigger per window that takes it. Cost of a time that comes: O(log
 * rows).
 */
import type { Token } from "../core/key.ts";
import type { Bucket, Cell } from "../state/bucket.ts";
import type { Table } from "../state/table.ts";
import type { Timers } from "../state/timers.ts";
import type { Trigger, TriggerStep } from "../window/trigger.ts";
import type { Head, WindowPorts } from "./contract.ts";
import type { FixedBounds } from "./fixed-windows.ts";
import type { RecordWindows, RecordWindowsPorts } from "./record-windows.ts";

export interface TriggeredRow<Acc> extends Cell {
  /** The window's. */
  end: number;
  acc: Acc;
  panes: number;
  /** Something was added since it last fired. */
  isFresh: boolean;
  /** The greatest timestamp of what `acc` holds. */
  latest: number;
  /** The trigger's. */
  state: unknown;
  /** The watermark at which the trigger wants to be asked, and where its entry in the heap is; NaN: there is none. */
  eventTime: number;
  eventArmed: number;
  /** The same by the clock. */
  processingTime: number;
  processingArmed: number;
}

export interface TriggeredWindowPorts<Acc> extends WindowPorts<TriggeredRow<Acc>, Acc> {
  readonly table: Table<TriggeredRow<Acc>>;
  readonly trigger: Trigger;
  readonly event: Timers;
  readonly processing: Timers;
  /** A window's end as the name of an entry in the heaps, which keeps the order; and back. */
  readonly nameOfEnd: (end: number) => string;
  readonly endOfName: (name: string) => number;
  readonly boundsOf: (ports: any) => FixedBounds;
  readonly recordWindows: (ports: RecordWindowsPorts) => RecordWindows;
}

export function triggeredWindowHead<Acc>(ports: TriggeredWindowPorts<Acc>): Head {
  const { emit, mark, full, begin, fail, position, counts, clock, stepLoop } = ports;
  const { table, keyOf, tokenOf, keyOfToken, create, add, probe, result } = ports;
  const { trigger, event, processing, nameOfEnd, endOfName, latenessMs, discard } = ports;
  const { startOf } = ports.boundsOf(ports);
  const { ends, take, isPast, haveAtHand, prefetch } = ports.recordWindows(ports);
  const { keeper } = table;
  const cold = keeper !== null && keeper.cold;
  /** Entries of windows that are gone which are not worth looking for. */
  const STALE_ENTRIES = 1000;

  let watermark = Number.NEGATIVE_INFINITY;
  let ticked = Number.NEGATIVE_INFINITY;
  /** What the trigger is shown. */
  const view = { start: 0, end: 0, watermark, now: 0 };

  /** The buckets of the windows from the one that ends at `cachedEnd` back; undefined where not opened yet. */
  let cachedEnd = Number.NaN;
  const cached: (Bucket<TriggeredRow<Acc>> | undefined)[] = [];
  /** By window of the record at hand: its row, and what the trigger decided. */
  const rows: (TriggeredRow<Acc> | undefined)[] = [];
  const states: unknown[] = [];
  const fires: boolean[] = [];
  const eventTimes: number[] = [];
  const processingTimes: number[] = [];
  let namedEnd = Number.NaN;
  let endName = "";
  let tidyAt = STALE_ENTRIES;

  function look(end: number, at: number): typeof view {
    view.start = startOf(end);
    view.end = end;
    view.watermark = at;
    view.now = clock.tick;
    return view;
  }

  /** Takes a step apart, into place `i`: the trigger may return the same object again. */
  function note(step: TriggerStep<unknown>, i: number): void {
    const {
      state,
      fire,
      eventTime = Number.POSITIVE_INFINITY,
      processingTime = Number.POSITIVE_INFINITY,
    } = step;
    states[i] = state;
    fires[i] = fire;
    eventTimes[i] = eventTime;
    processingTimes[i] = processingTime;
  }

  function process(value: unknown, timestamp: number): void {
    let token: Token;
    try {
      token = tokenOf(keyOf(value));
    } catch (error) {
      fail(0, error, value);
      return;
    }
    const windows = take(value, timestamp, watermark);
    if (windows === 0) return;
    if (cold) haveAtHand(token, windows);
    if (ends[0] !== cachedEnd) {
      cachedEnd = ends[0];
      cached.fill(undefined);
    }
    for (let i = 0; i < windows; i++) {
      cached[i] ??= table.open(ends[i]);
      rows[i] = table.edit(cached[i] as Bucket<TriggeredRow<Acc>>, token);
    }
    // What can fail comes before any row is changed: a record is in all its windows or in none.
    try {
      for (let i = 0; i < windows; i++) {
        const row = rows[i];
        if (windows > 1) probe?.(row?.acc, value, timestamp);
        note(trigger.onRecord(row?.state, value, timestamp, look(ends[i], watermark)), i);
      }
    } catch (error) {
      fail(1, error, value);
      return;
    }
    for (let i = windows - 1; i >= 0; i--) {
      const bucket = cached[i] as Bucket<TriggeredRow<Acc>>;
      let row = rows[i];
      try {
        if (row === undefined) {
          row = newRow(ends[i], timestamp);
          add(row.acc, value, timestamp);
          table.insert(bucket, token, row);
        } else {
          add(row.acc, value, timestamp);
        }
      } catch (error) {
        fail(1, error, value);
        return;
      }
      row.isFresh = true;
      if (timestamp > row.latest) row.latest = timestamp;
      adopt(row, token, i, watermark);
      if (fires[i]) fire(row, token, ends[i] <= watermark ? "late" : "early");
    }
  }

  function newRow(end: number, timestamp: number): TriggeredRow<Acc> {
    return {
      mark: 0,
      end,
      acc: create(),
      panes: 0,
      isFresh: true,
      latest: timestamp,
      state: undefined,
      eventTime: Number.POSITIVE_INFINITY,
      eventArmed: Number.NaN,
      processingTime: Number.POSITIVE_INFINITY,
      processingArmed: Number.NaN,
    };
  }

  /** The row takes over what the trigger decided at the watermark `at`; times that are past come at the next one. */
  function adopt(row: TriggeredRow<Acc>, token: Token, i: number, at: number): void {
    row.state = states[i];
    row.eventTime = Math.max(eventTimes[i], at + 1);
    row.processingTime = Math.max(processingTimes[i], clock.tick + 1);
    // Nothing comes after the end of the input.
    if (at !== Number.POSITIVE_INFINITY) arm(row, token);
  }

  /** Not armed are times at which the window is gone, or that the row's entry comes before. */
  function arm(row: TriggeredRow<Acc>, token: Token): void {
    const { end, eventTime, processingTime } = row;
    if (!(row.eventArmed <= eventTime) && eventTime <= end + latenessMs) {
      row.eventArmed = eventTime;
      event.push(eventTime, token, nameOf(end));
    }
    if (!(row.processingArmed <= processingTime) && processingTime !== Number.POSITIVE_INFINITY) {
      row.processingArmed = processingTime;
      processing.push(processingTime, token, nameOf(end));
    }
  }

  function nameOf(end: number): string {
    if (end !== namedEnd) {
      namedEnd = end;
      endName = nameOfEnd(end);
    }
    return endName;
  }

  function fire(row: TriggeredRow<Acc>, token: Token, pane: string): void {
    const { end, acc, panes, latest, isFresh } = row;
    if (discard && !isFresh) return;
    row.isFresh = false;
    row.panes += 1;
    if (discard) {
      row.acc = create();
      row.latest = Number.NEGATIVE_INFINITY;
    }
    counts[4] += 1;
    const key = keyOfToken(token);
    if (end === Number.POSITIVE_INFINITY)
      emit(result(acc, key, null, null, pane, panes, null), Math.max(latest, watermark));
    else emit(result(acc, key, startOf(end), end, pane, panes, null), end - 1);
  }

  /**
   * Asks the trigger of each row whose time has come: by the clock, or by the watermark where that moves on to `at`.
   * False when an output is full: call again.
   */
  function askDue(isEvent: boolean, at: number): boolean {
    const heap = isEvent ? event : processing;
    const to = isEvent ? at : clock.tick;
    while (heap.size > 0 && heap.next <= to) {
      if (full()) return false;
      begin();
      const time = heap.next;
      const token = heap.nextToken;
      const end = endOfName(heap.nextName);
      if (isPast(end, watermark)) {
        heap.pop();
        continue;
      }
      const bucket = table.open(end);
      if (cold && bucket.rows.get(token) === undefined) wantDue(heap, to);
      const row = table.peek(bucket, token);
      heap.pop();
      if (row === undefined || (isEvent ? row.eventArmed : row.processingArmed) !== time) continue;
      table.changing(bucket, token, row);
      if (isEvent) row.eventArmed = Number.NaN;
      else row.processingArmed = Number.NaN;
      if ((isEvent ? row.eventTime : row.processingTime) > time) {
        arm(row, token);
        continue;
      }
      note(trigger.onTime(row.state, look(end, at)), 0);
      adopt(row, token, 0, at);
      if (fires[0]) fire(row, token, at < end ? "early" : watermark < end ? "on-time" : "late");
    }
    return true;
  }

  /** The rows of the next times in one load. */
  function wantDue(heap: Timers, to: number): void {
    heap.forSomeDue(to, (token, name) => {
      const end = endOfName(name);
      if (!isPast(end, watermark)) keeper?.want(table.open(end), token);
    });
  }

  function advance(to: number): boolean {
    if (!askDue(true, to)) return false;
    watermark = to;
    if (table.first !== undefined && isPast(table.first.time, to)) dropPast();
    mark(to);
    return true;
  }

  function dropPast(): void {
    while (table.first !== undefined && isPast(table.first.time, watermark)) table.dropFirst();
    cachedEnd = Number.NaN;
    if (processing.size <= tidyAt) return;
    processing.retain((_time, _token, name) => !isPast(endOfName(name), watermark));
    tidyAt = 2 * processing.size + STALE_ENTRIES;
  }

  function tick(to: number): boolean {
    position.ordinal = Number.NEGATIVE_INFINITY;
    if (!askDue(false, watermark)) return false;
    ticked = to;
    return true;
  }

  const loop = stepLoop(ports, process, advance);

  return {
    run() {
      if (clock.tick > ticked && !tick(clock.tick)) return false;
      return loop();
    },

    nextTick: () => (watermark === Number.POSITIVE_INFINITY ? Number.POSITIVE_INFINITY : processing.next),

    prefetch: (maxRows) => prefetch(maxRows, watermark),

    save: () => [watermark, ticked],

    restore(saved) {
      watermark = saved[0];
      ticked = saved[1];
    },
  };
}
