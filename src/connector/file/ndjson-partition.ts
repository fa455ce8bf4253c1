/**
 * One NDJSON file being read: a buffer is filled while the text of the chunk before it is decoded.
 *
 * The decoder turns a chunk into a string at once, so the buffer is free for the next read as soon as its bytes are
 * handed over: one buffer and one string are all that is held, however long the file.
 */
import type { InputFile } from "../../core/ports.ts";
import { NdjsonDecoder } from "../../format/ndjson.ts";
import type { Origin, Partition, SourceContext } from "../contract.ts";
import { fileUnreadable } from "./open-file.ts";

export interface NdjsonPartitionOptions {
  readonly chunkBytes: number;
  readonly maxLineBytes: number;
}

export class NdjsonPartition<T> implements Partition<T> {
  readonly id: string;
  readonly #file: InputFile;
  readonly #context: SourceContext;
  readonly #decoder: NdjsonDecoder<T>;
  readonly #buffer: Uint8Array;
  /** Bytes in the buffer that the decoder did not get yet; undefined while they are being read. */
  #fetched: number | undefined;
  #fetchAt = 0;
  #fetching: Promise<void> = Promise.resolve();
  #fetchError: Error | undefined;
  #atEnd = false;
  #failure: unknown;
  #closing: Promise<void> | undefined;

  constructor(path: string, file: InputFile, context: SourceContext, options: NdjsonPartitionOptions) {
    this.id = path;
    this.#file = file;
    this.#context = context;
    this.#decoder = new NdjsonDecoder(options.maxLineBytes);
    this.#buffer = Buffer.allocUnsafeSlow(Math.min(options.chunkBytes, Math.max(file.sizeBytes, 4096)));
  }

  /** Reads the first chunk, which also shows whether the path can be read at all (a folder opens, but can't). */
  async start(): Promise<this> {
    this.#fetch();
    await this.#fetching;
    if (this.#fetchError !== undefined) {
      await this.close();
      throw this.#fetchError;
    }
    return this;
  }

  get ended(): boolean {
    return this.#atEnd && this.#failure === undefined && this.#decoder.drained;
  }

  get caughtUp(): boolean {
    return this.ended;
  }

  poll(into: T[], at: number, max: number): number {
    this.#decoder.mark();
    const n = this.#failure === undefined ? this.#decode(into, at, max) : 0;
    if (this.#failure !== undefined) {
      // What came before the failure is handed over first; the next poll throws.
      if (n === 0) throw this.#failure;
      this.#context.wake();
    }
    return n;
  }

  #decode(into: T[], at: number, max: number): number {
    let n = 0;
    for (;;) {
      n += this.#decoder.decode(into, at + n, max - n);
      const fault = this.#decoder.takeFault();
      if (fault !== undefined) {
        try {
          this.#context.reject(this.id, fault);
        } catch (error) {
          this.#failure = error;
          return n;
        }
      } else if (n === max || !this.#refill()) {
        return n;
      }
    }
  }

  /** Hands the fetched chunk to the decoder; false if there is none. */
  #refill(): boolean {
    if (this.#fetched === undefined) {
      this.#failure = this.#fetchError;
      return false;
    }
    if (this.#atEnd) return false;
    if (this.#fetched === 0) {
      this.#atEnd = true;
      this.#decoder.end();
    } else {
      this.#decoder.push(this.#buffer.subarray(0, this.#fetched));
      this.#fetchAt += this.#fetched;
      this.#fetch();
    }
    return true;
  }

  #fetch(): void {
    this.#fetched = undefined;
    if (this.#closing !== undefined) return;
    this.#fetching = this.#file.read(this.#buffer, this.#fetchAt).then(
      (bytes) => {
        this.#fetched = bytes;
        this.#context.wake();
      },
      (cause: unknown) => {
        this.#fetchError = fileUnreadable(this.id, cause, this.#fetchAt);
        this.#context.wake();
      },
    );
  }

  locate(index: number): Origin {
    return this.#decoder.locate(index);
  }

  progress(): { done: number; total: number; unit: "bytes" } {
    const done = this.#decoder.position;
    return { done, total: Math.max(done, this.#file.sizeBytes), unit: "bytes" };
  }

  close(): Promise<void> {
    this.#closing ??= this.#fetching.then(() => this.#file.close());
    return this.#closing;
  }
}
