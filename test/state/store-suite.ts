/**
 * What every state backend does, whatever it writes to.
 *
 * Catches: keys whose bytes change or sort differently on the way, ranges that take their end, changes of one batch
 * in another order, positions that go their own way, bytes shared with the caller, answers that mix two moments,
 * orders of answers, and a store that lives on after its close. The property compares whole histories with a map.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { MillraceError } from "../../src/core/errors.ts";
import type { Change, Row, RowStore } from "../../src/state/contract.ts";
import { propertyOptions } from "../connector/seed.ts";

export interface StoreCase {
  /** A store without rows. */
  open(): Promise<RowStore>;
  /** For stores that outlive their process: the closed store, opened again. */
  readonly reopen?: (closed: RowStore) => Promise<RowStore>;
}

const bytes = (text: string) => Buffer.from(text, "latin1");
const put = (address: string, text: string): Change => ({ address, value: bytes(text) });
const remove = (address: string): Change => ({ address, value: undefined });
const removeRange = (from: string, to: string): Change => ({ from, to });
const text = (value: Uint8Array | undefined) => value && Buffer.from(value).toString("latin1");
const pair = ({ address, value }: Row) => [address, text(value)];

const ALL = "\u{ff}".repeat(20);
const rowsOf = async (store: RowStore) => (await store.scan("", ALL, Infinity)).map(pair);
const textsOf = async (store: RowStore, addresses: string[]) => (await store.load(addresses)).map(text);

/** What a store holds after a history of applies, said as a map. */
function applyTo(model: Map<string, string>, changes: readonly Change[]): void {
  for (const change of changes) {
    if ("from" in change) {
      for (const address of [...model.keys()])
        if (address >= change.from && address < change.to) model.delete(address);
    } else if (change.value === undefined) model.delete(change.address);
    else model.set(change.address, text(change.value) as string);
  }
}
const sorted = (model: Map<string, string>) => [...model].sort(([a], [b]) => (a < b ? -1 : 1));

