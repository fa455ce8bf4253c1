/**
 * A map from tokens to values without Map's hard limit of 2^24 entries: what no longer fits goes to a further Map.
 * Keys of one Map are never in another, so a look-up that hits costs what Map costs.
 */
import type { Token } from "../core/key.ts";

/** Map throws at 16,777,216 entries; the margin costs nothing. */
const MAP_ENTRIES = 16_000_000;

export class KeyMap<V> {
  private readonly first = new Map<Token, V>();
  private more: Map<Token, V>[] | null = null;
  private readonly limit: number;

  /** @param limit entries of one Map; another value than the default is for tests */
  constructor(limit: number = MAP_ENTRIES) {
    this.limit = limit;
  }

  get size(): number {
    return this.more === null ? this.first.size : this.more.reduce((n, map) => n + map.size, this.first.size);
  }

  get(token: Token): V | undefined {
    const value = this.first.get(token);
    return value !== undefined || this.more === null ? value : this.getMore(token);
  }

  set(token: Token, value: V): void {
    if (this.more === null && this.first.size < this.limit) this.first.set(token, value);
    else this.setMore(token, value);
  }

  delete(token: Token): void {
    if (this.first.delete(token) || this.more === null) return;
    for (const map of this.more) map.delete(token);
  }

  clear(): void {
    this.first.clear();
    this.more = null;
  }

  /** In the order of insertion within each part; entries may be deleted while walking. */
  entries(): IterableIterator<[Token, V]> {
    return this.more === null ? this.first.entries() : this.allEntries();
  }

  /** Like a Map's own iterator it has no `return`: a walk that was left goes on where it was. */
  private allEntries(): IterableIterator<[Token, V]> {
    const walk = (function* (maps: Iterable<Map<Token, V>>) {
      for (const map of maps) yield* map.entries();
    })([this.first, ...(this.more ?? [])]);
    return {
      next: () => walk.next(),
      [Symbol.iterator]() {
        return this;
      },
    };
  }

  private getMore(token: Token): V | undefined {
    for (const map of this.more ?? []) {
      const value = map.get(token);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  private setMore(token: Token, value: V): void {
    this.more ??= [];
    const home =
      [this.first, ...this.more].find((map) => map.has(token)) ??
      this.more.find((map) => map.size < this.limit);
    if (home !== undefined) home.set(token, value);
    else this.more.push(new Map([[token, value]]));
  }
}
