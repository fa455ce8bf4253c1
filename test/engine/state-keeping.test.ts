/**
 * The cache over a backend. Catches: a read that overlaps with an apply and is judged by what was known before it or
 * after it, a step that never has all its rows at once, and rows that go although the step or the batch needs them.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Stage } from "../../src/compile/stage.ts";
import { StateKeeping } from "../../src/runtime/state-keeping.ts";
import { Shapes } from "../../src/schema/shapes.ts";
import type { Cell } from "../../src/state/bucket.ts";
import { changesOf } from "../../src/state/change-log.ts";
import type { Change, RowStore } from "../../src/state/contract.ts";
import { memoryStore } from "../../src/state/memory.ts";
import { MISS } from "../../src/state/miss.ts";
import { Table } from "../../src/state/table.ts";

interface Row extends Cell {
  n: number;
}

/** A job's only table, over a store. */
function keepingOver(store: RowStore, cacheBytes: number) {
  const log: Change[] = [];
  const keeping = new StateKeeping({
    sink: { append: (_log, payload) => log.push(...changesOf(payload)) },
    logs: 1,
    epoch: 1,
    shapes: new Shapes(),
    cold: { store, prefetch: true, evict: { cacheBytes } },
  });
  const table = new Table<Row>("op", "rows", "by-key");
  keeping.keep(table as unknown as Table<Cell>);
  let wants: readonly string[] = [];
  const head = {
    prefetch: () => {
      for (const key of wants) table.keeper?.want(bucket, key);
    },
  };
  const stage = { tables: [table], head } as unknown as Stage;
  const bucket = table.open(0);
  const has = (key: string): boolean => {
    try {
      return table.peek(bucket, key) !== undefined;
    } catch (signal) {
      assert.equal(signal, MISS);
      throw signal;
    }
  };
  return {
    keeping,
    table,
    bucket,
    stage,
    insert: (key: string) => table.insert(bucket, key, { mark: 0, n: 1 }),
    has,
    turn() {
      keeping.turnBegins([stage]);
    },
    prefetch(keys: readonly string[]): Promise<void> {
      wants = keys;
      return keeping.prefetch(stage);
    },
    /** A step that reads one row after the other, as often as it takes; says how often that was. */
    async step(keys: readonly string[]): Promise<number> {
      for (let misses = 0; misses < 100; misses++) {
        keeping.stepBegins(stage);
        try {
          for (const key of keys) assert.ok(has(key), `${key} is there`);
          return misses;
        } catch (signal) {
          if (signal !== MISS) throw signal;
          await keeping.load(stage);
        }
      }
      assert.fail("the step never has all its rows");
    },
    /** The epoch ends; gives what it changed. */
    commit(): Change[] {
      keeping.barrier();
      assert.ok(keeping.drain(() => false));
      keeping.settle();
      return log.splice(0);
    },
  };
}

/** A store whose next load waits for the test, before it reads or with what it read. */
function gated() {
  const store = memoryStore();
  let gate: { readonly when: "before" | "after"; readonly opened: Promise<void> } | null = null;
  return {
    store: {
      ...store,
      async load(addresses: readonly string[]) {
        const held = gate;
        gate = null;
        if (held?.when === "before") await held.opened;
        const values = await store.load(addresses);
        if (held?.when === "after") await held.opened;
        return values;
      },
    } satisfies RowStore,
    hold(when: "before" | "after"): () => void {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = { when, opened: promise };
      return resolve;
    },
  };
}

describe("an epoch that is applied while rows are being loaded", () => {
  it("takes no shadow away that is about to be read", async () => {
    const { store, hold } = gated();
    const { keeping, stage, insert, step, has, commit, turn } = keepingOver(store, 0);
    insert("a");
    await keeping.load(stage); // no room: it is spilled
    const changes = commit();
    turn();
    assert.throws(() => has("a"), isMiss);
    const open = hold("before");
    const loading = keeping.load(stage);
    await store.apply(changes, null);
    await keeping.applied(1);
    open();
    await loading;
    await step(["a"]);
  });

  it("brings no removed row back that was read before", async () => {
    const { store, hold } = gated();
    const { keeping, stage, table, bucket, insert, has, commit, step, turn } = keepingOver(store, 0);
    insert("a");
    await store.apply(commit(), null);
    await keeping.applied(1);
    turn();
    await step(["a"]);
    table.remove(bucket, "a");
    const changes = commit();
    bucket.absent.clear(); // as when there are too many of them
    bucket.complete = false;
    assert.throws(() => has("a"), isMiss);
    const open = hold("after");
    const loading = keeping.load(stage);
    await store.apply(changes, null);
    await keeping.applied(2);
    open();
    await loading;
    assert.equal(has("a"), false);
  });
});

describe("a cache with little room", () => {
  async function filled(cacheBytes: number, rows: number) {
    const store = memoryStore();
    const cold = keepingOver(store, cacheBytes);
    const keys = Array.from({ length: rows }, (_, i) => `k${i}`);
    for (const key of keys) cold.insert(key);
    await store.apply(cold.commit(), null);
    await cold.keeping.applied(1);
    cold.turn();
    return { ...cold, keys };
  }

  it("has all rows of a step at once, however many those are", async () => {
    const { step, keys } = await filled(0, 20);
    assert.equal(await step(keys), 20);
  });

  it("keeps what a prefetch brought until the batch is through", async () => {
    const { step, prefetch, keys, turn, bucket } = await filled(1000, 200);
    const [forgotten, ...foreseen] = keys;
    await prefetch(foreseen);
    assert.equal(await step([forgotten]), 1);
    for (const key of foreseen) assert.equal(await step([key]), 0);
    turn();
    assert.ok(bucket.rows.size < 20, `${bucket.rows.size} rows are left`);
  });

  it("asks for an early commit when what it holds can't go", async () => {
    const { keeping, insert, turn } = await filled(1000, 0);
    turn();
    assert.equal(keeping.wantsCommit, false);
    for (let i = 0; i < 20; i++) insert(`new${i}`);
    turn();
    assert.equal(keeping.wantsCommit, true);
  });
});

const isMiss = (signal: unknown): boolean => signal === MISS;
