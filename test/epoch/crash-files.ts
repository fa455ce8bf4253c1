/**
 * A disk in memory, and files on it that fail and crash on command.
 *
 * The disk keeps apart what the operating system has and what survives the loss of power: changes of a file until it is
 * synced, changes of names until their folder is synced. `boot` gives the files of one process; every change that it
 * makes is an effect with a number, and `fateOf` says what becomes of it. Once a process has crashed its files do nothing
 * any more. `lose` says what the crash took along:
 *
 *   "process"  nothing but the locks
 *   "power"    of what was not synced any part, each change by itself: lost, kept, or (a write) kept in part, with
 *              zeros where a later one stands behind a lost one
 */
import { dirname } from "node:path";
import type { FileLock, FileStat, Files, InputFile, OutputFile } from "../../src/core/ports.ts";

export interface Effect {
  /** From 0, by process. */
  readonly number: number;
  readonly kind:
    | "create"
    | "cut"
    | "write"
    | "sync"
    | "close"
    | "make-folder"
    | "rename"
    | "remove"
    | "sync-folder"
    | "lock"
    | "unlock";
  readonly path: string;
}

/** "within" is a write of a part of its bytes; other effects have no within and don't happen then. */
export type Fate =
  | "happens"
  | "fails-before"
  | "fails-within"
  | "fails-after"
  | "crashes-before"
  | "crashes-within"
  | "crashes-after";

type Random = () => number;

/** What the process that crashed gets from every call: it is not there any more to see it. */
export class Crash extends Error {
  override readonly name = "Crash";
}

type Change = { readonly at: number; readonly bytes: Uint8Array } | { readonly cut: number };

class Inode {
  readonly id: number;
  /** What the operating system has. */
  content: Buffer = Buffer.alloc(0);
  durable: Buffer = Buffer.alloc(0);
  unsynced: Change[] = [];

  constructor(id: number) {
    this.id = id;
  }

  change(change: Change): void {
    this.content = changed(this.content, change);
    this.unsynced.push(change);
  }

  sync(): void {
    this.durable = this.content;
    this.unsynced = [];
  }

  losePower(random: Random): void {
    for (const change of this.unsynced) {
      const luck = random();
      if (luck < 0.4) this.durable = changed(this.durable, change);
      else if (luck < 0.6) this.durable = changed(this.durable, torn(change, random));
    }
    this.content = this.durable;
    this.unsynced = [];
  }
}

const FOLDER = Symbol("folder");

type Entry = Inode | typeof FOLDER;

/** What happened to names in one step: undefined takes a name away. */
type NameChange = readonly (readonly [path: string, entry: Entry | undefined])[];

export class CrashDisk {
  readonly random: Random;
  readonly locks = new Map<string, CrashFiles>();
  names: Map<string, Entry>;
  #durableNames: Map<string, Entry>;
  #unsyncedNames: NameChange[] = [];
  #inodes = 0;

  constructor(random: Random, folders: readonly string[] = ["/", "."]) {
    this.random = random;
    this.names = new Map(folders.map((path) => [path, FOLDER]));
    this.#durableNames = new Map(this.names);
  }

  boot(fateOf: (effect: Effect) => Fate = () => "happens"): CrashFiles {
    return new CrashFiles(this, fateOf);
  }

