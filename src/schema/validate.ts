/** Where a value does not fit its declared schema. Slow, thorough, and asked only after a quick check failed. */
import { preview } from "../core/errors.ts";
import type { Node } from "./node.ts";
import type { Step } from "./path.ts";
import { isPlain, isPlainArray, MAX_ELEMENTS } from "./plain.ts";
import {
  className,
  ELEMENT_STEP,
  KEY_STEP,
  type Problem,
  problemText,
  unkept,
  valueStep,
} from "./refusal.ts";
import type { StandardIssue } from "./standard.ts";

export const standardIssue = (problem: Problem): StandardIssue => ({
  message: problemText(problem),
  path: problem.path,
});

/** All of them, in the order in which they are met. */
export function problemsIn(node: Node, value: unknown): Problem[] {
  const problems: Problem[] = [];
  collect(node, value, [], problems);
  return problems;
}

function collect(node: Node, value: any, path: readonly Step[], problems: Problem[]): void {
  const inside = (part: Node, of: unknown, step: Step): void => collect(part, of, [...path, step], problems);
  const wanted = wantedInstead(node, value);
  if (wanted !== undefined) {
    problems.push({ path, what: `is ${valueText(value)}, not ${wanted}` });
    return;
  }
  switch (node.kind) {
    case "any": {
      const problem = unkept(value, path);
      if (problem !== undefined) problems.push(problem);
      break;
    }
    case "nullable":
      if (value !== null) collect(node.of, value, path, problems);
      break;
    case "optional":
      if (value !== undefined) collect(node.of, value, path, problems);
      break;
    case "array":
      // By index: holes count.
      for (let i = 0; i < value.length; i++) inside(node.of, value[i], i);
      break;
    case "set":
      for (const element of value) inside(node.of, element, ELEMENT_STEP);
      break;
    case "map":
      for (const [key, element] of value) {
        inside(node.key, key, KEY_STEP);
        inside(node.of, element, valueStep(key));
      }
      break;
    case "record":
      for (const [name, field] of Object.entries(value)) inside(node.of, field, name);
      break;
    case "object":
      for (const { name, node: field } of node.fields) {
        if (Object.hasOwn(value, name)) inside(field, value[name], name);
        else if (field.kind !== "optional") problems.push({ path: [...path, name], what: "is missing" });
      }
      for (const name of Object.keys(value)) {
        if (node.fields.some((field) => field.name === name)) continue;
        problems.push({ path: [...path, name], what: "is no field of the schema" });
      }
  }
}

/** What the schema wants where the value is of another kind; undefined where the kind is right. */
function wantedInstead(node: Node, value: unknown): string | undefined {
  switch (node.kind) {
    case "string":
    case "number":
    case "boolean":
    case "bigint":
      return typeof value === node.kind ? undefined : `a ${node.kind}`;
    case "date":
      return isInstance(value, Date) ? undefined : "a Date";
    case "bytes":
      return isInstance(value, Uint8Array) || isInstance(value, Buffer) ? undefined : "a Uint8Array";
    case "literal":
      return node.values.includes(value as never)
        ? undefined
        : node.values.map((one) => JSON.stringify(one)).join(" or ");
    case "array":
      if (!Array.isArray(value) || !isPlainArray(value)) return "an array";
      return value.length > MAX_ELEMENTS ? `an array of at most ${MAX_ELEMENTS} elements` : undefined;
    case "set":
      return isInstance(value, Set) ? undefined : "a Set";
    case "map":
      return isInstance(value, Map) ? undefined : "a Map";
    case "record":
    case "object":
      return isPlainObject(value) ? undefined : "a plain object";
    default:
      return undefined;
  }
}

/** Not of a subclass, which would come back as less than it was. */
function isInstance(value: unknown, Class: { readonly prototype: object }): boolean {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Class.prototype;
}

const isPlainObject = (value: unknown): boolean =>
  typeof value === "object" && value !== null && isPlain(value);

function valueText(value: unknown): string {
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return preview(value, 40);
  if (Array.isArray(value) && isPlainArray(value)) return "an array";
  return isPlain(value) ? "an object" : `an instance of ${className(value)}`;
}
