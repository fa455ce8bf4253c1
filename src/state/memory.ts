/**
 * The store in memory: rows in a map, their bytes copied on the way in and out, so that nobody shares them with it.
 *
 * It forgets everything with its process: what is durable about a job over it is the log. A load or a change costs
 * one look-up; a scan costs a sort when rows have come or gone since the last one; a range removal looks at all rows.
 */
import { MillraceError } from "../core/errors.ts";
import type { Change, Row, RowStore } from "./contract.ts";

export function memoryStore(): RowStore & { readonly size: number } {
  const rows = new Map<string, Uint8Array>();
  let applied: string | null = null;
  let closed = false;
  // Addresses in order, made anew by the first scan after a change of the key set.
  let ordered: string[] | null = null;

  const demandOpen = () => {
    if (closed) throw new MillraceError("ENGINE_BUG", "A store in memory was used after its close");
  };

  const change = (next: Change) => {
    if ("from" in next) {
      for (const address of rows.keys()) {
        if (address >= next.from && address < next.to) rows.delete(address);
      }
      ordered = null;
    } else if (next.value === undefined) {
      if (rows.delete(next.address)) ordered = null;
    } else {
      if (!rows.has(next.address)) ordered = null;
      rows.set(next.address, new Uint8Array(next.value));
    }
  };

  return {
    get size() {
      return rows.size;
    },

    async load(addresses: readonly string[]): Promise<readonly (Uint8Array | undefined)[]> {
      demandOpen();
      return addresses.map((address) => {
        const value = rows.get(address);
        return value === undefined ? undefined : new Uint8Array(value);
      });
    },

    async scan(from: string, to: string, limit: number): Promise<readonly Row[]> {
      demandOpen();
      ordered ??= [...rows.keys()].sort();
      const found: Row[] = [];
      for (let i = firstAtLeast(ordered, from); i < ordered.length && found.length < limit; i++) {
        const address = ordered[i];
        if (address >= to) break;
        found.push({ address, value: new Uint8Array(rows.get(address) as Uint8Array) });
      }
      return found;
    },

    async apply(changes: readonly Change[], position: string | null): Promise<void> {
      demandOpen();
      changes.forEach(change);
      if (position !== null) applied = position;
    },

    async position(): Promise<string | null> {
      demandOpen();
      return applied;
    },

    async flush(): Promise<void> {
      demandOpen();
    },

    async close(): Promise<void> {
      closed = true;
    },
  };
}

/** The index of the first of the sorted `texts` that is not below `least`. */
function firstAtLeast(texts: readonly string[], least: string): number {
  let low = 0;
  for (let high = texts.length; low < high; ) {
    const middle = (low + high) >> 1;
    if (texts[middle] < least) low = middle + 1;
    else high = middle;
  }
  return low;
}
