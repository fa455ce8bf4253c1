/**
 * A partition whose records are made on the spot, by calls that may throw. What they gave before they threw is
 * handed over; the poll after that throws.
 */
import type { Origin, Partition, SourceContext } from "./contract.ts";
import { sourceFailed } from "./failure.ts";

export abstract class PulledPartition<T> implements Partition<T> {
  readonly id: string;
  ended = false;
  /** Records handed over. */
  protected position = 0;
  readonly #source: string;
  readonly #context: SourceContext;
  #polledFrom = 0;
  #failure: unknown;

  constructor(source: string, id: string, context: SourceContext) {
    this.#source = source;
    this.id = id;
    this.#context = context;
  }

  get caughtUp(): boolean {
    return this.ended;
  }

  /** Like `poll`, but counts each record in `position` as soon as it is in place, and sets `ended`. */
  protected abstract pull(into: T[], at: number, max: number): void;

  /** Notes where a poll begins, for `locate`. */
  protected polledFrom(position: number): number {
    this.#polledFrom = position;
    return position;
  }

  poll(into: T[], at: number, max: number): number {
    const from = this.polledFrom(this.position);
    if (this.#failure === undefined) {
      try {
        this.pull(into, at, max);
      } catch (cause) {
        this.#failure = sourceFailed(this.#source, this.id, cause);
      }
    }
    const n = this.position - from;
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
