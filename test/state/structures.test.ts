import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { keyGroupOf, type Token, tokenOf } from "../../src/core/key.ts";
import { KeyMap } from "../../src/state/key-map.ts";
import { CLEAN, type NumberKeeper } from "../../src/state/number-cell.ts";
import { NumberRows } from "../../src/state/number-rows.ts";
import { Slab } from "../../src/state/slab.ts";
import { OwnedTable } from "../../src/state/owned-table.ts";
import { Table } from "../../src/state/table.ts";
import { Timers } from "../../src/state/timers.ts";
import { TokenRows } from "../../src/state/token-rows.ts";
import { propertyOptions } from "../connector/seed.ts";
import { type Counter, counter } from "./journal-run.ts";

const number = fc
  .oneof(
    fc.integer({ min: -5, max: 40 }),
    fc.integer(),
    fc.double({ noNaN: true }),
    fc.constantFrom(
      0,
      0.5,
      -0.25,
      2 ** 53,
      -(2 ** 53),
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      Number.MIN_VALUE,
    ),
  )
  .map((n) => n + 0);

const texts = fc.constantFrom<Token>("a", "b", "", "\0sx", 2n, true, Number.NaN, "c", "d", "e");

/** A number of its own for every key, in a row of `values` of them. */
function countIn(rows: NumberRows | TokenRows, token: Token, values: number): number {
  let at = rows.find(token as never);
  if (at < 0) {
    at = rows.insert(at, token as never);
    rows.slots.fill(0, at + 1, at + 1 + values);
  } else {
    rows.touch(at, token);
  }
  rows.slots[at + values] += 1;
  return at;
}

/** Writes down nothing but remembers what it was asked to. */
class Listener implements NumberKeeper {
  mark = 1;
  readonly noted: Token[] = [];
  readonly written: [Token, number[], number][] = [];

  note(token: Token): void {
    this.noted.push(token);
  }

  write(token: Token, values: ArrayLike<number>, seq: number): void {
    this.written.push([token, Array.from(values), seq]);
  }
}

for (const { title, make, keys, seen } of [
  {
    title: "rows of numbers by numbers",
    make: (values: number, expected: number, keeper: NumberKeeper | null) =>
      new NumberRows(values, expected, keeper, new Slab()),
    keys: number as fc.Arbitrary<Token>,
    seen: (rows: NumberRows | TokenRows) => (rows as NumberRows).count.rows,
  },
  {
    title: "rows of numbers by keys of any kind",
    make: (values: number, _expected: number, keeper: NumberKeeper | null) => new TokenRows(values, keeper),
    keys: texts,
    seen: (rows: NumberRows | TokenRows) => rows.size,
  },
]) {
  describe(title, () => {
    it("hold what a Map holds, in the order of arrival, however they grow and whatever the keys", () => {
      fc.assert(
        fc.property(
          fc.array(keys, { maxLength: 300, size: "max" }),
          fc.integer({ min: 1, max: 3 }),
          fc.nat(400),
          fc.boolean(),
          (tokens, values, expected, durable) => {
            const rows = make(values, expected, durable ? new Listener() : null);
            const model = new Map<Token, number>();
            for (const token of tokens) {
              countIn(rows, token, values);
              model.set(token, (model.get(token) ?? 0) + 1);
            }
            assert.equal(seen(rows), model.size);
            assert.equal(rows.size, model.size);
            const held = [...rows.entries()].map(([token, at]) => [token, rows.valuesAt(at)[values - 1]]);
            assert.deepEqual(held, [...model]);
            if (durable) {
              const order = [...rows.entries()].map(([, at]) => rows.seqAt(at));
              assert.deepEqual(
                order,
                Array.from(model, (_, i) => i),
              );
            }
          },
        ),
        propertyOptions(300),
      );
    });

    it("say each key once per mark, and hand out what a key had under the mark before", () => {
      fc.assert(
        fc.property(fc.array(fc.array(keys, { maxLength: 40 }), { maxLength: 6 }), (epochs) => {
          const keeper = new Listener();
          const rows = make(1, 0, keeper);
          const model = new Map<Token, number>();
          let before = new Map<Token, number>();
          for (const tokens of epochs) {
            for (const token of tokens) {
              countIn(rows, token, 1);
              model.set(token, (model.get(token) ?? 0) + 1);
            }
            assert.deepEqual(keeper.noted, [...new Set(tokens)]);
            assert.deepEqual(
              new Map(keeper.written.map(([token, [value]]) => [token, value])),
              new Map([...before].filter(([token]) => tokens.includes(token))),
            );
            for (const [token, , seq] of keeper.written) assert.ok(Object.is([...model.keys()][seq], token));
            // Those that no later change has written down yet, as a journal does.
            for (const [, at] of rows.entries()) if (rows.markAt(at) !== keeper.mark) rows.setMark(at, CLEAN);
            before = new Map([...model].filter(([token]) => tokens.includes(token)));
            keeper.mark = 3 - keeper.mark;
            keeper.noted.length = 0;
            keeper.written.length = 0;
          }
        }),
        propertyOptions(200),
      );
    });

    it("come back clean, in the order in which they are restored", () => {
      fc.assert(
        fc.property(fc.uniqueArray(keys, { maxLength: 100, comparator: Object.is }), (tokens) => {
          const keeper = new Listener();
          const rows = make(2, 0, keeper);
          tokens.forEach((token, i) => {
            rows.restore(token as never, [i, -i]);
          });
          assert.deepEqual(
            [...rows.entries()].map(([token, at]) => [token, ...rows.valuesAt(at)]),
            tokens.map((token, i) => [token, i, -i]),
          );
          for (const [token, at] of rows.entries()) {
            assert.equal(rows.markAt(at), CLEAN);
            rows.touch(at, token);
          }
          assert.deepEqual(keeper.noted, tokens);
          assert.deepEqual(keeper.written, []);
        }),
        propertyOptions(100),
      );
    });
  });
}

