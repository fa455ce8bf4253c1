/**
 * A list per key. A row per element, whose sub-key is a number that only grows: adding is one write and no read,
 * however long the list is. Reading takes the whole list into memory.
 */
import type { ValueCell } from "../state/value-cell.ts";
import type { OwnedTable } from "../state/owned-table.ts";
import type { Token } from "../core/key.ts";
import type { KeptState, StatePorts } from "./process-step.ts";

export interface ListPorts extends StatePorts {
  readonly table: OwnedTable<ValueCell>;
  /** The next sub-key, of all lists of the operator: it is saved with the head. */
  readonly sequence: { next: number };
  /** onRecord reads it. */
  readonly isRead: boolean;
}

/** Made anew per stage like a head: it uses its parameter and globals only. */
export function listState({ step, table, life, give, sequence, isRead }: ListPorts): KeptState {
  let of = 0;
  let isCleared = false;
  const added: unknown[] = [];
  let count = 0;

  function enter(): void {
    if (of === step.n) return;
    of = step.n;
    isCleared = false;
    count = 0;
  }

  /** In the order in which they were added, which is not always that in which memory has them. */
  function stored(): [Token, ValueCell][] {
    const bucket = table.find(step.token);
    if (bucket === undefined) return [];
    try {
      table.keeper?.all(bucket);
    } catch (signal) {
      step.missed = true;
      throw signal;
    }
    const rows = Array.from(bucket.rows.entries());
    const isSorted = rows.every(([token], i) => i === 0 || rows[i - 1][0] < token);
    return isSorted ? rows : rows.sort(([a], [b]) => Number(a) - Number(b));
  }

  return {
    handle: {
      get(): unknown[] {
        enter();
        const values: unknown[] = [];
        if (!isCleared)
          for (const [, row] of stored())
            if (life === null || row.until > life.now()) values.push(give(row.value));
        for (let i = 0; i < count; i++) values.push(added[i]);
        return values;
      },
      add(value: unknown): void {
        enter();
        added[count++] = value;
      },
      clear(): void {
        enter();
        isCleared = true;
        count = 0;
      },
    },

    prepare() {},

    commit() {
      if (of !== step.n) return;
      const { token } = step;
      if (isCleared && table.find(token) !== undefined) table.drop(token);
      if (count === 0) return;
      const until = life === null ? Number.POSITIVE_INFINITY : life.until();
      const bucket = table.open(token);
      for (let i = 0; i < count; i++) {
        table.insert(bucket, sequence.next++, { mark: 0, value: added[i], until });
        added[i] = undefined;
      }
      life?.register(token, until);
    },

    want(token) {
      if (!isRead) return 0;
      const bucket = table.find(token);
      if (bucket !== undefined) table.keeper?.wantAll(bucket);
      return 1;
    },

    wantDue() {},

    expire: (token, now) => table.removeWhere(token, (row) => row.until <= now),
  };
}
