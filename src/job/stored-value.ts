/**
 * The value of a stored row without its program. Rows of the engine are structural and say what they are. What a user
 * keeps is behind an end and a version (state/value-cell.ts); whether it is structural, too, or written by a schema or
 * a codec of the program, the state does not say.
 */
import { MillraceError } from "../core/errors.ts";
import { ByteReader } from "../schema/bytes.ts";
import type { Codec } from "../schema/codec.ts";
import { Shapes } from "../schema/shapes.ts";
import { structural } from "../schema/structural.ts";

export type StoredValue =
  /** A row of the engine. */
  | { readonly fields: Readonly<Record<string, unknown>> }
  /** A user's value, as hexadecimal digits; `plain` is what it reads as unless the program has a codec for it. */
  | {
      readonly hex: string;
      readonly until: number | null;
      readonly version: number;
      readonly plain?: unknown;
    }
  /** Written by a codec of the program. */
  | { readonly hex: string };

/** What the tables of a user's values are said to be. */
const USER_KINDS: readonly string[] = ["value", "list", "map"];

/**
 * @param signature of the store
 * @param shapes of the manifest; undefined where there is none
 */
export function valueReader(signature: string, shapes: unknown): (value: Uint8Array) => StoredValue {
  const codec = structural(Shapes.from(shapes ?? []));
  const read = USER_KINDS.includes(signature) ? userValue : engineRow;
  const reader = new ByteReader(new Uint8Array(0));
  return (value) => {
    reader.over(value);
    return read(reader, codec) ?? { hex: hexOf(value) };
  };
}

function engineRow(from: ByteReader, codec: Codec<unknown>): StoredValue | null {
  const row = decoded(from, codec);
  // Bytes of another kind hardly read as an object with a mark.
  if (row === null || !isRow(row.value)) return null;
  const { mark: _, ...fields } = row.value;
  return { fields };
}

function userValue(from: ByteReader, codec: Codec<unknown>): StoredValue | null {
  try {
    const until = from.u8() === 0 ? null : from.number();
    const version = from.varint();
    const hex = hexOf(from.bytes.subarray(from.at, from.end));
    const plain = decoded(from, codec);
    return { hex, until, version, ...(plain === null ? {} : { plain: plain.value }) };
  } catch (error) {
    return unlessDamaged(error);
  }
}

/** null where the bytes are no structural value, or more than one. */
function decoded(from: ByteReader, codec: Codec<unknown>): { readonly value: unknown } | null {
  try {
    const value = codec.decode(from);
    return from.at === from.end ? { value } : null;
  } catch (error) {
    return unlessDamaged(error);
  }
}

function unlessDamaged(error: unknown): null {
  if (error instanceof MillraceError && error.code === "STATE_DAMAGED") return null;
  throw error;
}

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

const isRow = (value: unknown): value is { readonly mark: number } & Record<string, unknown> =>
  typeof value === "object" && value !== null && typeof (value as { mark?: unknown }).mark === "number";