describe("rows of numbers by numbers", () => {
  it("spread whole numbers, fractions and multiples of powers of two, so that a look-up stays short", () => {
    for (const keyOf of [
      (i: number) => i,
      (i: number) => i * 1024,
      (i: number) => i / 1000,
      (i: number) => i * 2 ** 33,
      (i: number) => -i * 65_536,
    ]) {
      const rows = new NumberRows(1, 0, null, new Slab());
      for (let i = 0; i < 20_000; i++) rows.insert(rows.find(keyOf(i)), keyOf(i));
      let run = 0;
      let longest = 0;
      for (let at = 0; at < rows.slots.length; at += rows.stride) {
        run = Number.isNaN(rows.slots[at]) ? 0 : run + 1;
        longest = Math.max(longest, run);
      }
      assert.ok(longest < 600, `${longest} slots in a row are taken for keys like ${keyOf(3)}`);
    }
  });
});

describe("a map of keys", () => {
  it("holds what a Map holds when its parts are full", () => {
    const step = fc.record({
      key: fc.constantFrom("a", "b", 1, 2n, true, "c", "d", "e"),
      remove: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step), fc.integer({ min: 1, max: 3 }), (steps, limit) => {
        const map = new KeyMap<number>(limit);
        const model = new Map<unknown, number>();
        steps.forEach(({ key, remove }, i) => {
          if (remove) map.delete(key);
          else map.set(key, i);
          if (remove) model.delete(key);
          else model.set(key, i);
        });
        assert.equal(map.size, model.size);
        assert.deepEqual(new Map<unknown, number>([...map.entries()]), model);
        for (const key of ["a", "b", 1, 2n, true, "c", "d", "e"]) assert.equal(map.get(key), model.get(key));
        map.clear();
        assert.equal(map.size, 0);
        assert.deepEqual([...map.entries()], []);
      }),
      propertyOptions(300),
    );
  });

  it("is walked on from where a walk was left, over the border of its parts too", () => {
    const map = new KeyMap<number>(2);
    for (let i = 0; i < 7; i++) map.set(i, i);
    const seen: number[] = [];
    const entries = map.entries();
    for (let walks = 0; walks < 10; walks++) {
      for (const [, value] of entries) {
        seen.push(value);
        if (seen.length % 2 === 0) break;
      }
    }
    assert.deepEqual(seen, [0, 1, 2, 3, 4, 5, 6]);
  });
});

describe("timers", () => {
  const token = fc.constantFrom<Token>("a", "b", "", 3, -1, 2n, true, false);

  it("come up by time, and within a time by key, however they were put in", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 8 }), token)),
        fc.integer(),
        (entries, salt) => {
          const outOf = (list: typeof entries): unknown[] => {
            const timers = new Timers();
            for (const [time, key] of list) timers.push(time, key);
            const out: unknown[] = [];
            for (; timers.size > 0; timers.pop()) out.push([timers.next, timers.nextToken]);
            assert.equal(timers.next, Number.POSITIVE_INFINITY);
            return out;
          };
          const out = outOf(entries) as [number, Token][];
          assert.ok(out.every(([time], i) => i === 0 || out[i - 1][0] <= time));
          const shuffled = entries
            .map((entry, i) => ({ entry, at: Math.imul(i + 1, salt | 1) }))
            .sort((a, b) => a.at - b.at);
          assert.deepEqual(outOf(shuffled.map(({ entry }) => entry)), out);
        },
      ),
      propertyOptions(300),
    );
  });

  it("that are asked for beforehand are due, and the next one is among them", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 8 }), token)), fc.nat(9), (entries, to) => {
        const timers = new Timers();
        for (const [time, key] of entries) timers.push(time, key);
        const asked: Token[] = [];
        timers.forSomeDue(to, (key) => asked.push(key));
        const due = entries.filter(([time]) => time <= to).map(([, key]) => key);
        assert.ok(asked.every((key) => due.includes(key)));
        if (timers.next <= to) assert.ok(asked.includes(timers.nextToken));
        assert.equal(timers.size, entries.length);
      }),
      propertyOptions(100),
    );
  });
});

