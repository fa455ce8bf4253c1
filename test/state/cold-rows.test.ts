/**
 * Rows that may be elsewhere. Catches: a row that is given up before the backend has it, an older value that comes back
 * over a newer one or over a removal, a row of a walk that is missing, twice or out of order, and shadows that stay.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Token } from "../../src/core/key.ts";
import type { Bucket } from "../../src/state/bucket.ts";
import { ChangeLog, changesOf } from "../../src/state/change-log.ts";
import { ColdRows, PAGE_ROWS, SHADOW } from "../../src/state/cold-rows.ts";
import type { Change } from "../../src/state/contract.ts";
import { memoryStore } from "../../src/state/memory.ts";
import { MISS } from "../../src/state/miss.ts";
import { type Rows, Table } from "../../src/state/table.ts";
import { propertyOptions } from "../connector/seed.ts";
import { ColdRun, coldStepArbitrary } from "./cold-run.ts";
import { type Counter, counter, counterCodec } from "./journal-run.ts";

const always = (): boolean => true;
const never = (): boolean => false;

/** A table over a backend: what is written goes to `log`, and from there to the store with `apply`. */
function over(store = memoryStore(), epoch = 1) {
  const log: Change[] = [];
  const sink = { append: (_: number, payload: Uint8Array) => log.push(...changesOf(payload)) };
  const changes = new ChangeLog(sink, 1);
  const table = new Table<Counter>("op", "rows", "by-time");
  const rows = new ColdRows({ rows: table, codec: counterCodec, changes, epoch });
  table.keeper = rows;
  return {
    store,
    log,
    table,
    rows,
    put: (bucket: Bucket<Counter>, token: Token, n: number) => table.insert(bucket, token, counter(n)),
    /** Ends the epoch; what it changed is in the log. */
    commit() {
      changes.barrier();
      rows.barrier();
      rows.drain(never);
      changes.settle();
      rows.settled();
      return log.splice(0);
    },
    spill() {
      const copies: Change[] = [];
      rows.spill((address, value) => copies.push({ address, value }));
      changes.flush();
      return copies;
    },
  };
}

/** Reads a row as a step does. Says how many loads it took. */
async function read(
  { rows, table, store }: Pick<ReturnType<typeof over>, "rows" | "table" | "store">,
  bucket: Bucket<Counter>,
  token: Token,
): Promise<{ n: number | undefined; loads: number }> {
  for (let loads = 0; ; loads++) {
    try {
      return { n: table.peek(bucket, token)?.n, loads };
    } catch (signal) {
      assert.equal(signal, MISS);
      await rows.load(store);
    }
  }
}

async function walk(
  { rows, table, store }: ReturnType<typeof over>,
  bucket: Bucket<Counter>,
  between: () => void | Promise<void> = () => {},
): Promise<[Token, number][][]> {
  const pages: [Token, number][][] = [];
  table.walk(bucket);
  for (;;) {
    let page: Iterable<[Token, Counter]> | null;
    try {
      page = table.nextRows();
    } catch (signal) {
      assert.equal(signal, MISS);
      await rows.load(store);
      continue;
    }
    if (page === null) return pages;
    pages.push(Array.from(page, ([token, { n }]) => [token, n]));
    await between();
  }
}

const byAddress = (table: Rows<Counter>, bucket: Bucket<Counter>) => (a: Token, b: Token) =>
  table.address(bucket, a) < table.address(bucket, b) ? -1 : 1;

