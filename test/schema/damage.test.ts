/**
 * Bytes that no encoder wrote: cut short, with flipped bits, random. A decoder throws STATE_DAMAGED or gives some value
 * that lies within the reader's end; it does not hang, and it does not read the next row.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { ByteReader } from "../../src/schema/bytes.ts";
import type { Codec } from "../../src/schema/codec.ts";
import { codecOf } from "../../src/schema/declared.ts";
import { t } from "../../src/schema/index.ts";
import { Shapes } from "../../src/schema/shapes.ts";
import { structural } from "../../src/schema/structural.ts";
import { propertyOptions } from "../connector/seed.ts";
import { anyNumber, anyString, ENOUGH, encoded, plainData, roundTrip } from "./round-trip.ts";

const schema = t.object({
  id: t.string,
  n: t.number,
  kind: t.enum("a", "b"),
  big: t.bigint,
  at: t.optional(t.date),
  list: t.array(t.object({ x: t.nullable(t.number), none: t.object({}) })),
  map: t.map(t.string, t.bytes),
  rest: t.record(t.set(t.boolean)),
  any: t.any,
});
const row = fc.record(
  {
    id: anyString,
    n: anyNumber,
    kind: fc.constantFrom("a", "b"),
    big: fc.bigInt(),
    at: fc.date(),
    list: fc.array(fc.record({ x: fc.option(anyNumber), none: fc.constant({}) })),
    map: fc.array(fc.tuple(anyString, fc.uint8Array())).map((all) => new Map(all)),
    rest: fc.dictionary(
      anyString,
      fc.array(fc.boolean()).map((all) => new Set(all)),
    ),
    any: plainData,
  },
  { requiredKeys: ["id", "n", "kind", "big", "list", "map", "rest", "any"] },
);

/** A codec that has its generated code for the value, and its bytes. */
const kinds: Record<string, (generate: boolean) => { codec: Codec<any>; values: fc.Arbitrary<unknown> }> = {
  structural: (generate) => ({ codec: structural(new Shapes(), { generate }), values: plainData }),
  declared: (generate) => ({ codec: codecOf(schema, new Shapes(), { generate }), values: row }),
};

/** Decodes what may be damaged. Whether it was taken for a value. */
function accepted(codec: Codec<unknown>, reader: ByteReader): boolean {
  try {
    codec.decode(reader);
  } catch (error) {
    assert.equal((error as { code?: unknown }).code, "STATE_DAMAGED", String(error));
    return false;
  }
  assert.ok(reader.at <= reader.end, "read beyond the end");
  return true;
}

for (const [kind, make] of Object.entries(kinds)) {
  for (const generate of [true, false]) {
    const { codec, values } = make(generate);
    const bytesOf = (value: unknown): Buffer => {
      for (let i = 0; i < ENOUGH && generate; i++) roundTrip(codec, value);
      return encoded(codec, value);
    };

    describe(`a damaged ${kind} value, ${generate ? "generated code" : "closures"}`, () => {
      test("that is cut short is an error wherever the cut is", () => {
        fc.assert(
          fc.property(values, (value) => {
            const bytes = bytesOf(value);
            const step = Math.ceil(bytes.length / 200);
            for (let end = 0; end < bytes.length; end += step) {
              assert.ok(!accepted(codec, new ByteReader(bytes.subarray(0, end))));
              // The next row follows, and must not be read.
              assert.ok(!accepted(codec, new ByteReader(Buffer.concat([bytes, bytes]), 0, end)));
            }
          }),
          propertyOptions(60),
        );
      });

      test("with flipped bits is an error, or some value within its bytes", () => {
        fc.assert(
          fc.property(
            values,
            fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 }),
            (value, flips) => {
              const bytes = bytesOf(value);
              for (const [at, bits] of flips) bytes[at % bytes.length] ^= bits;
              accepted(codec, new ByteReader(Buffer.concat([bytes, bytes]), 0, bytes.length));
            },
          ),
          propertyOptions(300),
        );
      });

      test("of random bytes is an error, or some value within them", () => {
        fc.assert(
          fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
            accepted(codec, new ByteReader(bytes));
          }),
          propertyOptions(300),
        );
      });
    });
  }
}

test("a damaged value whose last field lies beyond its end is an error", () => {
  for (const value of [{ a: 5 }, { a: "text" }, { a: 1.5 }, { a: { b: 5 } }]) {
    const codec = structural(new Shapes());
    for (let i = 0; i < ENOUGH; i++) roundTrip(codec, value);
    const bytes = encoded(codec, value);
    const two = Buffer.concat([bytes, bytes]);
    assert.ok(accepted(codec, new ByteReader(two, 0, bytes.length)));
    assert.ok(!accepted(codec, new ByteReader(two, 0, bytes.length - 1)));
  }
});

test("a choice that a schema does not have is an error", () => {
  for (const generate of [true, false]) {
    for (const schema of [t.boolean, t.enum("a", "b"), t.nullable(t.number), t.array(t.optional(t.number))]) {
      const codec = codecOf(schema, new Shapes(), { generate });
      assert.ok(!accepted(codec, new ByteReader(Buffer.from([3, 3, 1, 1, 1, 1]))), codec.shape);
    }
    const codec = codecOf(t.object({ a: t.optional(t.number) }), new Shapes(), { generate });
    assert.ok(!accepted(codec, new ByteReader(Buffer.from([3, 1]))));
  }
});

describe("damage that promises much", () => {
  const codec = structural(new Shapes());
  const anyOf = codecOf(t.array(t.object({})), new Shapes());
  /** First byte of an array, a map, a set, an object with its names; then a length of 2^40. */
  for (const first of [0xed, 0xf0, 0xf1, 0xef]) {
    test(`makes no room for it: ${first.toString(16)}`, () => {
      assert.ok(
        !accepted(codec, new ByteReader(Buffer.from([first, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20, 1, 1]))),
      );
    });
  }

  test("makes no room for it in a declared array of empty objects", () => {
    assert.ok(!accepted(anyOf, new ByteReader(Buffer.from([0x80, 0x80, 0x80, 0x80, 0x80, 0x20, 0, 0]))));
  });

  test("does not run out of stack where it is nested without end", () => {
    const endless = Buffer.alloc(2_000_000);
    for (let i = 0; i < endless.length; i += 2) endless.set([0xed, 1], i);
    assert.ok(!accepted(codec, new ByteReader(endless)));
    const inside = structural(new Shapes());
    for (let i = 0; i < ENOUGH; i++) roundTrip(inside, { a: {} });
    assert.ok(!accepted(inside, new ByteReader(Buffer.alloc(2_000_000, 0xc0))));
  });
});
