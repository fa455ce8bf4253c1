/**
 * A file that is read on as it grows, through rotations, as `tail -F` does.
 *
 * Two activities: one looks at the path every `pollEveryMs` and opens at once whatever file appears under it, so that
 * none is missed or deleted unread, however far behind the reader is. The other reads the files in their order.
 *
 * An old file is over when all of it was read after a newer one got its first byte: a writer that goes on with a new
 * file has written the last to the old one by then. Until then the old one is watched, although it has another name.
 * A file that is shorter than what was read of it was emptied, and is read from its beginning.
 */
import type { InputFile, Ports } from "../../core/ports.ts";
import type { FileSteps, Step } from "./file-steps.ts";
import { type FileStart, type LinePosition, startOf } from "./line-position.ts";
import { fileUnreadable, openIfThere } from "./open-file.ts";
import { Rotation } from "./rotation.ts";

export interface FollowOptions {
  readonly chunkBytes: number;
  readonly pollEveryMs: number;
}

export class FollowedFile implements FileSteps {
  readonly endless = true;
  readonly totalBytes = Number.POSITIVE_INFINITY;
  readonly start: FileStart;
  waiting = false;
  readonly #path: string;
  readonly #ports: Ports;
  readonly #rotation: Rotation;
  readonly #pollEveryMs: number;
  readonly #buffer: Uint8Array;
  /** The one being read first; the last is the newest that was seen under the path. */
  readonly #files: InputFile[];
  #at: number;
  /** The first of the files was told of. */
  #begun: boolean;
  #stopped = false;
  #failure: unknown;
  readonly #watching: Promise<void>;
  #endPause: () => void = () => {};
  #looked: () => void = () => {};

  private constructor(
    path: string,
    ports: Ports,
    rotation: Rotation,
    first: { readonly start: FileStart; readonly files: InputFile[] },
    options: FollowOptions,
  ) {
    this.#path = path;
    this.#ports = ports;
    this.#rotation = rotation;
    this.#files = first.files;
    this.start = first.start;
    this.#begun = first.files.length > 0;
    this.#at = first.start.place.offset;
    this.#pollEveryMs = options.pollEveryMs;
    this.#buffer = Buffer.allocUnsafeSlow(options.chunkBytes);
    this.#watching = this.#watch();
  }

  /**
   * @param position null: from the beginning of the file under the path, which may be missing yet
   * @throws FILE_UNREADABLE, SOURCE_POSITION_LOST
   */
  static async open(
    path: string,
    ports: Ports,
    position: LinePosition | null,
    options: FollowOptions,
  ): Promise<FollowedFile> {
    const rotation = new Rotation(ports.files, path);
    try {
      if ((await ports.files.stat(path))?.isFolder === true) throw new Error("it is a folder");
      if (position !== null && position.identity !== null) {
        return new FollowedFile(path, ports, rotation, await rotation.resume(position), options);
      }
      const file = await openIfThere(ports.files, path);
      const start = startOf(file === null ? null : file.identity);
      const files = file === null ? [] : [file];
      return new FollowedFile(path, ports, rotation, { start, files }, options);
    } catch (cause) {
      throw fileUnreadable(path, cause);
    }
  }

  async next(): Promise<Step | undefined> {
    try {
      while (!this.#stopped) {
        const step = await this.#read();
        if (step !== undefined) {
          this.waiting = false;
          return step;
        }
        if (this.#failure !== undefined) throw this.#failure;
        this.waiting = true;
        await this.#nextLook();
      }
      return undefined;
    } catch (cause) {
      throw fileUnreadable(this.#path, cause, this.#at);
    }
  }

  async #read(): Promise<Step | undefined> {
    const [file, ...newer] = this.#files;
    if (file === undefined) return undefined;
    if (!this.#begun) return this.#begin(file);
    const left = await haveBytes(newer);
    const n = await file.read(this.#buffer, this.#at);
    if (n > 0) {
      this.#at += n;
      return { bytes: this.#buffer.subarray(0, n) };
    }
    if (left) {
      this.#files.shift();
      this.#begun = false;
      await file.close();
      return "end";
    }
    return (await file.size()) < this.#at ? this.#begin(file) : undefined;
  }

  #begin(file: InputFile): Step {
    this.#begun = true;
    this.#at = 0;
    return { file: startOf(file.identity) };
  }

  #nextLook(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#stopped || this.#failure !== undefined) resolve();
      else this.#looked = resolve;
    });
  }

  async #watch(): Promise<void> {
    try {
      for (;;) {
        await this.#pause();
        if (this.#stopped) return;
        await this.#look();
        this.#looked();
      }
    } catch (cause) {
      this.#failure = cause;
      this.#looked();
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#stopped) return resolve();
      const cancel = this.#ports.timers.after(this.#pollEveryMs, resolve);
      this.#endPause = () => {
        cancel();
        resolve();
      };
    });
  }

  /** Opens what has appeared under the path, and what was there in between. */
  async #look(): Promise<void> {
    const seen = this.#files.at(-1)?.identity ?? null;
    const stat = await this.#ports.files.stat(this.#path);
    if (stat === null || stat.identity === seen) return;
    this.#files.push(...(await this.#rotation.openNewer(seen)));
  }

  stop(): void {
    this.#stopped = true;
    this.#endPause();
    this.#looked();
  }

  async close(): Promise<void> {
    await this.#watching;
    const closed = await Promise.allSettled(this.#files.splice(0).map((file) => file.close()));
    const failed = closed.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }
}

async function haveBytes(files: readonly InputFile[]): Promise<boolean> {
  for (const file of files) if ((await file.size()) > 0) return true;
  return false;
}
