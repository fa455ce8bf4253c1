/**
 * The end of one log: what is appended is gathered in chunks and written behind the caller's back.
 *
 * Invariant: everything that touches the file (writing a chunk, making it durable, turning to the next segment) is one
 * row of jobs, so there is one operation in flight, and a job's promise covers all that was appended before it. A
 * segment is durable before the next one is begun.
 *
 * Cost: each payload is copied once into the chunk and checksummed; a write per chunk.
 */
import type { OutputFile } from "../core/ports.ts";
import type { StateDirectory } from "./directory.ts";
import { frameBytes, writeFrame } from "./frame.ts";
import { segmentName } from "./names.ts";
import {
  grown,
  isBefore,
  type LogContent,
  type LogLocation,
  type LogPosition,
  rolled,
  since,
} from "./position.ts";

/** One write: large enough that its call costs little beside its bytes. */
const CHUNK_BYTES = 256 * 1024;

/** What may wait before appenders are asked to wait. */
const WAITING_BYTES = 4 * 1024 * 1024;

export class LogWriter {
  readonly #directory: StateDirectory;
  readonly #log: number;
  /** What the state is made of, but for `#fresh` bytes at its end. */
  #content: LogContent;
  /** The same with what was trimmed in this run. */
  #history: LogContent;
  #fresh = 0;
  #chunk: Buffer = Buffer.alloc(0);
  #used = 0;
  /** A chunk that was written, for the next one. */
  #spare: Buffer | undefined;
  /** Appended and not with the file system yet. */
  #waiting = 0;
  /** The file system has everything before it. */
  #written: LogPosition;
  #file: { readonly segment: number; readonly output: OutputFile } | undefined;
  #unsynced = false;
  #jobs: Promise<void> = Promise.resolve();
  readonly #writes: Promise<void>[] = [];

  /** @param content its end is the end of the file, or there is no file and it is the beginning of a segment */
  constructor(directory: StateDirectory, log: number, content: LogContent) {
    this.#directory = directory;
    this.#log = log;
    this.#content = content;
    this.#history = content;
    this.#written = content.to;
  }

  /** What the state is made of, with everything appended. */
  get content(): LogContent {
    this.#take();
    return this.#content;
  }

  /** The same with what was trimmed in this run: its files may be there still. */
  get history(): LogContent {
    this.#take();
    return this.#history;
  }

  /** Copies the payload. */
  append(payload: Uint8Array): LogLocation {
    const bytes = frameBytes(payload.length);
    if (this.#used + bytes > this.#chunk.length) {
      this.#submit();
      this.#chunk = this.#chunkOf(bytes);
    }
    writeFrame(this.#chunk, this.#used, payload);
    const { segment, bytes: settled } = this.#content.to;
    const offset = settled + this.#fresh;
    this.#fresh += bytes;
    this.#used += bytes;
    this.#waiting += bytes;
    if (this.#used === this.#chunk.length) this.#submit();
    return { segment, offset, length: payload.length };
  }

  /** What is appended from now on lies in a new segment, which begins at the position that is returned. */
  roll(): LogPosition {
    this.#submit();
    this.#content = rolled(this.content);
    this.#history = rolled(this.history);
    return this.#content.to;
  }

  /** @returns false where `from` is no place in the content */
  trim(from: LogPosition): boolean {
    const rest = since(this.content, from);
    if (rest !== null) this.#content = rest;
    return rest !== null;
  }

  /** A promise while too much waits. */
  room(): Promise<void> | undefined {
    return this.#waiting > WAITING_BYTES ? this.#untilRoom() : undefined;
  }

  /** Resolves once the file has everything before the position. */
  async flush(to: LogPosition): Promise<void> {
    if (!isBefore(this.#written, to)) return;
    this.#submit();
    await this.#jobs;
  }

  /** Resolves once everything appended so far is durable, but for the names of new segments. */
  sync(): Promise<void> {
    this.#submit();
    return this.#then(() => this.#syncFile());
  }

  async close(): Promise<void> {
    await this.#jobs.catch(() => {});
    // What counts was made durable before; what a failing close could lose is undecided.
    await this.#file?.output.close().catch(() => {});
    this.#file = undefined;
  }

  #take(): void {
    if (this.#fresh === 0) return;
    this.#content = grown(this.#content, this.#fresh);
    this.#history = grown(this.#history, this.#fresh);
    this.#fresh = 0;
  }

  async #untilRoom(): Promise<void> {
    while (this.#waiting > WAITING_BYTES) await this.#writes[0];
  }

  #chunkOf(bytes: number): Buffer {
    if (bytes > CHUNK_BYTES) return Buffer.allocUnsafeSlow(bytes);
    const chunk = this.#spare ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
    this.#spare = undefined;
    return chunk;
  }

  #submit(): void {
    if (this.#used === 0) return;
    const chunk = this.#chunk;
    const piece = chunk.subarray(0, this.#used);
    const end = this.content.to;
    this.#chunk = Buffer.alloc(0);
    this.#used = 0;
    const write = this.#then(async () => {
      const output = await this.#fileOf(end.segment, end.bytes - piece.length);
      await this.#guard(end.segment, () => output.write(piece));
      this.#unsynced = true;
      this.#written = end;
      this.#waiting -= piece.length;
      this.#writes.shift();
      if (chunk.length === CHUNK_BYTES) this.#spare = chunk;
    });
    this.#writes.push(write);
  }

  async #fileOf(segment: number, bytes: number): Promise<OutputFile> {
    if (this.#file?.segment === segment) return this.#file.output;
    await this.#syncFile();
    const before = this.#file;
    if (before !== undefined) await this.#guard(before.segment, () => before.output.close());
    const output = await this.#directory.openAppend(segmentName(this.#log, segment), bytes);
    this.#file = { segment, output };
    return output;
  }

  async #syncFile(): Promise<void> {
    const file = this.#file;
    if (file === undefined || !this.#unsynced) return;
    await this.#guard(file.segment, () => file.output.sync());
    this.#unsynced = false;
  }

  /** Once a job has failed, those behind it fail too, without being tried. */
  #then(job: () => Promise<void>): Promise<void> {
    const done = this.#jobs.then(job);
    // Whoever needs the job waits for it; for the others the directory keeps the failure.
    done.catch(() => {});
    this.#jobs = done;
    return done;
  }

  #guard<T>(segment: number, change: () => Promise<T>): Promise<T> {
    return this.#directory.guard(segmentName(this.#log, segment), change);
  }
}
