/**
 * The panes of windows as changes of a table, which has one row per key and window: the last pane that went out.
 *
 * The first pane of a window is an insert (+I). One that takes its place is an update: the row that is out (-U), then the
 * new one (+U); nothing where they say the same, but for their index and what they replace. A session's pane deletes
 * (-D) the rows of the panes that it replaces. So whoever applies the changes has, at every point, the latest pane of
 * every window. All have the timestamp of the pane that causes them.
 *
 * State: table "results", a row per key and window of which a pane is out (shown-by-end.ts), or per key with all its
 * sessions (shown-by-session.ts), until the window can't fire any more.
 *
 * Throttled, a window of a key changes at most once in an interval by the clock: the first pane goes out at once, others
 * wait until the interval is over, and the newest wins. What waits goes out as soon as the window can't fire any more, and
 * so at the end of the input. Retractions by another session never wait: two sessions would stand for the same records.
 * The output watermark stays at or below the timestamp of what waits, so that nothing takes it for late further down;
 * late panes hold nothing back, as they are late already.
 *
 * In the form "rows" the panes themselves go out, throttled, and no row is kept of them.
 *
 * Cost of a pane: a row look-up, a copy of the pane and, of one that replaces another, a comparison. Of one that waits:
 * O(log waiting) more.
 *
 * Source: the changelog streams of Flink's tables (RowKind), Kafka Streams' suppress.
 */
import type { Key, Token } from "../core/key.ts";
import type { Cell } from "../state/bucket.ts";
import type { Table } from "../state/table.ts";
import type { Timers } from "../state/timers.ts";
import type { Head, HeadPorts, StepLoop } from "./contract.ts";
import type { HeldTimes } from "./held-times.ts";

export type ChangelogForm = "changes" | "rows";

/** What is read of a pane. */
interface Pane {
  readonly key: Key;
  readonly windowStart: number | null;
  readonly windowEnd: number | null;
  /** -1: no pane, but the word that a session is over. */
  readonly paneIndex: number;
  readonly replaces?: readonly { readonly start: number; readonly end: number }[];
}

/** A window of which a pane is out. */
export interface Shown {
  readonly start: number | null;
  readonly end: number | null;
  /** The pane that is out; null in the form "rows". */
  row: unknown;
  /** When it went out, by the clock. */
  at: number;
  /** The pane that waits to take its place; null where none does. */
  waiting: unknown;
  waitingTimestamp: number;
}

/** Where windows of which a pane is out are kept: a part of the head. */
export interface ShownRows {
  /** Has what is kept of a key at hand, or of this window of it, to be changed. @throws MISS */
  reach(token: Token, end: number | null): void;
  /** Of what is at hand: all. */
  readonly atHand: readonly Shown[];
  find(start: number | null, end: number | null): Shown | undefined;
  add(shown: Shown): void;
  remove(shown: Shown): void;
  /**
   * Removes the windows that can't fire any more at a watermark, after `leave` dealt with what waits of each. False when
   * an output is full: call again.
   */
  drop(to: number, leave: (shown: Shown) => void): boolean;
  /** Asks for the rows that `reach` will touch. */
  want(token: Token, end: number | null): void;
  /** A window as the name of an entry in the heap; and what `reach` is to be given for it, NaN where it is gone. */
  nameOf(shown: Shown): string;
  endOf(name: string, watermark: number): number;
}

export interface ShownRowsPorts extends HeadPorts {
  readonly table: Table<Cell>;
  readonly latenessMs: number;
  readonly due: Timers;
  readonly nameOfEnd: (end: number) => string;
  readonly endOfName: (name: string) => number;
}

export interface ChangelogPorts extends ShownRowsPorts {
  readonly form: ChangelogForm;
  /** 0: no pane waits, but those that one program throttled and the next does not. */
  readonly throttleMs: number;
  /** When the next of those that wait is due, by the clock. */
  readonly due: Timers;
  /** The timestamps of those that wait. */
  readonly held: HeldTimes;
  readonly tokenOf: (key: unknown) => Token;
  readonly copyOf: (value: unknown) => unknown;
  readonly isEqual: (a: unknown, b: unknown) => boolean;
  readonly shownRows: (ports: any) => ShownRows;
  readonly stepLoop: StepLoop;
}

