/**
 * The part files of a sink that are being written: one per folder at a time, numbered from 0 in each.
 *
 * What it holds: per folder ever written to its name and the next number; per open file its text that no writer has
 * yet, at most 64 KiB. All texts together: about 8 MiB; then `room` makes the job wait.
 */
import type { Clock, Files } from "../../core/ports.ts";
import { join } from "node:path";
import { FileHandles } from "./file-handles.ts";
import { PartFile } from "./part-file.ts";
import { finalPath, folderOf, openPath, partName } from "./part-names.ts";

/** UTF-16 units between two times that all writers get what was gathered. Twice as many can wait for the disk. */
const DRAIN_UNITS = 4 * 1024 * 1024;

export interface PartsOptions {
  readonly root: string;
  readonly prefix: string;
  readonly rollBytes: number;
  /** Infinity: never. */
  readonly rollEveryMs: number;
  readonly maxOpenFiles: number;
  /** Parts have hidden names until they are published, and are gathered in memory meanwhile. */
  readonly hidden: boolean;
  /** Whether what was flushed survives the loss of power. */
  readonly durable: boolean;
  /** The next number in each folder. */
  readonly next: ReadonlyMap<string, number>;
  /** Parts that go on. */
  readonly open: readonly OpenPart[];
}

/** A part with the bytes that it has at a barrier. */
export type PartBytes = { readonly file: string; readonly bytes: number };
export type OpenPart = PartBytes & { readonly since: number };

/** What a barrier finds. */
export interface Cut {
  /** Finished since the barrier before, in this order. */
  readonly closed: readonly PartBytes[];
  readonly open: readonly OpenPart[];
  /** Resolves when all of it survives the loss of power. */
  readonly durable: Promise<void>;
}

interface Folder {
  readonly path: string;
  next: number;
  part: PartFile | null;
  /** The part before it is with the file system. */
  written: Promise<void>;
}

export class Parts {
  readonly #options: PartsOptions;
  readonly #files: Files;
  readonly #clock: Clock;
  readonly #handles: FileHandles;
  readonly #folders = new Map<string, Folder>();
  /** Those with an open part. */
  readonly #open = new Set<Folder>();
  /** Parts with text since the last drain. */
  readonly #touched = new Set<PartFile>();
  /** Finished since the last cut. */
  #closed: PartFile[] = [];
  readonly #finishing = new Set<Promise<void>>();
  /** Folders with new names since the last cut. */
  readonly #renamed = new Set<string>();
  #units = 0;
  #draining: Promise<void> | undefined;
  /** No part is due earlier. */
  #dueAt = Number.POSITIVE_INFINITY;

  constructor(options: PartsOptions, files: Files, clock: Clock) {
    this.#options = options;
    this.#files = files;
    this.#clock = clock;
    this.#handles = new FileHandles(files, options.maxOpenFiles);
    for (const open of options.open) {
      const folder = this.#folderAt(folderOf(open.file));
      folder.part = this.#part(open);
      this.#open.add(folder);
      this.#dueAt = Math.min(this.#dueAt, open.since + options.rollEveryMs);
    }
  }

  /** Adds a line, with its end. @throws SINK_FAILED */
  add(path: string, line: string): void {
    const folder = this.#folderAt(path);
    folder.part ??= this.#begin(folder);
    this.#touched.add(folder.part);
    this.#units += line.length;
    if (folder.part.add(line)) this.#finish(folder);
  }

