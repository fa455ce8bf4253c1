/**
 * A window's aggregates over rows that are numbers only (state/number-rows.ts): what aggregator.ts does to cells, done
 * to a row in a typed array. Value i of a row is the accumulator of aggregate i; behind
 * them, where rows outlive a firing, stands how many panes the row has fired.
 */
import { NumberRows } from "../state/number-rows.ts";
import { type Fields, inputOf, inputsText } from "./aggregator.ts";
import type { NumberAggregator } from "./contract.ts";

/** Where the values of a row begin behind its place. */
const VALUES = 1;

function newRows(fields: Fields, outlive: boolean, expected: number): NumberRows {
  return new NumberRows(fields.length + (outlive ? 1 : 0), expected);
}

export const isNumeric = (fields: Fields): boolean => fields.every(({ aggregate }) => aggregate.numeric);

export function numberAggregatorClosures(fields: Fields): NumberAggregator {
  return {
    panesAt: VALUES + fields.length,
    newRows: (outlive, expected) => newRows(fields, outlive, expected),
    add(rows, key, value, timestamp) {
      const inputs = fields.map((field) => inputOf(field, value));
      let at = rows.slotOf(key);
      if (Number.isNaN(rows.slots[at])) {
        at = rows.claim(at, key);
        this.reset(rows.slots, at);
        if (rows.stride > this.panesAt) rows.slots[at + this.panesAt] = 0;
      }
      fields.forEach(({ aggregate }, i) => {
        rows.slots[at + VALUES + i] = aggregate.add(rows.slots[at + VALUES + i], inputs[i], timestamp, value);
      });
      return at;
    },
    reset(slots, at) {
      fields.forEach(({ aggregate }, i) => {
        slots[at + VALUES + i] = aggregate.create();
      });
    },
    result(slots, at, start, end, pane, index) {
      const result: Record<string, unknown> = {
        key: slots[at],
        windowStart: start,
        windowEnd: end,
        pane,
        paneIndex: index,
      };
      fields.forEach(({ name, aggregate }, i) => {
        const value = aggregate.result(slots[at + VALUES + i]);
        // defineProperty: a field may be called __proto__.
        Object.defineProperty(result, name, { value, enumerable: true, writable: true, configurable: true });
      });
      return result;
    },
  };
}

/** The same as an object literal. */
export function numberAggregatorText(fields: Fields, bind: (value: unknown) => string): string {
  const each = (line: (i: number) => string): string => fields.map((_, i) => line(i)).join("\n");
  const place = (i: number): string => `slots[at + ${VALUES + i}]`;
  const create = fields.map(({ aggregate }) => `${bind(aggregate.create)}()`);
  return `{
panesAt: ${VALUES + fields.length},
newRows: ${bind((outlive: boolean, expected: number) => newRows(fields, outlive, expected))},
add(rows, key, value, timestamp) {
${inputsText(fields, bind)}
let at = rows.slotOf(key);
if (rows.slots[at] !== key) {
at = rows.claim(at, key);
const slots = rows.slots;
if (rows.stride > ${VALUES + fields.length}) slots[at + ${VALUES + fields.length}] = 0;
${each((i) => `${place(i)} = ${create[i]};`)}
}
const slots = rows.slots;
${fields.map(({ aggregate }, i) => `${place(i)} = ${bind(aggregate.add)}(${place(i)}, x${i}, timestamp, value);`).join("\n")}
return at;
},
reset(slots, at) {
${each((i) => `${place(i)} = ${create[i]};`)}
},
result(slots, at, start, end, pane, index) {
return { key: slots[at], windowStart: start, windowEnd: end, pane, paneIndex: index, ${fields
    .map(({ name, aggregate }, i) => `[${bind(name)}]: ${bind(aggregate.result)}(${place(i)})`)
    .join(", ")} };
},
}`;
}
