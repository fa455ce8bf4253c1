/**
 * Epochs of a job in a state directory: log, decide, apply.
 *
 * 1. **Log.** State changes of the running epoch are appended to logs (log.ts); nothing waits for the disk.
 * 2. **Decide.** One manifest names how long every log is, and the engine's body. It is written under another name, made
 *    durable, renamed, and the folder made durable: the only atomic step. The last two manifests are kept, and with
 *    them whatever either needs.
 * 3. **Apply** is the caller's: it reads the decided part of the log back.
 *
 * Invariant: after a crash at any point the directory is that of the last decided epoch; what was appended behind it is
 * cut off at the next start (recover.ts). Every start has a generation above all before it.
 *
 * The state is what the logs' content says, in its order. A snapshot is content too: `roll`, append the whole state,
 * then `trim` to where it begins; the next decision drops what lies before.
 *
 * A run may write another number of logs than the one before. Logs keep their numbers: those that are no longer written
 * stay in the manifest, are read like the others, and become empty with the next `trim`; new ones begin empty.
 *
 * Cost of a decision: one fdatasync of each log that was written, one of the manifest, and one of the folder.
 */
import { MillraceError } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import type { Clock, Files } from "../core/ports.ts";
import { copyEpoch } from "./copy.ts";
import { unneeded } from "./decide.ts";
import type { StateDirectory } from "./directory.ts";
import { LogWriter } from "./log.ts";
import { encodeManifest, MANIFEST_FORMAT, type Manifest } from "./manifest.ts";
import { manifestName, segmentName } from "./names.ts";
import { bytesIn, type LogContent, type LogLocation, type LogPosition, since, until } from "./position.ts";
import { readBatches } from "./read-log.ts";
import { type OpenOptions, type Started, start } from "./recover.ts";
import { SegmentReaders } from "./segment-readers.ts";

/** @throws STATE_DIRECTORY_IN_USE, STATE_DIRECTORY_FOREIGN, STATE_DAMAGED, STATE_UNWRITABLE, FILE_UNREADABLE */
export async function openEpochs(options: OpenOptions): Promise<Epochs> {
  return new Epochs(options, await start(options));
}

export class Epochs {
  /** What the job goes on from, as the run before wrote it; null while no epoch was ever decided. */
  readonly recovered: Manifest | null;
  /** +1 at every start. */
  readonly generation: number;
  /** What a human should know about the start. */
  readonly notes: readonly string[];
  readonly #files: Files;
  readonly #clock: Clock;
  readonly #directory: StateDirectory;
  readonly #lock: Started["lock"];
  readonly #logs: readonly LogWriter[];
  /** Logs from this number on are only read. */
  readonly #writable: number;
  readonly #readers: SegmentReaders;
  /** The durable manifests, the newest last. */
  #kept: readonly Manifest[];
  #lastEpoch: number;
  /** Settles with the last decision. */
  #deciding: Promise<unknown> = Promise.resolve();
  /** Settles with the last copy; `#copies` are under way. */
  #copying: Promise<unknown> = Promise.resolve();
  #copies = 0;
  #closing: Promise<void> | undefined;

  constructor({ files, clock, logs }: OpenOptions, { directory, lock, previous, manifest, notes }: Started) {
    this.recovered = previous !== null && previous.epoch > 0 ? previous : null;
    this.generation = manifest.generation;
    this.notes = notes;
    this.#files = files;
    this.#clock = clock;
    this.#directory = directory;
    this.#lock = lock;
    this.#logs = manifest.logs.map((content, log) => new LogWriter(directory, log, content));
    this.#writable = logs;
    this.#readers = new SegmentReaders(files);
    this.#kept = [manifest];
    this.#lastEpoch = manifest.epoch;
  }

  /** The newest decided epoch. */
  get decided(): Manifest {
    return this.#kept[this.#kept.length - 1];
  }

  /** Of everything that the state is made of, with what is not decided yet. */
  get bytes(): number {
    return this.#logs.reduce((sum, log) => sum + bytesIn(log.content), 0);
  }

  /** By log: behind everything appended. */
  get ends(): readonly LogPosition[] {
    return this.#logs.map((log) => log.content.to);
  }

