import type { InputFile, Ports } from "../../core/ports.ts";
import type { FileSteps, Step } from "./file-steps.ts";
import { type FileStart, type LinePosition, resumeAt, startOf } from "./line-position.ts";
import { fileUnreadable, openFile, openIfThere, positionLost } from "./open-file.ts";
import { endOfLines } from "./torn-line.ts";

/** A file from a place on to its end, as it is when the end is reached. */
export class WholeFile implements FileSteps {
  readonly endless = false;
  readonly waiting = false;
  readonly start: FileStart;
  readonly #path: string;
  readonly #file: InputFile;
  readonly #buffer: Uint8Array;
  readonly #endBytes: number;
  #at: number;

  private constructor(
    path: string,
    file: InputFile,
    start: FileStart,
    chunkBytes: number,
    endBytes = Number.POSITIVE_INFINITY,
  ) {
    this.#path = path;
    this.#file = file;
    this.start = start;
    this.#endBytes = endBytes;
    this.#at = start.place.offset;
    this.#buffer = Buffer.allocUnsafeSlow(Math.min(chunkBytes, Math.max(file.sizeBytes - this.#at, 4096)));
  }

  /** @throws FILE_UNREADABLE, SOURCE_POSITION_LOST */
  static async open(
    path: string,
    ports: Ports,
    position: LinePosition | null,
    chunkBytes: number,
  ): Promise<WholeFile> {
    // Where nothing was read yet, any file will do.
    if (position === null || position.offset === 0) {
      const file = await openFile(ports, path);
      return new WholeFile(path, file, startOf(file.identity), chunkBytes);
    }
    const file = await openIfThere(ports.files, path);
    if (file === null) throw positionLost(path, position, "it is gone");
    try {
      const start = await resumeAt(file, position);
      if (typeof start === "string") throw positionLost(path, position, start);
      return new WholeFile(path, file, start, chunkBytes);
    } catch (cause) {
      await file.close();
      throw fileUnreadable(path, cause);
    }
  }

  /** A file that grows, up to the end of its last whole line. It has the file from here on. */
  static async upToNow(path: string, file: InputFile, chunkBytes: number): Promise<WholeFile> {
    try {
      return new WholeFile(path, file, startOf(file.identity), chunkBytes, await endOfLines(file));
    } catch (cause) {
      await file.close();
      throw fileUnreadable(path, cause);
    }
  }

  get totalBytes(): number {
    return Math.min(this.#endBytes, this.#file.sizeBytes);
  }

  async next(): Promise<Step> {
    try {
      const left = this.#endBytes - this.#at;
      const into = left < this.#buffer.length ? this.#buffer.subarray(0, left) : this.#buffer;
      const n = into.length === 0 ? 0 : await this.#file.read(into, this.#at);
      if (n === 0) return "end";
      this.#at += n;
      return { bytes: this.#buffer.subarray(0, n) };
    } catch (cause) {
      throw fileUnreadable(this.#path, cause, this.#at);
    }
  }

  stop(): void {}

  close(): Promise<void> {
    return this.#file.close();
  }
}
