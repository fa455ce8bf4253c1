/** How a user's state is written down: with its end, by schema, codec or structurally, and from one version to the next. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MillraceError } from "../../src/core/errors.ts";
import { ByteReader, ByteWriter } from "../../src/schema/bytes.ts";
import { type Codec, t } from "../../src/schema/index.ts";
import { Shapes } from "../../src/schema/shapes.ts";
import { Table } from "../../src/state/table.ts";
import { keepValues, type ValueCell } from "../../src/state/value-cell.ts";
import { mapState, type StateOptions, valueState } from "../../src/stream/state.ts";

function tableOf(options: StateOptions<any>): Table<ValueCell> {
  const table = new Table<ValueCell>("totals", "total", "by-key");
  keepValues(table, "value", valueState(options).spec.coding);
  return table;
}

const shapes = new Shapes();
const codecOf = (options: StateOptions<any>): Codec<ValueCell> =>
  tableOf(options).codec?.(shapes) ?? assert.fail("it has a codec");

function bytesOf(codec: Codec<ValueCell>, value: unknown, until = Number.POSITIVE_INFINITY): Buffer {
  const writer = new ByteWriter();
  codec.encode({ mark: 7, value, until }, writer);
  return writer.take();
}

const read = (codec: Codec<ValueCell>, bytes: Buffer): ValueCell => codec.decode(new ByteReader(bytes));

const failure = (code: string, text: RegExp) => (error: unknown) => {
  assert.ok(error instanceof MillraceError, String(error));
  assert.equal(error.code, code);
  assert.match(error.message, text);
  return true;
};

describe("a row of a state", () => {
  test("comes back with its value and its end, and is of no epoch", () => {
    const codec = codecOf({});
    for (const until of [Number.POSITIVE_INFINITY, 0, -5, 1_700_000_000_000])
      assert.deepEqual(read(codec, bytesOf(codec, { a: [1, undefined] }, until)), {
        mark: 0,
        value: { a: [1, undefined] },
        until,
      });
  });

  test("without an end takes two bytes beside its value", () => {
    const codec = codecOf({ schema: t.number });
    assert.equal(bytesOf(codec, 5).length, 3);
  });

  test("that can't be kept is refused with the path of what it is", () => {
    const writer = new ByteWriter();
    writer.u8(1);
    assert.throws(
      () => codecOf({}).encode({ mark: 0, until: 5, value: { call: () => {} } }, writer),
      failure("STATE_VALUE_REFUSED", /^call is a function/),
    );
    assert.equal(writer.at, 1, "nothing was written");
    assert.throws(
      () => bytesOf(codecOf({ schema: t.object({ n: t.number }) }), { n: "5" }),
      failure("STATE_VALUE_REFUSED", /^n /),
    );
  });

  test("is written by the codec that was given", () => {
    const upper: Codec<string> = {
      shape: "upper",
      encode: (value, into) => into.string(value.toUpperCase()),
      decode: (from) => from.string(),
    };
    const codec = codecOf({ codec: upper });
    assert.equal(read(codec, bytesOf(codec, "abc")).value, "ABC");
  });
});

describe("an older version of a state", () => {
  const first = { schema: t.object({ name: t.string }) };
  const second = {
    version: 2,
    schema: t.object({ first: t.string, last: t.string }),
    upcast: {
      1: ({ name }: { name: string }) => ({ first: name.split(" ")[0], last: name.split(" ")[1] }),
    },
    older: { 1: first.schema },
  };

  test("is brought up to the program's, whatever its TTL was", () => {
    const bytes = bytesOf(codecOf(first), { name: "Ada Lovelace" }, 500);
    assert.deepEqual(read(codecOf(second), bytes), {
      mark: 0,
      value: { first: "Ada", last: "Lovelace" },
      until: 500,
    });
  });

  test("is what the table says it can read", () => {
    assert.deepEqual(tableOf(first).version, { current: 1, upcastsFrom: 1 });
    assert.deepEqual(tableOf(second).version, { current: 2, upcastsFrom: 1 });
    assert.deepEqual(tableOf({ ...second, upcast: {} }).version, { current: 2, upcastsFrom: 2 });
    assert.equal(mapState().spec.coding.version, 1);
  });

  test("that no upcaster takes is refused with the state's name", () => {
    const bytes = bytesOf(codecOf(first), { name: "Ada Lovelace" });
    assert.throws(
      () => read(codecOf({ ...second, upcast: {} }), bytes),
      failure("STATE_SCHEMA_CHANGED", /^state total of totals: a stored value is of version 1/),
    );
  });

  test("whose upcaster throws is a failure of the user's function", () => {
    const upcast = {
      1: () => {
        throw new RangeError("no");
      },
    };
    assert.throws(
      () => read(codecOf({ ...second, upcast }), bytesOf(codecOf(first), { name: "Ada" })),
      failure(
        "USER_FUNCTION_FAILED",
        /^state total of totals: the upcaster from version 1 to 2 threw: RangeError: no/,
      ),
    );
  });
});
