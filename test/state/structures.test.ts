import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Token, tokenOf } from "../../src/core/key.ts";
import { rowAddress, tablePrefix, timeRange } from "../../src/state/contract.ts";
import { KeyMap } from "../../src/state/key-map.ts";
import { memoryStore } from "../../src/state/memory.ts";
import { NumberRows } from "../../src/state/number-rows.ts";
import { Timers } from "../../src/state/timers.ts";
import { propertyOptions } from "../connector/seed.ts";

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

describe("rows of numbers", () => {
  it("hold what a Map holds, however they grow and whatever the keys", () => {
    fc.assert(
      fc.property(
        fc.array(number, { maxLength: 300, size: "max" }),
        fc.integer({ min: 1, max: 3 }),
        fc.nat(400),
        (keys, values, expected) => {
          const rows = new NumberRows(values, expected);
          const model = new Map<number, number>();
          for (const key of keys) {
            let at = rows.find(key);
            if (at < 0) {
              at = rows.claim(at, key);
              for (let i = 1; i <= values; i++) rows.slots[at + i] = 0;
            }
            rows.slots[at + values] += 1;
            model.set(key, (model.get(key) ?? 0) + 1);
          }
          assert.equal(rows.count.rows, model.size);
          for (const [key, n] of model) {
            const at = rows.find(key);
            assert.equal(rows.slots[at], key);
            assert.equal(rows.slots[at + values], n);
          }
          const held: number[] = [];
          for (let at = 0; at < rows.slots.length; at += rows.stride)
            if (!Number.isNaN(rows.slots[at])) held.push(rows.slots[at]);
          assert.deepEqual(new Set(held), new Set(model.keys()));
        },
      ),
      propertyOptions(300),
    );
  });

  it("spread whole numbers, fractions and multiples of powers of two, so that a look-up stays short", () => {
    for (const keyOf of [
      (i: number) => i,
      (i: number) => i * 1024,
      (i: number) => i / 1000,
      (i: number) => i * 2 ** 33,
      (i: number) => -i * 65_536,
    ]) {
      const rows = new NumberRows(1, 0);
      for (let i = 0; i < 20_000; i++) rows.claim(rows.find(keyOf(i)), keyOf(i));
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
  it("come up by time, and within a time by key, however they were put in", () => {
    const token = fc.constantFrom<Token>("a", "b", "", 3, -1, 2n, true, false);
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
});

describe("state rows in a backend", () => {
  it("of one table and time are one range, whatever the keys and times around", async () => {
    const store = memoryStore();
    const prefix = tablePrefix("op", "panes");
    const times = [Number.NEGATIVE_INFINITY, -1e15, -7, 0, 7, 8, 1e15, Number.POSITIVE_INFINITY];
    const keys = ["", "a", "\xff\xff", 0, -1, 10n, true, ["a", 1]];
    const rows = times.flatMap((time) =>
      keys.map((key) => ({ time, address: rowAddress(prefix, "by-time", time, tokenOf(key)) })),
    );
    await store.apply(rows.map(({ time, address }) => ({ address, value: time })));
    await store.apply([
      { address: `${tablePrefix("op", "panes2")}x`, value: 1 },
      { address: `${tablePrefix("oq", "panes")}x`, value: 1 },
    ]);
    for (const from of times) {
      for (const to of times) {
        const range = timeRange(prefix, from, to);
        const found = await store.scan(range.from, range.to, 1000);
        const expected = rows.filter(
          ({ time }) => (from === Number.NEGATIVE_INFINITY || time > from) && time <= to,
        );
        assert.deepEqual(
          new Set(found.map((row) => row.address)),
          new Set(expected.map((row) => row.address)),
          `${from} < time <= ${to}`,
        );
      }
    }
  });

  it("are copies: what is changed after it was written or read does not change the row", async () => {
    const store = memoryStore();
    const value = { n: 1 };
    await store.apply([{ address: "a", value }]);
    value.n = 2;
    const [loaded] = (await store.load(["a"])) as { n: number }[];
    assert.deepEqual(loaded, { n: 1 });
    loaded.n = 3;
    assert.deepEqual(await store.load(["a", "b"]), [{ n: 1 }, undefined]);
    await store.apply([{ address: "a", value: undefined }]);
    assert.equal(store.size, 0);
  });
});
