/**
 * A window's aggregates over rows that are numbers only (state/number-rows.ts, token-rows.ts): what aggregator.ts does
 * to cells, done to a row in a typed array. Value i of a row is the accumulator of aggregate i; behind them, where
 * rows outlive a firing, stands how many panes the row has fired.
 */
import type { Token } from "../core/key.ts";
import { NumberRows } from "../state/number-rows.ts";
import { Slab } from "../state/slab.ts";
import { TokenRows } from "../state/token-rows.ts";
import { type Cell, type Fields, inputOf, inputsText, withFields } from "./aggregator.ts";
import type { NumberAggregator } from "./contract.ts";

/** Where the values of a row begin behind its place. */
const VALUES = 1;

export const isNumeric = (fields: Fields): boolean => fields.every(({ aggregate }) => aggregate.numeric);

export function numberAggregatorClosures(fields: Fields, outlive: boolean): NumberAggregator {
  const panesAt = VALUES + fields.length;
  const reset = (slots: Float64Array, at: number): void => {
    fields.forEach(({ aggregate }, i) => {
      slots[at + VALUES + i] = aggregate.create();
    });
  };
  return {
    panesAt,
    ...makersOf(fields, outlive),
    add(rows: Rows, token, value, timestamp) {
      const inputs = fields.map((field) => inputOf(field, value));
      let at = rows.find(token);
      if (at < 0) {
        at = rows.insert(at, token);
        reset(rows.slots, at);
        if (outlive) rows.slots[at + panesAt] = 0;
      } else {
        rows.touch(at, token);
      }
      fields.forEach(({ aggregate }, i) => {
        rows.slots[at + VALUES + i] = aggregate.add(rows.slots[at + VALUES + i], inputs[i], timestamp, value);
      });
      return at;
    },
    reset,
    result(slots, at, key, start, end, pane, index) {
      const shown = { key, windowStart: start, windowEnd: end, pane, paneIndex: index };
      return withFields(shown, fields, (i) => slots[at + VALUES + i]);
    },
  };
}

/** Either kind of rows; the caller gives each only tokens that it takes. */
interface Rows {
  readonly stride: number;
  readonly slots: Float64Array;
  find(token: Token): number;
  insert(free: number, token: Token): number;
  touch(at: number, token: Token): void;
}

function makersOf(
  fields: Fields,
  outlive: boolean,
): Pick<NumberAggregator, "newNumberRows" | "newTokenRows"> {
  const values = fields.length + (outlive ? 1 : 0);
  const slab = new Slab();
  return {
    newNumberRows: (expected, keeper) => new NumberRows(values, expected, keeper, slab),
    newTokenRows: (keeper) => new TokenRows(values, keeper),
  };
}

/** Rows of numbers as cells of aggregator.ts, and back. */
export function numberForm(fields: Fields, outlive: boolean) {
  return {
    cellOf(values: ArrayLike<number>, seq: number): Cell {
      const cell: Cell = { mark: 0, seq, panes: outlive ? values[fields.length] : 0 };
      fields.forEach((_, i) => {
        cell[`a${i}`] = values[i];
      });
      return cell;
    },
    valuesOf(cell: Cell): number[] {
      const values = fields.map((_, i) => cell[`a${i}`] as number);
      return outlive ? [...values, cell.panes] : values;
    },
  };
}

/** The same as an object literal. */
export function numberAggregatorText(
  fields: Fields,
  outlive: boolean,
  bind: (value: unknown) => string,
): string {
  const panesAt = VALUES + fields.length;
  const place = (i: number): string => `slots[at + ${VALUES + i}]`;
  const creates = fields.map(({ aggregate }, i) => `${place(i)} = ${bind(aggregate.create)}();`).join("\n");
  const adds = fields
    .map(({ aggregate }, i) => `${place(i)} = ${bind(aggregate.add)}(${place(i)}, x${i}, timestamp, value);`)
    .join("\n");
  const results = fields.map(
    ({ name, aggregate }, i) => `[${bind(name)}]: ${bind(aggregate.result)}(${place(i)})`,
  );
  return `{
panesAt: ${panesAt},
...${bind(makersOf(fields, outlive))},
add(rows, token, value, timestamp) {
${inputsText(fields, bind)}
let at = rows.find(token);
if (at < 0) {
at = rows.insert(at, token);
const slots = rows.slots;
${creates}
${outlive ? `slots[at + ${panesAt}] = 0;` : ""}
} else {
rows.touch(at, token);
}
const slots = rows.slots;
${adds}
return at;
},
reset(slots, at) {
${creates}
},
result(slots, at, key, start, end, pane, index) {
return { key, windowStart: start, windowEnd: end, pane, paneIndex: index, ${results.join(", ")} };
},
}`;
}
