/**
 * Ports: the only doors to the world outside the program's own memory (INV-9). The engine reaches time, timers,
 * randomness and files through them, so that tests and the simulation can stand in for each.
 */
import { systemFiles } from "./ports-files.ts";

export interface Clock {
  /** Milliseconds since 1970 by the wall clock, which may jump. */
  now(): number;
  /** Milliseconds from an arbitrary start, which only grow; for durations. */
  monotonic(): number;
}

export interface Timers {
  /** Calls `callback` once after `ms` milliseconds; the returned function cancels it. Keeps the process alive. */
  after(ms: number, callback: () => void): () => void;
  /** Lets pending input, output, timers and signals of the process have their turn. */
  yield(): Promise<void>;
}

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
}

export interface InputFile {
  /** When it was opened. */
  readonly sizeBytes: number;
  /** Names the file itself: it stays the same through a rename, and a new file under the old name has another. */
  readonly identity: string;
  /** Fills `into` from `position` on and returns how many bytes there were; 0 is the end. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** Bytes that the file has now. */
  size(): Promise<number>;
  close(): Promise<void>;
}

export interface OutputFile {
  /** Appends. */
  write(data: string | Uint8Array): Promise<void>;
  /** When it resolves, all that was written survives the loss of power. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface FileStat {
  readonly sizeBytes: number;
  /** As InputFile.identity. */
  readonly identity: string;
  readonly isFolder: boolean;
}

export interface Files {
  openRead(path: string): Promise<InputFile>;
  /** Makes the file, or empties it. */
  openWrite(path: string): Promise<OutputFile>;
  /**
   * Goes on writing a file at `sizeBytes`: what stands behind is cut off. Makes the file where there is none and
   * `sizeBytes` is 0. Fails where the file is shorter.
   */
  openAppend(path: string, sizeBytes: number): Promise<OutputFile>;
  /** null where there is nothing. */
  stat(path: string): Promise<FileStat | null>;
  /** The names in a folder, sorted; none where there is no folder. */
  list(folder: string): Promise<readonly string[]>;
  /** With the folders above it; does nothing where it is there. */
  makeFolder(path: string): Promise<void>;
  /** Replaces what has the new name. Survives the loss of power after `syncFolder` of the folder. */
  rename(from: string, to: string): Promise<void>;
  /** A file, or a folder with all that is in it; does nothing where there is none. */
  remove(path: string): Promise<void>;
  /** When it resolves, the names in the folder survive the loss of power. */
  syncFolder(path: string): Promise<void>;
  /** Takes the lock file at `path` for this process, or says which process has it. A dead process has nothing. */
  lock(path: string): Promise<FileLock>;
}

export type FileLock = { readonly release: () => Promise<void> } | { readonly holderPid: number };

export interface Ports {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly files: Files;
}

/** A timer of Node can't be longer (24.8 days); an earlier call does no harm to those who look at the clock. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The real machine. */
export const systemPorts: Ports = {
  clock: { now: () => Date.now(), monotonic: () => performance.now() },
  timers: {
    after(ms, callback) {
      const timer = setTimeout(callback, Math.min(ms, MAX_TIMER_MS));
      return () => clearTimeout(timer);
    },
    yield: () => new Promise((resolve) => setImmediate(resolve)),
  },
  random: { next: () => Math.random() },
  files: systemFiles,
};
