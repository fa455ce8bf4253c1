import type { Origin, Partition, Source, SourceContext } from "../contract.ts";
import { countOption } from "../count-option.ts";
import { sourceFailed } from "../failure.ts";
import { RecordQueue } from "./record-queue.ts";

export interface AsyncIterableOptions {
  /** For explain() and error messages; default `"async iterable"`. */
  readonly name?: string;
  /** True promises that the iterable ends by itself, as batch mode asks for. Default false. */
  readonly bounded?: boolean;
  /** Records pulled ahead of the job at most. Default 1024. */
  readonly buffer?: number;
}

class AsyncIterablePartition<T> implements Partition<T> {
  readonly id: string;
  readonly #source: string;
  readonly #context: SourceContext;
  readonly #iterator: AsyncIterator<T>;
  readonly #buffer: number;
  readonly #queue = new RecordQueue<T>();
  #handedOver = 0;
  #polledFrom = 0;
  /** The job found less than it asked for. */
  #starving = true;
  #pulling = false;
  #done = false;
  #failure: unknown;
  #closed = false;
  #goOn: (() => void) | undefined;

  constructor(
    source: string,
    id: string,
    context: SourceContext,
    iterator: AsyncIterator<T>,
    buffer: number,
  ) {
    this.#source = source;
    this.id = id;
    this.#context = context;
    this.#iterator = iterator;
    this.#buffer = buffer;
    void this.#pump();
  }

  get ended(): boolean {
    return this.#done && this.#failure === undefined && this.#queue.size === 0;
  }

  get caughtUp(): boolean {
    return this.#queue.size === 0;
  }

  async #pump(): Promise<void> {
    try {
      while (!this.#closed) {
        this.#pulling = true;
        const step = await this.#iterator.next();
        this.#pulling = false;
        if (step.done === true || this.#closed) break;
        this.#queue.push(step.value);
        if (this.#starving) this.#wake();
        if (this.#queue.size >= this.#buffer) {
          await new Promise<void>((resolve) => {
            this.#goOn = resolve;
          });
        }
      }
    } catch (cause) {
      this.#failure = sourceFailed(this.#source, this.id, cause);
    }
    this.#pulling = false;
    this.#done = true;
    this.#wake();
  }

  #wake(): void {
    this.#starving = false;
    this.#context.wake();
  }

  poll(into: T[], at: number, max: number): number {
    const n = Math.min(max, this.#queue.size);
    if (n === 0 && this.#done && this.#failure !== undefined) throw this.#failure;
    this.#polledFrom = this.#handedOver;
    for (let i = 0; i < n; i++) into[at + i] = this.#queue.shift();
    this.#handedOver += n;
    this.#starving = n < max;
    // What came last came before this poll, so nothing else would tell of the failure.
    if (this.#starving && this.#failure !== undefined) this.#context.wake();
    if (this.#queue.size < this.#buffer) this.#resume();
    return n;
  }

  #resume(): void {
    const goOn = this.#goOn;
    this.#goOn = undefined;
    goOn?.();
  }

  locate(index: number): Origin {
    return { offset: this.#polledFrom + index };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#resume();
    if (this.#done) return;
    const returned = Promise.resolve(this.#iterator.return?.());
    // A generator that waits for its next record returns only after it: that may be never.
    if (this.#pulling) returned.catch(() => {});
    else await returned;
  }
}

/**
 * The records of an async iterable (a generator, a readable stream, an event iterator) as a source of one partition.
 *
 * It is pulled ahead of the job by `buffer` records at most, and then waits for the job. Every record costs a promise
 * or two, a few hundred nanoseconds: where records come in batches, give an iterable of batches and flatMap it.
 * Closing the job calls the iterator's `return`.
 *
 * @example
 * app.source(fromAsyncIterable(events(), { name: "events", buffer: 10_000 }))
 * @throws OPTION_INVALID for a `buffer` that is no whole number above 0
 * @throws SOURCE_FAILED, from the job, when the iterable throws
 */
export function fromAsyncIterable<T>(
  iterable: AsyncIterable<T>,
  options: AsyncIterableOptions = {},
): Source<T> {
  const { name = "async iterable", bounded = false } = options;
  const buffer = countOption(options.buffer ?? 1024, "fromAsyncIterable: buffer", 1);
  const description = `fromAsyncIterable(${name})`;
  return {
    description,
    bounded,
    open: async (context) => [
      new AsyncIterablePartition<T>(description, name, context, iterable[Symbol.asyncIterator](), buffer),
    ],
  };
}
