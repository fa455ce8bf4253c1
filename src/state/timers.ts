/**
 * What is due next, where every key has times of its own (sessions, timers of process()): a binary heap of (time, key,
 * name). What is due at one time comes in the order of keys, and of one key in the order of names, which hangs on
 * nothing that happened before. A session has one timer, and no name.
 *
 * The heap is an index, not state: each entry follows from a row, and a row whose time moved on leaves its old entry
 * behind, which the owner recognises and passes over when it comes up.
 */
import { isTokenBefore, type Token } from "../core/key.ts";

export class Timers {
  private times: number[] = [];
  private tokens: Token[] = [];
  private names: string[] = [];

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

  get nextName(): string {
    return this.names[0];
  }

  /** Calls back for up to 1,000 of the entries that are due at `to`, in no order. */
  forSomeDue(to: number, callback: (token: Token, name: string) => void): void {
    const { times, tokens, names } = this;
    const n = Math.min(times.length, 1000);
    // The first entries of a heap are about the least.
    for (let i = 0; i < n; i++) if (times[i] <= to) callback(tokens[i], names[i]);
  }

  push(time: number, token: Token, name = ""): void {
    const { times, tokens, names } = this;
    let i = times.length;
    times.push(time);
    tokens.push(token);
    names.push(name);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!isBefore(time, token, name, times[parent], tokens[parent], names[parent])) break;
      this.move(parent, i);
      i = parent;
    }
    this.put(i, time, token, name);
  }

  /** Removes the entry that `next`, `nextToken` and `nextName` show. */
  pop(): void {
    const { times, tokens, names } = this;
    const time = times.pop() as number;
    const token = tokens.pop() as Token;
    const name = names.pop() as string;
    const n = times.length;
    if (n === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= n) break;
      if (child + 1 < n && this.isBeforeIts(child + 1, child)) child += 1;
      if (!isBefore(times[child], tokens[child], names[child], time, token, name)) break;
      this.move(child, i);
      i = child;
    }
    this.put(i, time, token, name);
  }

  /** Removes the entries for which `keep` does not hold. */
  retain(keep: (time: number, token: Token, name: string) => boolean): void {
    const { times, tokens, names } = this;
    this.times = [];
    this.tokens = [];
    this.names = [];
    for (let i = 0; i < times.length; i++)
      if (keep(times[i], tokens[i], names[i])) this.push(times[i], tokens[i], names[i]);
  }

  private isBeforeIts(a: number, b: number): boolean {
    const { times, tokens, names } = this;
    return isBefore(times[a], tokens[a], names[a], times[b], tokens[b], names[b]);
  }

  private move(from: number, to: number): void {
    this.put(to, this.times[from], this.tokens[from], this.names[from]);
  }

  private put(i: number, time: number, token: Token, name: string): void {
    this.times[i] = time;
    this.tokens[i] = token;
    this.names[i] = name;
  }
}

function isBefore(timeA: number, a: Token, nameA: string, timeB: number, b: Token, nameB: string): boolean {
  if (timeA !== timeB) return timeA < timeB;
  if (isTokenBefore(a, b)) return true;
  return nameA < nameB && !isTokenBefore(b, a);
}
