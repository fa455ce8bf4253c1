/**
 * The structural codec.
 *
 * What each kind of test catches: a value that comes back as another (against structuredClone, before and after code
 * is generated), two ways that differ (closures against generated code, byte by byte), a value that is bent instead of
 * refused, and a refusal that does not say where.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { ByteWriter } from "../../src/schema/bytes.ts";
import { MAX_DEPTH } from "../../src/schema/plain.ts";
import { Shapes } from "../../src/schema/shapes.ts";
import { structural } from "../../src/schema/structural.ts";
import { propertyOptions } from "../connector/seed.ts";
import { decoded, ENOUGH, encoded, plainData, roundTrip } from "./round-trip.ts";

const refused = (value: unknown): string => {
  const writer = new ByteWriter();
  writer.u8(1);
  let message = "";
  assert.throws(
    () => structural(new Shapes()).encode(value, writer),
    (error: Error & { code?: string }) => {
      message = error.message;
      return error.code === "STATE_VALUE_REFUSED";
    },
  );
  assert.equal(writer.at, 1, "a refused value left bytes");
  return message.split(" [")[0];
};

const nested = (levels: number, wrap: (inner: unknown) => unknown): unknown => {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = wrap(value);
  return value;
};

describe("a structural value", () => {
  test("comes back as structuredClone would give it, the first time and when code is generated for it", () => {
    const old = structural(new Shapes());
    fc.assert(
      fc.property(plainData, (value) => {
        const expected = structuredClone(value);
        const codec = structural(new Shapes());
        for (let i = 0; i < ENOUGH; i++) assert.deepStrictEqual(roundTrip(codec, value), expected);
        // One codec that meets all values: its dictionary of shapes fills up.
        assert.deepStrictEqual(roundTrip(old, value), expected);
      }),
      propertyOptions(200),
    );
  });

  test("has the same bytes with generated code as without", () => {
    fc.assert(
      fc.property(fc.array(plainData, { maxLength: 5 }), (values) => {
        const [one, other] = [structural(new Shapes()), structural(new Shapes(), { generate: false })];
        for (let i = 0; i < ENOUGH; i++) {
          for (const value of values) {
            const bytes = encoded(one, value);
            assert.deepEqual(bytes, encoded(other, value));
            assert.deepStrictEqual(decoded(other, bytes), decoded(one, bytes));
          }
        }
      }),
      propertyOptions(100),
    );
  });

  test("is kept where the process may not generate code", () => {
    const original = globalThis.Function;
    globalThis.Function = new Proxy(original, {
      construct() {
        throw new EvalError("Code generation from strings disallowed for this context");
      },
    });
    try {
      const codec = structural(new Shapes());
      for (let i = 0; i < ENOUGH; i++)
        assert.deepEqual(roundTrip(codec, { a: i, b: [{ c: "x" }] }), { a: i, b: [{ c: "x" }] });
    } finally {
      globalThis.Function = original;
    }
  });

  test("of alternating shapes in one place keeps them apart", () => {
    const codec = structural(new Shapes());
    const variants = [
      { a: 1 },
      { b: 1 },
      { a: 1, b: 2 },
      { b: 2, a: 1 },
      {},
      [],
      { a: { a: 1 } },
      null,
      new Map([["a", 1]]),
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...variants), { maxLength: 30 }), (values) => {
        const back = roundTrip(codec, values) as object[];
        assert.deepStrictEqual(back, values);
        assert.equal(JSON.stringify(back), JSON.stringify(values), "the order of fields changed");
      }),
      propertyOptions(200),
    );
  });

  test("comes back with its fields in their order, and all rows of a shape share a hidden class", () => {
    setFlagsFromString("--allow-natives-syntax");
    const haveSameMap = new Function("a", "b", "return %HaveSameMap(a, b)");
    const codec = structural(new Shapes());
    const row = (i: number) => ({ z: i, a: `${i}`, list: [{ x: i / 2, y: null }] });
    const rows = Array.from({ length: ENOUGH }, (_, i) => roundTrip(codec, row(i)) as ReturnType<typeof row>);
    for (const back of rows) assert.deepEqual(Object.keys(back), ["z", "a", "list"]);
    const [one, other] = rows.slice(-2);
    assert.ok(haveSameMap(one, other));
    assert.ok(haveSameMap(one.list[0], other.list[0]));
    assert.ok(!haveSameMap(one, one.list[0]));
  });

  test("may be a Buffer, which stays one", () => {
    const back = roundTrip(structural(new Shapes()), { id: Buffer.from("abc") }) as { id: Buffer };
    assert.ok(Buffer.isBuffer(back.id));
    assert.equal(back.id.toString(), "abc");
  });

  test("shares no memory with its bytes", () => {
    const codec = structural(new Shapes());
    const bytes = encoded(codec, new Uint8Array([1, 2, 3]));
    const back = decoded(codec, bytes) as Uint8Array;
    bytes.fill(0);
    assert.deepEqual([...back], [1, 2, 3]);
  });

  test("has undefined where an array has a hole, and no symbol keys", () => {
    const codec = structural(new Shapes());
    const holes = [1, 2, 3];
    delete holes[1];
    assert.deepStrictEqual(roundTrip(codec, holes), [1, undefined, 3]);
    assert.deepStrictEqual(roundTrip(codec, { a: 1, [Symbol("s")]: 2 }), { a: 1 });
  });

  test("may come from another realm", () => {
    const codec = structural(new Shapes());
    assert.deepStrictEqual(roundTrip(codec, runInNewContext("({ a: [1, { b: 2 }] })")), { a: [1, { b: 2 }] });
  });

  test(`may be nested ${MAX_DEPTH} deep, also in wide objects`, () => {
    const fields = Object.fromEntries(Array.from({ length: 63 }, (_, i) => [`field${i}`, i]));
    const value = nested(MAX_DEPTH + 1, (inner) => ({ ...fields, inner }));
    const codec = structural(new Shapes());
    for (let i = 0; i < 2; i++) assert.deepStrictEqual(roundTrip(codec, value), value);
    const message = refused(nested(MAX_DEPTH + 2, (inner) => [inner]));
    assert.match(message, /^\[0\]\[0\].* is nested more than 256 deep$/);
    // Generated code counts too.
    for (const levels of [MAX_DEPTH + 2, 3 * MAX_DEPTH]) {
      const deep = nested(levels, (inner) => ({ ...fields, inner }));
      assert.throws(
        () => encoded(codec, deep),
        /^MillraceError: inner\.inner.* is nested more than 256 deep /,
      );
    }
  });

  test("takes a quarter of the bytes that JSON takes: names are not in it", () => {
    const codec = structural(new Shapes());
    const value = {
      armed: 1767225600001,
      session: { start: 1767225600000, count: 3, page: "/cart", fired: false },
    };
    assert.equal(encoded(codec, value).length, 24);
  });
});

describe("a value that can't be kept is refused with its path:", () => {
  class Money {
    amount = 1;
  }
  class Prices extends Map {}
  class Stack extends Array {}
  const cases: [string, unknown, string][] = [
    ["a function", () => 1, "the value is a function"],
    ["a symbol in a field", { a: { b: Symbol("s") } }, "a.b is a symbol"],
    [
      "a function in an array",
      { cart: { items: [1, 2, 3, { price() {} }] } },
      "cart.items[3].price is a function",
    ],
    ["a name that needs quotes", { "a b": { "": Symbol("s") } }, '["a b"][""] is a symbol'],
    ["a class instance", { total: new Money() }, "total is an instance of Money"],
    ["an Error", [new Error("e")], "[0] is an instance of Error"],
    ["a Promise", { p: Promise.resolve() }, "p is an instance of Promise"],
    ["a WeakMap", new WeakMap(), "the value is an instance of WeakMap"],
    ["a boxed number", [Object(1)], "[0] is an instance of Number"],
    ["a subclass of Map", { m: new Prices() }, "m is an instance of Prices"],
    ["a subclass of Array", { s: new Stack() }, "s is an instance of Stack"],
    ["an object with defaults behind it", Object.create({ a: 1 }), "the value is an instance of Object"],
    [
      "an instance of a class of the old kind",
      { o: Object.create({ go() {} }) },
      "o is an instance of Object",
    ],
    ["shared memory", { m: new SharedArrayBuffer(1) }, "m is an instance of SharedArrayBuffer"],
    [
      "a value of a Map",
      new Map([["a", new Map([[1, Symbol("s")]])]]),
      'the value.get("a").get(1) is a symbol',
    ],
    ["a key of a Map", { m: new Map([[Symbol("s"), 1]]) }, "m.keys() is a symbol"],
    ["an element of a Set", { s: new Set([() => 1]) }, "s.values() is a function"],
    ["an array that is too long", { a: new Array(2 ** 28) }, "a has more than 134217728 elements"],
  ];
  for (const [what, value, sentence] of cases) {
    test(what, () => assert.equal(refused(value), sentence));
  }

  test("a value that contains itself", () => {
    const node: Record<string, unknown> = { name: "a" };
    node["next"] = { list: [{ back: node }] };
    assert.equal(
      refused({ node }),
      "node.next.list[0].back is node again: a value that contains itself can't be kept",
    );
    const self: unknown[] = [];
    self.push(self);
    assert.equal(refused(self), "[0] is the value again: a value that contains itself can't be kept");
  });

  test("a getter that throws, with its error as the cause", () => {
    const cause = new Error("no");
    const value = {
      get a(): number {
        throw cause;
      },
    };
    assert.throws(() => encoded(structural(new Shapes()), value), { code: "STATE_VALUE_REFUSED", cause });
  });

  test("also when the same place held plain objects before", () => {
    const codec = structural(new Shapes());
    for (let i = 0; i < ENOUGH; i++) encoded(codec, { total: { amount: i } });
    assert.throws(() => encoded(codec, { total: new Money() }), /total is an instance of Money/);
    assert.throws(
      () => encoded(codec, { total: Object.create({ amount: 1 }) }),
      /total is an instance of Object/,
    );
    assert.deepEqual(roundTrip(codec, { total: { amount: 1 } }), { total: { amount: 1 } });
  });
});
