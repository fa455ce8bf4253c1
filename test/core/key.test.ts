/**
 * Keys: tokens, encodings, key groups.
 *
 * What each kind of test catches: two keys that collide or one key in two forms (properties against a plain model of
 * equality), an encoding that changed (literal bytes: they are what state on disk will hold), a hash that is not
 * Kafka's (known vectors, through a second implementation).
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  decodeToken,
  encodeToken,
  type Key,
  KEY_GROUPS,
  keyGroupOf,
  keyOf,
  tokenOf,
} from "../../src/core/key.ts";
import { property } from "../connector/seed.ts";

const hex = (key: Key): string => Buffer.from(encodeToken(tokenOf(key)), "latin1").toString("hex");

/** The plainest equality of keys: type and content, -0 like 0, NaN like NaN. */
function same(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((part, i) => same(part, b[i]));
  return a === b || (Number.isNaN(a) && Number.isNaN(b));
}

const anyString = fc.oneof(
  fc.string({ unit: "binary" }),
  // Code units, lone surrogates among them; and the marks that tokens use.
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
  fc
    .array(fc.constantFrom("\0", "s", "t", "\ud800", "\udc00", "\ufeff", "1", "true"), { maxLength: 4 })
    .map((parts) => parts.join("")),
);
const part = fc.oneof(
  anyString,
  fc.double(),
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom(-0, Number.NaN),
  fc.bigInt(),
  fc.boolean(),
);
const key: fc.Arbitrary<Key> = fc.oneof(
  { weight: 3, arbitrary: part },
  { weight: 1, arbitrary: fc.array(part, { maxLength: 4 }) },
);
const smallPart = fc.constantFrom(
  "",
  "\0",
  "\0s",
  "\0t",
  "1",
  "a",
  "true",
  0,
  -0,
  1,
  Number.NaN,
  0n,
  1n,
  -1n,
  true,
  false,
);
const smallKey: fc.Arbitrary<Key> = fc.oneof(smallPart, fc.array(smallPart, { maxLength: 2 }));

describe("keys", () => {
  test("are equal exactly where their tokens are, and where their encodings are", () => {
    fc.assert(
      fc.property(fc.oneof(smallKey, key), fc.oneof(smallKey, key), (a, b) => {
        const [x, y] = [tokenOf(a), tokenOf(b)];
        // As a Map tells tokens apart.
        assert.equal(new Set([x, y]).size === 1, same(a, b));
        assert.equal(encodeToken(x) === encodeToken(y), same(a, b));
      }),
      { ...property, numRuns: property.numRuns * 10 },
    );
  });

  test("come back from their token and from their encoding, -0 as 0", () => {
    fc.assert(
      fc.property(key, (k) => {
        const token = tokenOf(k);
        const back = keyOf(token);
        assert.ok(same(back, k));
        assert.ok(!Object.is(back, -0));
        assert.equal(typeof back, typeof k);
        assert.ok(Object.is(decodeToken(encodeToken(token)), token));
      }),
      property,
    );
  });

  test("are encoded in one byte per character", () => {
    fc.assert(
      fc.property(key, (k) => {
        const encoded = encodeToken(tokenOf(k));
        assert.equal(Buffer.from(encoded, "latin1").toString("latin1"), encoded);
      }),
      property,
    );
  });

  test("that are numbers are ordered by their encodings as they are by size", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), fc.double({ noNaN: true }), (a, b) => {
        const [x, y] = [encodeToken(tokenOf(a)), encodeToken(tokenOf(b))];
        assert.equal(x < y, a < b);
        assert.equal(x > y, a > b);
      }),
      property,
    );
  });

  test("that are texts of one plane are ordered by their encodings as their code units are", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme-ascii" }), fc.string({ unit: "grapheme-ascii" }), (a, b) => {
        assert.equal(encodeToken(tokenOf(a)) < encodeToken(tokenOf(b)), a < b);
      }),
      property,
    );
  });

  test("have these very bytes", () => {
    assert.equal(hex(false), "01");
    assert.equal(hex(true), "02");
    assert.equal(hex(0), "038000000000000000");
    assert.equal(hex(-0), "038000000000000000");
    assert.equal(hex(1), "03bff0000000000000");
    assert.equal(hex(-1), "03400fffffffffffff");
    assert.equal(hex(Number.NaN), "03fff8000000000000");
    assert.equal(hex(255n), "046666");
    assert.equal(hex(-255n), "042d6666");
    assert.equal(hex(""), "05");
    assert.equal(hex("aé€😀"), "0561c3a9e282acf09f9880");
    assert.equal(hex("\0s"), "050073");
    assert.equal(hex("\ud800a"), "06d8000061");
    assert.equal(hex([]), "07");
    assert.equal(hex(["a", true]), "07000000020561" + "0000000102");
  });

  test("that are none are refused", () => {
    const nested: unknown[] = [
      undefined,
      null,
      {},
      () => 1,
      Symbol("k"),
      new Date(0),
      [null],
      [["a"]],
      [undefined],
      [{}],
      new Map(),
    ];
    for (const value of nested) assert.throws(() => tokenOf(value), { code: "KEY_INVALID" });
  });
});

