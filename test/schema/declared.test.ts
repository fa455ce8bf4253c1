/**
 * Declared schemas and their codecs.
 *
 * What each kind of test catches: a value that comes back as another, or is accepted though it does not fit (random
 * schemas with values that fit and values that don't, judged by a plain model), two ways that differ (closures against
 * generated code), bytes that changed under an unchanged shape (literal bytes), types that don't follow the schema.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { ByteWriter } from "../../src/schema/bytes.ts";
import type { Codec } from "../../src/schema/codec.ts";
import { codecOf } from "../../src/schema/declared.ts";
import { type Infer, type Schema, type StandardSchema, t } from "../../src/schema/index.ts";
import { Shapes } from "../../src/schema/shapes.ts";
import { propertyOptions } from "../connector/seed.ts";
import { anyNumber, anyString, decoded, encoded, plainData, roundTrip } from "./round-trip.ts";

/** Both ways to work: generated code and closures. */
const both = <S extends StandardSchema>(schema: S): Codec<Infer<S>>[] =>
  [true, false].map((generate) => codecOf(schema, new Shapes(), { generate }));

const cart = t.object({
  user: t.string,
  total: t.number,
  tags: t.array(t.string),
  at: t.optional(t.number),
  items: t.array(t.object({ sku: t.string, price: t.nullable(t.number) })),
});

// --- random schemas, each with the values that fit it ---

interface Case {
  readonly schema: Schema<any>;
  readonly value: fc.Arbitrary<unknown>;
}

const NAMES = [
  "a",
  "b",
  "__proto__",
  "constructor",
  "toString",
  "0",
  'x"]; throw 1; //',
  "$0",
  "v1",
  "\u2028",
];

const leafCase: fc.Arbitrary<Case> = fc.constantFrom<Case>(
  { schema: t.string, value: anyString },
  { schema: t.number, value: anyNumber },
  { schema: t.boolean, value: fc.boolean() },
  { schema: t.bigint, value: fc.oneof(fc.bigInt(), fc.bigInt({ min: -5n, max: 5n })) },
  { schema: t.date, value: fc.date({ noInvalidDate: false }) },
  { schema: t.bytes, value: fc.uint8Array() },
  { schema: t.enum("open", 3, null, true), value: fc.constantFrom("open", 3, null, true) },
  { schema: t.any, value: plainData.map((value) => structuredClone(value)) },
);

const anyCase: fc.Arbitrary<Case> = fc.letrec<{ case: Case }>((tie) => {
  const inner = tie("case");
  const objectCase = fc
    .uniqueArray(fc.tuple(fc.constantFrom(...NAMES), inner, fc.boolean()), {
      selector: ([name]) => name,
      maxLength: 5,
    })
    .map((fields): Case => {
      const schemas = fields.map(([name, { schema }, optional]) => [
        name,
        optional ? t.optional(schema) : schema,
      ]);
      const value = fc
        .tuple(
          ...fields.map(([, field, optional]) =>
            optional ? fc.option(fc.option(field.value, { nil: undefined }), { nil: ABSENT }) : field.value,
          ),
        )
        .map((values) =>
          Object.fromEntries(values.flatMap((one, i) => (one === ABSENT ? [] : [[fields[i][0], one]]))),
        );
      return { schema: t.object(Object.fromEntries(schemas)), value };
    });
  return {
    case: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      { weight: 3, arbitrary: leafCase },
      { weight: 3, arbitrary: objectCase },
      {
        weight: 1,
        arbitrary: inner.map(({ schema, value }) => ({
          schema: t.array(schema),
          value: fc.array(value, { maxLength: 5 }),
        })),
      },
      {
        weight: 1,
        arbitrary: inner.map(({ schema, value }) => ({
          schema: t.set(schema),
          value: fc.array(value, { maxLength: 4 }).map((all) => new Set(all)),
        })),
      },
      {
        weight: 1,
        arbitrary: inner.map(({ schema, value }) => ({
          schema: t.nullable(schema),
          value: fc.option(value),
        })),
      },
      {
        weight: 1,
        arbitrary: inner.map(({ schema, value }) => ({
          schema: t.optional(schema),
          value: fc.option(value, { nil: undefined }),
        })),
      },
      {
        weight: 1,
        arbitrary: inner.map(({ schema, value }) => ({
          schema: t.record(schema),
          value: fc.dictionary(fc.oneof(fc.constantFrom(...NAMES), anyString), value, { maxKeys: 4 }),
        })),
      },
      {
        weight: 1,
        arbitrary: fc.tuple(inner, inner).map(([key, { schema, value }]) => ({
          schema: t.map(key.schema, schema),
          value: fc.array(fc.tuple(key.value, value), { maxLength: 4 }).map((all) => new Map(all)),
        })),
      },
    ),
  };
}).case;
const ABSENT = Symbol("absent");

