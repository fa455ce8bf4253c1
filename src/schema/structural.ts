/**
 * The structural codec: plain data of any kind, described by itself.
 *
 * Holds what structuredClone copies of plain data, exactly: undefined, null, booleans, numbers, bigints, texts, Dates,
 * regular expressions, typed arrays and ArrayBuffers (and Buffers, which stay Buffers), arrays, objects, Maps, Sets.
 * As there, symbol keys and what is not enumerable are left out; an object without prototype gets the usual one; a
 * regular expression begins anew. Other than there, holes of an array become undefined, its extra fields are left
 * out, and two references to one object become two objects. Everything else is refused.
 *
 * Cost: an object's names are compared with those of the shape that stood at its place last, and its fields are
 * written by code made for that shape (shape-code.ts). `npm run bench -- state codec` compares it with JSON.
 */
import type { Codec } from "./codec.ts";
import { guarded } from "./guarded.ts";
import { unkept } from "./refusal.ts";
import { type ReadAny, type ShapeCode, Site, shapeCode, type WriteAny } from "./shape-code.ts";
import type { Shapes } from "./shapes.ts";
import { structuralReader } from "./structural-read.ts";
import { structuralWriter, writeText } from "./structural-write.ts";

export interface CodecOptions {
  /** Whether code may be generated. Default true; where the process does not allow it, it is not. */
  readonly generate?: boolean;
}

/** @param shapes where the shapes of objects are; grows with what is encoded */
export function structural(shapes: Shapes, { generate = true }: CodecOptions = {}): Codec<unknown> {
  const { write, read } = structuralParts(shapes, generate);
  const site = new Site();
  return guarded({
    shape: "structural",
    write: (value, into) => write(value, into, 0, site),
    read: (from) => read(from.u8(), from, 0),
    problemOf: (value) => unkept(value),
  });
}

export interface StructuralParts {
  readonly write: WriteAny;
  readonly read: ReadAny;
}

/** Without the guard: for codecs that have values of any kind inside. */
export function structuralParts(shapes: Shapes, generate: boolean): StructuralParts {
  const codes: ShapeCode[] = [];
  const codeOf = (id: number): ShapeCode | undefined => {
    if (codes[id] !== undefined) return codes[id];
    const names = shapes.names(id);
    if (names === undefined) return undefined;
    return (codes[id] = shapeCode({ id, names, write, text: writeText, read }, generate));
  };
  const write = structuralWriter((names) => {
    const id = shapes.idOf(names);
    return id < 0 ? undefined : codeOf(id);
  });
  const read = structuralReader(codeOf);
  return { write, read };
}
