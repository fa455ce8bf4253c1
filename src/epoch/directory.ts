/**
 * The one door through which a state directory is changed. The first change that fails ends it: nobody knows then what
 * the disk has, so every later call fails with the same error, and the job is opened anew from what is durable.
 */
import { dirname, join } from "node:path";
import { MillraceError, reasonOf } from "../core/errors.ts";
import type { FileLock, Files, OutputFile } from "../core/ports.ts";
import { LOCK, temporaryName } from "./names.ts";

export type HeldLock = Extract<FileLock, { release: unknown }>;

export class StateDirectory {
  readonly folder: string;
  readonly #files: Files;
  #failure: MillraceError | undefined;
  /** Since `#namesSync` began. */
  #namesChanged = false;
  #namesSync: Promise<void> = Promise.resolve();

  constructor(files: Files, folder: string) {
    this.#files = files;
    this.folder = folder;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** @throws STATE_UNWRITABLE where an earlier change failed */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** @throws STATE_UNWRITABLE */
  async guard<T>(name: string, change: () => Promise<T>): Promise<T> {
    this.check();
    try {
      return await change();
    } catch (cause) {
      this.#failure ??= unwritable(this.path(name), cause);
      throw this.#failure;
    }
  }

  async make(): Promise<void> {
    await this.guard("", () => this.#files.makeFolder(this.folder));
  }

  /** The folder keeps its name through a loss of power, and so do those above it. */
  async syncPath(): Promise<void> {
    for (let path = this.folder; dirname(path) !== path; ) {
      path = dirname(path);
      await this.guard("", () => this.#files.syncFolder(path).catch(unlessForbidden));
    }
  }

  /** Takes the lock, or says who has it. */
  lock(): Promise<FileLock> {
    return this.guard(LOCK, () => this.#files.lock(this.path(LOCK)));
  }

  /** Also after a failure. */
  async release(lock: HeldLock): Promise<void> {
    try {
      await lock.release();
    } catch (cause) {
      throw unwritable(this.path(LOCK), cause);
    }
  }

  list(): Promise<readonly string[]> {
    return this.guard("", () => this.#files.list(this.folder));
  }

  async openAppend(name: string, sizeBytes: number): Promise<OutputFile> {
    const file = await this.guard(name, () => this.#files.openAppend(this.path(name), sizeBytes));
    if (sizeBytes === 0) this.#namesChanged = true;
    return file;
  }

  /** The whole file appears under its name, durably, or nothing does. */
  async publish(name: string, content: Uint8Array): Promise<void> {
    const temporary = temporaryName(name);
    await this.guard(temporary, async () => {
      const file = await this.#files.openWrite(this.path(temporary));
      try {
        await file.write(content);
        await file.sync();
      } finally {
        await file.close();
      }
    });
    await this.syncNames();
    await this.guard(name, () => this.#files.rename(this.path(temporary), this.path(name)));
    this.#namesChanged = true;
    await this.syncNames();
  }

  async cutOff(name: string, bytes: number): Promise<void> {
    const file = await this.openAppend(name, bytes);
    await this.guard(name, () => file.sync().finally(() => file.close()));
  }

  /** No loss of power can bring `first` back without `then`. */
  async remove(first: readonly string[], then: readonly string[]): Promise<void> {
    for (const name of first) await this.guard(name, () => this.#files.remove(this.path(name)));
    if (then.length === 0) return;
    this.#namesChanged = true;
    await this.syncNames();
    for (const name of then) await this.guard(name, () => this.#files.remove(this.path(name)));
  }

  /** Every file made or named anew so far keeps its name through a loss of power. */
  syncNames(): Promise<void> {
    if (this.#namesChanged) {
      this.#namesChanged = false;
      this.#namesSync = this.guard("", () => this.#files.syncFolder(this.folder));
    }
    return this.#namesSync;
  }
}

/** What may not be read was not made here. */
function unlessForbidden(error: unknown): void {
  if ((error as { code?: unknown }).code !== "EACCES") throw error;
}

function unwritable(path: string, cause: unknown): MillraceError {
  if (cause instanceof MillraceError) return cause;
  return new MillraceError("STATE_UNWRITABLE", `${path}: ${reasonOf(cause)}`, {}, cause);
}
