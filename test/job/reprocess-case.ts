/** A pipeline whose late records go to a log and whose results go to a table: run, and reprocessed. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { LateRecord, Sink, Source } from "../../src/connector/contract.ts";
import { systemPorts } from "../../src/core/ports.ts";
import { sqliteTable } from "../../src/connector/sqlite/index.ts";
import {
  type AggregatedStream,
  count,
  forEach,
  fromIterable,
  lateLog,
  min,
  type Pipeline,
  pipeline,
  type ReprocessReport,
  type Stream,
  sum,
  type TimePoint,
  type WatermarkOption,
  type WindowAssigner,
  type WindowOptions,
} from "../../src/index.ts";

export interface Order {
  readonly id: number;
  readonly user: string;
  readonly at: number;
  readonly n: number;
}

export type Row = { readonly [column: string]: unknown } & {
  readonly key: unknown;
  readonly windowStart: number;
  readonly windowEnd: number;
};

export interface Shape {
  readonly windows: WindowAssigner<Order>;
  readonly options?: WindowOptions;
  readonly watermark?: WatermarkOption;
  /** Windows over the results. */
  readonly over?: WindowAssigner;
  /** The results go through a changelog. */
  readonly changelog?: boolean;
  /** The columns that tell rows apart. Default: key and windowStart */
  readonly key?: readonly (keyof Row & string)[];
  /** Between source and windows. */
  readonly before?: (orders: Stream<Order>) => Stream<Order>;
}

/** One place for table and log; each run of `app` over `source` writes there. */
export class ReprocessCase {
  readonly shape: Shape;
  readonly database: string;
  readonly log: string;

  constructor(shape: Shape, path: (...names: string[]) => string, name: string) {
    this.shape = shape;
    this.database = path(`${name}.db`);
    this.log = path(`${name}.ndjson`);
  }

  /** @param table takes the rows; default: the table of the database */
  app(source: Source<Order>, table: Sink<any> = this.table()): Pipeline {
    const { windows, options = {}, watermark = "monotone", over, changelog, before } = this.shape;
    const app = pipeline("orders");
    const orders = app.source(source, { timestamp: ({ at }) => at, watermark });
    const results = (before?.(orders) ?? orders)
      .keyBy(({ user }) => user)
      .window(windows, options)
      .aggregate({
        orders: count(),
        total: sum(({ n }: Order) => n),
        first: min(({ id }: Order) => id),
      }) as unknown as AggregatedStream<Row & { total: number }, Order>;
    results.late.to(lateLog(this.log), { name: "late" });
    if (over === undefined) {
      if (changelog) results.changelog().to(table, { name: "totals" });
      else results.to(table, { name: "totals" });
      return app;
    }
    const outer = results
      .keyBy(({ key }) => key as string)
      .window(over)
      .aggregate({ windows: count(), total: sum(({ total }: { total: number }) => total) });
    outer.to(table, { name: "totals" });
    return app;
  }

  table(): Sink<any> {
    return sqliteTable<any>(this.database, { table: "totals", key: keyOf(this.shape) });
  }

  run(orders: readonly Order[]): Promise<unknown> {
    return this.app(fromIterable(orders)).run({ handleSignals: false });
  }

  reprocess(orders: readonly Order[], from: TimePoint, to: TimePoint): Promise<ReprocessReport> {
    return this.app(fromIterable(orders)).reprocess({ from, to, handleSignals: false });
  }

  /** What the log has. */
  async late(): Promise<readonly LateRecord[]> {
    return (await lateLog(this.log).lateRecords?.(systemPorts)) ?? [];
  }

  rows(): Row[] {
    const db = new DatabaseSync(this.database);
    try {
      const { n } = db.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name = 'totals'").get() as {
        n: number;
      };
      if (n === 0) return [];
      return db
        .prepare("SELECT * FROM totals ORDER BY key, windowStart, windowEnd")
        .all()
        .map((row) => ({ ...row }) as unknown as Row);
    } finally {
      db.close();
    }
  }

  remove(): void {
    for (const path of [this.database, `${this.database}-wal`, `${this.database}-shm`, this.log])
      rmSync(path, { force: true });
  }
}

const keyOf = ({ key = ["key", "windowStart"] }: Shape) => key;

export const byTime = (orders: readonly Order[]): Order[] => orders.toSorted((a, b) => a.at - b.at);

/** What of the orders a run took: all but those that its log has. */
export function accepted(orders: readonly Order[], late: readonly LateRecord[]): Order[] {
  const ids = new Set(late.map(({ value }) => (value as Order).id));
  assert.equal(ids.size, late.length, "each is late once");
  return orders.filter(({ id }) => !ids.has(id));
}

/** The rows that a run has in which nothing is late, and no pane comes before the last. */
export async function rowsWithoutLateness(
  shape: Shape,
  orders: readonly Order[],
  path: (...names: string[]) => string,
): Promise<Row[]> {
  const { trigger: _, ...options } = shape.options ?? {};
  const run = new ReprocessCase({ ...shape, options, changelog: false }, path, "in-order");
  const rows = new Map<string, Row>();
  const table = forEach<Row>(
    (row) => void rows.set(JSON.stringify(keyOf(shape).map((column) => row[column])), row),
  );
  await run.app(fromIterable(byTime(orders)), table).run({ handleSignals: false });
  assert.deepEqual(await run.late(), []);
  return [...rows.values()];
}
