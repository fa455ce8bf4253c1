/**
 * A connection to a database that shares its thread with the loop, and the database with other writers.
 *
 * Invariant: one transaction at a time, in the order of the calls. A transaction works in slices: when one has used up
 * its time the loop has a turn, and nobody sees a part of the transaction meanwhile. While another connection writes (a
 * sink on another table, a tool) the beginning is tried again.
 *
 * Cost: a slice blocks the loop for SLICE_MS. The commit is one call, and where SQLite moves its log into the database
 * with it (every 4 MB) it lasts as long as the disk takes for that.
 */
import type { Ports } from "../../core/ports.ts";
import type { Database, DatabaseDriver, Statement } from "./database.ts";

const SLICE_MS = 4;
const RETRY_MS = 5;
/** A tool that holds a database for longer has forgotten it. */
const MOST_WAITING_MS = 30_000;

export class Connection {
  readonly #ports: Ports;
  readonly #driver: DatabaseDriver;
  readonly #database: Database;
  #sliceEndMs = 0;
  /** The newest transaction. */
  #last: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  private constructor(ports: Ports, driver: DatabaseDriver, database: Database) {
    this.#ports = ports;
    this.#driver = driver;
    this.#database = database;
  }

  static async open(
    ports: Ports,
    driver: DatabaseDriver,
    path: string,
    readOnly = false,
  ): Promise<Connection> {
    const database = await whenFree(ports, driver, () => driver.open(ports, path, readOnly));
    return new Connection(ports, driver, database);
  }

  prepare(sql: string): Statement {
    return this.#database.prepare(sql);
  }

  /** All that `work` does, or nothing. @param durable as Database.begin */
  transaction(durable: boolean, work: () => void | Promise<void>): Promise<void> {
    const run = () => this.#transaction(durable, work);
    this.#last = this.#last.then(run, run);
    return this.#last;
  }

  async #transaction(durable: boolean, work: () => void | Promise<void>): Promise<void> {
    await whenFree(this.#ports, this.#driver, () => this.#database.begin(durable));
    try {
      this.#beginSlice();
      await work();
      await this.#database.commit();
    } catch (error) {
      this.#database.rollback();
      throw error;
    }
  }

  /** Within a transaction: a promise where the loop is to have a turn first. */
  pause(): Promise<void> | undefined {
    if (this.#ports.clock.monotonic() < this.#sliceEndMs) return undefined;
    return this.#ports.timers.yield().then(() => this.#beginSlice());
  }

  #beginSlice(): void {
    this.#sliceEndMs = this.#ports.clock.monotonic() + SLICE_MS;
  }

  /** When the transaction under way has ended. */
  close(): Promise<void> {
    const close = () => this.#database.close();
    this.#closing ??= this.#last.then(close, close);
    return this.#closing;
  }
}

async function whenFree<R>(
  { clock, timers }: Ports,
  driver: DatabaseDriver,
  attempt: () => R | Promise<R>,
): Promise<R> {
  const endMs = clock.monotonic() + MOST_WAITING_MS;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!driver.isBusy(error)) throw error;
      if (clock.monotonic() >= endMs) {
        throw new Error(`another connection has been writing for ${MOST_WAITING_MS / 1000} s`, {
          cause: error,
        });
      }
    }
    await new Promise<void>((resolve) => timers.after(RETRY_MS, resolve));
  }
}
