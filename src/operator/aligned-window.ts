/**
 * Keyed windows with fixed bounds (fixed-windows.ts), each with an accumulator of its own per key.
 *
 * State: table "panes", one bucket per window end, one row per key: its accumulator. A record is added to each of its
 * windows that is not past end + lateness; one that is past all of them goes to the late side. When the watermark
 * passes an end, the bucket's rows fire (on-time panes); when it passes end + lateness, the bucket is dropped. A
 * record that comes in between fires its row at once (a late pane).
 *
 * The rows of a bucket fire in the order in which their keys came, while state is in memory; else by their addresses.
 *
 * Where all accumulators are numbers (count, sum) the rows lie in typed arrays while all state is in memory: by number
 * keys in state/number-rows.ts, by others in token-rows.ts. No object per key, and half the time.
 *
 * Cost of a record: one row look-up per window that holds it. Records mostly share their windows with the record
 * before: the buckets of the last ones are kept at hand.
 *
 * Source: Akidau et al., "The Dataflow Model" (VLDB 2015).
 */
import type { Token } from "../core/key.ts";
import type { Bucket, Cell } from "../state/bucket.ts";
import type { Table } from "../state/table.ts";
import type { NumberRows } from "../state/number-rows.ts";
import type { TokenRows } from "../state/token-rows.ts";
import type { Head, NumberAggregator, WindowPorts } from "./contract.ts";
import type { FixedBounds } from "./fixed-windows.ts";
import type { RecordWindows, RecordWindowsPorts } from "./record-windows.ts";

/** A row: an accumulator, and how many panes it has fired. */
export interface PaneCell extends Cell {
  seq: number;
  panes: number;
}

export interface AlignedWindowPorts extends WindowPorts<PaneCell, PaneCell> {
  readonly table: Table<PaneCell>;
  /** Where all accumulators are numbers: keeps them in typed arrays while state is in memory. */
  readonly numbers: NumberAggregator | null;
  /** The values of a row that was written down as a cell. */
  readonly valuesOf: (cell: PaneCell) => number[];
  readonly boundsOf: (ports: any) => FixedBounds;
  readonly recordWindows: (ports: RecordWindowsPorts) => RecordWindows;
}

