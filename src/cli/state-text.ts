/** Stored state as `millrace state` prints it. */
import { preview } from "../core/errors.ts";
import type { RowQuery, StoredRow, StoreRows } from "../job/inspect-rows.ts";
import type { SourceSummary, StateSummary } from "../job/inspect-state.ts";
import type { StoredValue } from "../job/stored-value.ts";
import { columns } from "./columns.ts";
import { keyText, timeText, valueText } from "./plain-value.ts";
import { numberText, scaled } from "./quantity.ts";

const POSITION_CHARACTERS = 200;

export function summaryOfState(summary: StateSummary): string {
  const { job, epoch, generation, createdAt, ended, backend, logBytes, damaged, sources, waiting } = summary;
  const lines = [
    `job ${job}: epoch ${numberText(epoch)}, generation ${generation}, ${timeText(createdAt)}${ended ? ", its inputs had ended" : ""}`,
    backend === "rocksdb"
      ? `rows: in RocksDB, and ${scaled(logBytes, "B")} of log`
      : `rows: in ${scaled(logBytes, "B")} of log`,
    ...damaged.map(({ name, fault }) => `damaged: ${name}: ${fault}; what is shown is older`),
    "",
    ...sources.flatMap(sourceLines),
    ...waiting.map(
      ({ sink, epochs }) => `sink ${sink}: may have to commit epoch ${epochs.map(numberText).join(" and ")}`,
    ),
  ];
  if (sources.length + waiting.length > 0) lines.push("");
  return `${lines.join("\n")}\n${storesText(summary)}`;
}

function sourceLines({ name, records, watermark, partitions }: SourceSummary): string[] {
  return [
    `source ${name}: ${numberText(records)} records, ${watermarkText(Number(watermark))}`,
    ...partitions.map(({ id, position }) => `  ${id} at ${preview(position, POSITION_CHARACTERS)}`),
  ];
}

function watermarkText(watermark: number): string {
  if (watermark === Number.NEGATIVE_INFINITY) return "no watermark yet";
  return watermark === Number.POSITIVE_INFINITY ? "at its end" : `watermark ${timeText(watermark)}`;
}

function storesText({ epoch, stores, leftOver }: StateSummary): string {
  if (epoch === 0) return "no epoch was decided yet: there are no rows\n";
  if (stores.length + leftOver.length === 0) return "no operator has state\n";
  return columns(
    [
      ["store", "rows", "bytes", "version", "what its rows are"],
      ...stores.map(({ store, rows, bytes, version, signature }) => [
        store,
        numberText(rows),
        scaled(bytes, "B"),
        String(version),
        signature,
      ]),
      ...leftOver.map(({ store, rows, bytes }) => [
        store,
        numberText(rows),
        scaled(bytes, "B"),
        "",
        "left over: the program has no such store",
      ]),
    ],
    [1, 2, 3],
  );
}

export function rowsText(stores: readonly StoreRows[], { key }: RowQuery): string {
  if (key !== undefined && stores.every(({ rows }) => rows === 0)) return "the key has no rows\n";
  return stores
    .filter(({ rows }) => key === undefined || rows > 0)
    .map(({ store, rows, bytes, first }) => {
      const head = `${store}: ${numberText(rows)} ${rows === 1 ? "row" : "rows"}, ${scaled(bytes, "B")}\n`;
      const more = first.length < rows ? `  ... ${numberText(rows - first.length)} more: --limit\n` : "";
      const isNested = first.some(({ value }) => value !== undefined);
      const body = isNested ? first.map(nestedText).join("") : columns(first.map(rowCells));
      return head + body + more;
    })
    .join("\n");
}

const nestedText = (row: StoredRow): string =>
  `${columns([rowCells(row)])}${row.value === undefined ? "" : `    ${storedText(row.value)}\n`}`;

function rowCells({ key, subKey, time, bytes }: StoredRow): string[] {
  return [
    `  ${keyText(key)}`,
    ...(subKey === undefined ? [] : [keyText(subKey)]),
    ...(time === undefined ? [] : [timeText(time)]),
    scaled(bytes, "B"),
  ];
}

function storedText(value: StoredValue): string {
  if ("fields" in value) return valueText(value.fields);
  if (!("version" in value))
    return `${value.hex} (bytes that a codec of the program wrote: only the program can read them)`;
  const { hex, until, version } = value;
  const life = until === null ? "" : `, until ${timeText(until)}`;
  return "plain" in value
    ? `${valueText(value.plain)} (version ${version}${life}; bytes ${hex}: so they read unless the state has a schema or codec)`
    : `${hex} (version ${version}${life}; bytes of the state's schema or codec: only the program can read them)`;
}
