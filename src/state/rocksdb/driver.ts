/** The package that holds RocksDB, loaded when a job needs it; it brings no typings, so what we call is said here. */
import { MillraceError, reasonOf } from "../../core/errors.ts";

/** Operations are kept as they are until `flush` resolves: no buffer may change before. */
export interface WriteBatch {
  tryPut(key: Uint8Array, value: Uint8Array): void;
  tryDelete(key: Uint8Array): void;
  /** The range is [start, end); one with start > end damages the store. */
  tryDeleteRange(start: Uint8Array, end: Uint8Array): void;
  /** All operations or none. What RocksDB said about a failure is the `cause` of the error. */
  flush(): Promise<void>;
}

export interface ReadBatch {
  /** null where there is nothing. Resolves after `tryFlush`. */
  get(key: Uint8Array): Promise<Buffer | null>;
  tryFlush(): void;
}

/** Without autoDestroy a batch that was not destroyed keeps `close` waiting for ever. */
interface BatchOptions {
  readonly capacity: number;
  readonly autoDestroy: true;
}

export interface Database {
  ready(): Promise<void>;
  write(options: BatchOptions): WriteBatch;
  read(options: BatchOptions): ReadBatch;
  /** Of one moment, that of its first read. `capacity` is how many rows cross from the native side at once. */
  iterator(
    range: { readonly gte: Uint8Array; readonly lt: Uint8Array },
    options: { readonly capacity: number; readonly limit: number },
  ): AsyncIterable<{ readonly key: Buffer; readonly value: Buffer }>;
  get(key: Uint8Array): Promise<Buffer | null>;
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** What is said here holds for this version, which package.json pins. */
const VERSION = "3.18.1";

export type Driver = new (path: string, options: { readonly writeBufferSize: number }) => Database;

async function importDriver(): Promise<Driver> {
  // @ts-expect-error the package has no typings
  const { default: driver } = await import("rocksdb-native");
  return driver;
}

/** @throws DRIVER_MISSING naming the package, or why it can't be loaded; `load` stands in for the import in tests */
export async function loadDriver(load: () => Promise<Driver> = importDriver): Promise<Driver> {
  try {
    return await load();
  } catch (cause) {
    const missing = (cause as { code?: unknown } | null)?.code === "ERR_MODULE_NOT_FOUND";
    throw new MillraceError(
      "DRIVER_MISSING",
      missing
        ? `rocksdb() needs the package rocksdb-native: npm install rocksdb-native@${VERSION}`
        : `The package rocksdb-native can't be loaded on this machine; it needs Linux with glibc 2.34 and libatomic1, macOS or Windows: ${reasonOf(cause)}`,
      {},
      cause,
    );
  }
}