export function alignedWindowHead(ports: AlignedWindowPorts): Head {
  const { emit, mark, full, begin, fail, counts, stepLoop } = ports;
  const { table, keyOf, tokenOf, keyOfToken, create, add, probe, result } = ports;
  const { latenessMs, discard, valuesOf } = ports;
  const { startOf } = ports.boundsOf(ports);
  const { ends, take, haveAtHand, prefetch } = ports.recordWindows(ports);
  const { keeper } = table;
  const cold = keeper !== null && keeper.cold;
  const numbers = cold ? null : ports.numbers;

  let watermark = Number.NEGATIVE_INFINITY;
  /** The next watermark at which something fires or is dropped. */
  let due = Number.POSITIVE_INFINITY;

  /** The buckets of the windows from the one that ends at `cachedEnd` back; undefined where not opened yet. */
  let cachedEnd = Number.NaN;
  const cached: (Bucket<PaneCell> | undefined)[] = [];

  /** A firing that ran out of room goes on here: the bucket, its rows of numbers, its other rows. */
  let firing: Bucket<PaneCell> | null = null;
  let firingAt = 0;
  let places: IterableIterator<[Token, number]> | null = null;
  let entries: Iterator<[Token, PaneCell]> | null = null;
  /** How many numeric keys the window has that was made last: what the next one is made for. */
  let made = { rows: 0 };

  function open(slot: number, end: number): Bucket<PaneCell> {
    const bucket = table.open(end);
    cached[slot] = bucket;
    const at = end > watermark ? end : end + latenessMs;
    if (at < due) due = at;
    return bucket;
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
    if (probe !== null && windows > 1 && !fitsAll(token, value, timestamp, windows)) return;
    if (ends[0] !== cachedEnd) {
      cachedEnd = ends[0];
      cached.fill(undefined);
    }
    for (let i = windows - 1; i >= 0; i--) {
      const end = ends[i];
      const bucket = cached[i] ?? open(i, end);
      if (numbers !== null) {
        const rows = numberRowsOf(bucket, token, numbers);
        let at: number;
        try {
          at = numbers.add(rows, token, value, timestamp);
        } catch (error) {
          fail(1, error, value);
          return;
        }
        if (end <= watermark) fireNumbers(bucket, rows, at, token, "late", numbers);
        continue;
      }
      let cell = table.edit(bucket, token);
      try {
        if (cell === undefined) {
          cell = create();
          add(cell, value, timestamp);
          cell.seq = bucket.rows.size;
          table.insert(bucket, token, cell);
        } else {
          add(cell, value, timestamp);
        }
      } catch (error) {
        fail(1, error, value);
        return;
      }
      if (end <= watermark) fire(bucket, token, cell, "late");
    }
  }

  function numberRowsOf(
    bucket: Bucket<PaneCell>,
    token: Token,
    { newNumberRows, newTokenRows }: NumberAggregator,
  ) {
    if (typeof token === "number" && !Number.isNaN(token)) {
      if (bucket.numbers === null) {
        bucket.numbers = newNumberRows(made.rows, keeper === null ? null : keeper.numbersOf(bucket));
        made = bucket.numbers.count;
      }
      return bucket.numbers;
    }
    bucket.tokens ??= newTokenRows(keeper === null ? null : keeper.numbersOf(bucket));
    return bucket.tokens;
  }

  /** Whether a custom aggregate takes the record in each of its windows: it is to be in all of them or in none. */
  function fitsAll(token: Token, value: unknown, timestamp: number, windows: number): boolean {
    for (let i = 0; i < windows; i++) {
      const cell = table.peek(table.open(ends[i]), token);
      try {
        probe?.(cell, value, timestamp);
      } catch (error) {
        fail(1, error, value);
        return false;
      }
    }
    return true;
  }

  function fire(bucket: Bucket<PaneCell>, token: Token, cell: PaneCell, pane: string): void {
    const end = bucket.time;
    counts[4] += 1;
    emit(result(cell, keyOfToken(token), startOf(end), end, pane, cell.panes, null), end - 1);
    if (latenessMs === 0) return;
    cell.panes += 1;
    if (discard) {
      const { mark, seq, panes } = cell;
      Object.assign(cell, create(), { mark, seq, panes });
    }
  }

  function fireNumbers(
    bucket: Bucket<PaneCell>,
    rows: NumberRows | TokenRows,
    at: number,
    token: Token,
    pane: string,
    { panesAt, result, reset }: NumberAggregator,
  ): void {
    const end = bucket.time;
    const { slots } = rows;
    counts[4] += 1;
    let panes = 0;
    if (latenessMs > 0) {
      rows.touch(at, token);
      panes = slots[at + panesAt]++;
    }
    emit(result(slots, at, keyOfToken(token), startOf(end), end, pane, panes), end - 1);
    if (discard && latenessMs > 0) reset(slots, at);
  }

  /** Fires the rows of numbers of the bucket at hand. False when an output is full: call again. */
  function fireAllNumbers(bucket: Bucket<PaneCell>, by: NumberAggregator): boolean {
    const { numbers: byNumber, tokens } = bucket;
    if (byNumber !== null) {
      while (firingAt < byNumber.size) {
        const at = byNumber.placeOf(firingAt);
        firingAt += 1;
        fireNumbers(bucket, byNumber, at, byNumber.slots[at], "on-time", by);
        if (full()) return false;
      }
    }
    if (tokens !== null) {
      places ??= tokens.entries();
      for (let next = places.next(); next.done !== true; next = places.next()) {
        fireNumbers(bucket, tokens, next.value[1], next.value[0], "on-time", by);
        if (full()) return false;
      }
    }
    return true;
  }

  /** Fires the rows of the walk that `table` is in. False when an output is full: call again. */
  function fireRows(bucket: Bucket<PaneCell>): boolean {
    for (;;) {
      if (entries === null) {
        begin();
        const rows = table.nextRows();
        if (rows === null) return true;
        entries = rows[Symbol.iterator]();
      }
      // An iterator goes on where it was left.
      for (let next = entries.next(); next.done !== true; next = entries.next()) {
        const [token, cell] = next.value;
        if (latenessMs > 0) table.changing(bucket, token, cell);
        fire(bucket, token, cell, "on-time");
        if (full()) return false;
      }
      entries = null;
    }
  }

  /** Fires and drops what `to` makes due. False when an output is full: call again with the same `to`. */
  function advance(to: number): boolean {
    for (;;) {
      if (firing === null) {
        const bucket = table.after(watermark);
        if (bucket === undefined || bucket.time > to) break;
        firing = bucket;
        firingAt = 0;
        places = null;
        table.walk(bucket);
      }
      if (numbers !== null && !fireAllNumbers(firing, numbers)) return false;
      if (!fireRows(firing)) return false;
      // Its records are behind the watermark now; if the firing was cut short, it goes on with the next bucket.
      watermark = firing.time;
      firing = null;
    }
    watermark = to;
    for (let { first } = table; first !== undefined && first.time + latenessMs <= to; { first } = table)
      table.dropFirst();
    const ahead = table.after(to);
    const { first } = table;
    due = ahead === undefined ? Number.POSITIVE_INFINITY : ahead.time;
    if (first !== undefined) due = Math.min(due, first.time + latenessMs);
    cachedEnd = Number.NaN;
    return true;
  }

  function step(to: number): boolean {
    if (to >= due) {
      if (!advance(to)) return false;
    } else {
      watermark = to;
    }
    mark(to);
    return true;
  }

  return {
    run: stepLoop(ports, process, step),

    prefetch: (maxRows) => prefetch(maxRows, watermark),

    save: () => [watermark],

    restore(saved) {
      watermark = saved[0];
      // The first step looks what is due.
      due = Number.NEGATIVE_INFINITY;
      for (const bucket of table.buckets) {
        const rows = Array.from(bucket.rows.entries()).sort((a, b) => a[1].seq - b[1].seq);
        bucket.rows.clear();
        for (const [token, cell] of rows) {
          if (numbers === null) bucket.rows.set(token, cell);
          else numberRowsOf(bucket, token, numbers).restore(token as number, valuesOf(cell));
        }
      }
    },
  };
}
