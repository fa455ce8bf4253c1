/**
 * The codec of any schema: one made by `t`, or of another library.
 *
 * A schema made by `t` is compiled: its rows hold no names and no types, so they can be read by that schema only, and
 * its shape spells it out. Of another library's schema nothing is known but its check: the value is checked when it is
 * encoded, and written, as it was given, by the structural codec.
 */
import { MillraceError } from "../core/errors.ts";
import type { Codec } from "./codec.ts";
import { type Read, readerOf, type Write, writerOf } from "./declared-closures.ts";
import { generate as generated } from "./declared-text.ts";
import { guarded } from "./guarded.ts";
import { type Node, shapeText } from "./node.ts";
import { pathText } from "./path.ts";
import type { Schema } from "./schema.ts";
import type { Shapes } from "./shapes.ts";
import type { Infer, StandardSchema } from "./standard.ts";
import { type CodecOptions, type StructuralParts, structural, structuralParts } from "./structural.ts";
import { problemsIn } from "./validate.ts";

/**
 * @param schema made by `t`, or any Standard Schema that checks synchronously
 * @param shapes for the parts that are written structurally
 */
export function codecOf<S extends StandardSchema>(
  schema: S,
  shapes: Shapes,
  options: CodecOptions = {},
): Codec<Infer<S>> {
  if (!isOurs(schema)) return checked(schema, structural(shapes, options));
  const { node } = schema;
  const { generate = true } = options;
  const { write, read } = compiled(node, structuralParts(shapes, generate), generate);
  return guarded({ shape: shapeText(node), write, read, problemOf: (value) => problemsIn(node, value)[0] });
}

const isOurs = (schema: StandardSchema): schema is Schema<unknown> =>
  schema["~standard"].vendor === "millrace" && "node" in schema;

function compiled(node: Node, any: StructuralParts, generate: boolean): { write: Write; read: Read } {
  if (generate) {
    try {
      return generated(node, any);
    } catch {
      // --disallow-code-generation-from-strings
    }
  }
  return { write: writerOf(node, any), read: readerOf(node, any) };
}

function checked(schema: StandardSchema, codec: Codec<unknown>): Codec<any> {
  const { validate, vendor } = schema["~standard"];
  return {
    shape: codec.shape,
    encode(value, into) {
      const result = validate(value);
      if (result instanceof Promise) {
        throw new MillraceError(
          "STATE_VALUE_REFUSED",
          `the ${vendor} schema checks asynchronously, and state is written synchronously`,
        );
      }
      if (result.issues !== undefined) {
        const { message, path = [] } = result.issues[0];
        throw new MillraceError("STATE_VALUE_REFUSED", `${pathText(path)}: ${message}`);
      }
      codec.encode(value, into);
    },
    decode: (from) => codec.decode(from),
  };
}