/** MurmurHash2 as Kafka's Utils.murmur2 has it, on bigints: slow and plain. */
function murmur2(bytes: Uint8Array): number {
  const u32 = (n: bigint): bigint => BigInt.asUintN(32, n);
  const m = 0x5bd1e995n;
  let h = u32(0x9747b28cn ^ BigInt(bytes.length));
  const words = bytes.length >> 2;
  for (let w = 0; w < words; w++) {
    let k = 0n;
    for (let i = 3; i >= 0; i--) k = (k << 8n) | BigInt(bytes[4 * w + i]);
    k = u32(k * m);
    k = u32((k ^ (k >> 24n)) * m);
    h = u32(h * m) ^ k;
  }
  const rest = bytes.subarray(4 * words);
  if (rest.length > 0) {
    rest.forEach((byte, i) => {
      h ^= BigInt(byte) << BigInt(8 * i);
    });
    h = u32(h * m);
  }
  h = u32((h ^ (h >> 13n)) * m);
  h ^= h >> 15n;
  return Number(BigInt.asIntN(32, h));
}

describe("key groups", () => {
  test("the murmur2 of this test gives Kafka's own vectors", () => {
    const vectors: Record<string, number> = {
      "21": -973932308,
      foobar: -790332482,
      "a-little-bit-long-string": -985981536,
      "a-little-bit-longer-string": -1486304829,
      lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8: -58897971,
      abc: 479470107,
    };
    const computed = Object.fromEntries(
      Object.keys(vectors).map((text) => [text, murmur2(Buffer.from(text))]),
    );
    assert.deepEqual(computed, vectors);
  });

  test("are the positive murmur2 of the encoding, modulo their number", () => {
    fc.assert(
      fc.property(key, fc.integer({ min: 1, max: 2 ** 31 }), (k, groups) => {
        const token = tokenOf(k);
        const hash = murmur2(Buffer.from(encodeToken(token), "latin1")) & 0x7fffffff;
        assert.equal(keyGroupOf(token, groups), hash % groups);
        assert.equal(keyGroupOf(token), hash % KEY_GROUPS);
      }),
      property,
    );
  });

  test("of these keys are these", () => {
    const groups = [false, 0, -0, 1, 1n, "", "a", "\0", "user-1", ["a", 1]].map((k) =>
      keyGroupOf(tokenOf(k)),
    );
    // Literal, since a change would move keys away from their state.
    assert.deepEqual(groups, [33, 115, 115, 39, 59, 64, 96, 93, 5, 117]);
  });

  test("share out many keys, none with more than thrice or less than a third of its share", () => {
    const sizes = new Array<number>(KEY_GROUPS).fill(0);
    for (let i = 0; i < 100 * KEY_GROUPS; i++) sizes[keyGroupOf(tokenOf(`user-${i}`))] += 1;
    assert.ok(
      Math.max(...sizes) < 300 && Math.min(...sizes) > 33,
      `${Math.min(...sizes)} ... ${Math.max(...sizes)}`,
    );
  });
});
