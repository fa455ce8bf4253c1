/** The memory backend: rows in a map, copied on the way in and out as any other backend copies them. */
import type { Change, Row, RowStore, StateValue } from "./contract.ts";

export function memoryStore(): RowStore & { readonly size: number } {
  const rows = new Map<string, StateValue>();
  // Addresses in order, made anew by the first scan after a change of the key set.
  let ordered: string[] | null = null;

  return {
    get size() {
      return rows.size;
    },

    async load(addresses: readonly string[]): Promise<readonly (StateValue | undefined)[]> {
      return addresses.map((address) => structuredClone(rows.get(address)));
    },

    async scan(from: string, to: string, limit: number): Promise<readonly Row[]> {
      ordered ??= [...rows.keys()].sort();
      let low = 0;
      for (let high = ordered.length; low < high; ) {
        const middle = (low + high) >> 1;
        if (ordered[middle] < from) low = middle + 1;
        else high = middle;
      }
      const found: Row[] = [];
      for (let i = low; i < ordered.length && found.length < limit && ordered[i] < to; i++) {
        found.push({ address: ordered[i], value: structuredClone(rows.get(ordered[i])) });
      }
      return found;
    },

    async apply(changes: readonly Change[]): Promise<void> {
      for (const { address, value } of changes) {
        if (value === undefined) rows.delete(address);
        else rows.set(address, structuredClone(value));
      }
      ordered = null;
    },
  };
}
