/**
 * A map per key. A row per entry: what one entry costs does not hang on how many there are. Reading all entries takes
 * the whole map into memory; they come in the order of their keys, which is the same over every backend.
 */
import type { Key, Token } from "../core/key.ts";
import type { ValueCell } from "../state/value-cell.ts";
import type { OwnedTable } from "../state/owned-table.ts";
import type { KeptState, StatePorts } from "./process-step.ts";

export interface MapPorts extends StatePorts {
  readonly table: OwnedTable<ValueCell>;
  readonly tokenOf: (key: unknown) => Token;
  readonly keyOfToken: (token: Token) => Key;
  readonly isTokenBefore: (a: Token, b: Token) => boolean;
  /** Which entries onRecord reads. */
  readonly touches: ((value: unknown) => Iterable<unknown>) | "all" | undefined;
}

/** Made anew per stage like a head: it uses its parameter and globals only. */
export function mapState(ports: MapPorts): KeptState {
  const { step, table, life, give, tokenOf, keyOfToken, isTokenBefore, touches } = ports;
  const DELETED = {};
  let of = 0;
  let isCleared = false;
  const written = new Map<Token, unknown>();

  function enter(): void {
    if (of === step.n) return;
    of = step.n;
    isCleared = false;
    if (written.size > 0) written.clear();
  }

  const lives = (row: ValueCell): boolean => life === null || row.until > life.now();

  function stored(token: Token): ValueCell | undefined {
    if (isCleared) return undefined;
    const bucket = table.find(step.token);
    if (bucket === undefined) return undefined;
    let row: ValueCell | undefined;
    try {
      row = table.peek(bucket, token);
    } catch (signal) {
      step.missed = true;
      throw signal;
    }
    return row !== undefined && lives(row) ? row : undefined;
  }

  function addStored(entries: [Token, unknown][]): void {
    const bucket = table.find(step.token);
    if (bucket === undefined) return;
    try {
      table.keeper?.all(bucket);
    } catch (signal) {
      step.missed = true;
      throw signal;
    }
    for (const [token, row] of bucket.rows.entries())
      if (lives(row) && !written.has(token)) entries.push([token, give(row.value)]);
  }

  return {
    handle: {
      get(key: unknown): unknown {
        enter();
        const token = tokenOf(key);
        if (written.has(token)) {
          const next = written.get(token);
          return next === DELETED ? undefined : next;
        }
        const row = stored(token);
        return row === undefined ? undefined : give(row.value);
      },
      has(key: unknown): boolean {
        enter();
        const token = tokenOf(key);
        return written.has(token) ? written.get(token) !== DELETED : stored(token) !== undefined;
      },
      set(key: unknown, value: unknown): void {
        enter();
        written.set(tokenOf(key), value);
      },
      delete(key: unknown): void {
        enter();
        written.set(tokenOf(key), DELETED);
      },
      entries(): [Key, unknown][] {
        enter();
        const entries: [Token, unknown][] = [];
        if (!isCleared) addStored(entries);
        for (const [token, value] of written) if (value !== DELETED) entries.push([token, value]);
        entries.sort(([a], [b]) => (isTokenBefore(a, b) ? -1 : 1));
        return entries.map(([token, value]) => [keyOfToken(token), value]);
      },
      clear(): void {
        enter();
        isCleared = true;
        written.clear();
      },
    },

    prepare() {
      if (of !== step.n || isCleared || written.size === 0) return;
      const bucket = table.find(step.token);
      if (bucket === undefined) return;
      for (const token of written.keys()) table.keeper?.want(bucket, token);
      for (const token of written.keys()) table.peek(bucket, token);
    },

    commit() {
      if (of !== step.n) return;
      const owner = step.token;
      if (isCleared && table.find(owner) !== undefined) table.drop(owner);
      if (written.size === 0) return;
      const until = life === null ? Number.POSITIVE_INFINITY : life.until();
      let isAlive = false;
      for (const [token, value] of written) {
        if (value === DELETED) {
          const bucket = table.find(owner);
          if (bucket?.rows.get(token) !== undefined) table.remove(bucket, token);
          continue;
        }
        isAlive = true;
        // Each time: in memory a bucket that has lost its last row is gone, and another one takes its place.
        const bucket = table.open(owner);
        const row = bucket.rows.get(token);
        if (row === undefined) {
          table.insert(bucket, token, { mark: 0, value, until });
        } else {
          table.changing(bucket, token, row);
          row.value = value;
          row.until = until;
        }
      }
      if (isAlive) life?.register(owner, until);
    },

    want(token, value) {
      const { keeper } = table;
      if (keeper === null || touches === undefined) return 0;
      const bucket = table.find(token);
      if (bucket === undefined) return 0;
      let rows = 0;
      if (touches === "all") {
        keeper.wantAll(bucket);
        rows = 1;
      } else {
        for (const key of touches(value)) {
          keeper.want(bucket, tokenOf(key));
          rows += 1;
        }
      }
      return rows;
    },

    wantDue() {},

    expire: (token, now) => table.removeWhere(token, (row) => row.until <= now),
  };
}
