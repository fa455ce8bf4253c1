/** What stands in a state directory or a savepoint, for people: `millrace state`. Of the rows, how many there are. */
import type { Json } from "../core/json.ts";
import type { Files } from "../core/ports.ts";
import { bytesIn } from "../epoch/position.ts";
import type { SavedStore } from "../runtime/saved-job.ts";
import { tablePrefix } from "../state/contract.ts";
import { prefixOf } from "./replayed-rows.ts";
import { readRows, readState, type StoredState } from "./stored-state.ts";

export interface StateSummary {
  readonly folder: string;
  readonly job: string;
  readonly epoch: number;
  readonly generation: number;
  /** When the epoch was decided, in ms since 1970. */
  readonly createdAt: number;
  /** The inputs had ended: nothing follows. */
  readonly ended: boolean;
  readonly backend: "memory" | "rocksdb";
  /** Of the logs, what the epoch is made of. */
  readonly logBytes: number;
  /** Newer manifests that can't be read. */
  readonly damaged: readonly { readonly name: string; readonly fault: string }[];
  readonly sources: readonly SourceSummary[];
  /** Sinks with epochs that may not be committed yet. */
  readonly waiting: readonly { readonly sink: string; readonly epochs: readonly number[] }[];
  readonly stores: readonly StoreSummary[];
  /** Rows of stores that the program that wrote the epoch doesn't have. */
  readonly leftOver: readonly RowCount[];
}

export interface SourceSummary {
  readonly name: string;
  readonly records: number;
  /** A number, or "-Infinity" or "Infinity". */
  readonly watermark: Json;
  readonly partitions: readonly { readonly id: string; readonly position: Json }[];
}

export interface RowCount {
  /** "operator/table" */
  readonly store: string;
  readonly rows: number;
  /** Of addresses and values, as they are encoded. */
  readonly bytes: number;
}

export interface StoreSummary extends RowCount, SavedStore {}

/** @throws as readState */
export function inspectState(files: Files, folder: string): Promise<StateSummary> {
  return readState(files, folder, async (state) => {
    const counts = new Map<string, { rows: number; bytes: number }>();
    await readRows(state, {
      wants: () => false,
      see(address, valueBytes) {
        const prefix = prefixOf(address);
        let count = counts.get(prefix);
        if (count === undefined) counts.set(prefix, (count = { rows: 0, bytes: 0 }));
        count.rows += 1;
        count.bytes += address.length + valueBytes;
      },
    });
    return summaryOf(state, counts);
  });
}

function summaryOf(state: StoredState, counts: Map<string, { rows: number; bytes: number }>): StateSummary {
  const { folder, manifest, damaged, saved, store } = state;
  const { job, epoch, generation, createdAt, ended, logs } = manifest;
  // Positions of sources and epochs of sinks are no rows.
  const tables = Object.entries(saved?.stores ?? {}).filter(([, { layout }]) => layout !== "none");
  const stores = tables.map(([name, found]): StoreSummary => {
    const prefix = tablePrefix(found.operator, found.table);
    const { rows, bytes } = counts.get(prefix) ?? { rows: 0, bytes: 0 };
    counts.delete(prefix);
    return { store: name, ...found, rows, bytes };
  });
  return {
    folder,
    job,
    epoch,
    generation,
    createdAt,
    ended,
    backend: store === null ? "memory" : "rocksdb",
    logBytes: logs.reduce((sum, content) => sum + bytesIn(content), 0),
    damaged: damaged.map(({ name, fault }) => ({ name, fault })),
    sources: Object.entries(saved?.sources ?? {}).map(([name, { records, watermark, partitions }]) => ({
      name,
      records,
      watermark,
      partitions: Object.entries(partitions).map(([id, { position }]) => ({ id, position })),
    })),
    waiting: Object.entries(saved?.sinks ?? {})
      .map(([sink, { handles }]) => ({ sink, epochs: handles.map((waiting) => waiting.epoch) }))
      .filter(({ epochs }) => epochs.length > 0),
    stores,
    leftOver: Array.from(counts, ([prefix, count]) => ({ store: storeName(prefix), ...count })),
  };
}

/** "operator/table" */
const storeName = (prefix: string): string =>
  prefix
    .split("\0", 2)
    .map((name) => Buffer.from(name, "latin1").toString("utf8"))
    .join("/");
