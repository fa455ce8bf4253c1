/**
 * Windows of so many records of a key, in the order of arrival: every `slide` records the last `size` fire.
 *
 * Time has no part in it: nothing is late, and a window that is not full at the end of the input is never emitted. A
 * key's records have positions 0, 1, 2, ...; window k ends at position k * slide and begins `size` before that.
 *
 * State: table "counts", one row per key: its position, and accumulators by paired slices. The places where windows
 * begin and end cut the positions into at most two slices per slide; a record is added to the one slice that it is in,
 * and a firing merges the slices of its window, in their order, so that order-sensitive aggregates see the order of
 * arrival. A row without a slice that is needed again is removed: that of a window that shares no record with the next.
 *
 * Cost of a record: one row look-up and one add. Of a firing: merges of up to 2 * size / slide slices, with an
 * aggregate of the user's own as copies where they are needed again: its merge may take them apart.
 *
 * Source: Krishnamurthy, Wu, Franklin, "On-the-Fly Sharing for Streamed Aggregation" (SIGMOD 2006), for paired slices.
 */
import type { Token } from "../core/key.ts";
import type { Cell as RowCell } from "../state/bucket.ts";
import type { Table } from "../state/table.ts";
import type { Head, WindowPorts } from "./contract.ts";
import type { PrefetchKeysPorts } from "./prefetch-keys.ts";

interface Slice<Cell> {
  /** The greatest timestamp of its records; NaN where they have none. */
  latest: number;
  readonly cell: Cell;
}

export interface CountRow<Cell> extends RowCell {
  /** Records so far, those between windows included. */
  position: number;
  /** Of the window that is to fire next, in the order of arrival; a new record goes into the last one. */
  readonly slices: Slice<Cell>[];
}

export interface CountWindowPorts<Cell> extends WindowPorts<CountRow<Cell>, Cell> {
  readonly table: Table<CountRow<Cell>>;
  readonly size: number;
  readonly slide: number;
  /** Some aggregate is the user's own: its merge may change what it is given. */
  readonly hasCustom: boolean;
  readonly copyOf: (cell: Cell) => Cell;
  readonly prefetchKeys: (ports: PrefetchKeysPorts) => NonNullable<Head["prefetch"]>;
}

export function countWindowHead<Cell>(ports: CountWindowPorts<Cell>): Head {
  const { emit, mark, fail, counts, stepLoop } = ports;
  const { table, keyOf, tokenOf, keyOfToken, create, add, merge, result, hasCustom, copyOf } = ports;
  const { size, slide } = ports;
  const bucket = table.open(0);

  const remainder = size % slide;
  /** Place within a slide at which a window begins, and with it a slice. Another one begins at 0, with the slide. */
  const cut = slide - remainder;
  /** The places before the cut lie between two windows. */
  const hasGap = size < slide;
  /** Slices of a window that the next one needs too. */
  const shared = hasGap ? 0 : remainder === 0 ? size / slide - 1 : 2 * Math.floor(size / slide) - 1;
  let watermark = Number.NEGATIVE_INFINITY;

  function process(value: unknown, timestamp: number): void {
    let token: Token;
    try {
      token = tokenOf(keyOf(value));
    } catch (error) {
      fail(0, error, value);
      return;
    }
    const known = table.edit(bucket, token);
    const row: CountRow<Cell> = known ?? { mark: 0, position: 0, slices: [] };
    const { slices } = row;
    const place = row.position % slide;
    if (hasGap && place < cut) {
      counts[3] += 1;
    } else {
      try {
        if (place === 0 || place === cut) {
          const cell = create();
          add(cell, value, timestamp);
          slices.push({ latest: timestamp, cell });
        } else {
          const slice = slices[slices.length - 1];
          add(slice.cell, value, timestamp);
          slice.latest = Math.max(slice.latest, timestamp);
        }
      } catch (error) {
        fail(1, error, value);
        return;
      }
    }
    row.position += 1;
    const isFull = place + 1 === slide;
    if (isFull) fire(token, slices);
    const isNeeded = slices.length > 0 || !isFull;
    if (known === undefined) {
      if (isNeeded) table.insert(bucket, token, row);
    } else if (!isNeeded) {
      table.remove(bucket, token);
    }
  }

  /** Emits the window that is full, and forgets what the next one doesn't hold. */
  function fire(token: Token, slices: Slice<Cell>[]): void {
    const leaving = slices.length - shared;
    let { latest, cell } = slices[0];
    const whole = leaving > 0 ? cell : copyOf(cell);
    for (let i = 1; i < slices.length; i++) {
      cell = slices[i].cell;
      merge(whole, i < leaving || !hasCustom ? cell : copyOf(cell));
      latest = Math.max(latest, slices[i].latest);
    }
    if (leaving > 0) slices.splice(0, leaving);
    counts[4] += 1;
    const shown = result(whole, keyOfToken(token), null, null, "on-time", 0, null);
    // Records behind the watermark are ordinary here, but nothing may leave below the watermark that left before.
    emit(shown, Math.max(latest, watermark));
  }

  function advance(to: number): boolean {
    watermark = to;
    mark(to);
    return true;
  }

  return {
    run: stepLoop(ports, process, advance),

    prefetch: ports.prefetchKeys(ports),

    save: () => [watermark],

    restore(saved) {
      watermark = saved[0];
    },
  };
}