describe("rows over a backend", () => {
  const steps = fc.array(coldStepArbitrary, { maxLength: 40, size: "max" });

  for (const { layout, owned } of [
    { layout: "by time", owned: false },
    { layout: "by owner", owned: true },
  ]) {
    it(`are what a map holds, wherever they are: ${layout} (INV-1)`, async () => {
      await fc.assert(
        fc.asyncProperty(steps, async (steps) => {
          const run = await ColdRun.open(owned);
          await run.run(steps);
        }),
        propertyOptions(200),
      );
    });
  }

  it("are given up only when the backend has them", async () => {
    const cold = over();
    const { table, rows, store, put, commit } = cold;
    const bucket = table.open(7);
    put(bucket, "a", 1);
    rows.evict(1, never);
    assert.equal(bucket.rows.size, 1, "it is in no log yet");
    const changes = commit();
    rows.evict(0, never);
    assert.equal(bucket.rows.size, 1, "it is not applied yet");
    await store.apply(changes, null);
    rows.applied(1);
    rows.evict(1, never);
    assert.equal(bucket.rows.size, 0);
    assert.deepEqual(await read(cold, bucket, "a"), { n: 1, loads: 1 });
    assert.deepEqual(await read(cold, bucket, "a"), { n: 1, loads: 0 });
  });

  it("are given up only until there is room, and those that were not changed lately first", async () => {
    const { table, rows, put, store, commit } = over();
    const bucket = table.open(7);
    put(bucket, "old", 1);
    put(bucket, "older", 1);
    const first = commit();
    commit();
    put(bucket, "new", 1);
    const later = commit();
    await store.apply([...first, ...later], null);
    rows.applied(3);
    commit();
    rows.evict(3, () => bucket.rows.size <= 2);
    assert.equal(bucket.rows.size, 2);
    assert.notEqual(bucket.rows.get("new"), undefined);
    rows.evict(3, always);
    assert.equal(bucket.rows.size, 2, "there is room enough");
    rows.evict(3, never);
    assert.equal(bucket.rows.size, 0);
  });

  it("say what they take in memory, by what their bytes took", async () => {
    const { table, rows, put, store, commit } = over();
    assert.equal(rows.bytes, 0);
    const bucket = table.open(7);
    for (let i = 0; i < 10; i++) put(bucket, i, i);
    const before = rows.bytes;
    assert.ok(before > 0);
    await store.apply(commit(), null);
    rows.applied(1);
    rows.evict(1, never);
    assert.equal(rows.bytes, 0);
  });

  it("that there are none of are known after one look, until too many are", async () => {
    const cold = over();
    const { table, rows, put, store, commit } = cold;
    const bucket = table.open(7);
    put(bucket, "a", 1);
    assert.deepEqual(await read(cold, bucket, "b"), { n: undefined, loads: 0 }, "the bucket is new");
    await store.apply(commit(), null);
    rows.applied(1);
    rows.evict(1, never);
    assert.deepEqual(await read(cold, bucket, "b"), { n: undefined, loads: 1 });
    assert.deepEqual(await read(cold, bucket, "b"), { n: undefined, loads: 0 });
    for (let i = 0; i <= PAGE_ROWS; i++) await read(cold, bucket, i);
    rows.evict(1, never);
    assert.deepEqual(await read(cold, bucket, "b"), { n: undefined, loads: 1 });
  });

  it("that were removed are not brought back by a backend that has not heard of it", async () => {
    const cold = over();
    const { table, rows, put, store, commit } = cold;
    const bucket = table.open(7);
    put(bucket, "a", 1);
    put(bucket, "b", 2);
    await store.apply(commit(), null);
    rows.applied(1);
    rows.evict(1, never);
    await read(cold, bucket, "a");
    table.remove(bucket, "a");
    bucket.absent.clear(); // as when there are too many of them
    assert.deepEqual(await read(cold, bucket, "a"), { n: undefined, loads: 1 });
    assert.deepEqual(await walk(cold, bucket), [[["b", 2]]]);
    const changes = commit();
    bucket.absent.clear();
    assert.equal((await read(cold, bucket, "a")).n, undefined);
    await store.apply(changes, null);
    rows.applied(2);
    bucket.absent.clear();
    assert.equal((await read(cold, bucket, "a")).n, undefined);
  });

  it("are asked for in one load, each once, and only those that memory has nothing of", async () => {
    const cold = over();
    const { table, rows, put, store, commit } = cold;
    const bucket = table.open(7);
    for (const [i, token] of ["a", "b", "c"].entries()) put(bucket, token, i);
    await store.apply(commit(), null);
    rows.applied(1);
    rows.evict(1, never);
    await read(cold, bucket, "a");
    const asked: string[][] = [];
    const load = (addresses: readonly string[]) => {
      asked.push([...addresses]);
      return store.load(addresses);
    };
    for (const token of ["a", "b", "b", "c"]) rows.want(bucket, token);
    assert.ok(rows.asks);
    await rows.load({ ...store, load });
    assert.deepEqual(asked, [[table.address(bucket, "b"), table.address(bucket, "c")]]);
    assert.equal(rows.asks, false);
    assert.deepEqual(await read(cold, bucket, "c"), { n: 2, loads: 0 });
  });
});

describe("a spill", () => {
  it("writes changed rows into the epoch's log, and keeps them readable before it is decided", async () => {
    const cold = over();
    const { table, rows, store, put, spill, commit, log } = cold;
    const bucket = table.open(7);
    put(bucket, "a", 1);
    const copies = spill();
    assert.equal(log.splice(0).length, 1);
    assert.deepEqual(
      copies.map((copy) => ("from" in copy ? "" : copy.address)),
      [SHADOW + table.address(bucket, "a")],
    );
    await store.apply(copies, null);
    rows.evict(0, never);
    assert.equal(bucket.rows.size, 0, "its epoch is not applied, and yet it can be read");
    assert.deepEqual(await read(cold, bucket, "a"), { n: 1, loads: 1 });
    assert.deepEqual(commit(), [], "it is in the log already");
  });

  it("is written down again when the row changes after it", async () => {
    const cold = over();
    const { table, rows, store, put, spill, commit, log } = cold;
    const bucket = table.open(7);
    put(bucket, "a", 1);
    await store.apply(spill(), null);
    const first = log.splice(0);
    rows.evict(0, never);
    await read(cold, bucket, "a");
    (table.edit(bucket, "a") as Counter).n = 2;
    rows.evict(0, never);
    assert.deepEqual(await read(cold, bucket, "a"), { n: 2, loads: 0 }, "the shadow is older");
    await store.apply([...first, ...commit()], null);
    assert.ok(rows.applied(1));
    rows.evict(1, never);
    assert.deepEqual(await read(cold, bucket, "a"), { n: 2, loads: 1 });
  });

  it("is over when its epoch is applied: rows are read where they belong, and shadows can go", async () => {
    const cold = over();
    const { table, rows, store, put, spill, commit, log } = cold;
    const bucket = table.open(7);
    put(bucket, "a", 1);
    await store.apply(spill(), null);
    rows.evict(0, never);
    await store.apply([...log.splice(0), ...commit()], null);
    assert.equal(rows.applied(0), false);
    assert.equal(rows.applied(1), true);
    await store.apply([{ from: SHADOW, to: `${SHADOW}\xff` }], null);
    assert.deepEqual(await read(cold, bucket, "a"), { n: 1, loads: 1 });
  });

  it("of an epoch that was never decided is nothing that a restart finds", async () => {
    const before = over();
    const { table, store, put, spill } = before;
    put(table.open(7), "a", 1);
    await store.apply(spill(), null);
    const after = over(store);
    await after.rows.recall(store);
    assert.deepEqual(after.table.buckets, []);
    assert.deepEqual((await read(after, after.table.open(7), "a")).n, undefined);
  });
});

