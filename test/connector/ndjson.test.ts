/**
 * NDJSON beyond what every source does. The oracle of the property tests is the plain way: decode the whole text,
 * split it, JSON.parse each line. It catches what goes wrong at the edges of chunks; the examples catch what is said
 * about malformed lines.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { ndjson } from "../../src/connector/index.ts";
import { jsonFaultAt } from "../../src/format/json-fault.ts";
import { type MalformedLine, NdjsonDecoder } from "../../src/format/ndjson.ts";
import { MemoryFiles } from "./memory-files.ts";
import { openSource, pollAll, recordsOf } from "./poll-all.ts";
import { property } from "./seed.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);
const concat = (...parts: (string | number[])[]) =>
  new Uint8Array(Buffer.concat(parts.map((part) => Buffer.from(part as string))));

/** Everything that comes out when `bytes` arrive in chunks of `chunkBytes`, `max` values per call. */
function decodeAll(bytes: Uint8Array, chunkBytes = bytes.length, max = 1000, maxLineBytes?: number) {
  const decoder = new NdjsonDecoder<unknown>(maxLineBytes);
  const values: unknown[] = [];
  const faults: MalformedLine[] = [];
  const drain = () => {
    while (!decoder.drained) {
      const into: unknown[] = [];
      decoder.mark();
      const n = decoder.decode(into, 0, max);
      assert.equal(into.length, n);
      assert.ok(n <= max);
      values.push(...into);
      const fault = decoder.takeFault();
      if (fault !== undefined) faults.push(fault);
    }
  };
  const buffer = new Uint8Array(Math.max(1, chunkBytes));
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    const chunk = bytes.subarray(at, at + chunkBytes);
    buffer.set(chunk);
    decoder.push(buffer.subarray(0, chunk.length));
    // The decoder may not lean on the buffer once push has returned.
    buffer.fill(0xff);
    drain();
  }
  decoder.end();
  drain();
  assert.equal(decoder.position, bytes.length);
  return { values, faults };
}

/** The same by the plain way, for valid input. */
const plain = (text: string) =>
  text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => JSON.parse(line));

const MIXED = '{"a":"ж€😀"}\r\n\n  \n[1,2]\n"последняя 😀"\r\n\t\r\n{"__proto__":{"x":1},"b":null}';

describe("NDJSON", () => {
  test("skips blank lines, takes \\r\\n as a line end, and needs no end after the last line", () => {
    assert.deepEqual(decodeAll(utf8(MIXED)).values, plain(MIXED));
    assert.equal(plain(MIXED).length, 4);
  });

  test("gives the same records whatever the size of the chunks, also inside of a character", () => {
    for (let chunkBytes = 1; chunkBytes <= 40; chunkBytes++) {
      const { values, faults } = decodeAll(utf8(MIXED), chunkBytes, 1 + (chunkBytes % 3));
      assert.deepEqual(values, plain(MIXED), `chunks of ${chunkBytes}`);
      assert.deepEqual(faults, []);
    }
  });

  test("has nothing in an empty file, in blank lines, and in a file of a byte order mark", async () => {
    for (const content of ["", "\n", "\r\n \n\n", "\uFEFF", "\uFEFF\n"]) {
      const { ports } = new MemoryFiles({ f: content });
      assert.deepEqual(await recordsOf(ndjson("f"), ports), [], JSON.stringify(content));
    }
  });

  test("skips a byte order mark at the start of the file, and counts its bytes", async () => {
    const files = new MemoryFiles({ f: "\uFEFF1\n2\n" });
    for (files.readBytes of [1, 2, 3, 100]) {
      const opened = await openSource(ndjson<number>("f"), files.ports);
      const offsets: number[] = [];
      const records = await pollAll(opened, opened.partitions[0]!, 10, ({ offset }) => offsets.push(offset));
      assert.deepEqual(
        [records, offsets],
        [
          [1, 2],
          [3, 5],
        ],
      );
    }
  });

  test("keeps a field named __proto__ a field, and the prototype as it is", () => {
    const [value] = decodeAll(utf8('{"__proto__":{"admin":true},"constructor":1}\n')).values as [object];
    assert.deepEqual(Object.keys(value), ["__proto__", "constructor"]);
    assert.equal(Object.getPrototypeOf(value), Object.prototype);
    assert.equal("admin" in value, false);
  });

  test("survives JSON that is nested 10,000 or a million deep", () => {
    for (const depth of [10_000, 1_000_000]) {
      const line = "[".repeat(depth) + "]".repeat(depth);
      const { values, faults } = decodeAll(utf8(`1\n${line}\n2\n`));
      assert.equal(values.length + faults.length, 3);
      assert.deepEqual([values[0], values.at(-1)], [1, 2]);
    }
  });

  test(`gives what splitting the whole text gives, for any values and chunks (seed ${property.seed})`, () => {
    const separator = fc.constantFrom("\n", "\r\n", "\n\n", "\n \t\n", " \n ");
    const lines = fc.array(fc.tuple(fc.jsonValue({ stringUnit: "binary" }), separator), { maxLength: 30 });
    fc.assert(
      fc.property(
        lines,
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 20 }),
        fc.boolean(),
        (list, chunk, max, bom) => {
          const text = list.map(([value, end]) => JSON.stringify(value) + end).join("");
          const { values, faults } = decodeAll(utf8((bom ? "\uFEFF" : "") + text), chunk, max);
          assert.deepEqual(faults, []);
          assert.deepEqual(values, plain(text));
        },
      ),
      property,
    );
  });

  test(`gives every line of any bytes exactly once, as a value or a fault, with its place (seed ${property.seed})`, () => {
    const byte = fc.oneof(
      fc.constantFrom(...utf8('{}[]",:01e-. \r\n\ntruefalsn\\')),
      fc.integer({ min: 0, max: 255 }),
    );
    const bytes = fc.array(byte, { maxLength: 200 }).map((list) => Uint8Array.from(list));
    fc.assert(
      fc.property(
        bytes,
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 30 }),
        (all, chunk, limit) => {
          const { values, faults } = decodeAll(all, chunk, 3, limit);
          assert.deepEqual({ values, faults }, decodeAll(all, all.length || 1, 1000, limit));
          for (const { offset, line, bytes: kept } of faults) {
            assert.deepEqual(new Uint8Array(all.subarray(offset, offset + kept.length)), kept);
            const before = all.subarray(0, offset);
            assert.equal(line, before.filter((one) => one === 10).length + 1);
          }
        },
      ),
      property,
    );
  });
});

