/**
 * A backend as the contract of state/contract.ts allows it: applies are atomic and in order, one behind a failed one
 * fails with it, and a loss of power takes back the newest of those since the last flush.
 */
import type { Change, Row, RowStore } from "../../src/state/contract.ts";
import type { Engine } from "../engine/entry.ts";
import type { Dice } from "./dice.ts";
import type { Life } from "./life.ts";

interface Applied {
  readonly changes: readonly Change[];
  readonly position: string | null;
}

/** What lasts: rows by address, and what was applied since the last flush. */
export class StoredRows {
  rows = new Map<string, Uint8Array>();
  position: string | null = null;
  #flushed: { rows: Map<string, Uint8Array>; position: string | null } = { rows: new Map(), position: null };
  #since: Applied[] = [];

  apply(applied: Applied): void {
    this.#since.push(applied);
    this.#take(applied);
  }

  flush(): void {
    this.#flushed = { rows: new Map(this.rows), position: this.position };
    this.#since = [];
  }

  losePower(dice: Dice): void {
    const kept = this.#since.slice(0, dice.below(this.#since.length + 1));
    this.rows = new Map(this.#flushed.rows);
    this.position = this.#flushed.position;
    for (const applied of kept) this.#take(applied);
    this.flush();
  }

  #take({ changes, position }: Applied): void {
    for (const change of changes) {
      if ("from" in change) {
        for (const address of this.rows.keys())
          if (address >= change.from && address < change.to) this.rows.delete(address);
      } else if (change.value === undefined) this.rows.delete(change.address);
      else this.rows.set(change.address, change.value);
    }
    if (position !== null) this.position = position;
  }
}

export function openStore(stored: StoredRows, life: Life, engine: Engine): RowStore {
  let applying: Promise<void> = Promise.resolve();
  const failed = (code: "FILE_UNREADABLE" | "STATE_UNWRITABLE") => (cause: unknown) => {
    throw new engine.MillraceError(code, `The store failed: ${(cause as Error).message}`, {}, cause);
  };
  const read = <T>(name: string, whole: () => T): Promise<T> =>
    life.operation({ name: `store ${name}`, isChange: false, whole }).catch(failed("FILE_UNREADABLE"));
  return {
    load: (addresses) =>
      read("load", () =>
        addresses.map((address) => {
          const value = stored.rows.get(address);
          return value === undefined ? undefined : new Uint8Array(value);
        }),
      ),
    scan: (from, to, limit) =>
      read("scan", () =>
        [...stored.rows]
          .filter(([address]) => address >= from && address < to)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .slice(0, limit)
          .map(([address, value]): Row => ({ address, value: new Uint8Array(value) })),
      ),
    async apply(changes, position) {
      // Taken when it happens: whoever changes a value meanwhile finds the change in the store.
      const done = applying.then(() =>
        life.operation({
          name: `apply ${changes.length} ${position ?? ""}`,
          isChange: true,
          whole: () => stored.apply({ changes: changes.map(copied), position }),
        }),
      );
      applying = done;
      try {
        await done;
      } catch (error) {
        if (applying === done) applying = Promise.resolve();
        failed("STATE_UNWRITABLE")(error);
      }
    },
    position: () => read("position", () => stored.position),
    async flush() {
      await applying.catch(() => {});
      await life
        .operation({ name: "flush store", isChange: true, whole: () => stored.flush() })
        .catch(failed("STATE_UNWRITABLE"));
    },
    async close() {
      await applying.catch(() => {});
    },
  };
}

const copied = (change: Change): Change =>
  "from" in change || change.value === undefined
    ? change
    : { address: change.address, value: new Uint8Array(change.value) };
