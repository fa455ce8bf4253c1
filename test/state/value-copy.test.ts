/** Copies of values: equal, and nothing of one is in the other; what can't be copied stays the same object. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { copyOf } from "../../src/state/value-copy.ts";
import { propertyOptions } from "../connector/seed.ts";

/** The objects in a value, keys of Maps included. */
function objectsIn(value: unknown, found = new Set<object>()): Set<object> {
  if (typeof value !== "object" || value === null || found.has(value)) return found;
  found.add(value);
  if (value instanceof Map) for (const entry of value) for (const part of entry) objectsIn(part, found);
  else if (value instanceof Set) for (const part of value) objectsIn(part, found);
  else for (const part of Object.values(value)) objectsIn(part, found);
  return found;
}

describe("a copy", () => {
  test("is equal, and has no object in common with the original", () => {
    fc.assert(
      fc.property(
        fc.anything({ withMap: true, withSet: true, withDate: true, withTypedArray: true, withBigInt: true }),
        (value) => {
          const copy = copyOf(value);
          assert.deepEqual(copy, value);
          const originals = objectsIn(value);
          for (const object of objectsIn(copy)) assert.ok(!originals.has(object));
        },
      ),
      propertyOptions(500),
    );
  });

  test("of a buffer has bytes of its own, and is of the same kind", () => {
    const bytes = new Uint8Array([1, 2, 3, 4]);
    for (const original of [
      bytes,
      Buffer.from([1, 2, 3, 4]),
      bytes.buffer,
      new DataView(bytes.buffer, 1, 2),
      new Float64Array([1.5]),
    ]) {
      const copy = copyOf(original) as typeof original;
      assert.deepEqual(copy, original);
      assert.equal(Object.getPrototypeOf(copy), Object.getPrototypeOf(original));
      const view = ArrayBuffer.isView(copy)
        ? new Uint8Array(copy.buffer, copy.byteOffset, copy.byteLength)
        : new Uint8Array(copy);
      view[0] = 99;
      assert.ok(!isDeepStrictEqual(copy, original));
    }
  });

  test("keeps what is no plain data as it is", () => {
    class Account {
      total = 5;
    }
    const account = new Account();
    const fn = (): void => {};
    const copy = copyOf({ account, fn, list: [account] }) as {
      account: Account;
      fn: unknown;
      list: unknown[];
    };
    assert.equal(copy.account, account);
    assert.equal(copy.fn, fn);
    assert.equal(copy.list[0], account);
  });

  test("of a value that contains itself comes to an end", () => {
    const value: { self?: unknown; parts: unknown[] } = { parts: [] };
    value.self = value;
    value.parts.push(value, { value });
    const copy = copyOf(value) as typeof value;
    assert.notEqual(copy, value);
    assert.equal(copy.self, value);
  });
});
