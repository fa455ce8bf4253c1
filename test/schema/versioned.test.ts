/** Versions and upcasters: old rows are read by a newer program, or the program says why they can't be. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ByteWriter } from "../../src/schema/bytes.ts";
import { codecOf } from "../../src/schema/declared.ts";
import { t } from "../../src/schema/index.ts";
import { Shapes } from "../../src/schema/shapes.ts";
import { structural } from "../../src/schema/structural.ts";
import { versioned } from "../../src/schema/versioned.ts";
import { decoded, encoded, roundTrip } from "./round-trip.ts";

const shapes = new Shapes();
const plain = structural(shapes);
const upcasters = {
  1: (old: { name: string }) => ({ first: old.name, steps: [1] }),
  2: (old: { first: string; steps: number[] }) => ({ ...old, steps: [...old.steps, 2] }),
};

describe("a versioned value", () => {
  test("is stored behind its version, and comes back unchanged in the same version", () => {
    const codec = versioned(plain, 2, { structural: plain });
    assert.equal(codec.shape, "v2:structural");
    assert.equal(encoded(codec, 5).toString("hex"), "0205");
    assert.deepEqual(roundTrip(codec, { a: 1 }), { a: 1 });
  });

  test("of an older version is brought up step by step, in order", () => {
    const [one, two] = [
      versioned(plain, 1, { structural: plain }),
      versioned(plain, 2, { structural: plain }),
    ];
    const now = versioned(plain, 3, { upcasters, structural: plain });
    assert.deepEqual(decoded(now, encoded(one, { name: "n" })), { first: "n", steps: [1, 2] });
    assert.deepEqual(decoded(now, encoded(two, { first: "n", steps: [] })), { first: "n", steps: [2] });
    assert.deepEqual(roundTrip(now, { first: "n", steps: [] }), { first: "n", steps: [] });
  });

  test("of an older version is read by that version's codec", () => {
    const old = codecOf(t.object({ name: t.string }), shapes);
    const current = codecOf(t.object({ first: t.string, steps: t.array(t.number) }), shapes);
    const bytes = encoded(versioned(old, 1, { structural: plain }), { name: "n" });
    const now = versioned(current, 2, {
      upcasters: { 1: upcasters[1] },
      codecs: { 1: old },
      structural: plain,
    });
    assert.deepEqual(decoded(now, bytes), { first: "n", steps: [1] });
    assert.equal(now.shape, "v2:object{first:string,steps:array<number>}");
  });

  test("of a newer version than the program's is an error that names both", () => {
    const bytes = encoded(versioned(plain, 3, { upcasters, structural: plain }), 1);
    assert.throws(() => decoded(versioned(plain, 2, { structural: plain }), bytes), {
      code: "STATE_SCHEMA_CHANGED",
      message: /^a stored value is of version 3, and the program knows versions up to 2 /,
    });
  });

  test("without an upcaster for a step is an error that names the step", () => {
    const bytes = encoded(versioned(plain, 1, { structural: plain }), 1);
    assert.throws(
      () => decoded(versioned(plain, 3, { upcasters: { 1: upcasters[1] }, structural: plain }), bytes),
      {
        code: "STATE_SCHEMA_CHANGED",
        message: /there is no upcaster from version 2 to 3 /,
      },
    );
  });

  test("whose upcaster throws is an error with the cause", () => {
    const cause = new TypeError("no name");
    const fail = () => {
      throw cause;
    };
    const bytes = encoded(versioned(plain, 1, { structural: plain }), 1);
    assert.throws(() => decoded(versioned(plain, 2, { upcasters: { 1: fail }, structural: plain }), bytes), {
      code: "USER_FUNCTION_FAILED",
      message: /^the upcaster from version 1 to 2 threw: TypeError: no name/,
      cause,
    });
  });

  test("that is refused leaves no version behind", () => {
    const into = new ByteWriter();
    assert.throws(() => versioned(plain, 1, { structural: plain }).encode(() => 1, into), {
      code: "STATE_VALUE_REFUSED",
    });
    assert.equal(into.at, 0);
  });

  test("can't have a version below one, nor an upcaster that leads nowhere", () => {
    for (const version of [0, -1, 1.5, Number.NaN]) {
      assert.throws(() => versioned(plain, version, { structural: plain }), { code: "OPTION_INVALID" });
    }
    for (const from of [0, 2, 1.5]) {
      assert.throws(() => versioned(plain, 2, { upcasters: { [from]: (v) => v }, structural: plain }), {
        code: "OPTION_INVALID",
      });
    }
  });
});