  /** Copies the payload. Never waits: see `room`. */
  append(log: number, payload: Uint8Array): LogLocation {
    this.#check();
    if (!(log < this.#writable)) throw bug(`log ${log} of ${this.#writable} can't be written`);
    return this.#logs[log].append(payload);
  }

  /** A promise while more than 4 MiB of a log wait to be written. */
  room(): Promise<void> | undefined {
    this.#check();
    const waits = this.#logs.map((log) => log.room()).filter((wait) => wait !== undefined);
    return waits.length === 0 ? undefined : Promise.all(waits).then(() => {});
  }

  /** A record of this run, also an undecided one. */
  async readAt(log: number, location: LogLocation): Promise<Uint8Array> {
    this.#check();
    const { segment, offset } = location;
    await this.#logs[log].flush({ segment, bytes: offset + 1 });
    return this.#readers.read(this.#directory.path(segmentName(log, segment)), location);
  }

  /** The payloads in [from, to), in order. */
  async *read(log: number, from: LogPosition, to: LogPosition): AsyncGenerator<Uint8Array> {
    for await (const payloads of this.readBatches(log, from, to)) yield* payloads;
  }

  /** The same in arrays of about 1 MiB: of small records much faster. */
  async *readBatches(log: number, from: LogPosition, to: LogPosition): AsyncGenerator<readonly Uint8Array[]> {
    this.#check();
    const rest = since(this.#logs[log].history, from);
    const content = rest === null ? null : until(rest, to);
    if (content === null) throw bug(`${place(from)} to ${place(to)} is no part of log ${log}`);
    await this.#logs[log].flush(to);
    yield* readBatches(this.#files, this.#directory.folder, log, content);
  }

  /** Resolves once everything appended so far is durable. */
  async sync(): Promise<void> {
    this.#check();
    await this.#syncLogs();
  }

  /** By log, what the state is made of now: of an epoch that is decided later, while the next one is appended. */
  seal(): readonly LogContent[] {
    this.#check();
    return this.#logs.map((log) => log.content);
  }

  /**
   * Decides the epoch. It is made of what `seal` gave or, without it, of what was appended before the call; what is
   * appended later belongs to the next one.
   */
  async decide(
    epoch: number,
    body: Json,
    { ended, sealed = this.seal() }: { readonly ended: boolean; readonly sealed?: readonly LogContent[] },
  ): Promise<Manifest> {
    this.#check();
    if (!(epoch > this.#lastEpoch)) throw bug(`epoch ${epoch} comes behind epoch ${this.#lastEpoch}`);
    this.#lastEpoch = epoch;
    const manifest: Manifest = {
      format: MANIFEST_FORMAT,
      job: this.decided.job,
      generation: this.generation,
      epoch,
      createdAt: this.#clock.now(),
      ended,
      logs: sealed,
      body,
    };
    const decision = this.#publish(manifest, encodeManifest(manifest), this.#syncLogs(), this.#deciding);
    this.#deciding = decision.catch(() => {});
    return decision;
  }

  /** The next append of every log begins a new segment; returns, by log, where. */
  roll(): readonly LogPosition[] {
    this.#check();
    return this.#logs.map((log) => log.roll());
  }

  /** From the next decision on the state is made of what lies at these positions, by log, and behind them. */
  trim(from: readonly LogPosition[]): void {
    this.#check();
    from.forEach((position, log) => {
      if (!this.#logs[log].trim(position)) throw bug(`log ${log} can't be trimmed to ${place(position)}`);
    });
  }

  /** Copies the newest decided epoch into another folder, as `copyEpoch` does, while the job goes on. */
  async copy(folder: string): Promise<Manifest> {
    this.#check();
    const manifest = this.decided;
    this.#copies += 1;
    const copy = copyEpoch(this.#files, this.#directory.folder, folder, manifest).finally(() => {
      this.#copies -= 1;
    });
    this.#copying = Promise.all([this.#copying, copy]).catch(() => {});
    await copy;
    return manifest;
  }

  /** What was not decided is given up. The directory is free for the next run. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    try {
      await Promise.all([this.#deciding, this.#copying]);
      await Promise.all(this.#logs.map((log) => log.close()));
      await this.#readers.close();
    } finally {
      await this.#directory.release(this.#lock);
    }
  }

  async #publish(
    manifest: Manifest,
    file: Uint8Array,
    logged: Promise<void>,
    before: Promise<unknown>,
  ): Promise<Manifest> {
    await Promise.all([logged, before]);
    await this.#directory.publish(manifestName(manifest), file);
    this.#kept = [this.decided, manifest];
    await this.#tidy();
    return manifest;
  }

  async #tidy(): Promise<void> {
    if (this.#copies > 0) return;
    const stale = unneeded(await this.#directory.list(), this.#kept, true);
    await this.#directory.remove(stale.manifests, stale.segments);
    await this.#readers.forget(stale.segments.map((name) => this.#directory.path(name)));
  }

  async #syncLogs(): Promise<void> {
    await Promise.all(this.#logs.map((log) => log.sync()));
    await this.#directory.syncNames();
  }

  #check(): void {
    if (this.#closing !== undefined) throw bug("the state directory was used after it was closed");
    this.#directory.check();
  }
}

const place = ({ segment, bytes }: LogPosition): string => `byte ${bytes} of segment ${segment}`;

const bug = (what: string): MillraceError => new MillraceError("ENGINE_BUG", what);
