/** Rows out of columns, by a function made for exactly these columns. */
import type { Column } from "./row-group.ts";

/** Puts rows `from ... from + count - 1` into `into` from `at` on. */
export type RowBuilder = (
  columns: readonly Column[],
  from: number,
  count: number,
  into: unknown[],
  at: number,
) => void;

/**
 * A builder whose rows all have one shape. It is generated code because an object literal with fixed names makes a
 * row several times faster than assigning to names that are known only at run time. Names are written as JSON
 * strings, so no name can be code.
 */
export function rowBuilder(names: readonly string[]): RowBuilder {
  // A literal's "__proto__": would set the prototype; a computed name makes a field.
  const fieldName = (name: string) => (name === "__proto__" ? '["__proto__"]' : JSON.stringify(name));
  const fields = names.map((name, i) => `${fieldName(name)}: c${i}[i]`);
  const source = [
    '"use strict";',
    ...names.map((_, i) => `const c${i} = columns[${i}];`),
    "for (let i = from, end = from + count; i < end; i++) {",
    `  into[at++] = { ${fields.join(", ")} };`,
    "}",
  ].join("\n");
  try {
    return new Function("columns", "from", "count", "into", "at", source) as RowBuilder;
  } catch {
    return assigningBuilder(names); // --disallow-code-generation-from-strings
  }
}

/** The same without generated code. */
function assigningBuilder(names: readonly string[]): RowBuilder {
  return (columns, from, count, into, at) => {
    for (let i = from; i < from + count; i++) {
      into[at++] = Object.fromEntries(names.map((name, column) => [name, columns[column]![i]]));
    }
  };
}