  /** All processes are dead. */
  lose(loss: "process" | "power"): void {
    this.locks.clear();
    if (loss === "process") return;
    for (const change of this.#unsyncedNames) {
      if (this.random() < 0.5) apply(this.#durableNames, change);
    }
    this.#unsyncedNames = [];
    const durable = this.#durableNames;
    const lost = (path: string): boolean =>
      !durable.has(path) || (dirname(path) !== path && lost(dirname(path)));
    this.names = new Map([...durable].filter(([path]) => !lost(path)));
    this.#durableNames = new Map(this.names);
    for (const entry of new Set(this.names.values())) {
      if (entry !== FOLDER) entry.losePower(this.random);
    }
  }

  /** The content of a file, as processes see it. */
  content(path: string): Buffer {
    const entry = this.names.get(path);
    if (!(entry instanceof Inode)) throw failure("ENOENT", path);
    return entry.content;
  }

  /** Replaces or makes a file, durably: what a faulty disk does behind everybody's back. */
  put(path: string, content: Uint8Array): void {
    const inode = new Inode(this.#inodes++);
    inode.change({ at: 0, bytes: content });
    inode.sync();
    this.names.set(path, inode);
    this.#durableNames.set(path, inode);
    this.#unsyncedNames = this.#unsyncedNames.map((change) => change.filter(([name]) => name !== path));
  }

  list(folder: string): string[] {
    const inside = [...this.names.keys()].filter((path) => path !== folder && dirname(path) === folder);
    return inside.map((path) => path.slice(folder === "/" ? 1 : folder.length + 1)).sort();
  }

  inode(): Inode {
    return new Inode(this.#inodes++);
  }

  rename(change: NameChange): void {
    apply(this.names, change);
    this.#unsyncedNames.push(change);
  }

  syncFolder(folder: string): void {
    const within = (change: NameChange) => change.some(([path]) => dirname(path) === folder);
    for (const change of this.#unsyncedNames.filter(within)) apply(this.#durableNames, change);
    this.#unsyncedNames = this.#unsyncedNames.filter((change) => !within(change));
  }
}

export class CrashFiles implements Files {
  /** How many there were. */
  effects = 0;
  crashed = false;
  /** What a failing effect says. */
  failureCode = "EIO";
  /** Paths that the disk can't read. */
  readonly unreadable = new Set<string>();
  /** Files that are open. */
  readonly open = new Set<object>();
  readonly #disk: CrashDisk;
  readonly #fateOf: (effect: Effect) => Fate;

  constructor(disk: CrashDisk, fateOf: (effect: Effect) => Fate) {
    this.#disk = disk;
    this.#fateOf = fateOf;
  }

  async openRead(path: string): Promise<InputFile> {
    await this.#alive();
    const inode = this.#fileAt(path);
    if (this.unreadable.has(path)) throw failure("EIO", path);
    const file: InputFile = {
      sizeBytes: inode.content.length,
      identity: String(inode.id),
      read: async (into, position) => {
        await this.#alive();
        return inode.content.copy(into, 0, Math.min(position, inode.content.length));
      },
      size: async () => {
        await this.#alive();
        return inode.content.length;
      },
      close: async () => void this.open.delete(file),
    };
    this.open.add(file);
    return file;
  }

  async openWrite(path: string): Promise<OutputFile> {
    const inode = this.#disk.names.get(path) ?? (await this.#create(path));
    if (inode === FOLDER) throw failure("EISDIR", path);
    await this.#effect("cut", path, () => inode.change({ cut: 0 }));
    return this.#output(path, inode);
  }

  async openAppend(path: string, sizeBytes: number): Promise<OutputFile> {
    const inode = this.#disk.names.get(path) ?? (await this.#create(path));
    if (inode === FOLDER) throw failure("EISDIR", path);
    const size = inode.content.length;
    if (size < sizeBytes) throw new Error(`it has ${size} bytes and should have ${sizeBytes}`);
    if (size > sizeBytes) await this.#effect("cut", path, () => inode.change({ cut: sizeBytes }));
    return this.#output(path, inode);
  }

  async stat(path: string): Promise<FileStat | null> {
    await this.#alive();
    const entry = this.#disk.names.get(path);
    if (entry === undefined) return null;
    if (entry === FOLDER) return { sizeBytes: 0, identity: path, isFolder: true };
    return { sizeBytes: entry.content.length, identity: String(entry.id), isFolder: false };
  }

  async list(folder: string): Promise<readonly string[]> {
    await this.#alive();
    return this.#disk.list(folder);
  }

  async makeFolder(path: string): Promise<void> {
    if (this.#disk.names.get(path) === FOLDER) return;
    if (dirname(path) !== path) await this.makeFolder(dirname(path));
    await this.#effect("make-folder", path, () => this.#disk.rename([[path, FOLDER]]));
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#effect("rename", to, () => {
      const inode = this.#fileAt(from);
      this.#disk.rename([
        [from, undefined],
        [to, inode],
      ]);
    });
  }

  async remove(path: string): Promise<void> {
    for (const name of this.#disk.list(path)) await this.remove(`${path}/${name}`);
    if (!this.#disk.names.has(path)) return;
    await this.#effect("remove", path, () => this.#disk.rename([[path, undefined]]));
  }

  async syncFolder(path: string): Promise<void> {
    await this.#effect("sync-folder", path, () => {
      if (this.#disk.names.get(path) !== FOLDER) throw failure("ENOENT", path);
      this.#disk.syncFolder(path);
    });
  }

  async lock(path: string): Promise<FileLock> {
    const { locks } = this.#disk;
    if (locks.has(path)) return { holderPid: 4711 };
    await this.#effect("lock", path, () => {
      locks.set(path, this);
      this.#disk.rename([[path, this.#disk.inode()]]);
    });
    return {
      release: () =>
        this.#effect("unlock", path, () => {
          locks.delete(path);
          this.#disk.rename([[path, undefined]]);
        }),
    };
  }

  #output(path: string, inode: Inode): OutputFile {
    const file: OutputFile = {
      write: async (data) => {
        // Taken before anything is awaited: the caller's buffer must stay as it is until then, and is checked.
        const bytes = typeof data === "string" ? Buffer.from(data) : data;
        const before = Buffer.from(bytes);
        const write = (piece: Uint8Array) => inode.change({ at: inode.content.length, bytes: piece });
        const part = Math.floor(this.#disk.random() * (bytes.length + 1));
        await this.#effect(
          "write",
          path,
          () => write(before),
          () => write(before.subarray(0, part)),
        );
        if (!before.equals(bytes)) throw new Error(`the bytes changed while they were written to ${path}`);
      },
      sync: () => this.#effect("sync", path, () => inode.sync()),
      close: async () => {
        this.open.delete(file);
        await this.#effect("close", path, () => {});
      },
    };
    this.open.add(file);
    return file;
  }

  async #create(path: string): Promise<Inode> {
    if (this.#disk.names.get(dirname(path)) !== FOLDER) throw failure("ENOENT", path);
    const inode = this.#disk.inode();
    await this.#effect("create", path, () => this.#disk.rename([[path, inode]]));
    return inode;
  }

  #fileAt(path: string): Inode {
    const entry = this.#disk.names.get(path);
    if (entry === undefined) throw failure("ENOENT", path);
    if (entry === FOLDER) throw failure("EISDIR", path);
    return entry;
  }

  async #alive(): Promise<void> {
    await Promise.resolve();
    if (this.crashed) throw new Crash();
  }

  async #effect(kind: Effect["kind"], path: string, whole: () => void, part?: () => void): Promise<void> {
    await this.#alive();
    const fate = this.#fateOf({ number: this.effects++, kind, path });
    if (fate === "fails-within" || fate === "crashes-within") part?.();
    else if (fate !== "fails-before" && fate !== "crashes-before") whole();
    if (fate.startsWith("crashes")) this.crashed = true;
    // The answer comes later than the effect.
    await this.#alive();
    if (fate.startsWith("fails")) throw failure(this.failureCode, path);
  }
}

function changed(content: Buffer, change: Change): Buffer {
  if ("cut" in change) return content.subarray(0, change.cut);
  const result = Buffer.alloc(Math.max(content.length, change.at + change.bytes.length));
  content.copy(result);
  result.set(change.bytes, change.at);
  return result;
}

function torn(change: Change, random: Random): Change {
  if ("cut" in change) return change;
  return { at: change.at, bytes: change.bytes.subarray(0, Math.floor(random() * change.bytes.length)) };
}

function apply(names: Map<string, Entry>, change: NameChange): void {
  for (const [path, entry] of change) {
    if (entry === undefined) names.delete(path);
    else names.set(path, entry);
  }
}

const failure = (code: string, path: string): Error => Object.assign(new Error(`${code}: ${path}`), { code });
