/** `deterministic: true`: the results of one firing come in one order, by the addresses of their rows (INV-1). */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeToken, keyGroupOf, tokenOf } from "../../src/core/key.ts";
import {
  type Aggregate,
  count,
  forEach,
  fromIterable,
  type Key,
  max,
  memory,
  pipeline,
  type RunOptions,
  session,
  sum,
  tumbling,
  type WindowAssigner,
} from "../../src/index.ts";
import { rocksdb } from "../../src/state/rocksdb/index.ts";
import { testDriver } from "../../src/testing/index.ts";

interface Reading {
  readonly key: Key;
  readonly at: number;
}

const root = mkdtempSync(join(tmpdir(), "millrace-deterministic-"));
after(() => rmSync(root, { recursive: true }));

const KEYS: readonly Key[] = [
  ...["b", "a", "", "ä", "\0"],
  ...[7, -1, 0.5, Number.NaN, 1e9],
  ...[true, 3n, ["a", 1] as const, [] as const],
  ...Array.from({ length: 300 }, (_, i) => (i % 2 === 0 ? i * 31 : `k${i * 17}`)),
];
/** Every key in each of three windows, each time in another order. */
const readings: readonly Reading[] = [0, 10, 20].flatMap((start, w) =>
  KEYS.map((_, i) => ({ key: KEYS[(i * (11 + 6 * w)) % KEYS.length], at: start + (w === 1 ? 5 : 0) })),
);

/** Where a result comes in the order. */
const placeOf = ([end, key]: Result): string => {
  const token = tokenOf(key);
  return [String(end).padStart(6, "0"), String(keyGroupOf(token)).padStart(5, "0"), encodeToken(token)].join(
    ":",
  );
};

type Result = readonly [end: number, key: Key];

function results(
  windows: WindowAssigner,
  aggregate: Aggregate<Reading, any, unknown>,
  deterministic: boolean,
): { app: ReturnType<typeof pipeline>; out: Result[] } {
  const out: Result[] = [];
  const app = pipeline("deterministic", { deterministic });
  app
    .source(fromIterable(readings), { name: "in", timestamp: (r) => r.at })
    .keyBy((r) => r.key)
    .window(windows)
    .aggregate(aggregate)
    .to(
      forEach((r) => {
        out.push([(r as { windowEnd: number }).windowEnd, (r as { key: Key }).key]);
      }),
      { name: "out" },
    );
  return { app, out };
}

const byAddress = (list: readonly Result[]): Result[] =>
  list.toSorted((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));

describe("a deterministic pipeline", () => {
  for (const [name, aggregate] of Object.entries({
    counts: count(),
    sums: sum((r: Reading) => r.at),
    texts: max((r: Reading) => String(r.key)),
  } as Record<string, Aggregate<Reading, any, unknown>>)) {
    it(`gives (end, key group, key), on every backend and path: ${name}`, async () => {
      const run = async (options: RunOptions): Promise<Result[]> => {
        const { app, out } = results(tumbling(10), aggregate, true);
        await app.run({ handleSignals: false, ...options });
        return out;
      };
      const folder = join(root, name);
      const expected = await run({});
      assert.equal(expected.length, 3 * KEYS.length);
      assert.deepEqual(expected, byAddress(expected));
      assert.deepEqual(await run({ codegen: "off" }), expected, "closures");
      assert.deepEqual(await run({ mode: "batch" }), expected, "batch");
      assert.deepEqual(
        await run({ state: memory(`${folder}-memory`), guarantee: "at-least-once" }),
        expected,
      );
      assert.deepEqual(
        await run({
          state: rocksdb(`${folder}-rocksdb`, { cacheBytes: 1024 * 1024 }),
          guarantee: "at-least-once",
        }),
        expected,
        "RocksDB",
      );
    });
  }

  it("is not what a pipeline is by default: keys come as they arrived", async () => {
    const { app, out } = results(
      tumbling(10),
      max((r) => String(r.key)),
      false,
    );
    await app.run({ handleSignals: false });
    assert.notDeepEqual(out, byAddress(out));
    assert.deepEqual(
      out.map(([, key]) => key),
      readings.map(({ key }) => key),
    );
  });

  it("may be told by the run", async () => {
    const { app, out } = results(tumbling(10), count(), false);
    await app.run({ handleSignals: false, deterministic: true });
    assert.deepEqual(out, byAddress(out));
  });

  it("gives sessions in the same order in memory and over a cold backend", async () => {
    const orders = [];
    for (const evict of [undefined, "every-step"] as const) {
      const { app } = results(session(3), count(), true);
      const t = await testDriver(app, { deterministic: true, ...(evict === undefined ? {} : { evict }) });
      await t.feed(readings.map((record) => ({ source: "in", record })));
      await t.end();
      orders.push(t.take("out"));
    }
    assert.ok(orders[0].length >= KEYS.length);
    assert.deepEqual(orders[1], orders[0]);
  });

  it("takes nothing but true and false", () => {
    assert.throws(() => pipeline("p", { deterministic: "yes" as never }), {
      code: "OPTION_INVALID",
      message: /^deterministic is true or false, not "yes"/,
    });
  });
});
