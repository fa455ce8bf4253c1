/**
 * A table of a database, and what lies hidden beside the database's file NAME:
 *
 *   .NAME.TABLE.staged-N   changes that are not in the table yet; one file per epoch that has any
 *
 * An epoch is committed in one transaction: its changes, and its number in `millrace_epochs`. Its staged file stays
 * until that is on the disk, so a commit can be done again however it ended.
 */
import { basename, dirname, join, resolve } from "node:path";
import type { Json } from "../../core/json.ts";
import type { Ports } from "../../core/ports.ts";
import { outputMissing, writingFailed } from "../file/file-failure.ts";
import { Connection } from "./connection.ts";
import type { DatabaseDriver } from "./database.ts";
import { EpochMark } from "./epoch-mark.ts";
import type { RowChange } from "./row-change.ts";
import { stagedChanges } from "./staged-rows.ts";
import { TargetTable } from "./target-table.ts";

/** What an epoch changes: all that is needed to commit it, also where the job has another table by then. */
export type TableHandle = {
  readonly path: string;
  readonly table: string;
  readonly key: readonly string[];
  readonly columns: readonly string[];
  /** The number of the staged file, and its bytes; 0 where the epoch changes nothing. */
  readonly staged: number;
  readonly bytes: number;
  /** The epoch that was the last to change something before. */
  readonly after: number | null;
};

export interface PlaceOptions {
  readonly path: string;
  readonly table: string;
  readonly key: readonly string[];
}

export class TablePlace {
  readonly path: string;
  readonly target: TargetTable;
  readonly #key: readonly string[];
  readonly #ports: Ports;
  readonly #driver: DatabaseDriver;
  readonly #job: string;
  readonly #connection: Connection;
  readonly #mark: EpochMark;

  private constructor(
    { path, table, key }: PlaceOptions,
    driver: DatabaseDriver,
    ports: Ports,
    job: string,
    connection: Connection,
  ) {
    this.path = path;
    this.#key = key;
    this.#driver = driver;
    this.#ports = ports;
    this.#job = job;
    this.#connection = connection;
    this.#mark = new EpochMark(connection, job, table);
    this.target = new TargetTable(connection, path, table, key);
  }

  static async open(
    options: PlaceOptions,
    driver: DatabaseDriver,
    ports: Ports,
    job: string,
    readOnly = false,
  ): Promise<TablePlace> {
    const connection = await Connection.open(ports, driver, options.path, readOnly);
    return new TablePlace(options, driver, ports, job, connection);
  }

  /** The last epoch that the table shows. */
  lastEpoch(): number | null {
    return this.#mark.read();
  }

  /** A first start: rows that are there stay, and no epoch counts as committed. */
  async begin(columns: readonly string[] | null): Promise<void> {
    await this.removeStaged([]);
    await this.#connection.transaction(true, () => {
      this.#mark.begin();
      if (columns === null) this.target.check([]);
      else this.target.ensure(columns);
    });
  }

  /** Shows the changes at once. */
  apply(changes: Iterable<RowChange>, columns: readonly string[]): Promise<void> {
    return this.#writing(
      this.#connection.transaction(false, () => {
        this.target.ensure(columns);
        return this.target.apply(changes);
      }),
    );
  }

  /** All that was written survives the loss of power. */
  flush(): Promise<void> {
    return this.#writing(this.#connection.transaction(true, () => this.#mark.flush()));
  }

  stagedPath(staged: number): string {
    return join(dirname(this.path), `${this.#hidden}${staged}`);
  }

  get #hidden(): string {
    return `.${basename(this.path)}.${this.target.name.toLowerCase()}.staged-`;
  }

  syncNames(): Promise<void> {
    return this.#ports.files.syncFolder(dirname(this.path));
  }

  async removeStaged(except: readonly number[]): Promise<void> {
    const { files } = this.#ports;
    for (const name of await files.list(dirname(this.path))) {
      if (!name.startsWith(this.#hidden) || except.includes(Number(name.slice(this.#hidden.length))))
        continue;
      await files.remove(join(dirname(this.path), name));
    }
  }

  handle(epoch: Pick<TableHandle, "columns" | "staged" | "bytes" | "after">): TableHandle {
    return { path: this.path, table: this.target.name, key: this.#key, ...epoch };
  }

  /** The handle, if it is one of this table's; a job may have been given another one since. */
  own(json: Json): TableHandle | undefined {
    const handle = json as TableHandle | null;
    if (typeof handle?.path !== "string" || typeof handle.table !== "string") return undefined;
    const isOwn =
      resolve(handle.path) === resolve(this.path) &&
      handle.table.toLowerCase() === this.target.name.toLowerCase();
    return isOwn ? handle : undefined;
  }

  /** @throws SINK_STATE_MISSING, FILE_UNWRITABLE, SINK_FAILED */
  async commit(epoch: number, json: Json): Promise<void> {
    const handle = json as TableHandle | null;
    if (typeof handle?.table !== "string" || handle.bytes === 0) return;
    if (this.own(json) === undefined) return this.#commitElsewhere(epoch, handle);
    const { files } = this.#ports;
    const staged = this.stagedPath(handle.staged);
    const stagedBytes = (await files.stat(staged))?.sizeBytes;
    const shown = this.lastEpoch();
    if (shown !== null && shown >= epoch) {
      // A run that died may have written it to where the next loss of power takes it.
      if (stagedBytes !== undefined) await this.flush();
    } else {
      this.demandCommitted(handle.after, shown);
      if ((stagedBytes ?? 0) < handle.bytes) {
        throw outputMissing(staged, `should hold ${handle.bytes} bytes that are not in ${this.path} yet`);
      }
      await this.#writing(this.#connection.transaction(true, () => this.#put(epoch, handle, staged)));
    }
    if (stagedBytes !== undefined) await files.remove(staged);
  }

  async #put(epoch: number, { columns, bytes }: TableHandle, staged: string): Promise<void> {
    this.target.ensure(columns);
    for await (const changes of stagedChanges(this.#ports.files, staged, bytes))
      await this.target.apply(changes);
    this.#mark.write(epoch);
  }

  /** What was decided while the job had another table is shown there. */
  async #commitElsewhere(epoch: number, handle: TableHandle): Promise<void> {
    if ((await this.#ports.files.stat(handle.path)) === null) return;
    const place = await TablePlace.open(handle, this.#driver, this.#ports, this.#job);
    try {
      if ((await this.#ports.files.stat(place.stagedPath(handle.staged))) !== null) {
        await place.commit(epoch, handle);
      }
    } finally {
      await place.close();
    }
  }

  /** @throws SINK_STATE_MISSING where the table has less than what was committed */
  demandCommitted(after: number | null, shown: number | null): void {
    if (after === null || (shown !== null && shown >= after)) return;
    const what = shown === null ? "no epoch" : `epoch ${shown}`;
    throw outputMissing(
      this.path,
      `shows ${what} in the table ${this.target.name}, where epoch ${after} was committed`,
    );
  }

  async #writing(transaction: Promise<void>): Promise<void> {
    try {
      await transaction;
    } catch (cause) {
      throw writingFailed(this.path, cause);
    }
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}
