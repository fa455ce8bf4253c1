/**
 * Code for the objects of one shape: a function that writes their fields in order, and one that makes them again.
 *
 * Generated, each field is a load of its own with a fast way for numbers and texts, and an object is made by one
 * literal, so that all objects of a shape share a hidden class. Names stand in the text as JSON strings, so no name
 * can be code. Where code can't be generated, and for shapes met a few times only (making code takes as long as some
 * hundred rows), closures do the same.
 */
import type { ByteReader, ByteWriter } from "./bytes.ts";
import { isPlain, setField } from "./plain.ts";
import { shortText } from "./short-text.ts";
import { UNDEFINED, OBJECT_END, OBJECT, OBJECT_IDS, SHAPED, SHORT } from "./structural-tags.ts";

/** Writes any value; `site` is what is known of the place where it stands. */
export type WriteAny = (value: unknown, into: ByteWriter, depth: number, site: Site) => void;
/** Reads the value whose first byte has been read. */
export type ReadAny = (first: number, from: ByteReader, depth: number) => unknown;

export interface ShapeCode {
  /**
   * Writes the object, unless it is of another shape: false then, and nothing is written.
   * @param sure the shape has been compared already
   */
  encode(object: object, into: ByteWriter, depth: number, sure: boolean): boolean;
  decode(from: ByteReader, depth: number): object;
}

/** A place in a value: an object that stands there is likely of a shape that stood there before. */
export class Site {
  /** The last shape. */
  code: ShapeCode = NO_SHAPE;
  /** Those before it, the latest first. */
  #others: ShapeCode[] = [];
  elements: Site | null = null;
  keys: Site | null = null;

  /** As `code.encode`, with the other shapes. */
  encodeOther(object: object, into: ByteWriter, depth: number): boolean {
    const others = this.#others;
    for (let i = 0; i < others.length; i++) {
      const code = others[i];
      if (code.encode(object, into, depth, false)) {
        for (let j = i; j > 0; j--) others[j] = others[j - 1];
        others[0] = this.code;
        this.code = code;
        return true;
      }
    }
    return false;
  }

  remember(code: ShapeCode): void {
    if (this.code !== NO_SHAPE) this.#others.unshift(this.code);
    if (this.#others.length > OTHER_SHAPES) this.#others.pop();
    this.code = code;
  }
}

/** More are rarer than the time it takes to try them. */
const OTHER_SHAPES = 3;

const NO_SHAPE: ShapeCode = {
  encode: () => false,
  decode: () => ({}),
};

export interface ShapeParts {
  readonly id: number;
  readonly names: readonly string[];
  readonly write: WriteAny;
  readonly text: (value: string, into: ByteWriter) => void;
  readonly read: ReadAny;
}

/** Objects before code is generated. */
const GENERATE_AT = 16;

export function shapeCode(parts: ShapeParts, mayGenerate: boolean): ShapeCode {
  const closures = shapeClosures(parts);
  if (!mayGenerate) return closures;
  let seen = 0;
  const count = (): void => {
    seen += 1;
    if (seen < GENERATE_AT) return;
    const { encode, decode } = generatedOr(parts, closures);
    code.encode = encode;
    code.decode = decode;
  };
  const code = {
    encode(object: object, into: ByteWriter, depth: number, sure: boolean): boolean {
      const written = closures.encode(object, into, depth, sure);
      if (written) count();
      return written;
    },
    decode(from: ByteReader, depth: number): object {
      count();
      return closures.decode(from, depth);
    },
  };
  return code;
}

function generatedOr(parts: ShapeParts, closures: ShapeCode): ShapeCode {
  try {
    return shapeGenerated(parts);
  } catch {
    return closures; // --disallow-code-generation-from-strings
  }
}

export function shapeClosures({ id, names, write, read }: ShapeParts): ShapeCode {
  const sites = names.map(() => new Site());
  return {
    encode(object, into, depth, sure) {
      if (!sure && !(isPlain(object) && sameNames(Object.keys(object), names))) return false;
      if (id < OBJECT_IDS) into.u8(OBJECT + id);
      else {
        into.u8(SHAPED);
        into.varint(id);
      }
      for (let i = 0; i < names.length; i++) {
        write((object as Record<string, unknown>)[names[i]], into, depth + 1, sites[i]);
      }
      return true;
    },
    decode(from, depth) {
      const object = {};
      for (const name of names) setField(object, name, read(from.u8(), from, depth + 1));
      return object;
    },
  };
}

const sameNames = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((name, i) => name === b[i]);

export function shapeGenerated({ id, names, write, text, read }: ShapeParts): ShapeCode {
  const sites = names.map(() => new Site());
  const source = `"use strict";
const [names, isPlain, write, text, read, shortText, sites] = $;
${sites.map((_, i) => `const s${i} = sites[${i}];`).join("\n")}
function encode(object, into, depth, sure) {
  if (!sure) {
    let i = 0;
    for (const name in object) if (name !== names[i++]) return false;
    if (i !== ${names.length} || !isPlain(object)) return false;
  }
  ${id < OBJECT_IDS ? `into.u8(${OBJECT + id});` : `into.u8(${SHAPED}); into.varint(${id});`}
${names.map((name, i) => encodeField(JSON.stringify(name), i)).join("\n")}
  return true;
}
function decode(from, depth) {
  const bytes = from.bytes;
  let at = from.at, first = 0;
${names.map((_, i) => decodeField(i)).join("\n")}
  from.at = at;
  return { ${names.map((name, i) => `${literalName(name)}: v${i}`).join(", ")} };
}
return { encode, decode };`;
  return new Function("$", source)([names, isPlain, write, text, read, shortText, sites]);
}

const encodeField = (name: string, i: number): string => `  const v${i} = object[${name}];
  if (typeof v${i} === "number") into.number(v${i});
  else if (typeof v${i} === "string") text(v${i}, into);
  else write(v${i}, into, depth + 1, s${i});`;

const decodeField = (i: number): string => `  let v${i};
  first = bytes[at++];
  if (first < ${SHORT}) v${i} = first;
  else if (first < ${OBJECT}) { v${i} = shortText(bytes, at, first - ${SHORT}); at += first - ${SHORT}; }
  else if (first < ${UNDEFINED} && first >= ${OBJECT_END}) { from.at = at; v${i} = from.numberAfter(first); at = from.at; }
  else { from.at = at; v${i} = read(first, from, depth + 1); at = from.at; }`;

/** A literal's "__proto__": would set the prototype; a computed name makes a field. */
const literalName = (name: string): string => (name === "__proto__" ? '["__proto__"]' : JSON.stringify(name));
