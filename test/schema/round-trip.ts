/** To bytes and back, and the values for it. */
import fc from "fast-check";
import { ByteReader, ByteWriter } from "../../src/schema/bytes.ts";
import type { Codec } from "../../src/schema/codec.ts";

const writer = new ByteWriter();

export function encoded<T>(codec: Codec<T>, value: T): Buffer {
  writer.reset();
  codec.encode(value, writer);
  return writer.take();
}

/** The value, which has to take all bytes. */
export function decoded<T>(codec: Codec<T>, bytes: Uint8Array): T {
  const reader = new ByteReader(bytes);
  const value = codec.decode(reader);
  if (reader.at !== bytes.length) throw new Error(`${bytes.length - reader.at} bytes were not read`);
  return value;
}

export const roundTrip = <T>(codec: Codec<T>, value: T): T => decoded(codec, encoded(codec, value));

/** Often enough that code is generated for the shapes of the value. */
export const ENOUGH = 40;

/** Code units of every kind, lone surrogates among them. */
export const anyString: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: "grapheme-ascii" }),
  fc.string({ unit: "binary" }),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
  fc
    .tuple(fc.constantFrom("a", "ä", "Ł", "€", "😀", "\ud800"), fc.integer({ min: 20, max: 300 }))
    .map(([s, n]) => s.repeat(n)),
);

const OFFSETS = [0, 1, 0x7f, 0x80, 0xff, 0x8000, 0x7fff, 2 ** 31, 2 ** 32, 2 ** 47, 2 ** 53];

export const anyNumber: fc.Arbitrary<number> = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc
    .tuple(fc.constantFrom(...OFFSETS), fc.integer({ min: -2, max: 2 }), fc.constantFrom(1, -1))
    .map(([offset, step, sign]) => sign * (offset + step)),
  fc.constantFrom(-0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5e-324, 1e300),
);

const fieldName = fc.oneof(
  anyString,
  fc.constantFrom(
    "a",
    "b",
    "c",
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "0",
    "12",
    '"]; throw 1; //',
  ),
);

const leaf: fc.Arbitrary<unknown> = fc.oneof(
  anyString,
  anyNumber,
  fc.boolean(),
  fc.constantFrom(undefined, null, [], {}, new Map(), new Set()),
  fc.bigInt(),
  fc.constantFrom(2n ** 63n, 2n ** 64n - 1n, -(2n ** 63n) - 1n, -(2n ** 63n)),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.date({ noInvalidDate: false }),
  fc.constantFrom(/a+/gi, /[/\n]/, /(?:)/),
  fc.uint8Array(),
  fc.oneof(fc.float64Array(), fc.int16Array(), fc.bigInt64Array(), fc.uint8ClampedArray(), fc.float32Array()),
  fc.uint8Array().map((bytes) => bytes.slice().buffer),
  fc.uint8Array().map((bytes) => new DataView(bytes.slice().buffer, bytes.length >> 1)),
);

/** Plain data of any kind: what structuredClone copies and no class made. */
export const plainData: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => {
  const value = tie("value");
  return {
    value: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      { weight: 3, arbitrary: leaf },
      { weight: 1, arbitrary: fc.array(value, { maxLength: 6 }) },
      { weight: 3, arbitrary: fc.dictionary(fieldName, value, { maxKeys: 8 }) },
      { weight: 1, arbitrary: fc.array(fc.tuple(value, value), { maxLength: 4 }).map((all) => new Map(all)) },
      { weight: 1, arbitrary: fc.array(value, { maxLength: 4 }).map((all) => new Set(all)) },
    ),
  };
}).value;
