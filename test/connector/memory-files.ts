/** Ports whose files live in memory, with the faults that a disk can have. */
import { type Files, type Ports, systemPorts } from "../../src/core/ports.ts";

export class MemoryFiles implements Files {
  readonly contents = new Map<string, Uint8Array>();
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

  constructor(contents: Record<string, string | Uint8Array> = {}) {
    for (const [path, content] of Object.entries(contents)) {
      this.contents.set(path, typeof content === "string" ? Buffer.from(content) : content);
    }
  }

  get ports(): Ports {
    return { ...systemPorts, files: this };
  }

  text(path: string): string {
    return Buffer.from(this.contents.get(path)!).toString("utf8");
  }

  async openRead(path: string) {
    const content = this.contents.get(path);
    if (content === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: "ENOENT" });
    const file = {
      sizeBytes: content.length,
      read: async (into: Uint8Array, position: number) => {
        if (position >= this.readFailsAt) throw new Error("EIO: i/o error");
        const bytes = content.subarray(position, position + Math.min(into.length, this.readBytes));
        into.set(bytes);
        return bytes.length;
      },
      close: async () => {
        this.open.delete(file);
      },
    };
    this.open.add(file);
    return file;
  }

  async openWrite(path: string) {
    if (path.includes("/missing/")) throw new Error(`ENOENT: ${path}`);
    this.contents.set(path, new Uint8Array());
    const file = {
      write: async (text: string) => {
        this.mostWritesInFlight = Math.max(this.mostWritesInFlight, ++this.writesInFlight);
        await this.gate;
        this.writesInFlight--;
        if (this.writeError !== undefined) throw this.writeError;
        this.contents.set(path, Buffer.concat([this.contents.get(path)!, Buffer.from(text)]));
      },
      close: async () => {
        this.open.delete(file);
      },
    };
    this.open.add(file);
    return file;
  }
}
