/**
 * The codec of a declared schema as closures, one a node: what its generated form (declared-text.ts) does, slower.
 *
 *   string, number     as ByteWriter has them
 *   boolean            a byte, 0 or 1
 *   bigint             bigint.ts
 *   date               number
 *   bytes              as a structural BINARY, without its first byte
 *   literal            varint: which of the values
 *   nullable           a byte: 0 null, 1 a value, and it
 *   optional           a byte: 0 absent, 1 undefined, 2 a value, and it
 *   array, set         varint n; n values
 *   map, record        varint n; n times key and value
 *   object             its fields in order; a zero byte where it has none, so that no value is without bytes
 *   any                a structural value
 */
import { readBigint, writeBigint } from "./bigint.ts";
import { binaryKind, readBinary, writeBinary } from "./binary.ts";
import { type ByteReader, type ByteWriter, damaged } from "./bytes.ts";
import type { Field, Node } from "./node.ts";
import { isPlain, isPlainArray, MAX_ELEMENTS, setField } from "./plain.ts";
import { REFUSED } from "./refusal.ts";
import { Site } from "./shape-code.ts";
import type { StructuralParts } from "./structural.ts";

export type Write = (value: any, into: ByteWriter) => void;
export type Read = (from: ByteReader) => unknown;

export const NULL = 0;
export const NOT_NULL = 1;
export const ABSENT = 0;
export const PRESENT_UNDEFINED = 1;
export const PRESENT = 2;

export function writerOf(node: Node, any: StructuralParts): Write {
  switch (node.kind) {
    case "string":
      return (value, into) => into.string(typeof value === "string" ? value : refuse());
    case "number":
      return (value, into) => into.number(typeof value === "number" ? value : refuse());
    case "boolean":
      return (value, into) => into.u8(typeof value === "boolean" ? Number(value) : refuse());
    case "bigint":
      return (value, into) => writeBigint(typeof value === "bigint" ? value : refuse(), into);
    case "date":
      return (value, into) =>
        into.number(prototypeOf(value) === Date.prototype ? (value as Date).getTime() : refuse());
    case "bytes":
      return (value, into) => {
        const prototype = prototypeOf(value);
        if (prototype !== Uint8Array.prototype && prototype !== Buffer.prototype) refuse();
        writeBinary(binaryKind(prototype) as number, value, into);
      };
    case "literal":
      return (value, into) => {
        const which = node.values.indexOf(value);
        into.varint(which < 0 ? refuse() : which);
      };
    case "any": {
      const site = new Site();
      return (value, into) => any.write(value, into, 0, site);
    }
    case "nullable": {
      const write = writerOf(node.of, any);
      return (value, into) => {
        into.u8(value === null ? NULL : NOT_NULL);
        if (value !== null) write(value, into);
      };
    }
    case "optional": {
      const write = writerOf(node.of, any);
      return (value, into) => {
        into.u8(value === undefined ? PRESENT_UNDEFINED : PRESENT);
        if (value !== undefined) write(value, into);
      };
    }
    case "array": {
      const write = writerOf(node.of, any);
      return (value, into) => {
        checkArray(value);
        into.varint(value.length);
        for (let i = 0; i < value.length; i++) write(value[i], into);
      };
    }
    case "set": {
      const write = writerOf(node.of, any);
      return (value, into) => {
        if (prototypeOf(value) !== Set.prototype) refuse();
        into.varint(value.size);
        for (const element of value) write(element, into);
      };
    }
    case "map": {
      const [writeKey, write] = [writerOf(node.key, any), writerOf(node.of, any)];
      return (value, into) => {
        if (prototypeOf(value) !== Map.prototype) refuse();
        into.varint(value.size);
        for (const [key, element] of value) {
          writeKey(key, into);
          write(element, into);
        }
      };
    }
    case "record": {
      const write = writerOf(node.of, any);
      return (value, into) => {
        checkObject(value);
        const names = Object.keys(value);
        into.varint(names.length);
        for (const name of names) {
          into.string(name);
          write(value[name], into);
        }
      };
    }
    case "object":
      return objectWriter(node.fields, any);
  }
}