describe("a table", () => {
  it("keeps its buckets in the order of time, however they are opened and dropped", () => {
    const step = fc.oneof(
      fc.record({ open: fc.integer({ min: -20, max: 20 }) }),
      fc.constant("drop first" as const),
      fc.record({ forget: fc.integer({ min: -20, max: 20 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const table = new Table<Counter>("op", "panes", "by-time");
        const model = new Set<number>();
        const times = () => [...model].sort((a, b) => a - b);
        for (const one of steps) {
          if (one === "drop first") {
            if (table.first === undefined) continue;
            model.delete(times()[0]);
            table.dropFirst();
          } else if ("open" in one) {
            assert.equal(table.open(one.open), table.open(one.open));
            model.add(one.open);
          } else {
            table.forget(one.forget);
            model.delete(one.forget);
          }
          assert.deepEqual(
            table.buckets.map(({ time }) => time),
            times(),
          );
          assert.equal(table.first?.time, times()[0]);
          for (const at of [-21, -3, 0, 7, 20]) {
            assert.equal(
              table.after(at)?.time,
              times().find((t) => t > at),
            );
          }
        }
      }),
      propertyOptions(200),
    );
  });

  it("walks its rows in the order of arrival, once", () => {
    const table = new Table<Counter>("op", "panes", "by-time");
    const bucket = table.open(10);
    ["c", "a", "b"].forEach((token, i) => {
      table.insert(bucket, token, counter(i));
    });
    table.walk(bucket);
    assert.deepEqual(
      Array.from(table.nextRows() ?? [], ([token]) => token),
      ["c", "a", "b"],
    );
    assert.equal(table.nextRows(), null);
    table.walk(table.open(20));
    assert.deepEqual([...(table.nextRows() ?? [])], []);
  });

  it("shows each row once, whatever form it has", () => {
    const table = new Table<Counter>("op", "panes", "by-time");
    const bucket = table.open(7);
    table.insert(bucket, "a", counter(1));
    bucket.numbers = new NumberRows(1, 0, null, new Slab());
    bucket.numbers.restore(5, [2]);
    bucket.tokens = new TokenRows(1, null);
    bucket.tokens.restore("b", [3]);
    const rows = Array.from(table.stateRows(), ({ operator, table, keyGroup, key, time, value }) => {
      assert.equal(keyGroup, keyGroupOf(tokenOf(key)));
      return [operator, table, key, time, value];
    });
    assert.deepEqual(rows, [
      ["op", "panes", "a", 7, counter(1)],
      ["op", "panes", 5, 7, Float64Array.of(2)],
      ["op", "panes", "b", 7, Float64Array.of(3)],
    ]);
    assert.equal(table.size, 3);
  });
});

describe("a table by owner", () => {
  it("forgets an owner who has no row any more, and shows whose rows there are", () => {
    const table = new OwnedTable<Counter>("op", "carts");
    const ada = table.open("ada");
    table.insert(ada, "tea", counter(1));
    table.insert(ada, 5, counter(2));
    table.insert(table.open("bob"), "tea", counter(3));
    assert.deepEqual(
      Array.from(table.stateRows(), ({ key, subKey, value }) => [key, subKey, (value as Counter).n]),
      [
        ["ada", "tea", 1],
        ["ada", 5, 2],
        ["bob", "tea", 3],
      ],
    );
    table.remove(ada, "tea");
    assert.equal(table.open("ada"), ada);
    table.remove(ada, 5);
    assert.notEqual(table.open("ada"), ada);
    table.drop("bob");
    assert.equal(table.size, 0);
  });
});

describe("a slab", () => {
  it("gives arrays of zeros that share nothing but their blocks, whatever their lengths", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 20_000 }), { maxLength: 60 }), (lengths) => {
        const slab = new Slab();
        const pieces = lengths.map((length, i) => {
          const piece = slab.take(length);
          assert.equal(piece.length, length);
          assert.ok(piece.every((value) => value === 0));
          return piece.fill(i + 1);
        });
        pieces.forEach((piece, i) => {
          assert.ok(piece.every((value) => value === i + 1));
        });
      }),
      propertyOptions(50),
    );
  });
});
