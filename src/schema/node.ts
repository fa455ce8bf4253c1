/** A declared schema as a tree: what `t` builds, and what codecs and checks are made from. */
export type Literal = string | number | boolean | null;

export type Node =
  | { readonly kind: "string" | "number" | "boolean" | "bigint" | "date" | "bytes" | "any" }
  | { readonly kind: "literal"; readonly values: readonly Literal[] }
  | { readonly kind: "nullable" | "optional" | "array" | "set" | "record"; readonly of: Node }
  | { readonly kind: "map"; readonly key: Node; readonly of: Node }
  | { readonly kind: "object"; readonly fields: readonly Field[] };

export interface Field {
  readonly name: string;
  readonly node: Node;
}

/** The tree as text. Values of equal texts have the same bytes. */
export function shapeText(node: Node): string {
  switch (node.kind) {
    case "literal":
      return `literal(${node.values.map((value) => JSON.stringify(value)).join(",")})`;
    case "nullable":
    case "optional":
    case "array":
    case "set":
    case "record":
      return `${node.kind}<${shapeText(node.of)}>`;
    case "map":
      return `map<${shapeText(node.key)},${shapeText(node.of)}>`;
    case "object": {
      const fields = node.fields.map((field) => `${nameText(field.name)}:${shapeText(field.node)}`);
      return `object{${fields.join(",")}}`;
    }
    default:
      return node.kind;
  }
}

const nameText = (name: string): string => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name));
