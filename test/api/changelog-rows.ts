/** Window results as the tests of changelogs make and show them. */
import {
  type AggregatedStream,
  type Change,
  collect,
  forEach,
  fromIterable,
  type Pipeline,
  type WindowAssigner,
  type WindowOptions,
} from "../../src/index.ts";

export interface Item {
  readonly k: string;
  readonly at: number;
}

export interface Row {
  readonly key: string;
  readonly windowStart: number | null;
  readonly windowEnd: number | null;
  readonly pane: string;
  readonly paneIndex: number;
  readonly ats: readonly number[];
}

export const itemsOf = (...ats: number[]): Item[] => ats.map((at) => ({ k: "a", at }));

export function results(
  app: Pipeline,
  items: readonly Item[],
  windows: WindowAssigner<Item>,
  options: WindowOptions = {},
): AggregatedStream<Row, Item> {
  return app
    .source(fromIterable(items), { name: "in", timestamp: (r) => r.at })
    .keyBy((r) => r.k)
    .window(windows, options)
    .aggregate({ ats: collect((r) => r.at) }) as AggregatedStream<any, Item>;
}

export const nowhere = () => forEach<unknown>(() => {});
export const rowText = ({ windowStart, windowEnd, pane, paneIndex, ats }: Row): string =>
  `${windowStart}-${windowEnd} ${pane} ${paneIndex}: ${ats}`;
export const text = ({ op, row }: Change<Row>): string => `${op} ${rowText(row)}`;