describe("a malformed line", () => {
  const cases: [what: string, line: string, column: number | undefined, reason: RegExp][] = [
    ["a word", '{"a":x}', 6, /unexpected "x" at column 6: \{\\"a\\":x\}/],
    ["a comma too many", '{"a":1,}', 8, /unexpected "}"/],
    ["a line that ends too early", '{"a":[1,2', 10, /ends too early/],
    ["a string without an end", '"ж', 3, /ends too early/],
    ["two values", "1 2", 3, /unexpected "2"/],
    ["a number that starts with 0", "01", 2, /unexpected "1"/],
    ["a bad escape", '"\\x"', 3, /unexpected "x"/],
    ["a bad unicode escape", '"\\u12g4"', 6, /unexpected "g"/],
    ["a control character in a string", '"a\tb"', 3, /unexpected "\\t"/],
    ["a byte order mark in the middle", "\uFEFF1", 1, /unexpected/],
    ["an emoji", '{"a":1}😀', 8, /unexpected "😀"/],
    ["a cut literal", "[true,fals]", 11, /unexpected "\]"/],
    ["a missing colon", '{"a" 1}', 6, /unexpected "1"/],
    ["a closing bracket of the wrong kind", "[1}", 3, /unexpected "}"/],
  ];
  for (const [what, line, column, reason] of cases) {
    test(`is told with line, column, offset and bytes: ${what}`, () => {
      const before = '{"ж":1}\n\n';
      const expected = { line: 3, column, offset: utf8(before).length, bytes: utf8(line) };
      for (const [end, chunk] of [
        ["\n2\n", 1000],
        ["\r\n2\n", 4],
        ["", 7],
      ] as const) {
        const { values, faults } = decodeAll(utf8(before + line + end), chunk);
        assert.deepEqual(values, end === "" ? [{ ж: 1 }] : [{ ж: 1 }, 2]);
        assert.equal(faults.length, 1);
        const { reason: told, ...place } = faults[0]!;
        assert.deepEqual(place, expected);
        assert.match(told, reason);
      }
    });
  }

  test("is one that is not UTF-8; the lines around it are not touched", () => {
    const bytes = concat(
      '"ж"\n"a',
      [0xff],
      'b"\n',
      [0xe2, 0x82],
      "\n",
      '{"ж":"',
      [0xc3, 0x28],
      '"}\r\n"last ж"',
    );
    for (const chunk of [1, 3, 1000]) {
      const { values, faults } = decodeAll(bytes, chunk);
      assert.deepEqual(values, ["ж", "last ж"]);
      assert.deepEqual(faults, [
        {
          reason: 'invalid UTF-8 (byte 0xff) at column 3: \\"a\uFFFDb\\"',
          column: 3,
          line: 2,
          offset: 5,
          bytes: concat('"a', [0xff], 'b"'),
        },
        {
          reason: "invalid UTF-8 (byte 0xe2) at column 1: \uFFFD",
          column: 1,
          line: 3,
          offset: 11,
          bytes: concat([0xe2, 0x82]),
        },
        {
          reason: 'invalid UTF-8 (byte 0xc3) at column 7: {\\"ж\\":\\"\uFFFD(\\"}',
          column: 7,
          line: 4,
          offset: 14,
          bytes: concat('{"ж":"', [0xc3, 0x28], '"}'),
        },
      ]);
    }
  });

  test("is one that is longer than maxLineBytes; 64 KiB of it are kept, and no more is held", async () => {
    const long = `"${"x".repeat(300_000)}"`;
    const files = new MemoryFiles({ f: `1\n${long}\n2\n"${"y".repeat(99)}"\n` });
    for (files.readBytes of [1000, 65_536, 1_000_000]) {
      const opened = await openSource(ndjson("f", { maxLineBytes: 100 }), files.ports);
      assert.deepEqual(await pollAll(opened, opened.partitions[0]!, 10), [1, 2]);
      assert.equal(opened.rejected.length, 2);
      const [first, second] = opened.rejected as [MalformedLine, MalformedLine];
      assert.deepEqual([first.line, first.offset, first.bytes.length], [2, 2, 65_536]);
      assert.match(
        first.reason,
        /the line has 30000\d bytes, more than maxLineBytes = 100; only its first 65536/,
      );
      assert.deepEqual([second.line, second.bytes.length], [4, 101]);
      assert.match(second.reason, /101 bytes, more than maxLineBytes = 100$/);
    }
  });

  test("is none that has exactly maxLineBytes, whatever its end", () => {
    for (const end of ["", "\n", "\r\n"]) {
      const { values, faults } = decodeAll(utf8(`"${"x".repeat(98)}"${end}`), 10, 10, 100);
      assert.deepEqual([values.length, faults.length], [1, 0]);
    }
  });

  test("ends the job where reject throws, after the records before it are handed over", async () => {
    const { ports } = new MemoryFiles({ f: "1\n2\nx\n4\n" });
    const stop = new Error("stop");
    const opened = await openSource(ndjson("f"), ports, (partition, { line }) => {
      assert.deepEqual([partition, line], ["f", 3]);
      throw stop;
    });
    await assert.rejects(
      pollAll(opened, opened.partitions[0]!, 10),
      (error: Error & { records?: unknown }) => {
        assert.equal(error, stop);
        assert.deepEqual(error.records, [1, 2]);
        return true;
      },
    );
  });
});

