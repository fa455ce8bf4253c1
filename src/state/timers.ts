/**
 * What is due next, where every key has times of its own (sessions): a binary heap of (time, key).
 * Keys that are due at one time come in the order of keys, which hangs on nothing that happened before.
 *
 * The heap is an index, not state: each entry follows from a row, and a row whose time moved on leaves its old entry
 * behind, which the owner recognises and passes over when it comes up.
 */
import type { Token } from "../core/key.ts";

export class Timers {
  private readonly times: number[] = [];
  private readonly tokens: Token[] = [];

  get size(): number {
    return this.times.length;
  }

  /** The least time; +Infinity where there is none. */
  get next(): number {
    return this.times.length === 0 ? Number.POSITIVE_INFINITY : this.times[0];
  }

  get nextToken(): Token {
    return this.tokens[0];
  }

  push(time: number, token: Token): void {
    const { times, tokens } = this;
    let i = times.length;
    times.push(time);
    tokens.push(token);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!isBefore(time, token, times[parent], tokens[parent])) break;
      this.move(parent, i);
      i = parent;
    }
    times[i] = time;
    tokens[i] = token;
  }

  /** Removes the entry that `next` and `nextToken` show. */
  pop(): void {
    const { times, tokens } = this;
    const time = times.pop() as number;
    const token = tokens.pop() as Token;
    const n = times.length;
    if (n === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= n) break;
      if (child + 1 < n && isBefore(times[child + 1], tokens[child + 1], times[child], tokens[child]))
        child += 1;
      if (!isBefore(times[child], tokens[child], time, token)) break;
      this.move(child, i);
      i = child;
    }
    times[i] = time;
    tokens[i] = token;
  }

  private move(from: number, to: number): void {
    this.times[to] = this.times[from];
    this.tokens[to] = this.tokens[from];
  }
}

/** By time; within a time numbers by size, texts by code unit, and kinds of key by their name. */
function isBefore(timeA: number, a: Token, timeB: number, b: Token): boolean {
  if (timeA !== timeB) return timeA < timeB;
  return typeof a === typeof b ? a < b : typeof a < typeof b;
}
