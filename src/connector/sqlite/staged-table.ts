/**
 * A table under "exactly-once": the changes of an epoch go to a staged file, and into the table when the epoch is
 * decided. An epoch without changes costs nothing.
 *
 * Cost: the loop waits for no disk while an epoch is written, however large it is. Its commit is a transaction in slices
 * beside the loop; the memory it takes does not grow with the epoch.
 */
import type { Json } from "../../core/json.ts";
import type { Files } from "../../core/ports.ts";
import type { OpenSink, SinkContext, SinkEpochs } from "../contract.ts";
import { outputMissing, writingFailed } from "../file/file-failure.ts";
import { FileHandles, type HandledFile } from "../file/file-handles.ts";
import { FileWriter } from "../file/file-writer.ts";
import { writeLines } from "../file/write-lines.ts";
import { jsonOfChange, type RowChange, type RowChanges } from "./row-change.ts";
import type { TablePlace } from "./table-place.ts";

/** The epoch being written, the one being prepared, and a spare. */
const OPEN_AT_ONCE = 3;

interface Beginning {
  readonly lastEpoch: number | null;
  /** The last decided epoch that changed something. */
  readonly after: number | null;
  readonly staged: number;
}

/** Where the changes of the epoch at hand go. */
interface Stage {
  readonly number: number;
  readonly output: HandledFile;
  readonly writer: FileWriter;
}

export class StagedTable<T> implements OpenSink<T>, SinkEpochs {
  readonly lastEpoch: number | null;
  readonly #place: TablePlace;
  readonly #rows: RowChanges;
  readonly #files: Files;
  readonly #handles: FileHandles;
  #after: number | null;
  #stage: Stage;
  #closing: Promise<void> | undefined;

  private constructor(
    place: TablePlace,
    rows: RowChanges,
    files: Files,
    { lastEpoch, after, staged }: Beginning,
  ) {
    this.#place = place;
    this.#rows = rows;
    this.#files = files;
    this.#handles = new FileHandles(files, OPEN_AT_ONCE);
    this.lastEpoch = lastEpoch;
    this.#after = after;
    this.#stage = this.#begin(staged);
  }

  /** @throws SINK_STATE_MISSING, FILE_UNWRITABLE */
  static async open<T>(
    place: TablePlace,
    rows: RowChanges,
    columns: readonly string[] | null,
    { ports: { files }, recovered }: SinkContext,
  ): Promise<StagedTable<T>> {
    if (recovered === null) {
      await place.begin(columns);
      return new StagedTable<T>(place, rows, files, { lastEpoch: null, after: null, staged: 0 });
    }
    const lastEpoch = place.lastEpoch();
    const own = recovered.handles.flatMap(({ epoch, handle }) => {
      const mine = place.own(handle);
      return mine === undefined ? [] : [{ epoch, ...mine }];
    });
    const newest = own.at(-1);
    const beginning = {
      lastEpoch,
      after: newest === undefined ? lastEpoch : newest.bytes > 0 ? newest.epoch : newest.after,
      staged: Math.max(-1, ...own.map(({ staged }) => staged)) + 1,
    };
    // What a newer state has written is not touched: the engine will refuse to go on.
    if (lastEpoch !== null && lastEpoch > recovered.epoch) {
      return new StagedTable<T>(place, rows, files, beginning);
    }
    const first = own.find(({ epoch }) => lastEpoch === null || epoch > lastEpoch);
    if (first !== undefined) place.demandCommitted(first.after, lastEpoch);
    if (lastEpoch !== null && place.target.columns() === null) {
      throw outputMissing(place.path, `has no table ${place.target.name} any more`);
    }
    place.target.check(columns ?? []);
    await place.removeStaged(own.filter(({ bytes }) => bytes > 0).map(({ staged }) => staged));
    return new StagedTable<T>(place, rows, files, beginning);
  }

  get epochs(): SinkEpochs {
    return this;
  }

  write(values: readonly T[], _timestamps: Float64Array, from: number, to: number): void | Promise<void> {
    const changes: RowChange[] = [];
    this.#rows.read(values, from, to, changes);
    return writeLines(this.#stage.writer, changes.map(jsonOfChange), 0, changes.length);
  }

  flush(): Promise<void> {
    return this.#stage.writer.flush();
  }

  async prepare(epoch: number): Promise<Json> {
    const { writer, output, number } = this.#stage;
    const after = this.#after;
    const { columns } = this.#rows;
    if (writer.empty) return this.#place.handle({ columns: [], staged: number, bytes: 0, after });
    this.#after = epoch;
    this.#stage = this.#begin(number + 1);
    await this.#secure(writer);
    return this.#place.handle({ columns, staged: number, bytes: output.bytes, after });
  }

  async #secure(writer: FileWriter): Promise<void> {
    try {
      await writer.sync();
    } finally {
      await writer.close();
    }
    await this.#place.syncNames().catch((cause: unknown) => {
      throw writingFailed(this.#place.path, cause);
    });
  }

  async commit(epoch: number, handle: Json): Promise<void> {
    try {
      await this.#place.commit(epoch, handle);
    } catch (cause) {
      throw writingFailed(this.#place.path, cause);
    }
  }

  /** What belongs to no epoch goes. */
  close(): Promise<void> {
    this.#closing ??= this.#discard();
    return this.#closing;
  }

  async #discard(): Promise<void> {
    const { writer, output } = this.#stage;
    try {
      await writer.close();
    } finally {
      try {
        await this.#handles.close();
        if (!writer.empty) await this.#files.remove(output.path);
      } finally {
        await this.#place.close();
      }
    }
  }

  #begin(number: number): Stage {
    const output = this.#handles.output(this.#place.stagedPath(number));
    return { number, output, writer: new FileWriter(output.path, output) };
  }
}
