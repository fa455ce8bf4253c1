import type { Source, SourceContext } from "../contract.ts";
import { PulledPartition } from "../pulled-partition.ts";
import { indexIn, type RecordPosition } from "../record-position.ts";

export interface IterableOptions {
  /** For explain() and error messages; default `"array"` or `"iterable"`. */
  readonly name?: string;
}

/** By index: the iterator protocol would make an object per record. */
class ArrayPartition<T> extends PulledPartition<T> {
  readonly #values: readonly T[];
  readonly #total: number;

  constructor(source: string, id: string, context: SourceContext, values: readonly T[]) {
    const total = values.length;
    const from = indexIn(context.positions?.get(id), { source, partition: id, total });
    super(source, id, context, from);
    this.#values = values;
    this.#total = total;
    this.ended = from === total;
  }

  protected override pull(into: T[], at: number, max: number): void {
    const from = this.handedOver;
    const to = Math.min(from + max, this.#total);
    const values = this.#values;
    for (let i = from, slot = at; i < to; i++, slot++) into[slot] = values[i]!;
    this.handedOver = to;
    this.ended = to === this.#total;
  }

  slice(max: number): T[] {
    const from = this.beginPoll();
    const to = Math.min(from + max, this.#total);
    this.handedOver = to;
    this.ended = to === this.#total;
    return this.#values.slice(from, to);
  }

  position(index: number): RecordPosition {
    return { index: this.locate(index).offset };
  }

  progress(): { done: number; total: number; unit: "records" } {
    return { done: this.handedOver, total: this.#total, unit: "records" };
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
    const to = this.handedOver + max;
    while (this.handedOver < to) {
      const step = this.#iterator.next();
      if (step.done === true) {
        this.ended = true;
        return;
      }
      into[at++] = step.value;
      this.handedOver++;
    }
  }

  override async close(): Promise<void> {
    if (this.#open && !this.ended) this.#iterator.return?.();
    this.#open = false;
  }
}

/**
 * The records of an array, or of anything that can be iterated, as a bounded source of one partition. An array gives
 * the records that it holds when the job starts; an iterator is pulled as fast as the job takes records. Only an array
 * is replayable: what a job that is started again gets must begin with the records that it had.
 *
 * @example
 * app.source(fromIterable([{ user: "ada", at: 0 }, { user: "bob", at: 1000 }]))
 * @throws SOURCE_FAILED, from the job, when the iterator throws
 * @throws SOURCE_POSITION_LOST, when a job goes on, for an array with fewer records than it has read
 */
export function fromIterable<T>(iterable: Iterable<T>, options: IterableOptions = {}): Source<T> {
  const name = options.name ?? (Array.isArray(iterable) ? "array" : "iterable");
  const description = `fromIterable(${name})`;
  return {
    description,
    bounded: true,
    replayable: Array.isArray(iterable),
    open: async (context) => [
      Array.isArray(iterable)
        ? new ArrayPartition<T>(description, name, context, iterable)
        : new IteratorPartition<T>(description, name, context, iterable[Symbol.iterator]()),
    ],
  };
}
