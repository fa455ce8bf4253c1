/**
 * Files that are written in turn by fewer handles than there are files: the handle least recently used is closed when
 * another file needs one, and its file is opened again, at its end, when there is more to write. What is in the files
 * does not depend on it. Memory: one entry per open handle.
 */
import type { Files, OutputFile } from "../../core/ports.ts";

export class FileHandles {
  readonly #files: Files;
  /** Handles that may still be opened. */
  #left: number;
  /** Open ones that nobody uses now, the least recently used first. */
  readonly #idle = new Map<HandledFile, OutputFile>();
  readonly #waiting: (() => void)[] = [];
  /** Actions that have begun and not ended. */
  readonly #running = new Set<Promise<void>>();
  #closed = false;

  constructor(files: Files, limit: number) {
    this.#files = files;
    this.#left = limit;
  }

  /** A file that goes on behind its first `bytes` bytes. Nothing is opened, or made, before the first write. */
  output(path: string, bytes = 0, beforeOpen?: () => Promise<void>): HandledFile {
    return new HandledFile(this, path, bytes, beforeOpen);
  }

  /**
   * Nothing is done with any of the files after it resolves: another run may have them. What was not begun is refused.
   */
  async close(): Promise<void> {
    this.#closed = true;
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
    const idle = [...this.#idle.values()];
    this.#idle.clear();
    await Promise.all(idle.map((handle) => handle.close()));
  }

  async run(action: () => Promise<void>): Promise<void> {
    if (this.#closed) throw new Error("the sink is closed");
    const running = action();
    this.#running.add(running);
    try {
      await running;
    } finally {
      this.#running.delete(running);
    }
  }

  async take(file: HandledFile): Promise<OutputFile> {
    const own = this.#idle.get(file);
    if (own !== undefined) {
      this.#idle.delete(file);
      return own;
    }
    await this.#makeRoom();
    try {
      return await this.#files.openAppend(file.path, file.bytes);
    } catch (error) {
      this.#roomLeft();
      throw error;
    }
  }

  /** The file keeps its handle until another one needs it. */
  async giveBack(file: HandledFile, handle: OutputFile): Promise<void> {
    if (this.#waiting.length === 0) this.#idle.set(file, handle);
    else await this.#close(handle);
  }

  async forget(file: HandledFile): Promise<void> {
    const handle = this.#idle.get(file);
    this.#idle.delete(file);
    if (handle !== undefined) await this.#close(handle);
  }

  async #makeRoom(): Promise<void> {
    if (this.#left > 0) this.#left--;
    else {
      const [oldest] = this.#idle;
      if (oldest === undefined) return new Promise((resolve) => this.#waiting.push(resolve));
      this.#idle.delete(oldest[0]);
      await oldest[1].close().catch((error: unknown) => {
        this.#roomLeft();
        throw error;
      });
    }
  }

  async #close(handle: OutputFile): Promise<void> {
    try {
      await handle.close();
    } finally {
      this.#roomLeft();
    }
  }

  #roomLeft(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#left++;
    else next();
  }
}

export class HandledFile implements OutputFile {
  readonly path: string;
  /** That were written. */
  bytes: number;
  readonly #handles: FileHandles;
  #beforeOpen: (() => Promise<void>) | undefined;
  /** Written since the last sync. */
  #dirty = false;
  #last: Promise<void> = Promise.resolve();

  constructor(handles: FileHandles, path: string, bytes: number, beforeOpen?: () => Promise<void>) {
    this.#handles = handles;
    this.path = path;
    this.bytes = bytes;
    this.#beforeOpen = beforeOpen;
  }

  write(data: string | Uint8Array): Promise<void> {
    return this.#inTurn(async () => {
      await this.#beforeOpen?.();
      this.#beforeOpen = undefined;
      const bytes = typeof data === "string" ? Buffer.from(data) : data;
      await this.#use((handle) => handle.write(bytes));
      this.bytes += bytes.length;
      this.#dirty = true;
    });
  }

  sync(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#dirty) await this.#use((handle) => handle.sync());
      this.#dirty = false;
    });
  }

  close(): Promise<void> {
    return this.#inTurn(() => this.#handles.forget(this));
  }

  async #use(action: (handle: OutputFile) => Promise<void>): Promise<void> {
    const handle = await this.#handles.take(this);
    try {
      await action(handle);
    } finally {
      await this.#handles.giveBack(this, handle);
    }
  }

  #inTurn(action: () => Promise<void>): Promise<void> {
    const run = () => this.#handles.run(action);
    this.#last = this.#last.then(run, run);
    return this.#last;
  }
}
