/**
 * Keyed windows with fixed bounds that overlap (sliding, cumulating), by slices: a record is added to one accumulator,
 * that of its slice (slice-bounds.ts), however many windows it is in; windows share slices.
 *
 * State: table "slices", one bucket per end of a slice, one row per key: its accumulator. Table "totals": what the
 * slices of the window at hand come to, per key (slice-firing.ts). Table "panes": what has fired late (slice-late.ts).
 * A slice lives until the last window that has it is past end + lateness.
 *
 * A record ahead of the watermark goes to its slice and nowhere else. One behind it may be missed by some of its
 * windows, make others fire once more, and belong into the totals: it takes the long way.
 *
 * Cost of a record: one row look-up, whatever the slide. Of a firing: see slice-firing.ts.
 */
import type { Token } from "../core/key.ts";
import type { Bucket } from "../state/bucket.ts";
import type { Head } from "./contract.ts";
import type { FixedBounds } from "./fixed-windows.ts";
import type { RecordWindows, RecordWindowsPorts } from "./record-windows.ts";
import type { SliceBounds } from "./slice-bounds.ts";
import type { SliceFiring, SliceFiringPorts } from "./slice-firing.ts";
import type { SliceLate, SliceLatePorts } from "./slice-late.ts";
import type { SliceRows, SliceRowsPorts } from "./slice-rows.ts";
import type { SliceCell } from "./slice-totals.ts";

export interface SlicedWindowPorts extends SliceFiringPorts, SliceLatePorts, SliceRowsPorts {
  readonly boundsOf: (ports: any) => FixedBounds;
  readonly slicesOf: (ports: any) => SliceBounds;
  readonly recordWindows: (ports: RecordWindowsPorts) => RecordWindows;
  readonly sliceRows: (ports: SliceRowsPorts) => SliceRows;
  readonly sliceFiring: (
    ports: SliceFiringPorts,
    bounds: FixedBounds,
    slices: SliceBounds,
    rows: SliceRows,
  ) => SliceFiring;
  readonly sliceLate: (ports: SliceLatePorts, bounds: FixedBounds, rows: SliceRows) => SliceLate;
}

export function slicedWindowHead(ports: SlicedWindowPorts): Head {
  const { inputs, mark, fail, NONE, IDLE, stepLoop, keyOf, tokenOf, create, add } = ports;
  const { table, panes, latenessMs } = ports;
  const bounds = ports.boundsOf(ports);
  const slices = ports.slicesOf(ports);
  const { sliceEnd, endAfter } = slices;
  const { lastEnd } = bounds;
  const { ends, take } = ports.recordWindows(ports);
  const rows = ports.sliceRows(ports);
  const firing = ports.sliceFiring(ports, bounds, slices, rows);
  const late = ports.sliceLate(ports, bounds, rows);
  const input = inputs[0];
  const { keeper } = table;
  const cold = keeper !== null && keeper.cold;

  let watermark = Number.NEGATIVE_INFINITY;
  /** The next watermark at which something fires or is dropped. */
  let due = Number.POSITIVE_INFINITY;
  /** The end of the window that is firing; NaN between two firings. */
  let firingEnd = Number.NaN;

  /** Slices at hand, by a hash of their ends: records mostly go where others went just before. */
  const atHand = new Array<Bucket<SliceCell> | null>(64).fill(null);

  function open(end: number): Bucket<SliceCell> {
    const place = Math.imul(end | 0, 0x9e3779b1) >>> 26;
    const known = atHand[place];
    if (known !== null && known.time === end) return known;
    const bucket = table.open(end);
    atHand[place] = bucket;
    const fires = endAfter(Math.max(watermark, end - 1));
    const last = lastEnd(end - 1);
    due = Math.min(due, fires <= last ? fires : last + latenessMs);
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
    const end = sliceEnd(timestamp);
    if (end > watermark) rows.add(open(end), token, value, timestamp, watermark);
    else addBehind(end, token, value, timestamp);
  }

  /** A record whose slice the watermark has passed. */
  function addBehind(end: number, token: Token, value: unknown, timestamp: number): void {
    const windows = take(value, timestamp, watermark);
    if (windows === 0) return;
    const again = ends.slice(0, windows).filter((windowEnd) => windowEnd <= watermark);
    again.reverse();
    const isCounted = end <= firing.fired && ends[0] > watermark;
    const bucket = open(end);
    if (cold) {
      keeper.want(bucket, token);
      if (isCounted) firing.want(token, end, watermark);
      if (again.length > 0) late.want(token, again);
      if (isCounted) firing.read(token, end, watermark);
      if (again.length > 0) late.read(token, again);
    }
    const held = rows.peek(bucket, token);
    let cell: SliceCell;
    try {
      cell = create();
      add(cell, value, timestamp);
    } catch (error) {
      fail(1, error, value);
      return;
    }
    if (isCounted) firing.enter(token, end, cell, held === undefined);
    rows.merge(bucket, token, held, cell, watermark);
    if (isCounted) firing.turnAgain(token, end, watermark);
    if (again.length === 0) return;
    late.fire(token, again);
    due = Math.min(due, again[0] + latenessMs);
  }

  /** Drops what no record, and no window to come, needs any more. */
  function drop(to: number): void {
    for (
      let { first } = table;
      first !== undefined && lastEnd(first.time - 1) + latenessMs <= to;
      { first } = table
    ) {
      table.dropFirst();
      atHand.fill(null);
    }
    for (let { first } = panes; first !== undefined && first.time + latenessMs <= to; { first } = panes)
      panes.dropFirst();
  }

  /** Fires and drops what `to` makes due. False when an output is full: call again with the same `to`. */
  function advance(to: number): boolean {
    for (;;) {
      if (Number.isNaN(firingEnd)) {
        const end = firing.nextEnd(watermark);
        if (end > to || end === Number.POSITIVE_INFINITY) break;
        firingEnd = end;
      }
      if (!firing.fire(firingEnd)) return false;
      // If the firing was cut short, it goes on with the next window.
      watermark = firingEnd;
      firingEnd = Number.NaN;
      drop(watermark);
    }
    watermark = to;
    drop(to);
    due = firing.nextEnd(to);
    if (table.first !== undefined) due = Math.min(due, lastEnd(table.first.time - 1) + latenessMs);
    if (panes.first !== undefined) due = Math.min(due, panes.first.time + latenessMs);
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

    prefetch(maxRows) {
      if (keeper === null || !cold) return;
      let left = maxRows;
      for (let i = 0; i < input.n; i++) {
        const value = input.values[i];
        if (value === NONE || value === IDLE) continue;
        if (lastEnd(input.ts[i]) + latenessMs <= watermark) continue;
        try {
          keeper.want(open(sliceEnd(input.ts[i])), tokenOf(keyOf(value)));
          if (--left === 0) return;
        } catch {
          // A key that can't be taken is dealt with when the record's turn comes.
        }
      }
    },

    save: () => [watermark, firing.fired, firing.turned],

    restore([savedWatermark, fired, turned]) {
      watermark = savedWatermark;
      // The first step looks what is due.
      due = Number.NEGATIVE_INFINITY;
      for (const bucket of table.buckets) rows.restore(bucket);
      firing.restore(fired, turned);
    },
  };
}
