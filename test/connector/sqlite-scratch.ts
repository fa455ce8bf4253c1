/** A database in a folder of its own, as its readers see it. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { OpenSink, SinkContext } from "../../src/connector/contract.ts";
import { sqliteTable, type SqliteTableOptions } from "../../src/connector/sqlite/index.ts";
import { sinkContext } from "./epoch-run.ts";

export class Scratch {
  readonly folder = mkdtempSync(join(tmpdir(), "millrace-sqlite-"));
  readonly path = join(this.folder, "out.db");

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  open(
    options: Partial<SqliteTableOptions<Row>> = {},
    context: Partial<SinkContext> = {},
  ): Promise<OpenSink<unknown>> {
    const sink = sqliteTable<Row>(this.path, { table: "t", key: ["k"], ...options });
    return sink.open(sinkContext(context)) as Promise<OpenSink<unknown>>;
  }

  /** What another connection does or sees. */
  sql(text: string): Record<string, unknown>[] {
    if (!existsSync(this.path)) return [];
    const db = new DatabaseSync(this.path);
    try {
      const statement = db.prepare(text);
      return statement.all().map((row) => ({ ...row }));
    } finally {
      db.close();
    }
  }

  rows(table = "t"): Record<string, unknown>[] {
    const there = this.sql(`SELECT 1 FROM sqlite_schema WHERE name = '${table}'`).length > 0;
    return there ? this.sql(`SELECT * FROM ${table}`) : [];
  }

  /** What lies hidden beside the database. */
  get staged(): string[] {
    return readdirSync(this.folder).filter((name) => name.includes(".staged-"));
  }
}

export interface Row {
  readonly [field: string]: unknown;
}

export const writeAll = (sink: OpenSink<unknown>, records: readonly unknown[]): void | Promise<void> =>
  sink.write(records, new Float64Array(records.length), 0, records.length);