/** fast-check makes objects without prototype, and they come back with the usual one. */
const usual = (value: unknown): unknown => structuredClone(value);

describe("a declared schema", () => {
  test("keeps every value that fits it, with generated code and without, in the same bytes", () => {
    fc.assert(
      fc.property(
        anyCase.chain(({ schema, value }) =>
          fc.tuple(fc.constant(schema), fc.array(value, { minLength: 1, maxLength: 5 })),
        ),
        ([schema, values]) => {
          const [generated, closures] = both(schema);
          for (const value of values.map(usual)) {
            assert.deepEqual(schema["~standard"].validate(value), { value });
            const bytes = encoded(generated, value);
            assert.deepEqual(encoded(closures, value), bytes);
            assert.deepStrictEqual(decoded(generated, bytes), value);
            assert.deepStrictEqual(decoded(closures, bytes), value);
          }
        },
      ),
      propertyOptions(300),
    );
  });

  test("refuses what does not fit, with the sentence of its check", () => {
    fc.assert(
      fc.property(
        anyCase,
        anyCase.chain(({ value }) => value),
        ({ schema }, foreign) => {
          const value = usual(foreign);
          const result = schema["~standard"].validate(value);
          assert.ok(!(result instanceof Promise));
          for (const codec of both(schema)) {
            if (result.issues === undefined) assert.deepStrictEqual(roundTrip(codec, value), value);
            else {
              const writer = new ByteWriter();
              assert.throws(() => codec.encode(value, writer), {
                code: "STATE_VALUE_REFUSED",
                message: new RegExp(`^${RegExp.escape(result.issues[0].message)} \\[`),
              });
              assert.equal(writer.at, 0);
            }
          }
        },
      ),
      propertyOptions(300),
    );
  });

  const good = { user: "u", total: 1, tags: [], items: [] };
  const cases: [string, unknown, string][] = [
    ["a number for a text", { ...good, user: 1 }, "user is 1, not a string"],
    ["a text in an array", { ...good, tags: ["a", null] }, "tags[1] is null, not a string"],
    ["a hole", { ...good, tags: new Array(1) }, "tags[0] is undefined, not a string"],
    ["a missing field", { total: 1, tags: [], items: [] }, "user is missing"],
    ["an unknown field", { ...good, note: 1 }, "note is no field of the schema"],
    [
      "an unknown field for a missing one",
      { ...good, items: undefined, at: undefined, x: [] },
      "items is undefined, not an array",
    ],
    [
      "a field deep inside",
      {
        ...good,
        items: [
          { sku: "s", price: 1 },
          { sku: "s", price: "1" },
        ],
      },
      'items[1].price is "1", not a number',
    ],
    ["an optional field of another type", { ...good, at: "1" }, 'at is "1", not a number'],
    ["null", null, "the value is null, not a plain object"],
    ["an array", [], "the value is an array, not a plain object"],
    [
      "a class instance",
      new (class Cart {
        user = "u";
        total = 1;
        tags = [];
        items = [];
      })(),
      "the value is an instance of Cart, not a plain object",
    ],
  ];
  for (const [what, value, sentence] of cases) {
    test(`refuses ${what}: ${sentence}`, () => {
      for (const codec of both(cart)) {
        assert.throws(
          () => encoded(codec, value as never),
          (error: Error) => error.message.startsWith(`${sentence} [STATE_VALUE_REFUSED]`),
        );
      }
    });
  }

  test("does not take an inherited field for one of its own", () => {
    for (const codec of both(t.object({ constructor: t.any, b: t.optional(t.any) }))) {
      assert.throws(() => encoded(codec, {} as never), /^MillraceError: constructor is missing/);
    }
    for (const codec of both(t.object({ toString: t.optional(t.any), valueOf: t.optional(t.string) }))) {
      assert.deepEqual(roundTrip(codec, {} as never), {});
    }
    for (const codec of both(t.object({ a: t.any }))) {
      assert.throws(() => encoded(codec, { b: 1 } as never), /^MillraceError: a is missing/);
    }
  });

  test("gives all problems as issues to those who use it as a Standard Schema", () => {
    const { validate, vendor, version } = cart["~standard"];
    assert.deepEqual([vendor, version], ["millrace", 1]);
    assert.deepEqual(validate({ user: 1, total: 1, tags: [2], items: [], extra: 1 }), {
      issues: [
        { message: "user is 1, not a string", path: ["user"] },
        { message: "tags[0] is 2, not a string", path: ["tags", 0] },
        { message: "extra is no field of the schema", path: ["extra"] },
      ],
    });
  });

  test("has a shape that spells it out, and these bytes", () => {
    const codec = codecOf(
      t.object({ a: t.number, "b c": t.array(t.nullable(t.enum("x", "y"))), d: t.optional(t.boolean) }),
      new Shapes(),
    );
    assert.equal(codec.shape, 'object{a:number,"b c":array<nullable<literal("x","y")>>,d:optional<boolean>}');
    assert.equal(
      encoded(codec, { a: 5, "b c": ["y", null], d: true }).toString("hex"),
      "05" + "02" + "0101" + "00" + "0201",
    );
    assert.equal(encoded(codec, { a: 300, "b c": [] }).toString("hex"), "e12c01" + "00" + "00");
    const other = codecOf(t.map(t.string, t.record(t.set(t.any))), new Shapes());
    assert.equal(other.shape, "map<string,record<set<any>>>");
    assert.equal(
      encoded(other, new Map([["k", { r: new Set(["v"]) }]])).toString("hex"),
      "01" + "046b" + "01" + "0472" + "01" + "8176",
    );
  });

  test("keeps Buffers as Buffers, and refuses other arrays as bytes", () => {
    for (const codec of both(t.bytes)) {
      assert.ok(Buffer.isBuffer(roundTrip(codec, Buffer.from("a"))));
      assert.ok(!Buffer.isBuffer(roundTrip(codec, new Uint8Array(1))));
      assert.throws(() => encoded(codec, new Int8Array(1) as never), { code: "STATE_VALUE_REFUSED" });
    }
  });

  test("refuses a literal that could not be found again", () => {
    assert.throws(() => t.enum("a", "b", "a"), { code: "OPTION_INVALID" });
    assert.throws(() => t.enum(), { code: "OPTION_INVALID" });
    assert.throws(() => t.literal(Number.NaN), { code: "OPTION_INVALID" });
  });

  test("has the type that TypeScript infers from it", () => {
    type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
    const yes = <Holds extends true>(holds?: Holds): void => void holds;
    yes<
      Same<
        Infer<typeof cart>,
        {
          user: string;
          total: number;
          tags: string[];
          items: { sku: string; price: number | null }[];
          at?: number | undefined;
        }
      >
    >();
    const other = t.map(t.enum("a", 1), t.record(t.set(t.literal(null))));
    yes<Same<Infer<typeof other>, Map<"a" | 1, Record<string, Set<null>>>>>();
    const codec: Codec<{
      user: string;
      total: number;
      tags: string[];
      items: { sku: string; price: number | null }[];
      at?: number | undefined;
    }> = codecOf(cart, new Shapes());
    assert.equal(typeof codec.encode, "function");
    // @ts-expect-error a number is no text
    assert.throws(() => encoded(codecOf(t.string, new Shapes()), 1), { code: "STATE_VALUE_REFUSED" });
  });
});

