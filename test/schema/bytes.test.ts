/**
 * ByteWriter and ByteReader.
 *
 * What each kind of test catches: a value that comes back as another (properties over edge values), a form that
 * changed (literal bytes: they are in logs and stores), reading on where the bytes end.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { ByteReader, ByteWriter } from "../../src/schema/bytes.ts";
import { propertyOptions } from "../connector/seed.ts";
import { anyNumber, anyString } from "./round-trip.ts";

type Item =
  | { kind: "number" | "f64"; value: number }
  | { kind: "varint" | "zigzag" | "u8"; value: number }
  | { kind: "i64"; value: bigint }
  | { kind: "string"; value: string }
  | { kind: "latin1"; value: string }
  | { kind: "raw"; value: Uint8Array };

const latin1 = fc.array(fc.integer({ min: 0, max: 255 })).map((codes) => String.fromCharCode(...codes));
const item: fc.Arbitrary<Item> = fc.oneof(
  anyNumber.map((value): Item => ({ kind: "number", value })),
  anyNumber.map((value): Item => ({ kind: "f64", value })),
  fc
    .oneof(fc.nat(), fc.maxSafeNat(), fc.constantFrom(0, 127, 128, 2 ** 32, 2 ** 53))
    .map((value): Item => ({ kind: "varint", value })),
  fc
    .oneof(fc.integer(), fc.integer({ min: -(2 ** 52), max: 2 ** 52 }))
    .map((value): Item => ({ kind: "zigzag", value })),
  fc.integer({ min: 0, max: 255 }).map((value): Item => ({ kind: "u8", value })),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value): Item => ({ kind: "i64", value })),
  anyString.map((value): Item => ({ kind: "string", value })),
  latin1.map((value): Item => ({ kind: "latin1", value })),
  fc.uint8Array().map((value): Item => ({ kind: "raw", value })),
);

function write(into: ByteWriter, { kind, value }: Item): void {
  (into[kind] as (value: Item["value"]) => void)(value);
}

function read(from: ByteReader, { kind, value }: Item): unknown {
  if (kind === "latin1" || kind === "raw") return from[kind](value.length);
  return from[kind]();
}

const hex = (write: (into: ByteWriter) => void): string => {
  const writer = new ByteWriter();
  write(writer);
  return writer.take().toString("hex");
};

describe("bytes", () => {
  test("give back everything that was written, in order, to the last byte", () => {
    fc.assert(
      fc.property(fc.array(item, { maxLength: 60 }), (items) => {
        const writer = new ByteWriter();
        for (const one of items) write(writer, one);
        // In the middle of a larger buffer, as a slice of a log is.
        const bytes = Buffer.concat([Buffer.alloc(3, 0xaa), writer.take(), Buffer.alloc(3, 0xaa)]);
        const reader = new ByteReader(new Uint8Array(bytes), 3, bytes.length - 3);
        for (const one of items) {
          const back = read(reader, one);
          if (one.kind === "raw") assert.deepEqual(Buffer.from(back as Uint8Array), Buffer.from(one.value));
          else
            assert.ok(Object.is(back, one.value), `${one.kind} ${String(one.value)} became ${String(back)}`);
        }
        assert.equal(reader.at, reader.end);
      }),
      propertyOptions(300),
    );
  });

  test("have these forms", () => {
    assert.equal(
      hex((w) => w.varint(300)),
      "ac02",
    );
    assert.equal(
      hex((w) => w.zigzag(-3)),
      "05",
    );
    assert.equal(
      hex((w) => w.number(127)),
      "7f",
    );
    assert.equal(
      hex((w) => w.number(-1)),
      "e0ff",
    );
    assert.equal(
      hex((w) => w.number(128)),
      "e18000",
    );
    assert.equal(
      hex((w) => w.number(-32769)),
      "e2ff7fffff",
    );
    assert.equal(
      hex((w) => w.number(1767225600000)),
      "e300a8da769b01",
    );
    assert.equal(
      hex((w) => w.number(-0)),
      "e40000000000000080",
    );
    assert.equal(
      hex((w) => w.number(0.5)),
      "e4000000000000e03f",
    );
    assert.equal(
      hex((w) => w.string("aé")),
      "0861e9",
    );
    assert.equal(
      hex((w) => w.string("€")),
      "0de282ac",
    );
    assert.equal(
      hex((w) => w.string("\ud800")),
      "0a00d8",
    );
  });

  test("of many short rows are taken as copies that later rows do not change", () => {
    const writer = new ByteWriter();
    const taken: Buffer[] = [];
    for (let i = 0; i < 100; i++) {
      writer.reset();
      writer.string(`row ${i}`);
      taken.push(writer.take());
    }
    assert.deepEqual(
      taken.map((bytes) => new ByteReader(bytes).string()),
      taken.map((_, i) => `row ${i}`),
    );
    writer.reset();
    writer.string("head");
    const body = writer.at;
    writer.string("body");
    assert.equal(new ByteReader(writer.take(body)).string(), "body");
  });

  test("of one buffer after the other are read by one reader", () => {
    const reader = new ByteReader(Buffer.alloc(0));
    for (const value of [0.5, 1.5, 2.5]) {
      const writer = new ByteWriter();
      writer.f64(value);
      // Not out of Node's pool: each with memory of its own.
      reader.over(new Uint8Array(writer.take()));
      assert.equal(reader.f64(), value);
    }
  });

  test("of short texts that need two bytes a character are not cut to one", () => {
    for (const text of ["Łódź", "ā", "ǿ", "a\u0100", "\u0200"]) {
      const writer = new ByteWriter();
      writer.string(text);
      assert.equal(new ByteReader(writer.take()).string(), text);
    }
  });

  test("that end too early are an error wherever they end", () => {
    fc.assert(
      fc.property(item, (one) => {
        const writer = new ByteWriter();
        write(writer, one);
        const bytes = writer.take();
        for (let end = 0; end < bytes.length; end++) {
          // Both where the buffer ends and where only the reader's part of it does.
          for (const reader of [new ByteReader(bytes.subarray(0, end)), new ByteReader(bytes, 0, end)]) {
            assert.throws(() => read(reader, one), { code: "STATE_DAMAGED" });
          }
        }
      }),
      propertyOptions(100),
    );
  });

  test("of a length without end are an error", () => {
    const reader = new ByteReader(Buffer.alloc(64, 0xff));
    assert.throws(() => reader.varint(), { code: "STATE_DAMAGED" });
  });
});
