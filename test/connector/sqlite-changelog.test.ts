/**
 * A changelog into an SQLite table. Catches: retractions that take away a newer row, a -U without its +U that is left out,
 * changes that depend on where a batch or an epoch was cut.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Change, OpenSink } from "../../src/connector/contract.ts";
import { propertyOptions } from "./seed.ts";
import { Scratch, writeAll } from "./sqlite-scratch.ts";

interface Ranked {
  readonly k: number;
  readonly n: number | null;
  readonly tags: readonly string[];
}

type Step = { readonly k: number; readonly n: number | null } | { readonly remove: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ k: fc.integer({ min: 0, max: 4 }), n: fc.constantFrom(null, 1, 2, 0.5) }),
  },
  { weight: 1, arbitrary: fc.record({ remove: fc.integer({ min: 0, max: 4 }) }) },
);

/** A correct changelog of one row per key. */
function changelogOf(steps: readonly Step[]): Change<Ranked>[] {
  const table = new Map<number, Ranked>();
  const changes: Change<Ranked>[] = [];
  for (const step of steps) {
    const k = "remove" in step ? step.remove : step.k;
    const before = table.get(k);
    if ("remove" in step) {
      if (before === undefined) continue;
      changes.push({ op: "-D", row: { ...before } });
      table.delete(k);
    } else {
      const row = { k, n: step.n, tags: [`${step.n}`] };
      if (before !== undefined) changes.push({ op: "-U", row: { ...before } });
      changes.push({ op: before === undefined ? "+I" : "+U", row });
      table.set(k, row);
    }
  }
  return changes;
}

/** The changelog as a table: each change adds its row or takes it away. */
function materialised(changes: readonly Change<Ranked>[]): object[] {
  const rows = new Map<number, Ranked>();
  for (const { op, row } of changes) {
    if (op === "+I" || op === "+U") rows.set(row.k, row);
    else rows.delete(row.k);
  }
  return [...rows.values()]
    .sort((a, b) => a.k - b.k)
    .map(({ k, n, tags }) => ({ k, n, tags: JSON.stringify(tags) }));
}

async function endEpoch(sink: OpenSink<unknown>, epoch: number): Promise<void> {
  await sink.epochs!.commit(epoch, await sink.epochs!.prepare(epoch, false));
}

describe("a changelog into an SQLite table", () => {
  const batches = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 4 });

  for (const guarantee of ["none", "exactly-once"] as const) {
    test(`is that table after any prefix at the end of an epoch, with ${guarantee} (INV-3)`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 25 }), batches, async (steps, batches) => {
          using scratch = new Scratch();
          const sink = await scratch.open({}, { guarantee, changelog: true });
          const changes = changelogOf(steps);
          for (let [at, epoch] = [0, 1]; at < changes.length; epoch++) {
            const size = batches[epoch % batches.length];
            await writeAll(sink, changes.slice(at, at + size));
            at += size;
            if (sink.epochs !== undefined) await endEpoch(sink, epoch);
            assert.deepEqual(scratch.rows(), materialised(changes.slice(0, at)));
          }
          await sink.close();
        }),
        propertyOptions(25),
      );
    });
  }

  const after = async (changes: readonly Change<object>[], options = {}): Promise<object[]> => {
    using scratch = new Scratch();
    const sink = await scratch.open(options, { changelog: true });
    await writeAll(sink, changes);
    await sink.close();
    return scratch.rows();
  };

  const swapped: Change<object>[] = [
    { op: "+I", row: { k: 1, who: "a" } },
    { op: "+I", row: { k: 2, who: "b" } },
    { op: "-U", row: { k: 1, who: "a" } },
    { op: "+U", row: { k: 2, who: "a" } },
    { op: "-U", row: { k: 2, who: "b" } },
    { op: "+U", row: { k: 1, who: "b" } },
  ];

  test("keeps both rows that swap their keys", async () => {
    assert.deepEqual(await after(swapped), [
      { k: 1, who: "b" },
      { k: 2, who: "a" },
    ]);
  });

  test("takes away a row that moves to another key", async () => {
    const moved = await after([
      { op: "+I", row: { k: 1, who: "a" } },
      { op: "-U", row: { k: 1, who: "a" } },
      { op: "+U", row: { k: 2, who: "a" } },
    ]);
    assert.deepEqual(moved, [{ k: 2, who: "a" }]);
  });

  test("keeps a row that has become another one than is deleted", async () => {
    const changes: Change<object>[] = [...swapped, { op: "-D", row: { k: 1, who: "a" } }];
    assert.equal((await after(changes)).length, 2);
  });

  test("retracts rows with NULL, blobs, dates and JSON, each by all of its columns", async () => {
    const row = () => ({
      k: 1,
      none: null,
      bytes: new Uint8Array([1]),
      at: new Date(5),
      list: [1n < 2n],
      nan: Number.NaN,
    });
    const insert: Change<object> = { op: "+I", row: row() };
    assert.deepEqual(await after([insert, { op: "-D", row: row() }]), []);
    assert.equal((await after([insert, { op: "-D", row: { ...row(), at: new Date(6) } }])).length, 1);
  });

  test("keeps what others wrote into a row that is updated at once", async () => {
    using scratch = new Scratch();
    const first = await scratch.open({}, { changelog: true });
    await writeAll(first, [{ op: "+I", row: { k: 1, n: 1 } }]);
    await first.close();
    scratch.sql("ALTER TABLE t ADD COLUMN note");
    scratch.sql("UPDATE t SET note = 'mine'");
    const second = await scratch.open({ columns: ["k", "n"] }, { changelog: true });
    const update = [
      { op: "-U", row: { k: 1, n: 1 } },
      { op: "+U", row: { k: 1, n: 2 } },
    ];
    await writeAll(second, update);
    await second.close();
    assert.deepEqual(scratch.rows(), [{ k: 1, n: 2, note: "mine" }]);
  });
});