export function changelogHead(ports: ChangelogPorts): Head {
  const { inputs, emit, mark, full, begin, position, counts, clock, NONE, IDLE } = ports;
  const { table, form, throttleMs, due, held, tokenOf, copyOf, isEqual } = ports;
  const input = inputs[0];
  const { keeper } = table;
  const cold = keeper !== null && keeper.cold;
  const asChanges = form === "changes";
  const rows = ports.shownRows(ports);

  /** The input's watermark, how far the output is marked, and the last tick that was dealt with. */
  let watermark = Number.NEGATIVE_INFINITY;
  let marked = Number.NEGATIVE_INFINITY;
  let ticked = Number.NEGATIVE_INFINITY;

  function give(op: string, row: unknown, timestamp: number): void {
    counts[8] += 1;
    emit(asChanges ? { op, row } : row, timestamp);
  }

  /** Both are panes of one window: they have the same fields. */
  function isSame(a: object, b: object): boolean {
    for (const field in a) {
      if (field === "paneIndex" || field === "replaces") continue;
      if (!isEqual(Reflect.get(a, field), Reflect.get(b, field))) return false;
    }
    return true;
  }

  function insert({ windowStart, windowEnd }: Pane, row: unknown, timestamp: number): void {
    const shown: Shown = {
      start: windowStart,
      end: windowEnd,
      // Who reads the pane may change it.
      row: asChanges ? copyOf(row) : null,
      at: clock.tick,
      waiting: null,
      waitingTimestamp: Number.NaN,
    };
    rows.add(shown);
    give("+I", row, timestamp);
  }

  function update(shown: Shown, row: unknown, timestamp: number): void {
    if (!asChanges) {
      give("+U", row, timestamp);
    } else {
      const before = shown.row;
      if (isSame(before as object, row as object)) return;
      shown.row = copyOf(row);
      give("-U", before, timestamp);
      give("+U", row, timestamp);
    }
    shown.at = clock.tick;
  }

  function wait(token: Token, shown: Shown, row: unknown, timestamp: number): void {
    if (shown.waiting === null) due.push(shown.at + throttleMs, token, rows.nameOf(shown));
    else held.remove(shown.waitingTimestamp);
    held.add(timestamp);
    shown.waiting = copyOf(row);
    shown.waitingTimestamp = timestamp;
  }

  /** What waits of a window goes out. */
  function release(shown: Shown): void {
    const { waiting, waitingTimestamp } = shown;
    if (waiting === null) return;
    forget(shown);
    update(shown, waiting, waitingTimestamp);
  }

  /** What waits of a window never goes out. */
  function forget(shown: Shown): void {
    if (shown.waiting === null) return;
    held.remove(shown.waitingTimestamp);
    shown.waiting = null;
    shown.waitingTimestamp = Number.NaN;
  }

  function remove(start: number, end: number, timestamp: number): void {
    const shown = rows.find(start, end);
    if (shown === undefined) return;
    forget(shown);
    if (asChanges) give("-D", shown.row, timestamp);
    rows.remove(shown);
  }

  function process(value: unknown, timestamp: number): void {
    const pane = value as Pane;
    const { windowStart, windowEnd, replaces } = pane;
    const token = tokenOf(pane.key);
    rows.reach(token, windowEnd);
    let shown = rows.find(windowStart, windowEnd);
    if (pane.paneIndex < 0) {
      counts[0] -= 1;
      if (shown === undefined) return;
      release(shown);
      rows.remove(shown);
      return;
    }
    if (replaces !== undefined && replaces.length > 0) {
      for (const { start, end } of replaces) remove(start, end, timestamp);
      shown = rows.find(windowStart, windowEnd);
    }
    if (shown === undefined) insert(pane, value, timestamp);
    else if (shown.at + throttleMs <= clock.tick) update(shown, value, timestamp);
    else wait(token, shown, value, timestamp);
  }

  function advance(to: number): boolean {
    // After a restart the loop begins with the watermark that was reached before.
    if (to <= watermark) return true;
    if (!rows.drop(to, release)) return false;
    watermark = to;
    markReached();
    return true;
  }

  function markReached(): void {
    const to = Math.min(watermark, held.leastFrom(marked));
    if (to <= marked) return;
    marked = to;
    mark(to);
  }

  /** The rows of the next of those that wait in one load. */
  function wantDue(now: number): void {
    due.forSomeDue(now, (token, name) => {
      const end = rows.endOf(name, watermark);
      if (!Number.isNaN(end)) rows.want(token, end);
    });
  }

  /** What has waited long enough goes out. False when an output is full: call again. */
  function tick(now: number): boolean {
    position.ordinal = Number.NEGATIVE_INFINITY;
    while (due.next <= now) {
      if (full()) return false;
      begin();
      const end = rows.endOf(due.nextName, watermark);
      if (!Number.isNaN(end)) {
        if (cold) wantDue(now);
        rows.reach(due.nextToken, end);
        for (const shown of rows.atHand) if (shown.at + throttleMs <= now) release(shown);
      }
      due.pop();
    }
    ticked = now;
    markReached();
    return true;
  }

  const loop = ports.stepLoop(ports, process, advance);
  const hasEnded = (): boolean => watermark === Number.POSITIVE_INFINITY;

  return {
    run: () => (clock.tick <= ticked || hasEnded() || tick(clock.tick)) && loop(),

    nextTick: () => (hasEnded() ? Number.POSITIVE_INFINITY : due.next),

    prefetch(maxRows) {
      if (!cold) return;
      const n = Math.min(input.n, maxRows);
      for (let i = 0; i < n; i++) {
        const value = input.values[i];
        if (value === NONE || value === IDLE) continue;
        const { key, windowEnd } = value as Pane;
        rows.want(tokenOf(key), windowEnd);
      }
    },

    save: () => [watermark, marked, ticked],

    restore(saved) {
      watermark = saved[0];
      marked = saved[1];
      ticked = saved[2];
    },
  };
}