describe("a Standard Schema of another library", () => {
  type Order = { id: string; total: number };
  const order: StandardSchema<Order> = {
    "~standard": {
      version: 1,
      vendor: "other",
      validate(value) {
        const { id, total } = value as Order;
        if (typeof id !== "string") return { issues: [{ message: "Expected string" }] };
        if (total < 0) return { issues: [{ message: "Too small", path: [{ key: "lines" }, 2, "total"] }] };
        return { value: { id, total } };
      },
    },
  };

  test("checks a value, which is then kept as it was given", () => {
    const codec = codecOf(order, new Shapes());
    assert.equal(codec.shape, "structural");
    assert.deepEqual(roundTrip(codec, { id: "a", total: 1, more: new Date(0) } as Order), {
      id: "a",
      total: 1,
      more: new Date(0),
    });
    assert.throws(
      () => encoded(codec, { id: 1 } as never),
      /^MillraceError: the value: Expected string \[STATE_VALUE_REFUSED\]/,
    );
    assert.throws(
      () => encoded(codec, { id: "", total: -1 }),
      /^MillraceError: lines\[2\]\.total: Too small \[STATE_VALUE_REFUSED\]/,
    );
    assert.throws(
      () => encoded(codec, { id: "", total: 1, f() {} } as Order),
      /^MillraceError: f is a function/,
    );
  });

  test("that is a function, as some libraries have it, is one too", () => {
    const schema = Object.assign(() => {}, order);
    assert.deepEqual(roundTrip(codecOf(schema, new Shapes()), { id: "a", total: 1 }), { id: "a", total: 1 });
  });

  test("that checks asynchronously is refused with a sentence", () => {
    const schema: StandardSchema<Order> = {
      "~standard": { version: 1, vendor: "slow", validate: async (value) => ({ value: value as Order }) },
    };
    assert.throws(
      () => encoded(codecOf(schema, new Shapes()), { id: "", total: 1 }),
      /the slow schema checks asynchronously/,
    );
  });
});
