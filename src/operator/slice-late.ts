/**
 * Late panes from slices: a record that comes behind the end of windows that still take it fires each of them at once. A
 * part of sliced-window.ts.
 *
 * The key's slices are gone through once, from the first of these windows to the last, with a total of their own. Which
 * pane it is of its window is in the table "panes", a row per key and window that has fired late. Before its first
 * late pane, a window has fired if it had a record of the key by then.
 *
 * Cost of a late record: a look-up per slice, and per window a look-up and a merge.
 */
import type { Token } from "../core/key.ts";
import type { Bucket, Cell } from "../state/bucket.ts";
import type { Table } from "../state/table.ts";
import type { WindowPorts } from "./contract.ts";
import type { FixedBounds } from "./fixed-windows.ts";
import type { SliceRows } from "./slice-rows.ts";
import type { SliceCell, SliceTotals } from "./slice-totals.ts";

/** How many panes a window has fired. */
export interface PanesRow extends Cell {
  panes: number;
}

export interface SliceLatePorts extends WindowPorts<SliceCell, SliceCell> {
  readonly panes: Table<PanesRow>;
  readonly totalsBy: SliceTotals;
}

export interface SliceLate {
  /** Over a backend: asks for what `fire` touches. */
  want(token: Token, ends: readonly number[]): void;
  /** Reads the same, so that nothing is changed before all is at hand. @throws MISS */
  read(token: Token, ends: readonly number[]): void;
  /** Fires the windows with these ends, which ascend. The record is in its slice. */
  fire(token: Token, ends: readonly number[]): void;
}

export function sliceLate(ports: SliceLatePorts, { startOf }: FixedBounds, rows: SliceRows): SliceLate {
  const { table, panes, totalsBy, counts, emit, keyOfToken, result } = ports;
  const { turning } = totalsBy;

  const slicesOf = (ends: readonly number[]): Bucket<SliceCell>[] =>
    rows.between(startOf(ends[0]), ends[ends.length - 1]);

  return {
    want(token, ends) {
      for (const bucket of slicesOf(ends)) table.keeper?.want(bucket, token);
      for (const end of ends) panes.keeper?.want(panes.open(end), token);
    },

    read(token, ends) {
      for (const bucket of slicesOf(ends)) table.peek(bucket, token);
      for (const end of ends) panes.peek(panes.open(end), token);
    },

    fire(token, ends) {
      const slices: { readonly end: number; readonly cell: SliceCell }[] = [];
      for (const bucket of slicesOf(ends)) {
        const held = rows.peek(bucket, token);
        // A copy: it is turned on its own.
        if (held !== undefined) slices.push({ end: bucket.time, cell: { ...held } });
      }
      const total = totalsBy.create();
      let [first, entered, turned] = [0, 0, 0];
      for (const end of ends) {
        const start = startOf(end);
        for (; entered < slices.length && slices[entered].end <= end; entered++)
          totalsBy.enter(total, slices[entered].cell);
        // All these windows have the record's slice, which never leaves.
        for (; slices[first].end <= start; first++) {
          if (turning !== null && first >= turned) {
            for (let i = entered - 1; i >= first; i--) turning.turn(total, slices[i].cell);
            turned = entered;
          }
          totalsBy.leave(total, slices[first].cell);
        }
        const bucket = panes.open(end);
        let row = panes.edit(bucket, token);
        if (row === undefined) {
          const hadRecords = slices.slice(first, entered).some(({ cell }) => cell.panes < end);
          row = { mark: 0, panes: hadRecords ? 1 : 0 };
          panes.insert(bucket, token, row);
        }
        counts[4] += 1;
        const shown = totalsBy.shown(total) as SliceCell;
        emit(result(shown, keyOfToken(token), start, end, "late", row.panes, null), end - 1);
        row.panes += 1;
      }
    },
  };
}
