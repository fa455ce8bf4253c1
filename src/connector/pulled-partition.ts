/**
 * A partition whose records are made on the spot, by calls that may throw. What they gave before they threw is
 * handed over; the poll after that throws.
 */
import type { Origin, Partition, SourceContext } from "./contract.ts";
import { sourceFailed } from "./failure.ts";

export abstract class PulledPartition<T> implements Partition<T> {
  readonly id: string;
  ended = false;
  /** Records handed over, by earlier runs too. */
  protected handedOver: number;
  readonly #source: string;
  readonly #context: SourceContext;
  #polledFrom: number;
  #failure: unknown;

  /** @param from the number of records that earlier runs handed over */
  constructor(source: string, id: string, context: SourceContext, from = 0) {
    this.#source = source;
    this.id = id;
    this.#context = context;
    this.handedOver = from;
    this.#polledFrom = from;
  }

  get caughtUp(): boolean {
    return this.ended;
  }

  /** Like `poll`, but counts each record in `handedOver` as soon as it is in place, and sets `ended`. */
  protected abstract pull(into: T[], at: number, max: number): void;

  /** Notes that a poll begins, for `locate`; returns how many records came before. */
  protected beginPoll(): number {
    this.#polledFrom = this.handedOver;
    return this.handedOver;
  }

  poll(into: T[], at: number, max: number): number {
    const from = this.beginPoll();
    if (this.#failure === undefined) {
      try {
        this.pull(into, at, max);
      } catch (cause) {
        this.#failure = sourceFailed(this.#source, this.id, cause);
      }
    }
    const n = this.handedOver - from;
    if (this.#failure !== undefined) {
      if (n === 0) throw this.#failure;
      this.#context.wake();
    }
    return n;
  }

  locate(index: number): Origin {
    return { offset: this.#polledFrom + index };
  }

  async close(): Promise<void> {}
}
