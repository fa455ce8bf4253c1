/**
 * Windows of which a pane is out, where a window is known by its end: a bucket per end, a row per key. A window can't fire
 * any more once the watermark has reached its end + lateness: then its bucket is dropped. The end of the global window is
 * +Infinity.
 *
 * What waits of a window that is dropped is found by a walk through its bucket, if anything waits at all.
 */
import type { Token } from "../core/key.ts";
import type { Bucket, Cell } from "../state/bucket.ts";
import type { Table } from "../state/table.ts";
import type { Shown, ShownRows, ShownRowsPorts } from "./changelog.ts";

export interface ShownCell extends Cell, Shown {}

export interface ShownByEndPorts extends ShownRowsPorts {
  readonly table: Table<ShownCell>;
}

export function shownByEnd(ports: ShownByEndPorts): ShownRows {
  const { table, latenessMs, full, begin, due, nameOfEnd, endOfName } = ports;
  const timeOf = (end: number | null): number => end ?? Number.POSITIVE_INFINITY;

  /** What was reached last. */
  let bucket: Bucket<ShownCell> | null = null;
  let token: Token = 0;
  let row: ShownCell | undefined;
  const atHand: ShownCell[] = [];

  /** A drop that ran out of room goes on here. */
  let dropping: Bucket<ShownCell> | null = null;
  let entries: Iterator<[Token, ShownCell]> | null = null;

  function leaveAll(of: Bucket<ShownCell>, leave: (shown: Shown) => void): boolean {
    if (dropping !== of) {
      dropping = of;
      entries = null;
      table.walk(of);
    }
    for (;;) {
      if (entries === null) {
        begin();
        const page = table.nextRows();
        if (page === null) return true;
        entries = page[Symbol.iterator]();
      }
      for (let next = entries.next(); next.done !== true; next = entries.next()) {
        const [key, shown] = next.value;
        if (shown.waiting === null) continue;
        table.changing(of, key, shown);
        leave(shown);
        if (full()) return false;
      }
      entries = null;
    }
  }

  return {
    atHand,

    reach(of, end) {
      const time = timeOf(end);
      if (bucket === null || bucket.time !== time) bucket = table.open(time);
      token = of;
      row = table.edit(bucket, token);
      atHand.length = 0;
      if (row !== undefined) atHand.push(row);
    },

    find: () => row,

    add(shown) {
      row = { mark: 0, ...shown };
      table.insert(bucket as Bucket<ShownCell>, token, row);
    },

    remove() {
      table.remove(bucket as Bucket<ShownCell>, token);
      row = undefined;
    },

    drop(to, leave) {
      for (let { first } = table; first !== undefined && first.time + latenessMs <= to; { first } = table) {
        if (due.size > 0 && !leaveAll(first, leave)) return false;
        table.dropFirst();
        bucket = null;
        dropping = null;
      }
      return true;
    },

    want(of, end) {
      table.keeper?.want(table.open(timeOf(end)), of);
    },

    nameOf: ({ end }) => nameOfEnd(timeOf(end)),

    endOf(name, watermark) {
      const end = endOfName(name);
      return end + latenessMs <= watermark ? Number.NaN : end;
    },
  };
}
