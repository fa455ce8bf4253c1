/** Ports whose files live in memory, with the faults that a disk can have and what others do to files meanwhile. */
import { posix } from "node:path";
import { type FileLock, type Files, type OutputFile, type Ports, systemPorts } from "../../src/core/ports.ts";

/** A file itself, whatever its name: open files keep it. */
interface MemoryFile {
  readonly identity: string;
  bytes: Uint8Array;
}

export class MemoryFiles implements Files {
  readonly open = new Set<object>();
  /** Bytes that one read gives at most. */
  readBytes = Number.POSITIVE_INFINITY;
  /** Reads from this position on fail. */
  readFailsAt = Number.POSITIVE_INFINITY;
  /** What a write waits for; set it to hold writes back. */
  gate: Promise<void> = Promise.resolve();
  writeError: Error | undefined;
  writesInFlight = 0;
  mostWritesInFlight = 0;
  readonly #files = new Map<string, MemoryFile>();
  readonly #folders = new Set(["."]);
  readonly #locks = new Set<string>();
  #made = 0;

  constructor(contents: Record<string, string | Uint8Array> = {}) {
    for (const [path, content] of Object.entries(contents)) this.put(path, content);
  }

  get ports(): Ports {
    return { ...systemPorts, files: this };
  }

  text(path: string): string {
    return Buffer.from(this.#at(path).bytes).toString("utf8");
  }

  /** What others do: a new file under the name. */
  put(path: string, content: string | Uint8Array): void {
    this.#files.set(posix.normalize(path), { identity: `memory:${++this.#made}`, bytes: bytesOf(content) });
  }

  /** What others do: the file grows; a missing one is made. */
  append(path: string, content: string | Uint8Array): void {
    if (!this.#files.has(posix.normalize(path))) this.put(path, "");
    this.overwrite(path, Buffer.concat([this.#at(path).bytes, bytesOf(content)]));
  }

  /** What others do: the same file with another content. */
  overwrite(path: string, content: string | Uint8Array): void {
    this.#at(path).bytes = bytesOf(content);
  }

  /** What others do: another name, at once. */
  move(from: string, to: string): void {
    this.#files.set(posix.normalize(to), this.#at(from));
    this.#files.delete(posix.normalize(from));
  }

  #at(path: string): MemoryFile {
    const file = this.#files.get(posix.normalize(path));
    if (file === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: "ENOENT" });
    return file;
  }

  async openRead(path: string) {
    const content = this.#at(path);
    const file = {
      sizeBytes: content.bytes.length,
      identity: content.identity,
      read: async (into: Uint8Array, position: number) => {
        if (position >= this.readFailsAt) throw new Error("EIO: i/o error");
        const bytes = content.bytes.subarray(position, position + Math.min(into.length, this.readBytes));
        into.set(bytes);
        return bytes.length;
      },
      size: async () => content.bytes.length,
      close: async () => {
        this.open.delete(file);
      },
    };
    this.open.add(file);
    return file;
  }

  async openWrite(path: string) {
    if (path.includes("/missing/")) throw new Error(`ENOENT: ${path}`);
    if (this.#files.has(posix.normalize(path))) this.overwrite(path, "");
    else this.put(path, "");
    return this.#output(this.#at(path));
  }

  async openAppend(path: string, sizeBytes: number) {
    if (sizeBytes === 0 && !this.#files.has(posix.normalize(path))) this.put(path, "");
    const content = this.#at(path);
    if (content.bytes.length < sizeBytes) throw new Error("it is shorter");
    content.bytes = content.bytes.slice(0, sizeBytes);
    return this.#output(content);
  }

  #output(content: MemoryFile): OutputFile {
    const file = {
      write: async (data: string | Uint8Array) => {
        this.mostWritesInFlight = Math.max(this.mostWritesInFlight, ++this.writesInFlight);
        await this.gate;
        this.writesInFlight--;
        if (this.writeError !== undefined) throw this.writeError;
        content.bytes = Buffer.concat([content.bytes, bytesOf(data)]);
      },
      sync: async () => {},
      close: async () => {
        this.open.delete(file);
      },
    };
    this.open.add(file);
    return file;
  }

  async stat(path: string) {
    const file = this.#files.get(posix.normalize(path));
    if (file !== undefined) {
      return { sizeBytes: file.bytes.length, identity: file.identity, isFolder: false };
    }
    const isFolder = this.#folders.has(posix.normalize(path));
    return isFolder ? { sizeBytes: 0, identity: `folder:${path}`, isFolder } : null;
  }

  async list(folder: string) {
    const inside = [...this.#files.keys(), ...this.#folders].filter(
      (path) => posix.dirname(path) === posix.normalize(folder) && path !== ".",
    );
    return inside.map((path) => posix.basename(path)).sort();
  }

  async makeFolder(path: string) {
    this.#folders.add(posix.normalize(path));
  }

  async rename(from: string, to: string) {
    this.move(from, to);
  }

  async remove(path: string) {
    const gone = posix.normalize(path);
    for (const one of [...this.#files.keys()]) {
      if (one === gone || one.startsWith(`${gone}/`)) this.#files.delete(one);
    }
    this.#folders.delete(gone);
  }

  async syncFolder() {}

  async lock(path: string): Promise<FileLock> {
    if (this.#locks.has(path)) return { holderPid: process.pid };
    this.#locks.add(path);
    return {
      release: async () => {
        this.#locks.delete(path);
      },
    };
  }
}

const bytesOf = (content: string | Uint8Array): Uint8Array =>
  typeof content === "string" ? Buffer.from(content) : content;