  /** Behind a batch: a promise while too much waits for the disk. @throws SINK_FAILED */
  room(): Promise<void> | undefined {
    if (this.#units >= DRAIN_UNITS) {
      const earlier = this.#draining;
      const parts = this.#settle();
      this.#draining = quietly(Promise.all(parts.map((part) => part.flush())).then(() => {}));
      return earlier;
    }
    // What is visible at once should be so soon.
    if (!this.#options.hidden) for (const part of this.#touched) part.settle();
    return undefined;
  }

  /** Finishes the parts that are old enough. */
  roll(): void {
    if (this.#options.rollEveryMs === Number.POSITIVE_INFINITY) return;
    const now = this.#clock.now();
    if (now < this.#dueAt) return;
    this.#dueAt = Number.POSITIVE_INFINITY;
    for (const folder of [...this.#open]) {
      const dueAt = folder.part!.since + this.#options.rollEveryMs;
      if (now >= dueAt) this.#finish(folder);
      else this.#dueAt = Math.min(this.#dueAt, dueAt);
    }
  }

  /** The barrier. @param last every part is finished */
  cut(last: boolean): Cut {
    this.roll();
    this.#settle();
    if (last) for (const folder of [...this.#open]) this.#finish(folder);
    const closed = this.#closed.map(({ name, bytes }) => ({ file: name, bytes }));
    this.#closed = [];
    const parts = [...this.#open].map(({ part }) => part!);
    const open = parts.map(({ name, bytes, since }) => ({ file: name, bytes, since }));
    return { closed, open, durable: quietly(this.#secure(parts)) };
  }

  /** Everything added is with the file system; on the disk, where files are visible and durable. */
  async flush(): Promise<void> {
    this.roll();
    this.#settle();
    const parts = [...this.#open].map(({ part }) => part!);
    if (this.#options.durable && !this.#options.hidden) await this.#secure(parts);
    else await Promise.all([...this.#finishing, ...parts.map((part) => part.flush())]);
  }

  async close(): Promise<void> {
    for (const folder of [...this.#open]) this.#finish(folder);
    const finished = await Promise.allSettled(this.#finishing);
    await this.#handles.close();
    for (const one of finished) if (one.status === "rejected") throw one.reason;
  }

  async #secure(parts: readonly PartFile[]): Promise<void> {
    const folders = [...this.#renamed];
    this.#renamed.clear();
    await Promise.all([...this.#finishing, ...parts.map((part) => part.sync())]);
    for (const folder of folders) await this.#files.syncFolder(join(this.#options.root, folder));
  }

  #settle(): PartFile[] {
    const parts = [...this.#touched];
    this.#touched.clear();
    this.#units = 0;
    for (const part of parts) part.settle();
    return parts;
  }

  #folderAt(path: string): Folder {
    let folder = this.#folders.get(path);
    if (folder === undefined) {
      folder = { path, next: this.#options.next.get(path) ?? 0, part: null, written: Promise.resolve() };
      this.#folders.set(path, folder);
    }
    return folder;
  }

  #begin(folder: Folder): PartFile {
    const { prefix, root, rollEveryMs } = this.#options;
    const since = rollEveryMs === Number.POSITIVE_INFINITY ? 0 : this.#clock.now();
    this.#dueAt = Math.min(this.#dueAt, since + rollEveryMs);
    const { written } = folder;
    const part = this.#part(
      { file: partName(folder.path, prefix, folder.next++), bytes: 0, since },
      async () => {
        // So that a crash leaves no torn line but in the last part of a folder.
        await written;
        await this.#files.makeFolder(join(root, folder.path));
      },
    );
    for (let path = folder.path; ; path = folderOf(path)) {
      this.#renamed.add(path);
      if (path === "") break;
    }
    this.#open.add(folder);
    return part;
  }

  #part({ file, bytes, since }: OpenPart, beforeOpen?: () => Promise<void>): PartFile {
    const { root, hidden, rollBytes } = this.#options;
    const path = hidden ? openPath(root, file) : finalPath(root, file);
    return new PartFile(
      { name: file, path, since, bytes, rollBytes },
      this.#handles.output(path, bytes, beforeOpen),
    );
  }

  #finish(folder: Folder): void {
    const part = folder.part!;
    folder.part = null;
    this.#open.delete(folder);
    this.#touched.delete(part);
    const finishing = quietly(part.finish(this.#options.durable));
    if (this.#options.hidden) this.#closed.push(part);
    // Hidden parts are cut at recovery, where they need it.
    if (!this.#options.hidden) folder.written = quietly(part.flush());
    this.#finishing.add(finishing);
    // A failure stays: whoever asks next must hear of it.
    finishing.then(
      () => this.#finishing.delete(finishing),
      () => {},
    );
  }
}

/** The promise, whose rejection is told to whoever awaits it, and to nobody where none does. */
function quietly<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
