/**
 * Rows in RocksDB: state that may be larger than memory, in a folder of its own.
 *
 * An apply is one write batch that holds the position too, so a killed process leaves whole applies. RocksDB logs it without a
 * sync: until `flush`, a loss of power may take the newest applies back, each with its position. After a full disk it
 * takes applies again some seconds after as much as a write buffer has become free, or when it is opened anew.
 *
 * A load goes out as several read batches at once, for RocksDB reads the keys of one batch on one thread. On a 2-core
 * machine a change costs 1.5 us, half of it on the main thread; a load of 1,000 rows 2 ms, 40 ms where they come from
 * the disk.
 */
import { MillraceError, preview } from "../../core/errors.ts";
import type { Change, Row, RowStore } from "../contract.ts";
import { type Database, loadDriver } from "./driver.ts";
import { openFailed, readFailed, writeFailed } from "./failure.ts";
import { POSITION, readPosition, rowKey, scanRows } from "./rows.ts";

/** What RocksDB collects in memory before it writes a file; twice as much while it writes one. */
const WRITE_BUFFER_BYTES = 64 * 1024 * 1024;
/** Of one load; more would only stand before everything else that waits for Node's file threads. */
const READ_BATCHES = 16;
/** Fewer keys are not worth a batch of their own. */
const LEAST_KEYS_OF_BATCH = 64;

/**
 * Opens the store, made where there is none.
 *
 * @param folder may be missing, as those above it
 * @throws STATE_DIRECTORY_IN_USE, STATE_UNWRITABLE, STATE_DAMAGED, DRIVER_MISSING
 */
export async function openRocksStore(folder: string): Promise<RowStore> {
  const RocksDB = await loadDriver();
  try {
    const db = new RocksDB(folder, { writeBufferSize: WRITE_BUFFER_BYTES });
    await db.ready();
    return new RocksStore(folder, db);
  } catch (cause) {
    throw openFailed(folder, cause);
  }
}

class RocksStore implements RowStore {
  private readonly folder: string;
  private readonly db: Database;
  /** The newest apply: they run one after the other, where RocksDB would take them in any order. */
  private applying: Promise<void> = Promise.resolve();
  private closing: Promise<void> | null = null;

  constructor(folder: string, db: Database) {
    this.folder = folder;
    this.db = db;
  }

  async load(addresses: readonly string[]): Promise<readonly (Uint8Array | undefined)[]> {
    this.demandOpen();
    const size = Math.max(LEAST_KEYS_OF_BATCH, Math.ceil(addresses.length / READ_BATCHES));
    const values: Promise<Uint8Array | null>[] = [];
    for (let at = 0; at < addresses.length; at += size) {
      const end = Math.min(at + size, addresses.length);
      const batch = this.db.read({ capacity: end - at, autoDestroy: true });
      for (let i = at; i < end; i++) values.push(batch.get(rowKey(addresses[i])));
      batch.tryFlush();
    }
    try {
      return (await Promise.all(values)).map((value) => value ?? undefined);
    } catch (cause) {
      throw readFailed(this.folder, cause);
    }
  }

  async scan(from: string, to: string, limit: number): Promise<readonly Row[]> {
    this.demandOpen();
    return scanRows(this.folder, this.db, from, to, limit);
  }

  /** The values may not change until it resolves. An apply that waits behind one that fails, fails with it. */
  async apply(changes: readonly Change[], position: string | null): Promise<void> {
    this.demandOpen();
    const done = this.applying.then(() => this.write(changes, position));
    this.applying = done;
    try {
      await done;
    } catch (cause) {
      // Whoever calls from now on knows of the failure and may try again.
      if (this.applying === done) this.applying = Promise.resolve();
      throw cause;
    }
  }

  private async write(changes: readonly Change[], position: string | null): Promise<void> {
    demandBytes(changes);
    const batch = this.db.write({ capacity: changes.length + 1, autoDestroy: true });
    for (const change of changes) {
      if ("from" in change) {
        // RocksDB takes a range that ends before it starts for a reason to stop writing for good.
        if (change.from < change.to) batch.tryDeleteRange(rowKey(change.from), rowKey(change.to));
      } else if (change.value === undefined) {
        batch.tryDelete(rowKey(change.address));
      } else {
        batch.tryPut(rowKey(change.address), change.value);
      }
    }
    if (position !== null) batch.tryPut(POSITION, Buffer.from(position));
    try {
      await batch.flush();
    } catch (cause) {
      throw writeFailed(this.folder, cause);
    }
  }

  async position(): Promise<string | null> {
    this.demandOpen();
    return readPosition(this.folder, this.db);
  }

  async flush(): Promise<void> {
    this.demandOpen();
    await this.applied();
    try {
      await this.db.flush();
    } catch (cause) {
      throw writeFailed(this.folder, cause);
    }
  }

  close(): Promise<void> {
    this.closing ??= this.shut();
    return this.closing;
  }

  private async shut(): Promise<void> {
    await this.applied();
    // Only so that the next opening is fast: what was applied stands in RocksDB's own log as well.
    await this.db.flush().catch(() => {});
    try {
      await this.db.close();
    } catch (cause) {
      throw writeFailed(this.folder, cause);
    }
  }

  /** When no apply is under way; one that failed has told its caller. */
  private async applied(): Promise<void> {
    await this.applying.catch(() => {});
  }

  private demandOpen(): void {
    if (this.closing === null) return;
    throw new MillraceError("ENGINE_BUG", `The RocksDB store in ${this.folder} was used after its close`);
  }
}

/** The driver would take anything, and store whatever memory it finds there. */
function demandBytes(changes: readonly Change[]): void {
  for (const change of changes) {
    if ("from" in change || change.value === undefined || change.value instanceof Uint8Array) continue;
    throw new MillraceError(
      "ENGINE_BUG",
      `A store got ${preview(change.value)} as a value, which is no bytes`,
    );
  }
}
