/**
 * An NDJSON file under "exactly-once": the lines of an epoch go to a staged file, which is appended to the file when
 * the epoch is decided. An epoch without records costs nothing.
 *
 * Cost: every byte is written twice, and an epoch with records waits for the disk about five times (staged file, its
 * name, the epoch's mark and its name, the file); the job runs on meanwhile.
 */
import type { Json } from "../../core/json.ts";
import { MillraceError } from "../../core/errors.ts";
import type { Files } from "../../core/ports.ts";
import type { OpenSink, SinkContext, SinkEpochs } from "../contract.ts";
import { outputMissing, writingFailed } from "./file-failure.ts";
import { FileHandles, type HandledFile } from "./file-handles.ts";
import { FileWriter } from "./file-writer.ts";
import type { NdjsonHandle, NdjsonPlace } from "./ndjson-place.ts";
import { wholeLinesBytes } from "./torn-line.ts";
import { writeLines } from "./write-lines.ts";

/** The epoch being written, the one being prepared, and a spare. */
const OPEN_AT_ONCE = 3;

interface Beginning {
  readonly lastEpoch: number | null;
  /** The bytes of the file once all that is decided has been committed. */
  readonly end: number;
  readonly staged: number;
}

/** Where the lines of the epoch at hand go. */
interface Stage {
  readonly number: number;
  readonly output: HandledFile;
  readonly writer: FileWriter;
}

export class NdjsonStaged<T> implements OpenSink<T>, SinkEpochs {
  readonly lastEpoch: number | null;
  readonly #place: NdjsonPlace;
  readonly #files: Files;
  readonly #handles: FileHandles;
  /** The bytes of the file once all that was prepared has been committed. */
  #end: Promise<number>;
  #stage: Stage;
  #closing: Promise<void> | undefined;

  private constructor(place: NdjsonPlace, files: Files, { lastEpoch, end, staged }: Beginning) {
    this.#place = place;
    this.#files = files;
    this.#handles = new FileHandles(files, OPEN_AT_ONCE);
    this.lastEpoch = lastEpoch;
    this.#end = Promise.resolve(end);
    this.#stage = this.#begin(staged);
  }

  /** @throws SINK_STATE_MISSING, STATE_BEHIND_SINK */
  static async open<T>(
    place: NdjsonPlace,
    { ports: { files }, recovered }: SinkContext,
  ): Promise<NdjsonStaged<T>> {
    if (recovered === null) {
      await (await place.begin()).close();
      return new NdjsonStaged<T>(place, files, { lastEpoch: null, end: 0, staged: 0 });
    }
    const own = recovered.handles
      .map(({ handle }) => place.own(handle))
      .filter((handle) => handle !== undefined);
    const waiting = own.filter(({ bytes }) => bytes > 0);
    const newest = own.at(-1);
    const staged = Math.max(-1, ...waiting.map((handle) => handle.staged)) + 1;
    const lastEpoch = await place.lastEpoch();
    const beginning = { lastEpoch, staged, end: newest === undefined ? 0 : newest.at + newest.bytes };
    // What a newer state has written is not touched: the engine will refuse to go on.
    if (lastEpoch !== null && lastEpoch > recovered.epoch)
      return new NdjsonStaged<T>(place, files, beginning);

    const size = (await files.stat(place.path))?.sizeBytes ?? 0;
    if (newest !== undefined && size > beginning.end) {
      throw new MillraceError(
        "STATE_BEHIND_SINK",
        `${place.path} has ${size} bytes, and epoch ${recovered.epoch} ends at ${beginning.end}`,
      );
    }
    const committed = (waiting[0] ?? newest)?.at ?? 0;
    if (size < committed) {
      throw outputMissing(place.path, `has ${size} bytes, where ${committed} were committed`);
    }
    const end = newest === undefined ? await wholeLinesBytes(files, place.path) : beginning.end;
    // Shows at once whether the file can be written, and makes it where there is none.
    await (await files.openAppend(place.path, newest === undefined ? end : size)).close();
    await place.removeStaged(waiting.map((handle) => handle.staged));
    return new NdjsonStaged<T>(place, files, { ...beginning, end });
  }

  get epochs(): SinkEpochs {
    return this;
  }

  write(values: readonly T[], _timestamps: Float64Array, from: number, to: number): void | Promise<void> {
    return writeLines(this.#stage.writer, values, from, to);
  }

  flush(): Promise<void> {
    return this.#stage.writer.flush();
  }

  prepare(): Promise<Json> {
    const { writer, output, number } = this.#stage;
    const end = this.#end;
    if (writer.empty) return end.then((at) => this.#handle(at, 0, number));
    this.#stage = this.#begin(number + 1);
    const prepared = this.#secure(writer).then(async () => this.#handle(await end, output.bytes, number));
    this.#end = prepared.then(({ at, bytes }) => at + bytes);
    // It is told by the promise that the engine has.
    this.#end.catch(() => {});
    return prepared;
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

  #handle(at: number, bytes: number, staged: number): NdjsonHandle {
    return { path: this.#place.path, at, bytes, staged };
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
      await this.#handles.close();
      if (!writer.empty) await this.#files.remove(output.path);
    }
  }

  #begin(number: number): Stage {
    const output = this.#handles.output(this.#place.stagedPath(number));
    return { number, output, writer: new FileWriter(output.path, output) };
  }
}
