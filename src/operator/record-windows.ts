/**
 * The windows of a record, for heads that keep a row per key and window: which of them still take it, and what becomes
 * of a record that none takes. Made anew per stage like the heads.
 *
 * A window takes records until the watermark reaches its end + lateness: then it is past, and missed by records that
 * still come. A record that misses all its windows is late. The global window, whose end is +Infinity, is never past.
 */
import type { Token } from "../core/key.ts";
import type { Cell } from "../state/bucket.ts";
import type { Table } from "../state/table.ts";
import type { HeadPorts } from "./contract.ts";
import type { FixedBounds } from "./fixed-windows.ts";

export interface RecordWindowsPorts extends HeadPorts {
  readonly table: Table<Cell>;
  readonly keyOf: (value: unknown) => unknown;
  readonly tokenOf: (key: unknown) => Token;
  readonly latenessMs: number;
  readonly boundsOf: (ports: any) => FixedBounds;
}

export interface RecordWindows {
  /** The ends of the windows that take the record at hand, latest first. */
  readonly ends: readonly number[];
  /** How many windows take the record; where none does, it is dealt with. Counts the missed ones. */
  take(value: unknown, timestamp: number, watermark: number): number;
  isPast(end: number, watermark: number): boolean;
  /** Over a backend: all rows of the record at hand, before any of them is changed. @throws MISS */
  haveAtHand(token: Token, windows: number): void;
  /** Asks for the rows that the input will touch. */
  prefetch(maxRows: number, watermark: number): void;
}

export function recordWindows(ports: RecordWindowsPorts): RecordWindows {
  const { inputs, side, counts, table, keyOf, tokenOf, latenessMs, NONE, IDLE } = ports;
  const { lastEnd, endBefore } = ports.boundsOf(ports);
  const { keeper } = table;
  const input = inputs[0];
  const ends: number[] = [];

  const isPast = (end: number, watermark: number): boolean =>
    end + latenessMs <= watermark && end !== Number.POSITIVE_INFINITY;

  return {
    ends,
    isPast,

    take(value, timestamp, watermark) {
      let taking = 0;
      let missed = 0;
      for (let end = lastEnd(timestamp); end > timestamp; end = endBefore(end)) {
        if (isPast(end, watermark)) missed += 1;
        else ends[taking++] = end;
      }
      if (missed > 0) counts[2] += missed;
      if (taking > 0) return taking;
      // A record between two windows is late, as for Flink, when its own time is past.
      if (missed > 0 || timestamp + latenessMs < watermark) {
        counts[1] += 1;
        side(value, timestamp);
      } else {
        counts[3] += 1;
      }
      return 0;
    },

    haveAtHand(token, windows) {
      for (let i = 0; i < windows; i++) keeper?.want(table.open(ends[i]), token);
      for (let i = 0; i < windows; i++) table.peek(table.open(ends[i]), token);
    },

    prefetch(maxRows, watermark) {
      if (keeper === null || !keeper.cold) return;
      let left = maxRows;
      for (let i = 0; i < input.n; i++) {
        const value = input.values[i];
        if (value === NONE || value === IDLE) continue;
        try {
          const token = tokenOf(keyOf(value));
          const timestamp = input.ts[i];
          for (
            let end = lastEnd(timestamp);
            end > timestamp && !isPast(end, watermark);
            end = endBefore(end)
          ) {
            keeper.want(table.open(end), token);
            if (--left === 0) return;
          }
        } catch {
          // A key that can't be taken is dealt with when the record's turn comes.
        }
      }
    },
  };
}
