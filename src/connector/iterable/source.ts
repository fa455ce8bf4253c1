import type { Source, SourceContext } from "../contract.ts";
import { PulledPartition } from "../pulled-partition.ts";

export interface IterableOptions {
  /** For explain() and error messages; default `"array"` or `"iterable"`. */
  readonly name?: string;
}

/** By index: the iterator protocol would make an object per record. */
class ArrayPartition<T> extends PulledPartition<T> {
  readonly #values: readonly T[];
  readonly #total: number;

  constructor(source: string, id: string, context: SourceContext, values: readonly T[]) {
    super(source, id, context);
    this.#values = values;
    this.#total = values.length;
    this.ended = values.length === 0;
  }

  protected override pull(into: T[], at: number, max: number): void {
    const from = this.position;
    const to = Math.min(from + max, this.#total);
    const values = this.#values;
    for (let i = from, slot = at; i < to; i++, slot++) into[slot] = values[i]!;
    this.position = to;
    this.ended = to === this.#total;
  }

  slice(max: number): T[] {
    const from = this.polledFrom(this.position);
    const to = Math.min(from + max, this.#total);
    this.position = to;
    this.ended = to === this.#total;
    return this.#values.slice(from, to);
  }

  progress(): { done: number; total: number; unit: "records" } {
    return { done: this.position, total: this.#total, unit: "records" };
  }
}

class IteratorPartition<T> extends PulledPartition<T> {
  readonly #iterator: Iterator<T>;
  #open = true;

  constructor(source: string, id: string, context: SourceContext, iterator: Iterator<T>) {
    super(source, id, context);
    this.#iterator = iterator;
  }

  protected override pull(into: T[], at: number, max: number): void {
    const to = this.position + max;
    while (this.position < to) {
      const step = this.#iterator.next();
      if (step.done === true) {
        this.ended = true;
        return;
      }
      into[at++] = step.value;
      this.position++;
    }
  }

  override async close(): Promise<void> {
    if (this.#open && !this.ended) this.#iterator.return?.();
    this.#open = false;
  }
}

/**
 * The records of an array, or of anything that can be iterated, as a bounded source of one partition. An array gives
 * the records that it holds when the job starts; an iterator is pulled as fast as the job takes records.
 *
 * @example
 * app.source(fromIterable([{ user: "ada", at: 0 }, { user: "bob", at: 1000 }]))
 * @throws SOURCE_FAILED, from the job, when the iterator throws
 */
export function fromIterable<T>(iterable: Iterable<T>, options: IterableOptions = {}): Source<T> {
  const name = options.name ?? (Array.isArray(iterable) ? "array" : "iterable");
  const description = `fromIterable(${name})`;
  return {
    description,
    bounded: true,
    open: async (context) => [
      Array.isArray(iterable)
        ? new ArrayPartition<T>(description, name, context, iterable)
        : new IteratorPartition<T>(description, name, context, iterable[Symbol.iterator]()),
    ],
  };
}
