/** The dictionary of shapes: what a restarted job has to find again, and its bounds. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MAX_SHAPE_FIELDS, MAX_SHAPES, Shapes } from "../../src/schema/shapes.ts";
import { structural } from "../../src/schema/structural.ts";
import { decoded, ENOUGH, encoded, roundTrip } from "./round-trip.ts";

/** As a manifest keeps it. */
const restored = (shapes: Shapes): Shapes => Shapes.from(JSON.parse(JSON.stringify(shapes)));

describe("shapes", () => {
  test("are given dense ids in the order in which they are met, and keep them", () => {
    const shapes = new Shapes();
    const lists = [["a"], ["a", "b"], [], ["b", "a"], ["__proto__", "\ud800"]];
    assert.deepEqual(
      lists.map((names) => shapes.idOf(names)),
      [0, 1, 2, 3, 4],
    );
    assert.deepEqual(
      lists.map((names) => shapes.idOf([...names])),
      [0, 1, 2, 3, 4],
    );
    assert.deepEqual(shapes.toJSON(), lists);
    assert.deepEqual(shapes.names(3), ["b", "a"]);
    assert.equal(shapes.names(5), undefined);
  });

  test("come back from a manifest, and go on growing", () => {
    const shapes = new Shapes();
    const before = structural(shapes);
    const rows = [{ a: 1 }, { a: 1, b: { c: 2 } }].map((row) => encoded(before, row));

    const again = restored(shapes);
    const after = structural(again);
    assert.deepEqual(
      rows.map((row) => decoded(after, row)),
      [{ a: 1 }, { a: 1, b: { c: 2 } }],
    );
    assert.equal(again.size, 3);
    const more = encoded(after, { b: 1, a: { c: 3 } });
    assert.equal(again.size, 4);

    const third = structural(restored(again));
    assert.deepEqual(decoded(third, more), { b: 1, a: { c: 3 } });
    assert.deepEqual(decoded(third, rows[1]), { a: 1, b: { c: 2 } });
  });

  test("of a row are in the dictionary as soon as the row is encoded", () => {
    const shapes = new Shapes();
    const codec = structural(shapes);
    for (let i = 0; i < ENOUGH; i++) {
      const row = encoded(codec, { [`f${i}`]: [new Map([[{ k: i }, { v: i, [`g${i}`]: {} }]])] });
      assert.deepEqual(decoded(structural(restored(shapes)), row), decoded(codec, row));
    }
  });

  test("of more than 64 fields, or with names like data, get no id, and their objects are kept all the same", () => {
    const shapes = new Shapes();
    const codec = structural(shapes);
    const wide = (n: number) =>
      Object.fromEntries(Array.from({ length: n }, (_, i) => [`field${i}`, { x: i }]));
    assert.deepEqual(roundTrip(codec, wide(MAX_SHAPE_FIELDS + 1)), wide(MAX_SHAPE_FIELDS + 1));
    assert.deepEqual(shapes.toJSON(), [["x"]]);
    assert.deepEqual(roundTrip(codec, { ["n".repeat(5000)]: 1 }), { ["n".repeat(5000)]: 1 });
    assert.deepEqual(shapes.toJSON(), [["x"]]);
    assert.deepEqual(roundTrip(codec, wide(MAX_SHAPE_FIELDS)), wide(MAX_SHAPE_FIELDS));
    assert.equal(shapes.size, 2);
  });

  test("are at most a thousand: later ones get no id, known ones keep theirs", () => {
    const shapes = new Shapes();
    const codec = structural(shapes);
    for (let i = 0; i < MAX_SHAPES + 50; i++) {
      const row = { [`user-${i}`]: i, constructor: "own" };
      assert.deepEqual(roundTrip(codec, row), row);
    }
    assert.equal(shapes.size, MAX_SHAPES);
    assert.equal(encoded(codec, { "user-3": 3, constructor: "own" }).length, 6);
    const json = JSON.parse('{"user-2000": 1, "__proto__": {"x": 1}}');
    assert.deepEqual(roundTrip(codec, json), json);
  });

  test("that can't come from toJSON are damage", () => {
    for (const json of [null, {}, [["a"], 1], [["a", 1]], [["a"], ["a"]], [["b"], ["a"], ["b"]]]) {
      assert.throws(() => Shapes.from(json), { code: "STATE_DAMAGED" }, JSON.stringify(json));
    }
  });

  test("that a row needs and a dictionary does not have are damage", () => {
    const row = encoded(structural(new Shapes()), { a: 1 });
    assert.throws(() => decoded(structural(new Shapes()), row), { code: "STATE_DAMAGED" });
  });
});