export function storeSuite(name: string, { open, reopen }: StoreCase): void {
  /** A test on a store of its own, which is closed afterwards. */
  const on = (title: string, body: (store: RowStore) => Promise<void>) =>
    test(title, async () => {
      const store = await open();
      try {
        await body(store);
      } finally {
        await store.close();
      }
    });

  describe(`${name} as a store of rows`, () => {
    on("gives back what it was given, and undefined where there is nothing", async (store) => {
      await store.apply([put("a", "1"), put("b", "2")], "p");
      assert.deepEqual(await textsOf(store, ["a", "b", "c"]), ["1", "2", undefined]);
      assert.deepEqual(await store.load([]), []);
    });

    on("answers a load in the order of its addresses, as often as each is named", async (store) => {
      await store.apply([put("a", "1"), put("b", "2"), put("c", "3")], "p");
      const addresses = ["c", "x", "a", "c", "b", "a", "x"];
      assert.deepEqual(await textsOf(store, addresses), ["3", undefined, "1", "3", "2", "1", undefined]);
    });

    on("takes the newer value of a row", async (store) => {
      await store.apply([put("a", "long before")], "p");
      await store.apply([put("a", "1")], "p");
      assert.deepEqual(await textsOf(store, ["a"]), ["1"]);
    });

    on("takes the changes of one apply in their order", async (store) => {
      await store.apply([put("old", "0"), put("r1", "0"), put("r2", "0")], "p");
      await store.apply(
        [
          put("put, removed", "1"),
          remove("put, removed"),
          remove("old"),
          put("old", "new"),
          put("twice", "1"),
          put("twice", "2"),
          put("r3", "put before the removal of its range"),
          removeRange("r", "s"),
          put("r2", "put after the removal of its range"),
        ],
        "p",
      );
      assert.deepEqual(await rowsOf(store), [
        ["old", "new"],
        ["r2", "put after the removal of its range"],
        ["twice", "2"],
      ]);
    });

    on("removes what is not there without a word", async (store) => {
      await store.apply([remove("a"), removeRange("b", "c"), put("d", "1")], "p");
      assert.deepEqual(await rowsOf(store), [["d", "1"]]);
    });

    on("removes a range from its start to before its end", async (store) => {
      await store.apply(
        ["a", "b", "b\0", "c", "c\0"].map((address) => put(address, "1")),
        "p",
      );
      await store.apply([removeRange("b", "c")], "p");
      assert.deepEqual(
        (await rowsOf(store)).map(([address]) => address),
        ["a", "c", "c\0"],
      );
    });

    on("removes nothing by a range that is empty or ends before it starts, and goes on", async (store) => {
      await store.apply([put("a", "1"), put("b", "1"), put("c", "1")], "p");
      await store.apply([removeRange("b", "b"), removeRange("c", "a"), put("d", "1")], "q");
      await store.flush();
      assert.equal((await rowsOf(store)).length, 4);
      assert.equal(await store.position(), "q");
    });

    on("scans from the start to before the end of a range", async (store) => {
      await store.apply(
        ["a", "b", "b\0", "c"].map((address) => put(address, address)),
        "p",
      );
      const found = await store.scan("b", "c", 10);
      assert.deepEqual(found.map(pair), [
        ["b", "b"],
        ["b\0", "b\0"],
      ]);
      assert.deepEqual(await store.scan("b", "b", 10), []);
      assert.deepEqual(await store.scan("c", "a", 10), []);
      assert.deepEqual(await store.scan("x", "y", 10), []);
    });

    on("keeps and orders addresses by their bytes, all 256 of them", async (store) => {
      const every = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));
      const addresses = ["", ...every.flatMap((c) => [c, `${c}\0`, `${c}\u{ff}`, `m${c}`, `r${c}`])];
      const distinct = [...new Set(addresses)];
      await store.apply(
        distinct.toReversed().map((address) => put(address, address)),
        "p",
      );
      assert.deepEqual(
        await rowsOf(store),
        distinct.sort().map((address) => [address, address]),
      );
      assert.deepEqual(await textsOf(store, distinct), distinct);
    });

    on("gives at most as many rows as asked for, and all of them page by page", async (store) => {
      const all = Array.from({ length: 2500 }, (_, i) => String(i).padStart(5, "0"));
      await store.apply(
        all.map((address) => put(address, address)),
        "p",
      );
      for (const limit of [0, 1, 7, 2499, 2500, 2501])
        assert.equal((await store.scan("", ALL, limit)).length, Math.min(limit, 2500));
      for (const page of [1000, 1250, 7]) {
        const found: string[] = [];
        for (let from = ""; ; from = `${found[found.length - 1]}\0`) {
          const rows = await store.scan(from, ALL, page);
          found.push(...rows.map((row) => row.address));
          if (rows.length < page) break;
        }
        assert.deepEqual(found, all);
      }
    });

    on("keeps empty values, all bytes of a value, and one of 1 MiB", async (store) => {
      const every = Uint8Array.from({ length: 256 }, (_, byte) => byte);
      const large = new Uint8Array(1024 * 1024).map((_, i) => i % 251);
      await store.apply(
        [
          { address: "empty", value: new Uint8Array(0) },
          { address: "every", value: every },
          { address: "large", value: large },
          { address: "part", value: large.subarray(1, 4) },
        ],
        "p",
      );
      const loaded = await store.load(["empty", "every", "large", "part"]);
      const scanned = await store.scan("", ALL, 10);
      for (const values of [loaded, scanned.map((row) => row.value)]) {
        const [empty, all, most, part] = values.map((value) => Buffer.from(value as Uint8Array));
        assert.equal(empty.length, 0);
        assert.ok(all.equals(every) && most.equals(large) && part.equals(Uint8Array.of(1, 2, 3)));
      }
    });

    on("shares no bytes with its caller", async (store) => {
      const given = bytes("given");
      await store.apply([{ address: "a", value: given }], "p");
      given.fill(0);
      const [loaded] = await store.load(["a"]);
      const [scanned] = await store.scan("", ALL, 1);
      assert.equal(text(loaded), "given");
      loaded?.fill(0);
      scanned.value.fill(0);
      assert.deepEqual(await textsOf(store, ["a"]), ["given"]);
    });

    on(
      "has no position at first, then that of the last apply, also of one without changes",
      async (store) => {
        assert.equal(await store.position(), null);
        await store.apply([put("a", "1")], "1:20");
        assert.equal(await store.position(), "1:20");
        await store.apply([], 'ä\n"\u{1f600}');
        assert.equal(await store.position(), 'ä\n"\u{1f600}');
        await store.apply([removeRange("", ALL)], "");
        assert.equal(await store.position(), "");
        assert.deepEqual(await rowsOf(store), []);
      },
    );

    on("takes applies that did not wait for each other in the order of their calls", async (store) => {
      // A small one behind a large one, which is the slower.
      const filler = Array.from({ length: 20_000 }, (_, i) => put(`filler${i}`, ""));
      for (let n = 0; n < 10; n++) {
        const large = store.apply([...filler, put("a", `large ${n}`)], `large ${n}`);
        const small = store.apply([put("a", `small ${n}`)], `small ${n}`);
        await Promise.all([large, small]);
        assert.deepEqual(await textsOf(store, ["a"]), [`small ${n}`]);
        assert.equal(await store.position(), `small ${n}`);
      }
    });

    on("answers a scan from one moment while applies go on", async (store) => {
      const addresses = Array.from({ length: 5000 }, (_, i) => String(i).padStart(5, "0"));
      const all = (value: string) => addresses.map((address) => put(address, value));
      await store.apply(all("0"), "0");
      const scans: Promise<readonly Row[]>[] = [];
      for (let n = 1; n <= 8; n++) {
        scans.push(store.scan("", ALL, Infinity));
        // Every other apply removes first what it then puts again.
        await store.apply(n % 2 === 0 ? [removeRange("", ALL), ...all(`${n}`)] : all(`${n}`), `${n}`);
      }
      for (const [began, scan] of scans.entries()) {
        const values = new Set((await scan).map((row) => text(row.value)));
        assert.equal((await scan).length, 5000);
        assert.equal(values.size, 1, `scan ${began} saw the applies ${[...values].join(", ")}`);
        assert.ok(Number([...values][0]) >= began);
      }
    });

    on("takes 50,000 changes in one apply", async (store) => {
      const address = (i: number) => `k${(i * 7919) % 50_000}`;
      await store.apply(
        Array.from({ length: 50_000 }, (_, i) => put(address(i), `${i}`)),
        "p",
      );
      assert.equal((await store.scan("", ALL, Infinity)).length, 50_000);
      const some = Array.from({ length: 3000 }, (_, i) => i * 16);
      assert.deepEqual(
        await textsOf(
          store,
          some.map((i) => address(i)),
        ),
        some.map(String),
      );
    });

    on("serves many loads at once", async (store) => {
      const all = Array.from({ length: 10_000 }, (_, i) => i);
      await store.apply(
        all.map((i) => put(`k${i}`, `${i}`)),
        "p",
      );
      const loads = Array.from({ length: 50 }, (_, n) => all.slice(n * 100, n * 100 + 1 + n * 20));
      const answers = await Promise.all(
        loads.map((part) =>
          textsOf(
            store,
            part.map((i) => `k${i}`),
          ),
        ),
      );
      assert.deepEqual(
        answers,
        loads.map((part) => part.map(String)),
      );
    });

    on("flushes when there is nothing to flush, and between applies", async (store) => {
      await store.flush();
      await store.apply([put("a", "1"), put("b", "1")], "1");
      await store.flush();
      await store.flush();
      await store.apply([remove("a"), put("c", "2")], "2");
      assert.deepEqual(await rowsOf(store), [
        ["b", "1"],
        ["c", "2"],
      ]);
    });

    test("ends what it has begun when it is closed, and refuses everything afterwards", async () => {
      const store = await open();
      await store.apply([put("a", "1")], "p");
      const many = Array.from({ length: 500 }, (_, i) => put(`b${i}`, "1"));
      const applies = Array.from({ length: 20 }, (_, n) => store.apply(many, `${n}`));
      const begun = [store.load(["a"]), store.scan("", ALL, 10), ...applies];
      await Promise.all([store.close(), store.close()]);
      await Promise.all(begun);
      await store.close();
      const uses = [
        () => store.load(["a"]),
        () => store.scan("", ALL, 10),
        () => store.apply([], "p"),
        () => store.position(),
        () => store.flush(),
      ];
      for (const use of uses) {
        await assert.rejects(use, (error) => error instanceof MillraceError && error.code === "ENGINE_BUG");
      }
    });

    test("holds after any history of applies what a map holds", async () => {
      const address = fc.string({ unit: fc.constantFrom("\0", "a", "b", "\u{ff}"), maxLength: 3 });
      const change = fc.oneof(
        { weight: 4, arbitrary: fc.record({ address, value: fc.uint8Array({ maxLength: 4 }) }) },
        { weight: 2, arbitrary: fc.record({ address, value: fc.constant(undefined) }) },
        { weight: 1, arbitrary: fc.record({ from: address, to: address }) },
      );
      const step = fc.record({
        changes: fc.array(change, { maxLength: 12 }),
        afterwards: fc.constantFrom("go on", "flush", "reopen"),
        from: address,
        to: address,
        limit: fc.integer({ min: 1, max: 5 }),
      });
      const history = fc.array(step, { minLength: 1, maxLength: 6 });
      await fc.assert(
        fc.asyncProperty(history, async (steps) => {
          let store = await open();
          try {
            const model = new Map<string, string>();
            for (const [n, { changes, afterwards, from, to, limit }] of steps.entries()) {
              await store.apply(changes, `${n}`);
              applyTo(model, changes);
              if (afterwards === "flush") await store.flush();
              if (afterwards === "reopen" && reopen !== undefined) {
                await store.close();
                store = await reopen(store);
              }
              const expected = sorted(model);
              assert.deepEqual(await rowsOf(store), expected);
              assert.deepEqual(
                (await store.scan(from, to, limit)).map(pair),
                expected.filter(([a]) => a >= from && a < to).slice(0, limit),
              );
              assert.deepEqual(await textsOf(store, [from, to, from]), [
                model.get(from),
                model.get(to),
                model.get(from),
              ]);
              assert.equal(await store.position(), `${n}`);
            }
          } finally {
            await store.close();
          }
        }),
        propertyOptions(reopen === undefined ? 200 : 50),
      );
    });

    if (reopen === undefined) return;
    test("has everything after it was closed and opened again, flushed or not", async () => {
      let store = await open();
      await store.apply([put("a", "1"), put("b", "1"), put("c", "1")], "1");
      await store.flush();
      await store.apply([remove("a"), put("b", "2"), removeRange("c", "d"), put("\0\u{ff}", "2")], "2");
      for (let times = 0; times < 2; times++) {
        await store.close();
        store = await reopen(store);
        assert.equal(await store.position(), "2");
        assert.deepEqual(await rowsOf(store), [
          ["\0\u{ff}", "2"],
          ["b", "2"],
        ]);
      }
      await store.close();
    });
  });
}
