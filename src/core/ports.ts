/**
 * Ports: the only doors to the world outside the program's own memory (INV-9). The engine reaches time, timers,
 * randomness and files through them, so that tests and the simulation can stand in for each.
 */
import { open } from "node:fs/promises";

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
  readonly sizeBytes: number;
  /** Fills `into` from `position` on and returns how many bytes there were; 0 is the end. */
  read(into: Uint8Array, position: number): Promise<number>;
  close(): Promise<void>;
}

export interface OutputFile {
  write(text: string): Promise<void>;
  close(): Promise<void>;
}

export interface Files {
  openRead(path: string): Promise<InputFile>;
  /** Makes the file, or empties it. */
  openWrite(path: string): Promise<OutputFile>;
}

export interface Ports {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly files: Files;
}

/** A timer of Node can't be longer (24.8 days); an earlier call does no harm to those who look at the clock. */
const MAX_TIMER_MS = 2 ** 31 - 1;

const systemFiles: Files = {
  async openRead(path) {
    const handle = await open(path, "r");
    const { size } = await handle.stat();
    return {
      sizeBytes: size,
      async read(into, position) {
        let n = 0;
        while (n < into.length) {
          const { bytesRead } = await handle.read(into, n, into.length - n, position + n);
          if (bytesRead === 0) break;
          n += bytesRead;
        }
        return n;
      },
      close: () => handle.close(),
    };
  },
  async openWrite(path) {
    const handle = await open(path, "w");
    return {
      write: (text) => handle.writeFile(text),
      close: () => handle.close(),
    };
  },
};

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
