/**
 * On-time panes from slices. A part of sliced-window.ts.
 *
 * State: table "totals", one row per key with records in the window that fires next (slice-totals.ts). When a window
 * fires, the slices that it has more than the one before enter the totals of their keys; every total gives a result;
 * the slices that the next window no longer has leave, and so does a key without one left. Hence a firing costs as
 * much as it has results and as there are rows in the slices that come and go, however many slices a window has.
 *
 * A firing is a list of walks through rows, each resumable: where an output is full, and page by page where rows are
 * elsewhere. Before the rows of a page are dealt with, the totals of their keys are at hand.
 */
import type { Token } from "../core/key.ts";
import type { Bucket } from "../state/bucket.ts";
import type { Table } from "../state/table.ts";
import type { WindowPorts } from "./contract.ts";
import type { FixedBounds } from "./fixed-windows.ts";
import type { SliceBounds } from "./slice-bounds.ts";
import type { SliceRows } from "./slice-rows.ts";
import type { SliceCell, SliceTotals, TotalRow } from "./slice-totals.ts";

export interface SliceFiringPorts extends WindowPorts<SliceCell, SliceCell> {
  readonly totals: Table<TotalRow>;
  readonly totalsBy: SliceTotals;
}

export interface SliceFiring {
  /** The end of the window that fired last: its slices are in the totals. */
  readonly fired: number;
  /** Where the stacks were turned last. */
  readonly turned: number;
  /** The end of the next window with a slice, be it without rows, that has not ended; +Infinity where there is none. */
  nextEnd(watermark: number): number;
  /** Fires a window, if it has rows, or goes on with it. False when an output is full: call again. */
  fire(end: number): boolean;
  /** Over a backend: asks for what a record of a slice in the totals touches beside the slice. */
  want(token: Token, sliceEnd: number, watermark: number): void;
  /** Reads the same, so that nothing is changed before all is at hand. @throws MISS */
  read(token: Token, sliceEnd: number, watermark: number): void;
  /** A slice that is in the totals gets more: `cell`. */
  enter(token: Token, sliceEnd: number, cell: SliceCell, isNew: boolean): void;
  /** It has it now. */
  turnAgain(token: Token, sliceEnd: number, watermark: number): void;
  /** The totals came back. */
  restore(fired: number, turned: number): void;
}

type Visit = (token: Token, row: any, bucket: Bucket<any>) => void;

/** Through the rows of a bucket. */
interface Walk {
  readonly of: Table<any>;
  readonly bucket: Bucket<any>;
  readonly visit: Visit;
}

