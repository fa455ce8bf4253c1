/** The files of one process on the simulated disk. */
import { dirname } from "node:path";
import type { FileLock, FileStat, Files, InputFile, OutputFile } from "../../src/core/ports.ts";
import { type Disk, FOLDER, Inode } from "./disk.ts";
import type { Life } from "./life.ts";

export class SimulatedFiles implements Files {
  readonly #disk: Disk;
  readonly #life: Life;

  constructor(disk: Disk, life: Life) {
    this.#disk = disk;
    this.#life = life;
  }

  async openRead(path: string): Promise<InputFile> {
    const inode = await this.#read("open", path, () => this.#fileAt(path));
    return {
      sizeBytes: inode.content.length,
      identity: String(inode.id),
      read: (into, position) =>
        this.#read("read", path, () =>
          position >= inode.content.length ? 0 : inode.content.copy(into, 0, position),
        ),
      size: () => this.#read("size", path, () => inode.content.length),
      // Never fails: what was read is read.
      close: () => new Promise((resolve) => this.#life.later(`close ${path}`, 0, resolve)),
    };
  }

  async openWrite(path: string): Promise<OutputFile> {
    const inode = await this.#openOrCreate(path);
    await this.#change("cut", path, () => inode.cut(0));
    return this.#output(path, inode);
  }

  async openAppend(path: string, sizeBytes: number): Promise<OutputFile> {
    const inode = await this.#openOrCreate(path);
    const size = inode.content.length;
    if (size < sizeBytes) throw new Error(`it has ${size} bytes and should have ${sizeBytes}`);
    if (size > sizeBytes) await this.#change("cut", path, () => inode.cut(sizeBytes));
    return this.#output(path, inode);
  }

  stat(path: string): Promise<FileStat | null> {
    return this.#read("stat", path, () => {
      const entry = this.#disk.names.get(path);
      if (entry === undefined) return null;
      if (entry === FOLDER) return { sizeBytes: 0, identity: path, isFolder: true };
      return { sizeBytes: entry.content.length, identity: String(entry.id), isFolder: false };
    });
  }

  list(folder: string): Promise<readonly string[]> {
    return this.#read("list", folder, () => this.#disk.list(folder));
  }

  async makeFolder(path: string): Promise<void> {
    if (this.#disk.names.get(path) === FOLDER) return;
    if (dirname(path) !== path) await this.makeFolder(dirname(path));
    await this.#change("create folder", path, () => this.#disk.rename([[path, FOLDER]]));
  }

  rename(from: string, to: string): Promise<void> {
    return this.#change("rename", to, () => {
      const inode = this.#fileAt(from);
      this.#disk.rename([
        [from, undefined],
        [to, inode],
      ]);
      this.#disk.onRename(to);
    });
  }

  async remove(path: string): Promise<void> {
    for (const name of this.#disk.list(path)) await this.remove(`${path}/${name}`);
    await this.#change("remove", path, () => {
      if (this.#disk.names.has(path)) this.#disk.rename([[path, undefined]]);
    });
  }

  syncFolder(path: string): Promise<void> {
    return this.#change("sync folder", path, () => {
      if (this.#disk.names.get(path) !== FOLDER) throw failure("ENOENT", path);
      this.#disk.syncFolder(path);
    });
  }

  /** Never fails: what a lock that can't be given back means is known, and no question of order. */
  async lock(path: string): Promise<FileLock> {
    const { locks } = this.#disk;
    await new Promise<void>((resolve) => this.#life.later(`lock ${path}`, 0, resolve));
    const holder = locks.get(path) as Life | undefined;
    if (holder !== undefined) return { holderPid: holder.pid };
    locks.set(path, this.#life);
    return {
      release: async () => {
        await new Promise<void>((resolve) => this.#life.later(`unlock ${path}`, 0, resolve));
        locks.delete(path);
      },
    };
  }

  #output(path: string, inode: Inode): OutputFile {
    return {
      write: (data) => {
        // Taken when the write happens: whoever changes the buffer meanwhile finds the change in the file.
        const bytes = typeof data === "string" ? Buffer.from(data) : data;
        const part = this.#life.dice.below(bytes.length + 1);
        return this.#change(
          "write",
          path,
          () => inode.append(bytes),
          () => inode.append(bytes.subarray(0, part)),
        );
      },
      sync: () => this.#change("sync", path, () => inode.sync()),
      close: () => this.#read("close", path, () => {}),
    };
  }

  async #openOrCreate(path: string): Promise<Inode> {
    const entry = this.#disk.names.get(path);
    if (entry === FOLDER) throw failure("EISDIR", path);
    if (entry !== undefined) return this.#read("open", path, () => this.#fileAt(path));
    return this.#change("create", path, () => {
      if (this.#disk.names.get(dirname(path)) !== FOLDER) throw failure("ENOENT", path);
      const there = this.#disk.names.get(path);
      if (there instanceof Inode) return there;
      const inode = this.#disk.inode();
      this.#disk.rename([[path, inode]]);
      return inode;
    });
  }

  #fileAt(path: string): Inode {
    const entry = this.#disk.names.get(path);
    if (entry === undefined) throw failure("ENOENT", path);
    if (entry === FOLDER) throw failure("EISDIR", path);
    return entry;
  }

  #read<T>(kind: string, path: string, whole: () => T): Promise<T> {
    return this.#life.operation({ name: `${kind} ${path}`, isChange: false, whole });
  }

  #change<T>(kind: string, path: string, whole: () => T, part?: () => void): Promise<T> {
    const name = `${kind} ${path}`;
    return this.#life.operation({ name, isChange: true, whole, ...(part === undefined ? {} : { part }) });
  }
}

const failure = (code: string, path: string): Error => Object.assign(new Error(`${code}: ${path}`), { code });
