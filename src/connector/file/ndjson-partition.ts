/**
 * A partition of NDJSON: a buffer is filled while the text of the chunk before it is decoded.
 *
 * The decoder turns a chunk into a string at once, so the buffer is free for the next read as soon as its bytes are
 * handed over: one buffer and one string are all that is held, however long the file.
 *
 * Records of two files never come from one poll: a poll's positions are all in one file.
 */
import type { Origin, Partition, SourceContext } from "../contract.ts";
import { FileLines } from "./file-lines.ts";
import type { FileSteps, Step } from "./file-steps.ts";
import type { LinePosition } from "./line-position.ts";

export class NdjsonPartition<T> implements Partition<T> {
  readonly id: string;
  readonly #steps: FileSteps;
  readonly #context: SourceContext;
  readonly #maxLineBytes: number;
  #lines: FileLines<T>;
  /** What was read and not decoded yet; undefined while it is being read. */
  #step: Step | undefined;
  #fetching: Promise<void> = Promise.resolve();
  #fetchError: unknown;
  #atEnd = false;
  #failure: unknown;
  #closing: Promise<void> | undefined;
  /** Bytes decoded of files before the one at hand. */
  #bytesBefore = 0;

  constructor(path: string, steps: FileSteps, context: SourceContext, maxLineBytes: number) {
    this.id = path;
    this.#steps = steps;
    this.#context = context;
    this.#maxLineBytes = maxLineBytes;
    this.#lines = new FileLines(steps.start, maxLineBytes);
  }

  /** Reads the first chunk, which also shows whether the path can be read at all (a folder opens, but can't). */
  async start(): Promise<this> {
    this.#fetch();
    // What is followed may be silent for long.
    if (this.#steps.endless) return this;
    await this.#fetching;
    if (this.#fetchError !== undefined) {
      await this.close();
      throw this.#fetchError;
    }
    return this;
  }

  get ended(): boolean {
    return this.#atEnd && this.#failure === undefined && this.#lines.decoder.drained;
  }

  get caughtUp(): boolean {
    return this.ended || (this.#steps.waiting && this.#lines.decoder.drained);
  }

  poll(into: T[], at: number, max: number): number {
    this.#lines.decoder.mark();
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
      const { decoder } = this.#lines;
      n += decoder.decode(into, at + n, max - n);
      const { fault } = decoder;
      if (fault !== undefined) {
        try {
          this.#context.reject(this.id, fault);
        } catch (error) {
          // The fault is not taken: the position stays before the line, which is to be read again once it is mended.
          this.#failure = error;
          return n;
        }
        decoder.takeFault();
      } else if (n === max || !this.#refill(n)) {
        return n;
      }
    }
  }

  /** Hands the next piece to the decoder; false if there is none yet. */
  #refill(n: number): boolean {
    const step = this.#step;
    if (step === undefined) {
      this.#failure = this.#fetchError;
      return false;
    }
    if (this.#atEnd) return false;
    if (step === "end") {
      this.#lines.decoder.end();
      if (!this.#steps.endless) {
        this.#atEnd = true;
        return true;
      }
    } else if ("bytes" in step) {
      this.#lines.push(step.bytes);
    } else {
      if (n > 0) {
        this.#context.wake();
        return false;
      }
      this.#bytesBefore += this.#bytesOfFile;
      this.#lines = new FileLines(step.file, this.#maxLineBytes);
    }
    this.#fetch();
    return true;
  }

  #fetch(): void {
    this.#step = undefined;
    if (this.#closing !== undefined) return;
    this.#fetching = this.#steps.next().then(
      (step) => {
        this.#step = step;
        this.#context.wake();
      },
      (error: unknown) => {
        this.#fetchError = error;
        this.#context.wake();
      },
    );
  }

  locate(index: number): Origin {
    return this.#lines.decoder.locate(index);
  }

  position(index: number): LinePosition {
    return this.#lines.position(index);
  }

  progress(): { done: number; total: number; unit: "bytes" } {
    const { endless, totalBytes } = this.#steps;
    const done = endless ? this.#bytesBefore + this.#bytesOfFile : this.#lines.decoder.position;
    return { done, total: Math.max(done, totalBytes), unit: "bytes" };
  }

  get #bytesOfFile(): number {
    return this.#lines.decoder.position - this.#lines.startOffset;
  }

  close(): Promise<void> {
    this.#steps.stop();
    this.#closing ??= this.#fetching.then(() => this.#steps.close());
    return this.#closing;
  }
}
