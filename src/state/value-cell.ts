/**
 * The rows of a user's state: a value, and until when it lives.
 *
 * Written as a byte that says whether there is an end, the end, and the value behind its version: so a state may get
 * a TTL, another one, or none, and its old rows stay what they are.
 */
import { MillraceError } from "../core/errors.ts";
import type { Codec } from "../schema/codec.ts";
import { type Coding, codingCodec, upcastsFrom } from "../schema/coding.ts";
import type { Shapes } from "../schema/shapes.ts";
import type { Cell } from "./bucket.ts";
import type { Rows } from "./table.ts";

export interface ValueCell extends Cell {
  value: unknown;
  /** The time at which it is gone; +Infinity for never. */
  until: number;
}

const FOREVER = 0;
const ENDS = 1;

/** The table's rows are a user's values, written down as `coding` says. @param kind what they are together */
export function keepValues(table: Rows<ValueCell>, kind: string, coding: Coding): void {
  table.codec = valueCells(coding, `state ${table.name} of ${table.operator}`);
  table.signature = kind;
  table.version = { current: coding.version, upcastsFrom: upcastsFrom(coding) };
}

/** @param where for messages: "state total of process" */
function valueCells(coding: Coding, where: string): (shapes: Shapes) => Codec<ValueCell> {
  return (shapes) => {
    const codec = codingCodec(coding, shapes);
    return {
      shape: `cell{${codec.shape}}`,
      encode({ value, until }, into) {
        const start = into.at;
        into.u8(until === Number.POSITIVE_INFINITY ? FOREVER : ENDS);
        if (until !== Number.POSITIVE_INFINITY) into.number(until);
        try {
          codec.encode(value, into);
        } catch (error) {
          into.at = start;
          throw error;
        }
      },
      decode(from) {
        const until = from.u8() === FOREVER ? Number.POSITIVE_INFINITY : from.number();
        try {
          return { mark: 0, value: codec.decode(from), until };
        } catch (error) {
          if (!(error instanceof MillraceError)) throw error;
          throw new MillraceError(error.code, `${where}: ${error.what}`, error.context, error.cause);
        }
      },
    };
  };
}
