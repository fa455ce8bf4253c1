/** One Parquet file being read: a row group is handed over while the next one, and no more, is decoded. */
import type { InputFile } from "../../core/ports.ts";
import type { Origin, Partition, SourceContext } from "../contract.ts";
import { fileUnreadable } from "../file/open-file.ts";
import { type ParquetPosition, rowIn } from "./position.ts";
import { type RowBuilder, rowBuilder } from "./row-builder.ts";
import { type Column, type OpenedParquet, readRowGroup } from "./row-group.ts";

export class ParquetPartition<T> implements Partition<T> {
  readonly id: string;
  readonly #input: InputFile;
  readonly #context: SourceContext;
  readonly #parquet: OpenedParquet;
  readonly #build: RowBuilder;
  /** Row numbers at which the groups start, and the number of all rows behind them. */
  readonly #starts: readonly number[];
  readonly #footer: number;
  #columns: Column[] = [];
  /** Rows handed over; rows of groups that are decoded and taken up. */
  #done = 0;
  #taken = 0;
  #polledFrom = 0;
  #group = 0;
  #next: Column[] | undefined;
  #failure: Error | undefined;
  #decoding: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  /**
   * @param footer a checksum of the file's footer, for positions
   * @throws SOURCE_POSITION_LOST where the context's position is not one in this file
   */
  constructor(
    path: string,
    input: InputFile,
    context: SourceContext,
    parquet: OpenedParquet,
    footer: number,
  ) {
    this.id = path;
    this.#input = input;
    this.#context = context;
    this.#parquet = parquet;
    this.#build = rowBuilder(parquet.columns);
    const starts = [0];
    for (const { num_rows } of parquet.metadata.row_groups) {
      if (num_rows > 0n) starts.push(starts.at(-1)! + Number(num_rows));
    }
    this.#starts = starts;
    this.#footer = footer;
    const row = rowIn(context.positions?.get(path), { path, rows: this.#total, footer });
    this.#done = this.#polledFrom = row;
    // Groups before the row are left out; of its own the rows before it are decoded, and left out too.
    this.#group = starts.findLastIndex((start) => start <= row);
    this.#taken = this.#starts[this.#group]!;
    this.#decodeNext();
  }

  get #total(): number {
    return this.#starts.at(-1)!;
  }

  get ended(): boolean {
    return this.#done === this.#total;
  }

  get caughtUp(): boolean {
    return this.ended;
  }

  poll(into: T[], at: number, max: number): number {
    this.#polledFrom = this.#done;
    let n = 0;
    while (n < max && (this.#done < this.#taken || this.#takeNext())) {
      const count = Math.min(max - n, this.#taken - this.#done);
      const from = this.#done - this.#starts[this.#group - 1]!;
      this.#build(this.#columns, from, count, into, at + n);
      this.#done += count;
      n += count;
    }
    if (this.ended) this.#columns = [];
    if (n === 0 && max > 0 && this.#failure !== undefined) throw this.#failure;
    if (this.#failure !== undefined) this.#context.wake();
    return n;
  }

  /** Goes on to the group that was decoded ahead; false if it is not there yet. */
  #takeNext(): boolean {
    if (this.#next === undefined) return false;
    this.#columns = this.#next;
    this.#next = undefined;
    this.#group++;
    this.#taken = this.#starts[this.#group]!;
    this.#decodeNext();
    return true;
  }

  #decodeNext(): void {
    const [from, to] = [this.#starts[this.#group]!, this.#starts[this.#group + 1]];
    if (to === undefined || this.#closing !== undefined) return;
    this.#decoding = readRowGroup(this.#parquet, from, to).then(
      (columns) => {
        this.#next = columns;
        this.#context.wake();
      },
      (cause: unknown) => {
        this.#failure = fileUnreadable(this.id, cause, from);
        this.#context.wake();
      },
    );
  }

  locate(index: number): Origin {
    return { offset: this.#polledFrom + index };
  }

  position(index: number): ParquetPosition {
    return { row: this.#polledFrom + index, rows: this.#total, footer: this.#footer };
  }

  progress(): { done: number; total: number; unit: "records" } {
    return { done: this.#done, total: this.#total, unit: "records" };
  }

  close(): Promise<void> {
    this.#closing ??= this.#decoding.then(() => this.#input.close());
    return this.#closing;
  }
}
