/**
 * One part file being written. It is full after the record with which it has `rollBytes` bytes, so where it ends depends
 * on the records alone, and on nothing that a restart changes (batches, timing).
 */
import { FileWriter } from "./file-writer.ts";
import type { OutputFile } from "../../core/ports.ts";

/** UTF-16 units that are gathered before the writer gets them. */
const PIECE_UNITS = 64 * 1024;
/** A UTF-16 unit has at most as many bytes in UTF-8. */
const MOST_BYTES_PER_UNIT = 3;

export interface PartOptions {
  /** Within the sink's folder. */
  readonly name: string;
  /** Where it is written now. */
  readonly path: string;
  /** When it was begun, in milliseconds since 1970. */
  readonly since: number;
  /** That it has already. */
  readonly bytes: number;
  readonly rollBytes: number;
}

export class PartFile {
  readonly name: string;
  readonly since: number;
  /** Of what was settled. */
  bytes: number;
  readonly #rollBytes: number;
  readonly #writer: FileWriter;
  #pending = "";
  /** With fewer pending units it can't be full. */
  #enoughUnits = 0;

  constructor({ name, path, since, bytes, rollBytes }: PartOptions, output: OutputFile) {
    this.name = name;
    this.since = since;
    this.bytes = bytes;
    this.#rollBytes = rollBytes;
    this.#writer = new FileWriter(path, output);
    this.#measure();
  }

  /** Adds a line, and says whether the file is full. @throws SINK_FAILED */
  add(line: string): boolean {
    this.#pending += line;
    if (this.#pending.length < this.#enoughUnits) return false;
    this.settle();
    return this.bytes >= this.#rollBytes;
  }

  /** Hands all that was added to the writer: `bytes` is then that of the file. @throws SINK_FAILED */
  settle(): void {
    if (this.#pending === "") return;
    const text = this.#pending;
    this.#pending = "";
    this.bytes += Buffer.byteLength(text);
    this.#measure();
    this.#writer.add(text);
  }

  /** Resolves when all that was settled is with the file system. */
  flush(): Promise<void> {
    return this.#writer.flush();
  }

  sync(): Promise<void> {
    return this.#writer.sync();
  }

  /** Nothing more is added; `bytes` is that of the file when the call returns. */
  async finish(sync: boolean): Promise<void> {
    try {
      this.settle();
      if (sync) await this.#writer.sync();
    } finally {
      await this.#writer.close();
    }
  }

  #measure(): void {
    const units = Math.floor((this.#rollBytes - this.bytes) / MOST_BYTES_PER_UNIT);
    this.#enoughUnits = Math.min(PIECE_UNITS, units);
  }
}
