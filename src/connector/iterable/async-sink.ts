import type { OpenSink, Sink } from "../contract.ts";
import { countOption } from "../count-option.ts";
import { RecordQueue } from "./record-queue.ts";

export interface ToAsyncIterableOptions {
  /** Records that may wait for the loop before the job waits too. Default 1024. */
  readonly buffer?: number;
}

/** The meeting point of a job that writes and a loop that reads. */
class Handover<T> implements OpenSink<T>, AsyncIterator<T> {
  readonly #buffer: number;
  readonly #queue = new RecordQueue<T>();
  readonly #readers: ((step: IteratorResult<T>) => void)[] = [];
  #writer: (() => void) | undefined;
  #closed = false;
  #left = false;

  constructor(buffer: number) {
    this.#buffer = buffer;
  }

  /** The job starts, perhaps once more; a loop that waits already stays. */
  start(): void {
    this.#closed = false;
    this.#left = false;
    this.#queue.clear();
  }

  write(values: readonly T[], _timestamps: Float64Array, from: number, to: number): void | Promise<void> {
    if (this.#left) return undefined;
    for (let i = from; i < to; i++) {
      const reader = this.#readers.shift();
      if (reader === undefined) this.#queue.push(values[i]!);
      else reader({ done: false, value: values[i]! });
    }
    if (this.#queue.size < this.#buffer) return undefined;
    return new Promise<void>((resolve) => {
      this.#writer = resolve;
    });
  }

  async flush(): Promise<void> {}

  async close(): Promise<void> {
    this.#closed = true;
    this.#endReaders();
  }

  #endReaders(): void {
    for (const reader of this.#readers.splice(0)) reader({ done: true, value: undefined });
  }

  #release(): void {
    const writer = this.#writer;
    this.#writer = undefined;
    writer?.();
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#queue.size > 0) {
      const value = this.#queue.shift();
      if (this.#queue.size < this.#buffer) this.#release();
      return Promise.resolve({ done: false, value });
    }
    if (this.#closed || this.#left) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  async return(): Promise<IteratorResult<T>> {
    this.#left = true;
    this.#queue.clear();
    this.#release();
    this.#endReaders();
    return { done: true, value: undefined };
  }
}

/**
 * A sink that is read with `for await` while the job runs. It holds `buffer` records and a batch at most: when the
 * loop is slower than the job, the job waits, and a job whose sink nobody reads waits for ever once it is full.
 * Leaving the loop lets the job run on; further records are dropped. The loop ends when the job does, however it
 * ends: whether it failed is told by the job. One loop at a time; two share the records.
 *
 * @example
 * const totals = toAsyncIterable<Total>();
 * stream.to(totals);
 * const run = app.run();
 * for await (const total of totals) console.log(total);
 * await run;
 * @throws OPTION_INVALID for a `buffer` that is no whole number above 0
 */
export function toAsyncIterable<T>(options: ToAsyncIterableOptions = {}): Sink<T> & AsyncIterable<T> {
  const handover = new Handover<T>(countOption(options.buffer ?? 1024, "toAsyncIterable: buffer", 1));
  return {
    description: "toAsyncIterable()",
    async open() {
      handover.start();
      return handover;
    },
    abandon: () => handover.close(),
    [Symbol.asyncIterator]: () => handover,
  };
}
