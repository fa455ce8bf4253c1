/** Timers that run out when the test says so. */
import { setImmediate as turn } from "node:timers/promises";
import type { Timers } from "../../src/core/ports.ts";

export class ManualTimers implements Timers {
  /** Callbacks that wait. */
  readonly waiting = new Map<() => void, number>();

  after(ms: number, callback: () => void): () => void {
    const run = () => callback();
    this.waiting.set(run, ms);
    return () => this.waiting.delete(run);
  }

  yield(): Promise<void> {
    return turn();
  }

  /** All of them run out, and what follows from that without a further timer is done. */
  async fire(): Promise<void> {
    const due = [...this.waiting.keys()];
    this.waiting.clear();
    for (const run of due) run();
    await turn();
  }
}
