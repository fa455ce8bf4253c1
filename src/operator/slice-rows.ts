/**
 * The rows of slices, whether they are cells or numbers in typed arrays (state/number-rows.ts, token-rows.ts): numbers
 * where all accumulators are numbers and state is in memory. A part of sliced-window.ts.
 */
import type { Token } from "../core/key.ts";
import type { Bucket } from "../state/bucket.ts";
import type { NumberRows } from "../state/number-rows.ts";
import type { Table } from "../state/table.ts";
import type { TokenRows } from "../state/token-rows.ts";
import type { Aggregator, HeadPorts, NumberAggregator } from "./contract.ts";
import type { SliceCell } from "./slice-totals.ts";

export interface SliceRowsPorts extends Aggregator<SliceCell> {
  readonly table: Table<SliceCell>;
  readonly numbers: NumberAggregator | null;
  /** Rows of numbers as cells, and back. */
  readonly cellOf: (values: ArrayLike<number>, seq: number) => SliceCell;
  readonly valuesOf: (cell: SliceCell) => number[];
  readonly latenessMs: number;
  readonly fail: HeadPorts["fail"];
}

type Rows = Bucket<SliceCell>;

export interface SliceRows {
  /** Adds to the key's row, which it makes if there is none. False where the record failed. @throws MISS */
  add(bucket: Rows, token: Token, value: unknown, timestamp: number, watermark: number): boolean;
  /** The key's row, or numbers as a row; not to be changed. @throws MISS */
  peek(bucket: Rows, token: Token): SliceCell | undefined;
  /** Merges a cell into the row that the key has, or makes it its row. The cell is not used again. */
  merge(bucket: Rows, token: Token, held: SliceCell | undefined, cell: SliceCell, watermark: number): void;
  /**
   * The slices with rows that end in (from, to], in time order. Others don't count: which were opened in vain hangs on
   * what was asked for ahead and on restarts, and must not be seen in any firing.
   */
  between(from: number, to: number): Rows[];
  /** Whether there is one. */
  anyBetween(from: number, to: number): boolean;
  /** Calls `visit` for the rows that are numbers. */
  visitNumbers(bucket: Rows, visit: (token: Token, cell: SliceCell) => void): void;
  /** Rows came back from the log: numbers go to their place, and all are in the order of arrival. */
  restore(bucket: Rows): void;
}

export function sliceRows(ports: SliceRowsPorts): SliceRows {
  const { table, create, add, merge, fail, cellOf, valuesOf, latenessMs } = ports;
  const { keeper } = table;
  const numbers = keeper !== null && keeper.cold ? null : ports.numbers;
  /** How many numeric keys the slices have that were made last. The next one is made for as many as the fullest of them. */
  const made = Array.from({ length: 8 }, () => ({ rows: 0 }));

  function numbersOf(bucket: Rows, token: Token, by: NumberAggregator): NumberRows | TokenRows {
    if (typeof token === "number" && !Number.isNaN(token)) {
      if (bucket.numbers === null) {
        const expected = made.reduce((most, { rows }) => Math.max(most, rows), 0);
        bucket.numbers = by.newNumberRows(expected, keeper === null ? null : keeper.numbersOf(bucket));
        made.shift();
        made.push(bucket.numbers.count);
      }
      return bucket.numbers;
    }
    bucket.tokens ??= by.newTokenRows(keeper === null ? null : keeper.numbersOf(bucket));
    return bucket.tokens;
  }

  function insert(bucket: Rows, token: Token, cell: SliceCell, watermark: number): void {
    cell.seq = bucket.rows.size;
    cell.panes = watermark;
    cell.after = null;
    table.insert(bucket, token, cell);
  }

  function* slicesBetween(from: number, to: number): Generator<Rows, void> {
    for (let next = table.after(from); next !== undefined && next.time <= to; next = table.after(next.time))
      // Rows are elsewhere, or in memory.
      if (!next.complete || next.size > 0) yield next;
  }

  return {
    add(bucket, token, value, timestamp, watermark) {
      if (numbers !== null) {
        const rows = numbersOf(bucket, token, numbers);
        const { size } = rows;
        try {
          const at = numbers.add(rows, token, value, timestamp);
          if (latenessMs > 0 && rows.size > size) rows.slots[at + numbers.panesAt] = watermark;
        } catch (error) {
          fail(1, error, value);
          return false;
        }
        return true;
      }
      const held = table.edit(bucket, token);
      try {
        const cell = held ?? create();
        add(cell, value, timestamp);
        if (held === undefined) insert(bucket, token, cell, watermark);
      } catch (error) {
        fail(1, error, value);
        return false;
      }
      return true;
    },

    peek(bucket, token) {
      if (numbers === null) return table.peek(bucket, token);
      const rows = typeof token === "number" && !Number.isNaN(token) ? bucket.numbers : bucket.tokens;
      const at = rows === null ? -1 : rows.find(token as never);
      return rows === null || at < 0 ? undefined : cellOf(rows.valuesAt(at), 0);
    },

    merge(bucket, token, held, cell, watermark) {
      if (numbers === null) {
        if (held === undefined) {
          insert(bucket, token, cell, watermark);
        } else {
          table.changing(bucket, token, held);
          merge(held, cell);
        }
        return;
      }
      const rows = numbersOf(bucket, token, numbers);
      let at = rows.find(token as never);
      if (held === undefined) {
        at = rows.insert(at, token as never);
        cell.panes = watermark;
      } else {
        rows.touch(at, token);
        merge(held, cell);
      }
      rows.slots.set(valuesOf(held ?? cell), at + 1);
    },

    between: (from, to) => Array.from(slicesBetween(from, to)),
    anyBetween: (from, to) => slicesBetween(from, to).next().done !== true,

    visitNumbers(bucket, visit) {
      for (const rows of [bucket.numbers, bucket.tokens]) {
        if (rows === null) continue;
        for (const [token, at] of rows.entries()) visit(token, cellOf(rows.valuesAt(at), 0));
      }
    },

    restore(bucket) {
      const rows = Array.from(bucket.rows.entries()).sort((a, b) => a[1].seq - b[1].seq);
      bucket.rows.clear();
      for (const [token, cell] of rows) {
        if (numbers === null) bucket.rows.set(token, cell);
        else numbersOf(bucket, token, numbers).restore(token as never, valuesOf(cell));
      }
    },
  };
}
