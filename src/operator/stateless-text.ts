/**
 * The stateless operators as statements of a stage's function.
 *
 * User functions are bound parameters: no name and no literal of the user's is in the text. A *step* (map, filter,
 * peek) passes on at most one record; the stage compiler puts a run of them into one `try`. A *split* (flatMap,
 * branch) is where one record becomes several, and failures must leave the others alone.
 */
import { GIVEN, GIVEN_ON, itemsOf, LEFT_OUT, type Stateless } from "./stateless.ts";

export interface TextContext {
  /** The variable that holds the record. */
  readonly value: string;
  /** Where the operator's counters begin. */
  readonly base: number;
  /** The label of the block that is left when the record is. */
  readonly label: string;
  /** Binds a value and returns the name by which the text has it. */
  bind(value: unknown): string;
}

export type Step = Extract<Stateless, { readonly kind: "map" | "filter" | "peek" }>;
export type Split = Extract<Stateless, { readonly kind: "flatMap" | "branch" }>;

export const isStep = (node: Stateless): node is Step =>
  node.kind === "map" || node.kind === "filter" || node.kind === "peek";

/** @param result the variable for the record that a map makes */
export function stepText(node: Step, result: string, { value, base, label, bind }: TextContext): string {
  switch (node.kind) {
    case "map":
      return `${result} = ${bind(node.fn)}(${value});`;
    case "filter":
      return `if (!${bind(node.fn)}(${value}${node.timed ? ", timestamp" : ""})) { counts[${base + LEFT_OUT}] += 1; break ${label}; }`;
    case "peek":
      return `${bind(node.fn)}(${value});`;
  }
}

/**
 * @param index of the operator in its stage
 * @param next the statements of an output port for the record in a variable
 */
export function splitText(
  node: Split,
  index: number,
  { value, base, label, bind }: TextContext,
  next: (port: number, value: string) => string,
): string {
  const guard = (statements: string): string =>
    `try { ${statements} } catch (e) { fail(${index}, e, ${value}); break ${label}; }`;
  if (node.kind === "flatMap") {
    const take = `g${index} = ${bind(node.fn)}(${value}); if (!Array.isArray(g${index})) g${index} = ${bind(itemsOf)}(g${index});`;
    return `let g${index}; ${guard(take)}
counts[${base + GIVEN}] += g${index}.length;
for (let i = 0; i < g${index}.length; i++) { const v${index} = g${index}[i];
${next(0, `v${index}`)} }`;
  }
  const tests = node.branches
    .map(({ predicate }, port) =>
      predicate === undefined ? `p = ${port};` : `if (${bind(predicate)}(${value})) p = ${port};`,
    )
    .join(" else ");
  const cases = node.branches
    .map((_, port) => `case ${port}: { counts[${base + GIVEN_ON + port}] += 1; ${next(port, value)} break; }`)
    .join("\n");
  return `let p = -1; ${guard(tests)}
switch (p) { ${cases}
default: counts[${base + LEFT_OUT}] += 1; }`;
}
