/** Where rows stand in a backend: addresses and back, ranges, order. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Key, KEY_GROUPS, keyGroupOf, tokenOf } from "../../src/core/key.ts";
import { Bucket } from "../../src/state/bucket.ts";
import type { Row } from "../../src/state/contract.ts";
import { memoryStore } from "../../src/state/memory.ts";
import { OwnedTable } from "../../src/state/owned-table.ts";
import { type Rows, Table } from "../../src/state/table.ts";
import { propertyOptions } from "../connector/seed.ts";
import type { Counter } from "./journal-run.ts";

const key: fc.Arbitrary<Key> = fc.oneof(
  fc.constantFrom<Key>("", "a", "ÿÿ", "\0", 0, -1, 1e300, 10n, true, ["a", 1], ["", ""]),
  fc.string({ unit: "binary" }),
  fc.double().map((n) => n + 0),
  fc.bigInt(),
  fc.tuple(fc.string(), fc.integer()),
);
const time = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.maxSafeInteger(),
  fc.constantFrom(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY),
);

describe("addresses", () => {
  /** Where a row of the table stands: time and key, or owner and key within its rows. */
  type Spot = { readonly time: number; readonly owner: Key; readonly key: Key };
  const layouts: [string, () => Rows<Counter>, (rows: Rows<Counter>, spot: Spot) => Bucket<Counter>][] = [
    ["by-key", () => new Table("op", "rows", "by-key"), (rows) => (rows as Table<Counter>).open(0)],
    [
      "by-time",
      () => new Table("op", "rows", "by-time"),
      (rows, { time }) => (rows as Table<Counter>).open(time),
    ],
    [
      "by-owner",
      () => new OwnedTable("op", "rows"),
      (rows, { owner }) => (rows as OwnedTable<Counter>).open(tokenOf(owner)),
    ],
  ];

  for (const [layout, make, open] of layouts) {
    it(`lead back to the row, ${layout}, and say its key group`, () => {
      fc.assert(
        fc.property(time, key, key, (time, owner, key) => {
          const rows = make();
          const token = tokenOf(key);
          const bucket = open(rows, { time, owner, key });
          const address = rows.address(bucket, token);
          const found = make().place(address);
          assert.equal(found.token, token);
          assert.deepEqual([found.bucket.time, found.bucket.owner], [bucket.time, bucket.owner]);
          assert.equal(rows.groupAt(address), keyGroupOf(bucket.owner ?? token));
          assert.match(address, /^[\x00-\xff]*$/);
        }),
        propertyOptions(300),
      );
    });

    it(`of one bucket are one range, ${layout}, which the key groups split without rest`, () => {
      fc.assert(
        fc.property(
          fc.array(fc.record({ time, owner: key, key }), { minLength: 1, maxLength: 12 }),
          fc.nat(KEY_GROUPS),
          (spots, split) => {
            const rows = make();
            const placed = spots.map((spot) => {
              const bucket = open(rows, spot);
              return { bucket, address: rows.address(bucket, tokenOf(spot.key)) };
            });
            for (const { bucket } of placed) {
              const ranges = [rows.rangeOf(bucket, 0, split), rows.rangeOf(bucket, split, KEY_GROUPS)];
              for (const other of placed) {
                const holding = ranges.filter(
                  (range) => range !== null && other.address >= range.from && other.address < range.to,
                );
                assert.equal(holding.length, other.bucket === bucket ? 1 : 0);
              }
            }
          },
        ),
        propertyOptions(200),
      );
    });
  }

  it("order by time first, then by key group: what is due is one scan of a store", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ time, key }), { maxLength: 20 }), time, async (spots, to) => {
        const table = new Table<Counter>("op", "panes", "by-time");
        const placed = spots.map(({ time, key }) => ({
          time,
          address: table.address(table.open(time), tokenOf(key)),
        }));
        const store = memoryStore();
        const value = new Uint8Array(1);
        await store.apply(
          placed.map(({ address }) => ({ address, value })),
          null,
        );
        for (const other of [new Table("op", "panes2", "by-time"), new Table("oq", "panes", "by-time")])
          await store.apply([{ address: other.address(other.open(0), "x"), value }], null);
        const end = (table.rangeOf(new Bucket<Counter>(to), 0, KEY_GROUPS) as { to: string }).to;
        const found = await store.scan(table.prefix, end, 1000);
        const due = placed.filter(({ time }) => time <= to).map(({ address }) => address);
        assert.deepEqual(
          found.map(({ address }: Row) => address),
          [...new Set(due)].sort(),
        );
        const times = found.map(({ address }: Row) => table.place(address).bucket.time);
        assert.deepEqual(
          times,
          times.toSorted((a, b) => a - b),
        );
      }),
      propertyOptions(100),
    );
  });

  it("of two tables never meet, whatever their names", () => {
    const name = fc.string({ minLength: 1 }).filter((text) => !text.includes("\0"));
    fc.assert(
      fc.property(name, name, name, name, key, (opA, opB, a, b, key) => {
        const [one, two] = [new Table(opA, a, "by-key"), new Table(opB, b, "by-key")];
        const same = opA === opB && a === b;
        const address = one.address(one.open(0), tokenOf(key));
        assert.equal(address.startsWith(two.prefix), same);
      }),
      propertyOptions(200),
    );
  });
});
