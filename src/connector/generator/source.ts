import { MillraceError, preview } from "../../core/errors.ts";
import type { Source, SourceContext } from "../contract.ts";
import { countOption } from "../count-option.ts";
import { PulledPartition } from "../pulled-partition.ts";
import { indexIn, type RecordPosition } from "../record-position.ts";

export interface GeneratorOptions {
  /** Records in all partitions together; without it the source never ends. */
  readonly count?: number;
  /** Default 1. Partition p of P gives the records p, p + P, p + 2P, ... */
  readonly partitions?: number;
  /** For explain() and error messages; default `"generator"`. */
  readonly name?: string;
}

interface Range {
  readonly first: number;
  readonly step: number;
  /** Records of the partition. */
  readonly total: number;
}

type GeneratorPosition = RecordPosition & {
  /** Of the source: with another number of them the indexes mean other records. */
  readonly partitions: number;
};

class GeneratorPartition<T> extends PulledPartition<T> {
  readonly #make: (index: number) => T;
  readonly #first: number;
  readonly #step: number;
  /** Records of this partition. */
  readonly #total: number;

  constructor(source: string, context: SourceContext, make: (index: number) => T, range: Range) {
    super(source, String(range.first), context, startIndex(source, context, range));
    this.#make = make;
    this.#first = range.first;
    this.#step = range.step;
    this.#total = range.total;
    this.ended = this.handedOver === range.total;
  }

  protected override pull(into: T[], at: number, max: number): void {
    const make = this.#make;
    const step = this.#step;
    const from = this.handedOver;
    const to = Math.min(from + max, this.#total);
    let index = this.#first + from * step;
    let i = from;
    try {
      for (; i < to; i++, index += step) into[at + i - from] = make(index);
    } finally {
      this.handedOver = i;
    }
    this.ended = i === this.#total;
  }

  position(index: number): GeneratorPosition {
    return { index: this.locate(index).offset, partitions: this.#step };
  }

  progress(): { done: number; total: number; unit: "records" } {
    return { done: this.handedOver, total: this.#total, unit: "records" };
  }
}

function startIndex(source: string, { positions }: SourceContext, { first, step, total }: Range): number {
  const partition = String(first);
  const position = positions?.get(partition);
  const { partitions } = (position ?? {}) as Partial<GeneratorPosition>;
  if (position !== undefined && partitions !== step) {
    throw new MillraceError(
      "SOURCE_POSITION_LOST",
      `${source} can't go on at ${preview(position)}: it has ${step} partitions now`,
      { source, partition },
    );
  }
  return indexIn(position, { source, partition, total });
}

/**
 * A source that makes its records: record i is `make(i)`, i = 0, 1, 2, ... For tests, demonstrations and load.
 * `make` should depend on i only: then every run gives the same records, whatever the number of partitions, and the
 * source is replayable.
 *
 * @example
 * app.source(generator((i) => ({ id: i, at: i * 10 }), { count: 1_000_000, partitions: 4 }))
 * @throws OPTION_INVALID for a `count` or a number of partitions that is no whole number (0 / 1 at least)
 * @throws SOURCE_FAILED, from the job, when `make` throws
 * @throws SOURCE_POSITION_LOST, when a job goes on, with another number of partitions or fewer records than were read
 */
export function generator<T>(make: (index: number) => T, options: GeneratorOptions = {}): Source<T> {
  const { count, name = "generator" } = options;
  if (count !== undefined) countOption(count, "generator: count", 0);
  const step = countOption(options.partitions ?? 1, "generator: partitions", 1);
  const description = `generator(${name}${count === undefined ? "" : `, ${count} records`})`;
  const total = (first: number) =>
    count === undefined ? Number.POSITIVE_INFINITY : Math.max(0, Math.ceil((count - first) / step));
  return {
    description,
    bounded: count !== undefined,
    replayable: true,
    open: async (context) =>
      Array.from(
        { length: step },
        (_, first) =>
          new GeneratorPartition<T>(description, context, make, { first, step, total: total(first) }),
      ),
  };
}
