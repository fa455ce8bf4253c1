/** Text on its way into a file: one write in flight, what comes meanwhile is gathered for the next. */
import type { MillraceError } from "../../core/errors.ts";
import type { OutputFile } from "../../core/ports.ts";
import { writingFailed } from "./file-failure.ts";

/** UTF-16 units that may wait before the writer asks its caller to wait; also the most that one write joins. */
const WAITING_LIMIT = 1024 * 1024;

export class FileWriter {
  readonly #path: string;
  readonly #file: OutputFile;
  /** Pieces near the limit each, because all of it could be too long for one string. */
  #waiting: string[] = [];
  #waitingUnits = 0;
  #writing: Promise<void> | undefined;
  #failure: MillraceError | undefined;
  #closing: Promise<void> | undefined;
  #empty = true;

  constructor(path: string, file: OutputFile) {
    this.#path = path;
    this.#file = file;
  }

  /** Nothing was ever added. */
  get empty(): boolean {
    return this.#empty;
  }

  /** @throws SINK_FAILED when an earlier write failed */
  add(text: string): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (text === "") return;
    this.#empty = false;
    const last = this.#waiting.length - 1;
    if (last >= 0 && this.#waiting[last]!.length + text.length <= WAITING_LIMIT) this.#waiting[last] += text;
    else this.#waiting.push(text);
    this.#waitingUnits += text.length;
    this.#next();
  }

  /** A promise while too much waits; it rejects if a write fails. */
  room(): Promise<void> | undefined {
    return this.#waitingUnits > WAITING_LIMIT ? this.#until(WAITING_LIMIT) : undefined;
  }

  /** Resolves when everything added is with the file system. */
  flush(): Promise<void> {
    return this.#until(0);
  }

  /** Resolves when everything added before the call survives the loss of power. */
  async sync(): Promise<void> {
    await this.flush();
    await this.#file.sync().catch((cause: unknown) => this.#fail(cause));
    if (this.#failure !== undefined) throw this.#failure;
  }

  close(): Promise<void> {
    this.#closing ??= this.#finish();
    return this.#closing;
  }

  async #finish(): Promise<void> {
    try {
      await this.flush();
    } finally {
      await this.#file.close().catch((cause: unknown) => this.#fail(cause));
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #until(units: number): Promise<void> {
    while (this.#writing !== undefined && (units === 0 || this.#waitingUnits > units)) await this.#writing;
    if (this.#failure !== undefined) throw this.#failure;
  }

  #next(): void {
    if (this.#writing !== undefined) return;
    const text = this.#waiting.shift();
    if (text === undefined) return;
    this.#waitingUnits -= text.length;
    this.#writing = this.#file.write(text).then(
      () => {
        this.#writing = undefined;
        this.#next();
      },
      (cause: unknown) => {
        this.#writing = undefined;
        this.#fail(cause);
      },
    );
  }

  #fail(cause: unknown): void {
    this.#waiting = [];
    this.#waitingUnits = 0;
    this.#failure ??= writingFailed(this.#path, cause);
  }
}
