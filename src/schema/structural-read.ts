/** Structural values, read: any value, by its first byte. */
import { readBigint } from "./bigint.ts";
import { readBinary } from "./binary.ts";
import { type ByteReader, damaged } from "./bytes.ts";
import { MAX_DEPTH, setField } from "./plain.ts";
import type { ReadAny, ShapeCode } from "./shape-code.ts";
import {
  ARRAY,
  BIGINT,
  BIGINT64,
  BINARY,
  DATE,
  FALSE,
  MAP,
  NAMED,
  NULL,
  OBJECT,
  OBJECT_END,
  REGEXP,
  SET,
  SHAPED,
  SHORT,
  TEXT,
  TRUE,
  UNDEFINED,
} from "./structural-tags.ts";

/** @param codeOf the code of a shape; undefined where there is none */
export function structuralReader(codeOf: (id: number) => ShapeCode | undefined): ReadAny {
  return readAny;

  function readAny(first: number, from: ByteReader, depth: number): unknown {
    if (first < SHORT) return first;
    if (first < OBJECT) return from.latin1(first - SHORT);
    if (first < OBJECT_END) return shaped(first - OBJECT, from, depth);
    switch (first) {
      case UNDEFINED:
        return undefined;
      case NULL:
        return null;
      case FALSE:
        return false;
      case TRUE:
        return true;
      case TEXT:
        return from.string();
      case ARRAY:
        return array(from, depth);
      case SHAPED:
        return shaped(from.varint(), from, depth);
      case BIGINT64:
      case BIGINT:
        return readBigint(first, from);
      case DATE:
        return new Date(from.number());
      case NAMED: {
        const object = {};
        for (let n = count(from, depth, 2); n > 0; n--) {
          const name = from.string();
          setField(object, name, readAny(from.u8(), from, depth + 1));
        }
        return object;
      }
      case MAP: {
        const map = new Map<unknown, unknown>();
        for (let n = count(from, depth, 2); n > 0; n--) {
          const key = readAny(from.u8(), from, depth + 1);
          map.set(key, readAny(from.u8(), from, depth + 1));
        }
        return map;
      }
      case SET: {
        const set = new Set<unknown>();
        for (let n = count(from, depth, 1); n > 0; n--) set.add(readAny(from.u8(), from, depth + 1));
        return set;
      }
      case REGEXP: {
        const source = from.string();
        return new RegExp(source, from.string());
      }
      case BINARY:
        return readBinary(from);
      default:
        return from.numberAfter(first);
    }
  }

  function shaped(id: number, from: ByteReader, depth: number): object {
    const code = codeOf(id);
    if (code === undefined) throw damaged(from, `no object shape has the id ${id}`);
    if (depth > MAX_DEPTH) throw damaged(from, "it is nested too deep");
    // Generated code reads bytes without looking where they end: here is where it is found out.
    if (from.at > from.end) throw damaged(from, "its bytes end too early");
    return code.decode(from, depth);
  }

  function array(from: ByteReader, depth: number): unknown[] {
    const n = count(from, depth, 1);
    const inside = depth + 1;
    // Literals of the usual lengths: no room to grow, and no holes as `new Array(n)` has for V8.
    switch (n) {
      case 0:
        return [];
      case 1:
        return [readAny(from.u8(), from, inside)];
      case 2:
        return [readAny(from.u8(), from, inside), readAny(from.u8(), from, inside)];
      case 3:
        return [
          readAny(from.u8(), from, inside),
          readAny(from.u8(), from, inside),
          readAny(from.u8(), from, inside),
        ];
      default: {
        // An array that grows would have room for sixteen from its first element on.
        const values: unknown[] = new Array(n);
        for (let i = 0; i < n; i++) values[i] = readAny(from.u8(), from, inside);
        return values;
      }
    }
  }

  /** How many elements follow: each has a byte at least, so that no damaged length makes room for billions. */
  function count(from: ByteReader, depth: number, bytesEach: number): number {
    if (depth > MAX_DEPTH) throw damaged(from, "it is nested too deep");
    const n = from.varint();
    if (n * bytesEach > from.end - from.at) throw damaged(from, "its bytes end too early");
    return n;
  }
}
