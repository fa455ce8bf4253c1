/**
 * What is due next, where every key has times of its own (sessions): a binary heap of (time, order, key).
 * Keys that are due at one time come in the order that their owner gave them, however often they were put off.
 *
 * The heap is an index, not state: each entry follows from a row, and a row whose time moved on leaves its old entry
 * behind, which the owner recognises and passes over when it comes up.
 */
import type { Token } from "../core/key.ts";

export class Timers {
  private readonly times: number[] = [];
  private readonly orders: number[] = [];
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

  push(time: number, order: number, token: Token): void {
    const { times, orders, tokens } = this;
    let i = times.length;
    times.push(time);
    orders.push(order);
    tokens.push(token);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!this.after(parent, time, order)) break;
      this.move(parent, i);
      i = parent;
    }
    times[i] = time;
    orders[i] = order;
    tokens[i] = token;
  }

  /** Removes the entry that `next` and `nextToken` show. */
  pop(): void {
    const { times, orders, tokens } = this;
    const time = times.pop() as number;
    const order = orders.pop() as number;
    const token = tokens.pop() as Token;
    const n = times.length;
    if (n === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= n) break;
      if (child + 1 < n && this.before(child + 1, times[child], orders[child])) child += 1;
      if (!this.before(child, time, order)) break;
      this.move(child, i);
      i = child;
    }
    times[i] = time;
    orders[i] = order;
    tokens[i] = token;
  }

  private after(i: number, time: number, order: number): boolean {
    return this.times[i] > time || (this.times[i] === time && this.orders[i] > order);
  }

  private before(i: number, time: number, order: number): boolean {
    return this.times[i] < time || (this.times[i] === time && this.orders[i] < order);
  }

  private move(from: number, to: number): void {
    this.times[to] = this.times[from];
    this.orders[to] = this.orders[from];
    this.tokens[to] = this.tokens[from];
  }
}
