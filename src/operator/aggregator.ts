/**
 * A window's aggregates as one: the cell that holds their accumulators, and what adds to it, merges it and shows it.
 *
 * A cell is `{ mark, seq, panes, a0, a1, ... }` (state/bucket.ts has the first two). `add` first takes all inputs, then computes all new accumulators (custom
 * aggregates first, since they may throw), then stores them: a record that fails leaves no half of itself behind.
 */
import type { AnyAggregate, Takes } from "../aggregate/contract.ts";
import { MillraceError, preview } from "../core/errors.ts";
import type { Aggregator } from "./contract.ts";

export type Cell = Record<string, unknown> & { mark: number; seq: number; panes: number };

/** The aggregates in order, each with the field that shows its result. */
export type Fields = readonly { readonly name: string; readonly aggregate: AnyAggregate }[];

/** Throws unless an aggregate can take the input. NaN has no place in an order. @throws AGGREGATE_INPUT_INVALID */
export function checkInput(takes: Takes, name: string, input: unknown): void {
  const type = typeof input;
  if (takes === "number") {
    if (type === "number") return;
  } else if (
    type === "bigint" ||
    type === "string" ||
    ((type === "number" || input instanceof Date) && !Number.isNaN(Number(input)))
  ) {
    return;
  }
  throw new MillraceError(
    "AGGREGATE_INPUT_INVALID",
    `${name} takes ${takes === "number" ? "numbers" : "numbers, bigints, strings and Dates"}, not ${preview(input)}`,
  );
}

export function inputOf({ aggregate, name }: Fields[number], value: unknown): unknown {
  const input = aggregate.input === undefined ? value : aggregate.input(value);
  if (aggregate.takes !== "anything") checkInput(aggregate.takes, name, input);
  return input;
}

/** The window's part of a result, with the field of each aggregate added; `accumulatorOf` gives that of aggregate i. */
export function withFields(result: object, fields: Fields, accumulatorOf: (i: number) => unknown): object {
  fields.forEach(({ name, aggregate }, i) => {
    const value: unknown = aggregate.result(accumulatorOf(i));
    // defineProperty: a field may be called __proto__.
    Object.defineProperty(result, name, { value, enumerable: true, writable: true, configurable: true });
  });
  return result;
}

const customFirst = (fields: Fields): { index: number; aggregate: AnyAggregate }[] =>
  fields
    .map(({ aggregate }, index) => ({ index, aggregate }))
    .toSorted((a, b) => Number(b.aggregate.custom) - Number(a.aggregate.custom));

export function aggregatorClosures(fields: Fields, withReplaces: boolean): Aggregator<Cell> {
  const order = customFirst(fields);
  return {
    create() {
      const cell: Cell = { mark: 0, seq: 0, panes: 0 };
      fields.forEach(({ aggregate }, i) => {
        cell[`a${i}`] = aggregate.create();
      });
      return cell;
    },
    add(cell, value, timestamp) {
      const inputs = fields.map((field) => inputOf(field, value));
      const news = order.map(({ index, aggregate }) =>
        aggregate.add(cell[`a${index}`], inputs[index], timestamp, value),
      );
      order.forEach(({ index }, i) => {
        cell[`a${index}`] = news[i];
      });
    },
    probe: order.some(({ aggregate }) => aggregate.custom)
      ? (cell, value, timestamp) => {
          for (const { index, aggregate } of order) {
            if (!aggregate.custom) continue;
            aggregate.add(
              cell === undefined ? aggregate.create() : cell[`a${index}`],
              inputOf(fields[index], value),
              timestamp,
              value,
            );
          }
        }
      : null,
    merge(into, from) {
      fields.forEach(({ aggregate }, i) => {
        into[`a${i}`] = aggregate.merge(into[`a${i}`], from[`a${i}`]);
      });
    },
    result(cell, key, start, end, pane, index, replaces) {
      const shown = { key, windowStart: start, windowEnd: end, pane, paneIndex: index };
      return withFields(withReplaces ? { ...shown, replaces } : shown, fields, (i) => cell[`a${i}`]);
    },
  };
}

/** Declares x0, x1, ...: what each aggregate takes of the record in `value`, checked. */
export function inputsText(fields: Fields, bind: (value: unknown) => string): string {
  const check = bind(checkInput);
  return fields
    .map(({ name, aggregate }, i) => {
      const take = aggregate.input === undefined ? "value" : `${bind(aggregate.input)}(value)`;
      const orNaN = aggregate.takes === "ordered" ? ` || x${i} !== x${i}` : "";
      const refuse = `${check}(${bind(aggregate.takes)}, ${bind(name)}, x${i})`;
      const guard = aggregate.takes === "anything" ? "" : `if (typeof x${i} !== "number"${orNaN}) ${refuse};`;
      return `const x${i} = ${take}; ${guard}`;
    })
    .join("\n");
}

/** The same as declarations of create, add, probe, merge and result. */
export function aggregatorText(
  fields: Fields,
  withReplaces: boolean,
  bind: (value: unknown) => string,
): string {
  const inputs = inputsText(fields, bind);
  const news = customFirst(fields).map(
    ({ index: i, aggregate }) => `const n${i} = ${bind(aggregate.add)}(cell.a${i}, x${i}, timestamp, value);`,
  );
  const each = (line: (i: number, aggregate: AnyAggregate) => string): string =>
    fields.map(({ aggregate }, i) => line(i, aggregate)).join("\n");
  const probes = fields.flatMap(({ aggregate }, i) =>
    aggregate.custom
      ? [
          `${bind(aggregate.add)}(cell === undefined ? ${bind(aggregate.create)}() : cell.a${i}, x${i}, timestamp, value);`,
        ]
      : [],
  );
  const probe = `function (cell, value, timestamp) {\n${inputs}\n${probes.join("\n")}\n}`;
  return `
const probe = ${probes.length === 0 ? "null" : probe};
function create() { return { mark: 0, seq: 0, panes: 0, ${fields.map(({ aggregate }, i) => `a${i}: ${bind(aggregate.create)}()`).join(", ")} }; }
function add(cell, value, timestamp) {
${inputs}
${news.join("\n")}
${each((i) => `cell.a${i} = n${i};`)}
}
function merge(into, from) {
${each((i, aggregate) => `into.a${i} = ${bind(aggregate.merge)}(into.a${i}, from.a${i});`)}
}
function result(cell, key, start, end, pane, index, replaces) {
return { key, windowStart: start, windowEnd: end, pane, paneIndex: index, ${withReplaces ? "replaces, " : ""}${fields
    .map(({ name, aggregate }, i) => `[${bind(name)}]: ${bind(aggregate.result)}(cell.a${i})`)
    .join(", ")} };
}
`;
}
