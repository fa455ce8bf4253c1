/** Single rows of stored state, for people: those of an operator, or of a key with their values. */
import { type Key, keyOf, type Token } from "../core/key.ts";
import type { Files } from "../core/ports.ts";
import type { Cell } from "../state/bucket.ts";
import type { RowLayout } from "../state/contract.ts";
import { OwnedTable } from "../state/owned-table.ts";
import { type Rows, Table } from "../state/table.ts";
import { AskedRows } from "./asked-rows.ts";
import type { RowCount } from "./inspect-state.ts";
import { prefixOf } from "./replayed-rows.ts";
import { readRows, readState } from "./stored-state.ts";
import { type StoredValue, valueReader } from "./stored-value.ts";

export interface RowQuery {
  /** An operator, or a store ("operator/table"). Default: all */
  readonly operator?: string;
  /** Only the rows of this key, with their values. */
  readonly key?: Token;
  /** Rows to be shown of each store. */
  readonly limit: number;
}

export interface StoredRow {
  readonly key: Key;
  /** Of a store by time: the end of the window, or when it is due. */
  readonly time?: number;
  /** Of a store by owner: which of the key's rows it is. */
  readonly subKey?: Key;
  /** Of address and value, as they are encoded. */
  readonly bytes: number;
  /** Only where a key was asked for. */
  readonly value?: StoredValue;
}

/** The rows of a store that were asked for. */
export interface StoreRows extends RowCount {
  /** In the order of their addresses. */
  readonly first: readonly StoredRow[];
}

/** By store; null where there is no such operator. @throws as readState */
export function inspectRows(
  files: Files,
  folder: string,
  { operator, key, limit }: RowQuery,
): Promise<readonly StoreRows[] | null> {
  return readState(files, folder, async (state) => {
    const stores = Object.entries(state.saved?.stores ?? {}).filter(
      ([name, store]) =>
        store.layout !== "none" &&
        (operator === undefined || operator === name || operator === store.operator),
    );
    if (stores.length === 0 && operator !== undefined) return null;
    const asked = stores.map(([name, { operator, table, layout, signature }]) => {
      const rows = tableOf(operator, table, layout as RowLayout);
      const read = valueReader(signature, state.saved?.shapes);
      return { name, rows, read, found: new AskedRows(rows, key, limit) };
    });
    const byPrefix = new Map(asked.map(({ rows, found }) => [rows.prefix, found]));
    await readRows(state, {
      wants: (address) => key !== undefined && byPrefix.get(prefixOf(address))?.isAsked(address) === true,
      see: (address, valueBytes, value) =>
        byPrefix.get(prefixOf(address))?.see({ address, bytes: address.length + valueBytes, value }),
    });
    return asked.map(
      ({ name, rows, read, found }): StoreRows => ({
        store: name,
        rows: found.count,
        bytes: found.bytes,
        first: found.first().map(({ address, bytes, value }) => ({
          ...placeOf(rows, address),
          bytes,
          ...(value === null ? {} : { value: read(value) }),
        })),
      }),
    );
  });
}

function tableOf(operator: string, table: string, layout: RowLayout): Rows<Cell> {
  return layout === "by-owner" ? new OwnedTable(operator, table) : new Table(operator, table, layout);
}

function placeOf(rows: Rows<Cell>, address: string): Pick<StoredRow, "key" | "time" | "subKey"> {
  const { bucket, token } = rows.place(address);
  if (bucket.owner !== null) return { key: keyOf(bucket.owner), subKey: keyOf(token) };
  return rows.layout === "by-time" ? { key: keyOf(token), time: bucket.time } : { key: keyOf(token) };
}
