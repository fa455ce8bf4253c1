/**
 * Prefetch of heads that keep one row per key: asks for the rows of the keys in the input. A part of a head, made anew
 * with it.
 */
import type { Token } from "../core/key.ts";
import type { Cell } from "../state/bucket.ts";
import type { Table } from "../state/table.ts";
import type { Head, HeadPorts } from "./contract.ts";

export interface PrefetchKeysPorts extends HeadPorts {
  readonly table: Table<Cell>;
  readonly keyOf: (value: unknown) => unknown;
  readonly tokenOf: (key: unknown) => Token;
}

export function prefetchKeys(ports: PrefetchKeysPorts): NonNullable<Head["prefetch"]> {
  const { inputs, table, keyOf, tokenOf, NONE, IDLE } = ports;
  const input = inputs[0];
  const { keeper } = table;
  const bucket = table.open(0);

  return (maxRows) => {
    if (keeper === null || !keeper.cold) return;
    const n = Math.min(input.n, maxRows);
    for (let i = 0; i < n; i++) {
      const value = input.values[i];
      if (value === NONE || value === IDLE) continue;
      try {
        keeper.want(bucket, tokenOf(keyOf(value)));
      } catch {
        // A key that can't be taken is dealt with when the record's turn comes.
      }
    }
  };
}