describe("jsonFaultAt()", () => {
  test(`finds a fault exactly where JSON.parse fails, at V8's position (seed ${property.seed})`, () => {
    const piece = fc.constantFrom(
      ...'{}[]:,""\\ \tu0123456789aefx-+.',
      "true",
      "false",
      "null",
      '"a"',
      "\\u00e9",
      "1e5",
      "ж",
    );
    const anyText = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""));
    // JSON with one character changed: faults deep inside.
    const brokenJson = fc
      .tuple(fc.json({ maxDepth: 3 }), fc.nat(), piece)
      .map(
        ([text, at, other]) =>
          text.slice(0, at % (text.length + 1)) + other + text.slice((at % (text.length + 1)) + 1),
      );
    fc.assert(
      fc.property(fc.oneof(anyText, brokenJson), (text) => {
        const found = jsonFaultAt(text);
        let message: string | undefined;
        try {
          JSON.parse(text);
        } catch (error) {
          message = (error as Error).message;
        }
        assert.equal(
          found === undefined,
          message === undefined,
          `${JSON.stringify(text)}: ${found}, ${message}`,
        );
        const position = /at position (\d+)/.exec(message ?? "")?.[1];
        if (position !== undefined)
          assert.equal(found, Number(position), `${JSON.stringify(text)}: ${message}`);
      }),
      { ...property, numRuns: 10 * property.numRuns },
    );
  });
});

describe("ndjson()", () => {
  test("tells at its opening which file can't be read, and closes the others", async () => {
    const files = new MemoryFiles({ a: "1\n", c: "1\n" });
    await assert.rejects(openSource(ndjson(["a", "missing.ndjson", "c"]), files.ports), {
      code: "FILE_UNREADABLE",
      message: /missing\.ndjson/,
    });
    assert.equal(files.open.size, 0);
  });

  test("tells at its opening that a folder is no file, with the real file system", async () => {
    await assert.rejects(openSource(ndjson(import.meta.dirname)), {
      code: "FILE_UNREADABLE",
      message: /EISDIR/,
    });
  });

  test("reads a real file", async () => {
    const path = `${import.meta.dirname}/../../package.json`;
    await assert.rejects(
      openSource(ndjson(path), undefined, () => assert.fail("rejected")).then((opened) =>
        pollAll(opened, opened.partitions[0]!, 10),
      ),
      /rejected/,
    );
  });

  test("refuses no path, a path given twice and a limit out of range", () => {
    for (const make of [
      () => ndjson([]),
      () => ndjson(["a", "b", "a"]),
      () => ndjson("a", { maxLineBytes: 0 }),
      () => ndjson("a", { maxLineBytes: 2 ** 29 }),
    ]) {
      assert.throws(make, { code: "OPTION_INVALID" });
    }
  });

  test("describes its files", () => {
    assert.equal(ndjson("a").description, 'ndjson("a")');
    assert.equal(ndjson(["a", "b"]).description, 'ndjson(2 files, "a" first)');
  });
});
