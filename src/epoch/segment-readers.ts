/** Segments that are open for reading single records: opening one costs more than reading a record. */
import type { Files, InputFile } from "../core/ports.ts";
import type { LogLocation } from "./position.ts";
import { openState, readRecord } from "./read-log.ts";

export class SegmentReaders {
  readonly #files: Files;
  /** By path. There are as many as there are segments: few. */
  readonly #open = new Map<string, Promise<InputFile>>();

  constructor(files: Files) {
    this.#files = files;
  }

  /** @throws STATE_DAMAGED, FILE_UNREADABLE */
  async read(path: string, location: LogLocation): Promise<Uint8Array> {
    let file = this.#open.get(path);
    if (file === undefined) {
      file = openState(this.#files, path);
      this.#open.set(path, file);
    }
    try {
      return await readRecord(path, await file, location);
    } catch (error) {
      // A file that could not be opened may be there the next time.
      await this.forget([path]);
      throw error;
    }
  }

  async forget(paths: Iterable<string>): Promise<void> {
    for (const path of paths) {
      const file = this.#open.get(path);
      this.#open.delete(path);
      await file?.then((opened) => opened.close()).catch(() => {});
    }
  }

  close(): Promise<void> {
    return this.forget([...this.#open.keys()]);
  }
}