function objectWriter(fields: readonly Field[], any: StructuralParts): Write {
  const writers = fields.map(({ node }) => writerOf(node, any));
  return (value, into) => {
    checkObject(value);
    let present = fields.length;
    for (const [i, { name, node }] of fields.entries()) {
      if (Object.hasOwn(value, name)) writers[i](value[name], into);
      else if (node.kind === "optional") {
        into.u8(ABSENT);
        present -= 1;
      } else refuse();
    }
    if (Object.keys(value).length !== present) refuse();
    if (fields.length === 0) into.u8(0);
  };
}

export function readerOf(node: Node, any: StructuralParts): Read {
  switch (node.kind) {
    case "string":
      return (from) => from.string();
    case "number":
      return (from) => from.number();
    case "boolean":
      return (from) => oneOf(2, from.u8(), from) === 1;
    case "bigint":
      return (from) => readBigint(from.u8(), from);
    case "date":
      return (from) => new Date(from.number());
    case "bytes":
      return readBinary;
    case "literal":
      return (from) => node.values[oneOf(node.values.length, from.varint(), from)];
    case "any":
      return (from) => any.read(from.u8(), from, 0);
    case "nullable": {
      const read = readerOf(node.of, any);
      return (from) => (oneOf(2, from.u8(), from) === NULL ? null : read(from));
    }
    case "optional": {
      const read = readerOf(node.of, any);
      return (from) => (oneOf(3, from.u8(), from) === PRESENT ? read(from) : undefined);
    }
    case "array": {
      const read = readerOf(node.of, any);
      return (from) => {
        const values = newArray(countOf(from));
        for (let i = 0; i < values.length; i++) values[i] = read(from);
        return values;
      };
    }
    case "set": {
      const read = readerOf(node.of, any);
      return (from) => {
        const set = new Set<unknown>();
        for (let n = countOf(from); n > 0; n--) set.add(read(from));
        return set;
      };
    }
    case "map": {
      const [readKey, read] = [readerOf(node.key, any), readerOf(node.of, any)];
      return (from) => {
        const map = new Map<unknown, unknown>();
        for (let n = countOf(from); n > 0; n--) {
          const key = readKey(from);
          map.set(key, read(from));
        }
        return map;
      };
    }
    case "record": {
      const read = readerOf(node.of, any);
      return (from) => {
        const object = {};
        for (let n = countOf(from); n > 0; n--) {
          const name = from.string();
          setField(object, name, read(from));
        }
        return object;
      };
    }
    case "object":
      return objectReader(node.fields, any);
  }
}

function objectReader(fields: readonly Field[], any: StructuralParts): Read {
  const readers = fields.map(({ node }) => readerOf(node.kind === "optional" ? node.of : node, any));
  return (from) => {
    const object = {};
    fields.forEach(({ name, node }, i) => {
      const state = node.kind === "optional" ? oneOf(3, from.u8(), from) : PRESENT;
      if (state !== ABSENT) setField(object, name, state === PRESENT ? readers[i](from) : undefined);
    });
    if (fields.length === 0) from.u8();
    return object;
  };
}

const refuse = (): never => {
  throw REFUSED;
};

function prototypeOf(value: unknown): unknown {
  return typeof value === "object" && value !== null ? Object.getPrototypeOf(value) : undefined;
}

export function checkArray(value: unknown): void {
  if (!Array.isArray(value) || !isPlainArray(value) || value.length > MAX_ELEMENTS) refuse();
}

export function checkObject(value: unknown): void {
  if (typeof value !== "object" || value === null || !isPlain(value)) refuse();
}

/** Which of `n` things. */
export function oneOf(n: number, which: number, from: ByteReader): number {
  if (which >= n) throw damaged(from, `there is no choice ${which}`);
  return which;
}

/** How many elements follow; each has a byte at least. */
export function countOf(from: ByteReader): number {
  const n = from.varint();
  if (n > from.end - from.at) throw damaged(from, "its bytes end too early");
  return n;
}

/** Room for exactly n elements: one that grows would have room for sixteen from the first on. */
export const newArray = (n: number): unknown[] => (n === 0 ? [] : new Array(n));