export function sliceFiring(
  ports: SliceFiringPorts,
  { startOf }: FixedBounds,
  { endAfter }: SliceBounds,
  rows: SliceRows,
): SliceFiring {
  const { table, totals, totalsBy, begin, full, emit, counts, keyOfToken, result } = ports;
  const { turning } = totalsBy;
  const { keeper } = totals;
  const cold = keeper !== null && keeper.cold;
  const ofAll = totals.open(0);

  let fired = Number.NEGATIVE_INFINITY;
  let turned = Number.NEGATIVE_INFINITY;
  let nextSeq = 0;

  /** The walks of the firing at hand, and which of them it is in; null between two firings. */
  let walks: Walk[] | null = null;
  let at = 0;
  let isWalking = false;
  /** The rows at hand of that walk; null before a page. How far it is through them; null before they are dealt with. */
  let page: Iterable<[Token, any]> | null = null;
  let left: Iterator<[Token, any]> | null = null;

  function totalOf(token: Token): TotalRow {
    const held = totals.edit(ofAll, token);
    if (held !== undefined) return held;
    const total = totalsBy.create();
    total.seq = nextSeq++;
    totals.insert(ofAll, token, total);
    return total;
  }

  function enter(token: Token, slice: SliceCell): void {
    const total = totalOf(token);
    total.slices += 1;
    totalsBy.enter(total, slice);
  }

  function leave(token: Token, slice: SliceCell): void {
    const total = totalOf(token);
    total.slices -= 1;
    if (total.slices === 0) totals.remove(ofAll, token);
    else totalsBy.leave(total, slice);
  }

  function turn(token: Token, slice: SliceCell, bucket: Bucket<SliceCell>): void {
    table.changing(bucket, token, slice);
    turning?.turn(totalOf(token), slice);
  }

  /** Where the slice is one of those that were turned: all that were and are in the next window, latest first. */
  function turnedWith(sliceEnd: number, watermark: number): readonly Bucket<SliceCell>[] {
    if (turning === null || sliceEnd > turned) return [];
    // Windows without records have not fired: the next one may be far from the last.
    return rows.between(startOf(endAfter(watermark)), turned).reverse();
  }

  function plan(end: number): Walk[] {
    const start = startOf(end);
    const nextStart = startOf(endAfter(end));
    const isLast = nextStart >= end;
    const walks: Walk[] = [];
    const through = (buckets: readonly Bucket<SliceCell>[], visit: Visit): void => {
      for (const bucket of buckets) walks.push({ of: table, bucket, visit });
    };
    through(rows.between(Math.max(fired, start), end), enter);
    walks.push({
      of: totals,
      bucket: ofAll,
      visit(token, total: TotalRow) {
        counts[4] += 1;
        const cell = totalsBy.shown(total) as SliceCell;
        emit(result(cell, keyOfToken(token), start, end, "on-time", 0, null), end - 1);
        if (!isLast) return;
        totals.changing(ofAll, token, total);
        totals.remove(ofAll, token);
      },
    });
    if (isLast) return walks;
    const leaving = rows.between(start, nextStart);
    through(
      leaving.filter(({ time }) => time <= turned),
      leave,
    );
    const unturned = leaving.filter(({ time }) => time > turned);
    if (turning !== null && unturned.length > 0) {
      through(rows.between(Math.max(start, turned), end).reverse(), turn);
      turned = end;
    }
    through(unturned, leave);
    return walks;
  }

  /** The totals of a page's keys, before any of them is changed. */
  function haveAtHand(slices: Iterable<[Token, unknown]>): void {
    for (const [token] of slices) keeper?.want(ofAll, token);
    for (const [token] of slices) totals.peek(ofAll, token);
  }

  /** False when an output is full: call again. */
  function goThrough({ of, bucket, visit }: Walk): boolean {
    if (!isWalking) {
      isWalking = true;
      of.walk(bucket);
      if (of === table) rows.visitNumbers(bucket, (token, slice) => visit(token, slice, bucket));
    }
    for (;;) {
      if (left === null) {
        begin();
        page ??= of.nextRows();
        if (page === null) break;
        if (cold && of === table) haveAtHand(page);
        left = page[Symbol.iterator]();
      }
      // An iterator goes on where it was left.
      for (let next = left.next(); next.done !== true; next = left.next()) {
        visit(next.value[0], next.value[1], bucket);
        if (of === totals && full()) return false;
      }
      page = left = null;
    }
    isWalking = false;
    return true;
  }

  return {
    get fired() {
      return fired;
    },
    get turned() {
      return turned;
    },

    nextEnd(watermark) {
      const end = endAfter(watermark);
      const slice = table.after(startOf(end));
      return slice === undefined ? Number.POSITIVE_INFINITY : Math.max(end, endAfter(slice.time - 1));
    },

    fire(end) {
      if (walks === null && !rows.anyBetween(startOf(end), end)) return true;
      walks ??= plan(end);
      for (; at < walks.length; at++) if (!goThrough(walks[at])) return false;
      walks = null;
      at = 0;
      fired = end;
      return true;
    },

    want(token, sliceEnd, watermark) {
      keeper?.want(ofAll, token);
      for (const bucket of turnedWith(sliceEnd, watermark)) table.keeper?.want(bucket, token);
    },

    read(token, sliceEnd, watermark) {
      totals.peek(ofAll, token);
      for (const bucket of turnedWith(sliceEnd, watermark)) table.peek(bucket, token);
    },

    enter(token, sliceEnd, cell, isNew) {
      const total = totalOf(token);
      if (isNew) total.slices += 1;
      if (turning === null || sliceEnd > turned) totalsBy.enter(total, cell);
    },

    turnAgain(token, sliceEnd, watermark) {
      const slices: SliceCell[] = [];
      for (const bucket of turnedWith(sliceEnd, watermark)) {
        const slice = table.edit(bucket, token);
        if (slice !== undefined) slices.push(slice);
      }
      if (slices.length > 0) turning?.again(totalOf(token), slices);
    },

    restore(lastFired, lastTurned) {
      fired = lastFired;
      turned = lastTurned;
      const inMemory = Array.from(ofAll.rows.entries()).sort((a, b) => a[1].seq - b[1].seq);
      ofAll.rows.clear();
      for (const [token, total] of inMemory) ofAll.rows.set(token, total);
      nextSeq = (inMemory.at(-1)?.[1].seq ?? -1) + 1;
    },
  };
}
