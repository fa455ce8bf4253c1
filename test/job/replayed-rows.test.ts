/**
 * What stored state is read as from outside, held against a store that applies the same changes one by one.
 *
 * What is caught: a removed range that takes too much or too little, a removal or an older row of the store that comes
 * through again, a value of an earlier change.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Token, tokenOf } from "../../src/core/key.ts";
import { RemovedRanges } from "../../src/job/removed-ranges.ts";
import { ReplayedRows } from "../../src/job/replayed-rows.ts";
import type { Cell } from "../../src/state/bucket.ts";
import type { Change } from "../../src/state/contract.ts";
import { memoryStore } from "../../src/state/memory.ts";
import { OwnedTable } from "../../src/state/owned-table.ts";
import { type Rows, Table } from "../../src/state/table.ts";
import { propertyOptions } from "../connector/seed.ts";

const byKey = new Table<Cell>("count", "sessions", "by-key");
const byTime = new Table<Cell>("höchst", "panes", "by-time");
const byOwner = new OwnedTable<Cell>("count", "seen");
/** Rows of a program of before: nobody knows their layout. */
const unknown = new Table<Cell>("gone", "panes", "by-time");
const layouts = new Map([byKey, byTime, byOwner].map((table) => [table.prefix, table.layout]));

const token = fc.constantFrom<Token>("ada", "", 1, -0.5, 7n, true, tokenOf("\0tx"), tokenOf(["ada", 1]));
const time = fc.constantFrom(-1000, 0, 1000, 2000);

const place: fc.Arbitrary<{ table: Rows<Cell>; time: number; owner: Token }> = fc.record({
  table: fc.constantFrom<Rows<Cell>>(byKey, byTime, byOwner, unknown),
  time,
  owner: token,
});

function bucketOf(table: Rows<Cell>, time: number, owner: Token) {
  if (table instanceof OwnedTable) return table.open(owner);
  return (table as Table<Cell>).open(table.layout === "by-time" ? time : 0);
}

const change: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .record({ place, token, value: fc.option(fc.uint8Array({ maxLength: 3 }), { nil: undefined }) })
      .map(({ place: { table, time, owner }, token, value }) => ({
        address: table.address(bucketOf(table, time, owner), token),
        value,
      })),
  },
  {
    weight: 1,
    // Of one log of several: a part of the key groups.
    arbitrary: fc
      .record({ place, half: fc.constantFrom([0, 128], [0, 64], [64, 128]) })
      .map(({ place: { table, time, owner }, half: [from, to] }) => {
        const range = table.rangeOf(bucketOf(table, time, owner), from!, to!);
        return range ?? { from: "x", to: "x" };
      }),
  },
);

const isWanted = (address: string): boolean => address.length % 2 === 0;

test("what a log leaves, over the rows that a store has of its beginning, are the rows that all changes leave", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 60 }), fc.nat(60), async (changes, applied) => {
      const expected = memoryStore();
      await expected.apply(changes, null);
      const store = memoryStore();
      await store.apply(changes.slice(0, applied), null);
      // Without a store the log is read from its beginning.
      for (const from of [0, applied]) {
        const isTail = from > 0;
        const replayed = new ReplayedRows({ layouts, wants: isWanted, isTail });
        for (const one of changes.slice(from)) replayed.apply(one);
        const found = new Map<string, number | string>();
        for (const { address, value } of isTail ? await store.scan("", "\xff", 1000) : [])
          if (!replayed.knows(address))
            found.set(address, isWanted(address) ? Buffer.from(value).toString("hex") : value.length);
        for (const { address, valueBytes, value } of replayed.rows()) {
          assert.ok(!found.has(address), "a row is there twice");
          found.set(address, value === null ? valueBytes : Buffer.from(value).toString("hex"));
        }
        const rows = (await expected.scan("", "\xff", 1000)).map(
          ({ address, value }): [string, number | string] => [
            address,
            isWanted(address) ? Buffer.from(value).toString("hex") : value.length,
          ],
        );
        assert.deepEqual([...found].toSorted(), rows.toSorted());
      }
    }),
    propertyOptions(200),
  );
});

test("a set of ranges has what any of them has", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 3 });
  fc.assert(
    fc.property(fc.array(fc.tuple(text, text), { maxLength: 12 }), text, (ranges, address) => {
      const set = new RemovedRanges();
      for (const [from, to] of ranges) set.add(from, to);
      assert.equal(
        set.has(address),
        ranges.some(([from, to]) => from <= address && address < to),
      );
    }),
    propertyOptions(1000),
  );
});
