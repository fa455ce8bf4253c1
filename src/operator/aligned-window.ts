/**
 * Keyed windows on a grid: tumbling and sliding.
 *
 * State: table "panes", one bucket per window end, one row per key: its accumulator. A record is added to each of its
 * windows that is not past end + lateness; one that is past all of them goes to the late side. When the watermark
 * passes an end, the bucket's rows fire (on-time panes); when it passes end + lateness, the bucket is dropped. A
 * record that comes in between fires its row at once (a late pane).
 *
 * Where all accumulators are numbers (count, sum) the rows lie in typed arrays while all state is in memory: by number
 * keys in state/number-rows.ts, by others in token-rows.ts. No object per key, and half the time.
 *
 * Cost of a record: one row look-up per window that holds it (size / slide). Records mostly share their slide with the
 * record before: the buckets of the last slide are kept at hand.
 *
 * Source: Akidau et al., "The Dataflow Model" (VLDB 2015).
 */
import type { Token } from "../core/key.ts";
import type { Bucket } from "../state/table.ts";
import type { Head, NumberAggregator, WindowPorts } from "./contract.ts";

/** A row: an accumulator, and how many panes it has fired. */
export interface PaneCell {
  panes: number;
}

export interface AlignedWindowPorts extends WindowPorts<PaneCell, PaneCell> {
  /** Where all accumulators are numbers: keeps them in typed arrays while state is in memory. */
  readonly numbers: NumberAggregator | null;
  readonly sizeMs: number;
  readonly slideMs: number;
  readonly offsetMs: number;
}

