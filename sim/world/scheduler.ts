/**
 * The simulated world's time and order: everything that takes time is a pending event, and the seed picks which one
 * comes next. Virtual time moves when nothing is due, and a little with each look at a clock.
 *
 * Between two events all promise jobs run, so what a program does is a function of the order of events alone: the same
 * seed gives the same events, of which `hash` keeps the sum.
 */
import type { Dice } from "./dice.ts";

export interface Pending {
  readonly owner: object;
  readonly name: string;
  readonly at: number;
  /** What becomes of it where its owner dies before it came. */
  readonly orphaned: (() => void) | undefined;
  readonly run: () => void;
}

/** Looks at the clock within one event; more are a loop that never waits. */
const MOST_READS = 300_000;

export class Scheduler {
  /** Virtual milliseconds. */
  now = 0;
  /** Events that came. */
  events = 0;
  hash = 0x811c9dc5;
  /** For those who look for the cause of a failure. */
  log: ((text: string) => void) | null = null;
  #pending: Pending[] = [];
  #reads = 0;
  readonly #dice: Dice;

  constructor(dice: Dice) {
    this.#dice = dice;
  }

  /** An event to come after so many milliseconds; the returned function takes it back. */
  submit(
    owner: object,
    name: string,
    afterMs: number,
    run: () => void,
    orphaned?: (() => void) | undefined,
  ): () => void {
    const pending: Pending = { owner, name, at: this.now + afterMs, run, orphaned };
    this.#pending.push(pending);
    return () => {
      const at = this.#pending.indexOf(pending);
      if (at >= 0) this.#pending.splice(at, 1);
    };
  }

  /** A look at the clock takes time, too. @throws Error where the looks never end */
  read(ms: number): number {
    if (++this.#reads > MOST_READS) throw new Error("the program looks at the clock and never waits");
    this.now += ms;
    return this.now;
  }

  /** The next event comes. False where there is none. */
  step(): boolean {
    const pending = this.#pending;
    if (pending.length === 0) return false;
    let due = pending.filter(({ at }) => at <= this.now);
    if (due.length === 0) {
      this.now = pending.reduce((least, { at }) => Math.min(least, at), Number.POSITIVE_INFINITY);
      due = pending.filter(({ at }) => at <= this.now);
    }
    const next = due[this.#dice.below(due.length)];
    pending.splice(pending.indexOf(next), 1);
    this.#reads = 0;
    this.events += 1;
    this.note(next.name);
    next.run();
    return true;
  }

  /** Adds to the sum of what happened. */
  note(what: string): void {
    this.log?.(`${this.events} ${this.now.toFixed(3)} ${what}`);
    let { hash } = this;
    for (let i = 0; i < what.length; i++) hash = Math.imul(hash ^ what.charCodeAt(i), 0x01000193);
    this.hash = Math.imul(hash ^ Math.floor(this.now * 1000), 0x01000193) >>> 0;
  }

  /** The owner is dead: its events never come. They are returned in the order in which they were submitted. */
  drop(owner: object): readonly Pending[] {
    const dropped = this.#pending.filter((pending) => pending.owner === owner);
    this.#pending = this.#pending.filter((pending) => pending.owner !== owner);
    return dropped;
  }
}

/** Resolves when every promise job that there is, and every one that follows from it, has run. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
