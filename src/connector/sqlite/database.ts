/**
 * SQLite as the sink sees it: what of a database it uses. `driver.ts` gives that of the real machine; tests give one
 * whose commits fail and crash.
 */
import type { Ports } from "../../core/ports.ts";

/** What a column of a row holds. */
export type Cell = null | number | bigint | string | Uint8Array;

export interface Statement {
  run(...cells: readonly Cell[]): void;
  /** Integers are bigints. */
  all(...cells: readonly Cell[]): readonly { readonly [column: string]: Cell }[];
}

export interface Database {
  prepare(sql: string): Statement;
  /**
   * Takes the right to write, until `commit` or `rollback`. Doesn't wait: it throws where another connection has it.
   *
   * @param durable once `commit` resolves, this transaction and all before it survive the loss of power
   */
  begin(durable: boolean): void;
  /** All of the transaction or, when it rejects, nothing that anybody was told of. */
  commit(): Promise<void>;
  /** Does nothing outside of a transaction. */
  rollback(): void;
  close(): void;
}

export interface DatabaseDriver {
  /** Makes the database where there is none, unless `readOnly`. */
  open(ports: Ports, path: string, readOnly: boolean): Promise<Database>;
  /** The error says that another connection writes: trying again may help. */
  isBusy(error: unknown): boolean;
}
