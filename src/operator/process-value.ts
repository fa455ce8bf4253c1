/** One value per key. A row per key; a record costs one look-up, however often it reads and writes. */
import type { ValueCell } from "../state/value-cell.ts";
import type { Table } from "../state/table.ts";
import type { KeptState, StatePorts } from "./process-step.ts";

export interface ValuePorts extends StatePorts {
  readonly table: Table<ValueCell>;
  readonly initial: (() => unknown) | undefined;
}

/** Made anew per stage like a head: it uses its parameter and globals only. */
export function valueState({ step, table, life, give, initial }: ValuePorts): KeptState {
  const bucket = table.open(0);
  /** The step that the rest is about. */
  let of = 0;
  let isSet = false;
  let isCleared = false;
  let next: unknown;
  let isRead = false;
  let row: ValueCell | undefined;

  function enter(): void {
    if (of === step.n) return;
    of = step.n;
    isSet = false;
    isCleared = false;
    isRead = false;
  }

  function read(): ValueCell | undefined {
    if (isRead) return row;
    try {
      row = table.peek(bucket, step.token);
    } catch (signal) {
      step.missed = true;
      throw signal;
    }
    isRead = true;
    return row;
  }

  return {
    handle: {
      get(): unknown {
        enter();
        if (isSet) return next;
        if (!isCleared) {
          const stored = read();
          if (stored !== undefined && (life === null || stored.until > life.now())) return give(stored.value);
        }
        return initial === undefined ? undefined : initial();
      },
      set(value: unknown): void {
        enter();
        isSet = true;
        next = value;
      },
      clear(): void {
        enter();
        isSet = false;
        isCleared = true;
      },
    },

    prepare() {
      if (of === step.n && (isSet || isCleared)) read();
    },

    commit() {
      if (of !== step.n || !(isSet || isCleared)) return;
      const { token } = step;
      if (!isSet) {
        if (row !== undefined) table.remove(bucket, token);
        return;
      }
      const until = life === null ? Number.POSITIVE_INFINITY : life.until();
      if (row === undefined) {
        table.insert(bucket, token, { mark: 0, value: next, until });
      } else {
        table.changing(bucket, token, row);
        row.value = next;
        row.until = until;
      }
      life?.register(token, until);
    },

    want(token) {
      table.keeper?.want(bucket, token);
      return 1;
    },

    wantDue(token) {
      table.keeper?.want(bucket, token);
    },

    expire(token, now) {
      const stored = table.peek(bucket, token);
      if (stored === undefined || stored.until > now) return 0;
      table.remove(bucket, token);
      return 1;
    },
  };
}
