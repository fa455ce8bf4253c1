/**
 * The codec of a declared schema as generated code: one function each way, with every object inside written out.
 *
 * Names of fields stand in it as JSON strings; values and functions are bound parameters. Nodes that gain nothing from
 * being written out are closures (declared-closures.ts), which also says what the bytes are.
 */
import {
  ABSENT,
  checkArray,
  checkObject,
  countOf,
  newArray,
  NOT_NULL,
  NULL,
  oneOf,
  PRESENT,
  PRESENT_UNDEFINED,
  type Read,
  readerOf,
  type Write,
  writerOf,
} from "./declared-closures.ts";
import type { Field, Node } from "./node.ts";
import { setField } from "./plain.ts";
import { REFUSED } from "./refusal.ts";
import type { StructuralParts } from "./structural.ts";

interface Context {
  readonly any: StructuralParts;
  /** Takes a value and returns the name by which the text has it. */
  readonly bind: (value: unknown) => string;
  /** A name that is not in use. */
  readonly fresh: () => string;
}

export function generate(node: Node, any: StructuralParts): { readonly write: Write; readonly read: Read } {
  const bound: unknown[] = [];
  let names = 0;
  const context: Context = {
    any,
    bind: (value) => `$${bound.push(value) - 1}`,
    fresh: () => `v${names++}`,
  };
  const encode = encodeText(node, "value", context);
  const result = context.fresh();
  const decode = decodeText(node, result, context);
  const constants = bound.map((_, i) => `$${i}`).join(", ");
  const source = `"use strict";
const [REFUSED, checkArray, checkObject, countOf, newArray, oneOf, setField] = shared;
const [${constants}] = $;
function write(value, into) {
${encode}}
function read(from) {
${decode}return ${result};
}
return { write, read };`;
  const shared = [REFUSED, checkArray, checkObject, countOf, newArray, oneOf, setField];
  return new Function("shared", "$", source)(shared, bound);
}

/** Statements that write the value in the variable `value`. */
function encodeText(node: Node, value: string, context: Context): string {
  const { bind, fresh, any } = context;
  switch (node.kind) {
    case "string":
    case "number":
      return `if (typeof ${value} !== "${node.kind}") throw REFUSED;\ninto.${node.kind}(${value});\n`;
    case "boolean":
      return `if (typeof ${value} !== "boolean") throw REFUSED;\ninto.u8(${value} ? 1 : 0);\n`;
    case "nullable":
      return `if (${value} === null) into.u8(${NULL});
else {
into.u8(${NOT_NULL});
${encodeText(node.of, value, context)}}
`;
    case "optional":
      return `if (${value} === undefined) into.u8(${PRESENT_UNDEFINED});
else {
into.u8(${PRESENT});
${encodeText(node.of, value, context)}}
`;
    case "array": {
      const [i, element] = [fresh(), fresh()];
      return `checkArray(${value});
into.varint(${value}.length);
for (let ${i} = 0; ${i} < ${value}.length; ${i}++) {
const ${element} = ${value}[${i}];
${encodeText(node.of, element, context)}}
`;
    }
    case "object":
      return objectEncodeText(node.fields, value, context);
    default:
      return `${bind(writerOf(node, any))}(${value}, into);\n`;
  }
}

function objectEncodeText(fields: readonly Field[], object: string, context: Context): string {
  const present = context.fresh();
  const parts = fields.map(({ name, node }) => {
    const [literal, field] = [JSON.stringify(name), context.fresh()];
    const own = `Object.hasOwn(${object}, ${literal})`;
    // A load tells own fields from missing ones, unless undefined may be there or every object inherits the name.
    const missing = name in Object.prototype ? `!${own}` : `${field} === undefined && !${own}`;
    const load = `const ${field} = ${object}[${literal}];\n`;
    const encode = encodeText(node, field, context);
    if (node.kind === "optional") {
      return `${load}if (${missing}) { into.u8(${ABSENT}); ${present} -= 1; }\nelse {\n${encode}}\n`;
    }
    const check = name in Object.prototype || takesUndefined(node) ? `if (${missing}) throw REFUSED;\n` : "";
    return `${load}${check}${encode}`;
  });
  return `checkObject(${object});
let ${present} = ${fields.length};
${parts.join("")}if (Object.keys(${object}).length !== ${present}) throw REFUSED;
${fields.length === 0 ? "into.u8(0);\n" : ""}`;
}

const takesUndefined = (node: Node): boolean =>
  node.kind === "any" || node.kind === "optional" || (node.kind === "nullable" && takesUndefined(node.of));

/** Statements that declare the variable `value` and read it. */
function decodeText(node: Node, value: string, context: Context): string {
  const { bind, fresh, any } = context;
  switch (node.kind) {
    case "string":
    case "number":
      return `const ${value} = from.${node.kind}();\n`;
    case "boolean":
      return `const ${value} = oneOf(2, from.u8(), from) === 1;\n`;
    case "nullable":
    case "optional": {
      const inner = fresh();
      const [choices, there, other] =
        node.kind === "nullable" ? [2, NOT_NULL, "null"] : [3, PRESENT, "undefined"];
      return `let ${value} = ${other};
if (oneOf(${choices}, from.u8(), from) === ${there}) {
${decodeText(node.of, inner, context)}${value} = ${inner};
}
`;
    }
    case "array": {
      const [i, element] = [fresh(), fresh()];
      return `const ${value} = newArray(countOf(from));
for (let ${i} = 0; ${i} < ${value}.length; ${i}++) {
${decodeText(node.of, element, context)}${value}[${i}] = ${element};
}
`;
    }
    case "object":
      return objectDecodeText(node.fields, value, context);
    default:
      return `const ${value} = ${bind(readerOf(node, any))}(from);\n`;
  }
}

/** A literal of the fields that are always there, up to the first that may be absent; the others are added to it. */
function objectDecodeText(fields: readonly Field[], object: string, context: Context): string {
  const firstOptional = fields.findIndex(({ node }) => node.kind === "optional");
  const literal = firstOptional < 0 ? fields : fields.slice(0, firstOptional);
  const parts: string[] = [];
  const members = literal.map(({ name, node }) => {
    const field = context.fresh();
    parts.push(decodeText(node, field, context));
    return `${name === "__proto__" ? '["__proto__"]' : JSON.stringify(name)}: ${field}`;
  });
  parts.push(`const ${object} = { ${members.join(", ")} };\n`);
  for (const { name, node } of fields.slice(literal.length)) {
    const [state, field] = [context.fresh(), context.fresh()];
    const set = (value: string): string => `setField(${object}, ${JSON.stringify(name)}, ${value});\n`;
    if (node.kind !== "optional") {
      parts.push(decodeText(node, field, context), set(field));
      continue;
    }
    parts.push(`const ${state} = oneOf(3, from.u8(), from);
if (${state} === ${PRESENT}) {
${decodeText(node.of, field, context)}${set(field)}} else if (${state} === ${PRESENT_UNDEFINED}) ${set("undefined")}`);
  }
  return `${parts.join("")}${fields.length === 0 ? "from.u8();\n" : ""}`;
}
