/** Structural values, written: any value, by what it is. */
import { writeBigint } from "./bigint.ts";
import { binaryKind, writeBinary } from "./binary.ts";
import type { ByteWriter } from "./bytes.ts";
import { isPlain, isPlainArray, MAX_DEPTH, MAX_ELEMENTS } from "./plain.ts";
import { REFUSED } from "./refusal.ts";
import { Site, type ShapeCode, type WriteAny } from "./shape-code.ts";
import { SHORT_TEXT } from "./short-text.ts";
import {
  ARRAY,
  BINARY,
  DATE,
  FALSE,
  MAP,
  NAMED,
  NULL,
  REGEXP,
  SET,
  SHORT,
  TEXT,
  TRUE,
  UNDEFINED,
} from "./structural-tags.ts";

/** @param codeFor the code of the shape with these names; undefined where it gets no id */
export function structuralWriter(codeFor: (names: readonly string[]) => ShapeCode | undefined): WriteAny {
  return any;

  function any(value: unknown, into: ByteWriter, depth: number, site: Site): void {
    switch (typeof value) {
      case "object":
        if (value === null) into.u8(NULL);
        else if (depth > MAX_DEPTH) throw REFUSED;
        else if (Array.isArray(value)) array(value, into, depth, site);
        else if (!site.code.encode(value, into, depth, false) && !site.encodeOther(value, into, depth)) {
          object(value, into, depth, site);
        }
        return;
      case "number":
        into.number(value);
        return;
      case "string":
        writeText(value, into);
        return;
      case "boolean":
        into.u8(value ? TRUE : FALSE);
        return;
      case "undefined":
        into.u8(UNDEFINED);
        return;
      case "bigint":
        writeBigint(value, into);
        return;
      default:
        throw REFUSED;
    }
  }

  function array(values: readonly unknown[], into: ByteWriter, depth: number, site: Site): void {
    const n = values.length;
    if (!isPlainArray(values) || n > MAX_ELEMENTS) throw REFUSED;
    into.u8(ARRAY);
    into.varint(n);
    const elements = (site.elements ??= new Site());
    for (let i = 0; i < n; i++) {
      const value = values[i];
      if (typeof value === "number") into.number(value);
      else if (typeof value === "string") writeText(value, into);
      else any(value, into, depth + 1, elements);
    }
  }

  /** An object whose shape was not expected at its site, or an object of one of the known classes. */
  function object(value: object, into: ByteWriter, depth: number, site: Site): void {
    if (isPlain(value)) {
      const names = Object.keys(value);
      const code = codeFor(names);
      if (code !== undefined) {
        site.remember(code);
        code.encode(value, into, depth, true);
        return;
      }
      into.u8(NAMED);
      into.varint(names.length);
      const elements = (site.elements ??= new Site());
      for (const name of names) {
        into.string(name);
        any((value as Record<string, unknown>)[name], into, depth + 1, elements);
      }
      return;
    }
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Map.prototype) {
      const map = value as ReadonlyMap<unknown, unknown>;
      into.u8(MAP);
      into.varint(map.size);
      const keys = (site.keys ??= new Site());
      const elements = (site.elements ??= new Site());
      for (const [key, element] of map) {
        any(key, into, depth + 1, keys);
        any(element, into, depth + 1, elements);
      }
    } else if (prototype === Set.prototype) {
      const set = value as ReadonlySet<unknown>;
      into.u8(SET);
      into.varint(set.size);
      const elements = (site.elements ??= new Site());
      for (const element of set) any(element, into, depth + 1, elements);
    } else if (prototype === Date.prototype) {
      into.u8(DATE);
      into.number((value as Date).getTime());
    } else if (prototype === RegExp.prototype) {
      const { source, flags } = value as RegExp;
      into.u8(REGEXP);
      into.string(source);
      into.string(flags);
    } else {
      const kind = binaryKind(prototype);
      if (kind === undefined) throw REFUSED;
      into.u8(BINARY);
      writeBinary(kind, value as ArrayBuffer | ArrayBufferView, into);
    }
  }
}

export function writeText(value: string, into: ByteWriter): void {
  if (value.length <= SHORT_TEXT && into.shortString(SHORT + value.length, value)) return;
  into.u8(TEXT);
  into.string(value);
}