export function alignedWindowHead(ports: AlignedWindowPorts): Head {
  const { inputs, emit, side, mark, full, begin, fail, counts, NONE, IDLE, stepLoop } = ports;
  const { table, keyOf, tokenOf, keyOfToken, create, add, probe, result } = ports;
  const { sizeMs, slideMs, offsetMs, latenessMs, discard, numbers } = ports;
  const input = inputs[0];
  const perRecord = Math.ceil(sizeMs / slideMs);

  let watermark = Number.NEGATIVE_INFINITY;
  /** The next watermark at which something fires or is dropped. */
  let due = Number.POSITIVE_INFINITY;

  /** The windows of the slide that `cachedStart` begins, by ascending end; undefined where not opened yet. */
  let cachedStart = Number.NaN;
  const cached = new Array<Bucket<PaneCell> | undefined>(perRecord).fill(undefined);

  /** A firing that ran out of room goes on here. */
  let entries: IterableIterator<[Token, PaneCell]> | null = null;
  let firing: Bucket<PaneCell> | null = null;
  let firingAt = 0;
  let places: IterableIterator<[Token, number]> | null = null;
  /**
   * How many numeric keys the window has that was made last: what the next one is made for. It hangs on the records
   * alone, not on what has fired, since the order in which numeric keys fire hangs on it (INV-1).
   */
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
    const lastStart = Math.floor((timestamp - offsetMs) / slideMs) * slideMs + offsetMs;
    if (lastStart + sizeMs + latenessMs <= watermark) {
      tooLate(value, timestamp, lastStart);
      return;
    }
    if (probe !== null && perRecord > 1 && !fitsAll(token, value, timestamp, lastStart)) return;
    if (lastStart !== cachedStart) {
      cachedStart = lastStart;
      cached.fill(undefined);
    }
    let windows = 0;
    for (let slot = 0; slot < perRecord; slot++) {
      const end = lastStart - (perRecord - 1 - slot) * slideMs + sizeMs;
      if (end <= timestamp) continue;
      windows += 1;
      if (end + latenessMs <= watermark) {
        counts[2] += 1;
        continue;
      }
      const bucket = cached[slot] ?? open(slot, end);
      if (numbers !== null && table.cold === null) {
        const rows = numberRowsOf(bucket, token, numbers);
        let at: number;
        try {
          at = numbers.add(rows, token, value, timestamp);
        } catch (error) {
          fail(1, error, value);
          return;
        }
        if (end <= watermark) fireNumbers(bucket, rows.slots, at, token, "late", numbers);
        continue;
      }
      let cell = table.edit(bucket, token);
      try {
        if (cell === undefined) {
          cell = create();
          add(cell, value, timestamp);
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
    if (windows === 0) inNoWindow(value, timestamp);
  }

  function numberRowsOf(
    bucket: Bucket<PaneCell>,
    token: Token,
    { newNumberRows, newTokenRows }: NumberAggregator,
  ) {
    if (typeof token === "number" && !Number.isNaN(token)) {
      if (bucket.numbers === null) {
        bucket.numbers = newNumberRows(latenessMs > 0, made.rows);
        made = bucket.numbers.count;
      }
      return bucket.numbers;
    }
    bucket.tokens ??= newTokenRows(latenessMs > 0);
    return bucket.tokens;
  }

  /** Whether a custom aggregate takes the record in each of its windows: it is to be in all of them or in none. */
  function fitsAll(token: Token, value: unknown, timestamp: number, lastStart: number): boolean {
    for (let end = lastStart + sizeMs; end > timestamp && end + latenessMs > watermark; end -= slideMs) {
      const cell = table.edit(table.open(end), token);
      try {
        probe?.(cell, value, timestamp);
      } catch (error) {
        fail(1, error, value);
        return false;
      }
    }
    return true;
  }

  function tooLate(value: unknown, timestamp: number, lastStart: number): void {
    let windows = 0;
    for (let start = lastStart; start + sizeMs > timestamp; start -= slideMs) windows += 1;
    if (windows === 0) {
      inNoWindow(value, timestamp);
      return;
    }
    counts[1] += 1;
    counts[2] += windows;
    side(value, timestamp);
  }

  /** A record between two windows is late, as for Flink, when its own time is past. */
  function inNoWindow(value: unknown, timestamp: number): void {
    if (timestamp + latenessMs < watermark) {
      counts[1] += 1;
      side(value, timestamp);
    } else {
      counts[3] += 1;
    }
  }

  function fire(bucket: Bucket<PaneCell>, token: Token, cell: PaneCell, pane: string): void {
    const end = bucket.time;
    counts[4] += 1;
    emit(result(cell, keyOfToken(token), end - sizeMs, end, pane, cell.panes, null), end - 1);
    if (latenessMs === 0) return;
    cell.panes += 1;
    if (discard) {
      const { panes } = cell;
      Object.assign(cell, create());
      cell.panes = panes;
    }
  }

  function fireNumbers(
    bucket: Bucket<PaneCell>,
    slots: Float64Array,
    at: number,
    token: Token,
    pane: string,
    { panesAt, result, reset }: NumberAggregator,
  ): void {
    const end = bucket.time;
    counts[4] += 1;
    const panes = latenessMs === 0 ? 0 : slots[at + panesAt]++;
    emit(result(slots, at, keyOfToken(token), end - sizeMs, end, pane, panes), end - 1);
    if (discard && latenessMs > 0) reset(slots, at);
  }

  /** Fires the rows of numbers of the bucket at hand. False when an output is full: call again. */
  function fireAllNumbers(bucket: Bucket<PaneCell>, by: NumberAggregator): boolean {
    const { numbers: byNumber, tokens } = bucket;
    if (byNumber !== null) {
      const { slots, stride } = byNumber;
      while (firingAt < slots.length) {
        const at = firingAt;
        firingAt += stride;
        if (Number.isNaN(slots[at])) continue;
        fireNumbers(bucket, slots, at, slots[at], "on-time", by);
        if (full()) return false;
      }
    }
    if (tokens !== null) {
      places ??= tokens.index.entries();
      for (const [token, at] of places) {
        fireNumbers(bucket, tokens.slots, at, token, "on-time", by);
        if (full()) return false;
      }
    }
    return true;
  }

  /** Fires and drops what `to` makes due. False when an output is full: call again with the same `to`. */
  function advance(to: number): boolean {
    for (;;) {
      if (firing === null) {
        begin();
        table.require(watermark, to);
        const bucket = table.after(watermark);
        if (bucket === undefined || bucket.time > to) break;
        firing = bucket;
        firingAt = 0;
        places = null;
        entries = bucket.rows.entries();
      }
      if (numbers !== null && !fireAllNumbers(firing, numbers)) return false;
      // A Map's iterator goes on where it was left.
      for (const [token, cell] of entries as IterableIterator<[Token, PaneCell]>) {
        fire(firing, token, latenessMs === 0 ? cell : (table.edit(firing, token) as PaneCell), "on-time");
        if (full()) return false;
      }
      // Its records are behind the watermark now; if the firing was cut short, it goes on with the next bucket.
      watermark = firing.time;
      firing = null;
      entries = null;
    }
    table.require(Number.NEGATIVE_INFINITY, to - latenessMs);
    watermark = to;
    for (let { first } = table; first !== undefined && first.time + latenessMs <= to; { first } = table)
      table.dropFirst();
    const ahead = table.after(to);
    const { first } = table;
    due = ahead === undefined ? Number.POSITIVE_INFINITY : ahead.time;
    if (first !== undefined) due = Math.min(due, first.time + latenessMs);
    cachedStart = Number.NaN;
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

    prefetch() {
      const cold = table.cold;
      if (cold === null) return;
      for (let i = 0; i < input.n; i++) {
        const value = input.values[i];
        if (value === NONE || value === IDLE) continue;
        try {
          const token = tokenOf(keyOf(value));
          const lastStart = Math.floor((input.ts[i] - offsetMs) / slideMs) * slideMs + offsetMs;
          for (let start = lastStart; start + sizeMs > input.ts[i]; start -= slideMs) {
            if (start + sizeMs + latenessMs > watermark) cold.want(table.open(start + sizeMs), token);
          }
        } catch {
          // A key that can't be taken is dealt with when the record's turn comes.
        }
      }
      cold.wantRange(watermark, input.last);
    },
  };
}