describe("a walk through a bucket over a backend", () => {
  const KEYS = 2 * PAGE_ROWS + 500;

  /** A bucket with so many rows in the backend, and none in memory. */
  async function filled() {
    const cold = over();
    const { table, rows, put, store, commit } = cold;
    const bucket = table.open(7);
    for (let i = 0; i < KEYS; i++) put(bucket, i, i);
    put(table.open(8), "not of it", 0);
    await store.apply(commit(), null);
    rows.applied(1);
    rows.evict(1, never);
    return { cold, bucket };
  }

  it("gives all rows once, in the order of addresses, a page at a time", async () => {
    const { cold, bucket } = await filled();
    const pages = await walk(cold, bucket, () => cold.rows.evict(1, never));
    assert.deepEqual(
      pages.map((page) => page.length),
      [PAGE_ROWS, PAGE_ROWS, 500],
    );
    const found = pages.flat();
    assert.deepEqual(
      found.map(([token]) => token),
      Array.from({ length: KEYS }, (_, i) => i).sort(byAddress(cold.table, bucket)),
    );
    assert.ok(found.every(([token, n]) => token === n));
  });

  it("takes rows from where their newest value is: memory, a shadow or the backend", async () => {
    const { cold, bucket } = await filled();
    const { table, rows, store, spill } = cold;
    const expected = new Map<Token, number>(Array.from({ length: KEYS }, (_, i) => [i, i]));
    const change = async (token: Token, n: number) => {
      await read(cold, bucket, token);
      const row = table.edit(bucket, token);
      if (row === undefined) cold.put(bucket, token, n);
      else row.n = n;
      expected.set(token, n);
    };
    for (let i = 0; i < KEYS; i += 7) await change(i, -i - 1);
    await change("only a shadow", 1);
    await store.apply(spill(), null);
    rows.evict(1, never);
    for (let i = 0; i < KEYS; i += 14) await change(i, -i - 2);
    await change("only in memory", 2);
    for (let i = 3; i < KEYS; i += 7) {
      await read(cold, bucket, i);
      table.remove(bucket, i);
      expected.delete(i);
    }
    const found = (await walk(cold, bucket)).flat();
    assert.deepEqual(
      found,
      [...expected].sort(([a], [b]) => byAddress(table, bucket)(a, b)),
    );
  });

  it("of a bucket that memory has all of asks the backend for nothing", async () => {
    const { table, rows, put, store } = over();
    const bucket = table.open(7);
    put(bucket, "b", 1);
    put(bucket, "a", 2);
    const scan = () => assert.fail("the backend was asked");
    const pages = await walk({ ...over(), table, rows, store: { ...store, scan } }, bucket);
    assert.deepEqual(
      pages.flat().map(([token]) => token),
      (["a", "b"] as Token[]).sort(byAddress(table, bucket)),
    );
  });
});

describe("a restart over a backend", () => {
  it("knows of every bucket that has rows, and brings the rows of one table to those who ask", async () => {
    const before = over();
    const { table, put, store, commit } = before;
    for (const time of [3, 1, 2]) put(table.open(time), `k${time}`, time);
    await store.apply(commit(), null);
    const after = over(store, 2);
    await after.rows.recall(store);
    assert.deepEqual(
      after.table.buckets.map(({ time, size, complete }) => [time, size, complete]),
      [1, 2, 3].map((time) => [time, 0, false]),
    );
    assert.equal((await read(after, after.table.open(2), "k2")).n, 2);
    const stored: [number, Token, number][] = [];
    for await (const [bucket, token, { n }] of after.rows.stored(store)) stored.push([bucket.time, token, n]);
    assert.deepEqual(
      stored,
      [1, 2, 3].map((n) => [n, `k${n}`, n]),
    );
  });
});
