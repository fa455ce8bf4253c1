/**
 * The timers of process(): named, of event or of processing time; a second one under a name replaces the first.
 *
 * State: table "#timers", a row per key and name. A heap per kind of time says what is next; it is an index over the
 * rows (state/timers.ts) and has, but for few, one entry per row, at the time `armed`: a timer that is put off, or
 * deleted, keeps its entry, and when that comes up it is seen that nothing is due. So a timer that is set anew with
 * every record costs no heap operation and leaves nothing behind.
 */
import type { Token } from "../core/key.ts";
import type { Cell } from "../state/bucket.ts";
import type { OwnedTable } from "../state/owned-table.ts";
import type { Timers } from "../state/timers.ts";
import type { Step } from "./process-step.ts";

export interface TimerCell extends Cell {
  /** NaN: deleted, and only waiting for its entry. */
  time: number;
  isEvent: boolean;
  /** The time of its entry in the heap; NaN where it has none. Another entry of this name is a stale one. */
  armed: number;
}

export interface TimerOptions {
  readonly table: OwnedTable<TimerCell>;
  readonly event: Timers;
  readonly processing: Timers;
  /** Rows: counted where they were restored. */
  readonly rows: { count: number };
}

export interface TimerPorts extends TimerOptions {
  readonly step: Step;
  readonly tokenOf: (name: unknown) => Token;
  /** The time to set, in whole milliseconds. @throws where it is none */
  readonly timeOf: (name: string, time: unknown, isEvent: boolean) => number;
}

export interface StepTimers {
  readonly handle: unknown;
  /** All rows that `commit` changes are in memory then. @throws MISS */
  prepare(): void;
  commit(): void;
  /** Whether the first timer of the heap is due; deals with it where it is stale, put off or deleted. @throws MISS */
  isDue(isEvent: boolean): boolean;
  /** The first timer of the heap was fired; called before `commit`. */
  spend(isEvent: boolean): void;
  want(token: Token): number;
  wantOne(token: Token, name: string): void;
}

/** Made anew per stage like a head: it uses its parameter and globals only. */
export function stepTimers({
  step,
  tokenOf,
  timeOf,
  table,
  event,
  processing,
  rows,
}: TimerPorts): StepTimers {
  /** Names that a key's next record likely sets again: rows of so many are loaded ahead. */
  const WANTED_NAMES = 4;
  /** Stale entries of a heap that are not worth looking for. */
  const STALE_ENTRIES = 1000;

  let of = 0;
  const names: string[] = [];
  /** NaN: to be deleted. */
  const times: number[] = [];
  const kinds: boolean[] = [];
  let count = 0;
  const known = new Set<string>();
  /** The name whose timer was fired in this step. */
  let spent: string | null = null;
  let tidyAt = STALE_ENTRIES;

  const heapOf = (isEvent: boolean): Timers => (isEvent ? event : processing);

  function note(name: string, time: number, isEvent: boolean): void {
    if (of !== step.n) {
      of = step.n;
      count = 0;
    }
    names[count] = name;
    times[count] = time;
    kinds[count++] = isEvent;
  }

  function set(isEvent: boolean, nameOrTime: unknown, time: unknown): void {
    const name = typeof nameOrTime === "string" ? nameOrTime : "";
    note(name, timeOf(name, typeof nameOrTime === "string" ? time : nameOrTime, isEvent), isEvent);
  }

  function rowOf(token: Token, name: string): TimerCell | undefined {
    const bucket = table.find(token);
    return bucket === undefined ? undefined : table.peek(bucket, tokenOf(name));
  }

  function remove(token: Token, name: string): void {
    const bucket = table.find(token);
    if (bucket === undefined) return;
    table.remove(bucket, tokenOf(name));
    rows.count -= 1;
  }

  /** The row is in memory, or there is none. */
  function edit(name: string): TimerCell | undefined {
    const bucket = table.held(step.token);
    const row = bucket?.rows.get(tokenOf(name));
    if (bucket !== undefined && row !== undefined) table.changing(bucket, tokenOf(name), row);
    return row;
  }

  function write(name: string, time: number, isEvent: boolean): void {
    const { token } = step;
    const row = edit(name);
    if (Number.isNaN(time)) {
      if (row !== undefined) row.time = time;
      return;
    }
    if (known.size < WANTED_NAMES) known.add(name);
    if (row === undefined) {
      table.insert(table.open(token), tokenOf(name), { mark: 0, time, isEvent, armed: time });
      rows.count += 1;
      heapOf(isEvent).push(time, token, name);
      return;
    }
    if (row.isEvent !== isEvent || !(row.armed <= time)) {
      row.armed = time;
      row.isEvent = isEvent;
      heapOf(isEvent).push(time, token, name);
    }
    row.time = time;
  }

  /** Timers that are set for earlier again and again leave entries behind. */
  function tidy(): void {
    if (event.size + processing.size <= tidyAt) return;
    for (const isEvent of [true, false]) {
      heapOf(isEvent).retain((time, token, name) => {
        const row = table.held(token)?.rows.get(tokenOf(name));
        // Over a backend nothing is known of a row that is not in memory.
        if (row === undefined) return table.keeper !== null && table.keeper.cold;
        return row.armed === time && row.isEvent === isEvent;
      });
    }
    tidyAt = 2 * Math.max(rows.count, event.size + processing.size) + STALE_ENTRIES;
  }

  return {
    handle: {
      setEventTime: (name: unknown, time: unknown) => set(true, name, time),
      setProcessingTime: (name: unknown, time: unknown) => set(false, name, time),
      delete: (name = "") => note(name, Number.NaN, true),
    },

    prepare() {
      const { keeper } = table;
      if (of !== step.n || keeper === null || !keeper.cold) return;
      const bucket = table.open(step.token);
      for (let i = 0; i < count; i++) keeper.want(bucket, tokenOf(names[i]));
      for (let i = 0; i < count; i++) table.peek(bucket, tokenOf(names[i]));
    },

    commit() {
      if (of === step.n) for (let i = 0; i < count; i++) write(names[i], times[i], kinds[i]);
      if (spent !== null) {
        const row = table.held(step.token)?.rows.get(tokenOf(spent));
        // Not set again.
        if (row !== undefined && Number.isNaN(row.time)) remove(step.token, spent);
        spent = null;
      }
      tidy();
    },

    isDue(isEvent) {
      const heap = heapOf(isEvent);
      const { next, nextToken, nextName } = heap;
      const row = rowOf(nextToken, nextName);
      if (row === undefined || row.armed !== next || row.isEvent !== isEvent) {
        heap.pop();
        return false;
      }
      if (row.time === next) return true;
      heap.pop();
      if (Number.isNaN(row.time)) {
        remove(nextToken, nextName);
        return false;
      }
      table.changing(table.open(nextToken), tokenOf(nextName), row);
      row.armed = row.time;
      heap.push(row.time, nextToken, nextName);
      return false;
    },

    spend(isEvent) {
      const heap = heapOf(isEvent);
      spent = heap.nextName;
      heap.pop();
      const row = edit(spent);
      if (row === undefined) return;
      row.time = Number.NaN;
      row.armed = Number.NaN;
    },

    want(token) {
      const bucket = table.find(token);
      if (bucket === undefined) return 0;
      for (const name of known) table.keeper?.want(bucket, tokenOf(name));
      return known.size;
    },

    wantOne(token, name) {
      const bucket = table.find(token);
      if (bucket !== undefined) table.keeper?.want(bucket, tokenOf(name));
    },
  };
}
