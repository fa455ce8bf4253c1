/**
 * `t`: declared schemas of state values, with their TypeScript types.
 *
 * A declared schema is checked at every encode and makes the smallest rows: names and types are not in them. Objects
 * have exactly the fields of their schema. Each schema is a Standard Schema too.
 */
import { MillraceError, preview } from "../core/errors.ts";
import type { Literal, Node } from "./node.ts";
import type { StandardProps, StandardSchema } from "./standard.ts";
import { problemsIn, standardIssue } from "./validate.ts";

/** A schema made by `t`. */
export interface Schema<T> extends StandardSchema<T> {
  readonly node: Node;
}

/** A field that may be absent, or undefined. */
export interface OptionalSchema<T> extends Schema<T | undefined> {
  readonly node: Node & { readonly kind: "optional" };
}

/** The type of the values that a schema made by `t` describes. */
type TypeOf<S> = S extends Schema<infer T> ? T : never;
type Fields = Readonly<Record<string, Schema<any>>>;
type OptionalNames<F extends Fields> = {
  [K in keyof F]: F[K] extends OptionalSchema<any> ? K : never;
}[keyof F];
type ObjectOf<F extends Fields> = {
  [K in Exclude<keyof F, OptionalNames<F>>]: TypeOf<F[K]>;
} & { [K in OptionalNames<F>]?: TypeOf<F[K]> } extends infer O
  ? { [K in keyof O]: O[K] }
  : never;

function schema<T>(node: Node): Schema<T> {
  const standard: StandardProps<T> = {
    version: 1,
    vendor: "millrace",
    validate(value) {
      const problems = problemsIn(node, value);
      return problems.length === 0 ? { value: value as T } : { issues: problems.map(standardIssue) };
    },
  };
  return { node, "~standard": standard };
}

function oneOf<V extends Literal>(values: readonly V[]): Schema<V> {
  for (const [i, value] of values.entries()) {
    if (Number.isNaN(value) || values.indexOf(value) !== i) {
      throw new MillraceError("OPTION_INVALID", `${preview(value)} can't be one of the values of a literal`);
    }
  }
  if (values.length === 0) throw new MillraceError("OPTION_INVALID", "a literal needs a value");
  return schema({ kind: "literal", values: [...values] });
}

/**
 * Builds schemas of state values.
 *
 * @example
 * const cart = t.object({ user: t.string, total: t.number, tags: t.array(t.string), at: t.optional(t.number) });
 * type Cart = Infer<typeof cart>; // { user: string; total: number; tags: string[]; at?: number }
 */
export const t = {
  string: schema<string>({ kind: "string" }),
  /** Any number: infinities, NaN and -0 too. */
  number: schema<number>({ kind: "number" }),
  boolean: schema<boolean>({ kind: "boolean" }),
  bigint: schema<bigint>({ kind: "bigint" }),
  date: schema<Date>({ kind: "date" }),
  /** A Uint8Array or a Buffer. */
  bytes: schema<Uint8Array>({ kind: "bytes" }),
  /** Plain data of any kind, written by the structural codec. */
  any: schema<any>({ kind: "any" }),

  literal: <const V extends Literal>(value: V): Schema<V> => oneOf([value]),
  /** One of some values. @example t.enum("open", "paid") @throws OPTION_INVALID when one is there twice */
  enum: <const V extends readonly Literal[]>(...values: V): Schema<V[number]> => oneOf(values),

  nullable: <T>(of: Schema<T>): Schema<T | null> => schema({ kind: "nullable", of: of.node }),
  /** Of an object's field: that it may be absent; elsewhere: that it may be undefined. */
  optional: <T>(of: Schema<T>): OptionalSchema<T> =>
    schema<T | undefined>({ kind: "optional", of: of.node }) as OptionalSchema<T>,

  array: <T>(of: Schema<T>): Schema<T[]> => schema({ kind: "array", of: of.node }),
  set: <T>(of: Schema<T>): Schema<Set<T>> => schema({ kind: "set", of: of.node }),
  map: <K, V>(key: Schema<K>, of: Schema<V>): Schema<Map<K, V>> =>
    schema({ kind: "map", key: key.node, of: of.node }),
  /** An object used as a dictionary: any names. */
  record: <T>(of: Schema<T>): Schema<Record<string, T>> => schema({ kind: "record", of: of.node }),
  /** An object of exactly these fields. It comes back with its fields in the order of the schema. */
  object: <const F extends Fields>(fields: F): Schema<ObjectOf<F>> =>
    schema({
      kind: "object",
      fields: Object.entries(fields).map(([name, { node }]) => ({ name, node })),
    }),
};
