/** The TTL of states, step by step in virtual time: when a value is gone, and when what is left of it is removed. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { forEach, fromIterable, listState, mapState, output, pipeline, valueState } from "../../src/index.ts";
import { testDriver } from "../../src/testing/index.ts";

interface Sight {
  readonly key: string;
  readonly at: number;
  /** Written to the states; without it they are only looked at. */
  readonly write?: number;
}

type Time = "event" | "processing";

/** Shows what each record sees, before it writes. */
async function drive(
  ttlTime: Time,
  ttl: number,
  names: readonly ("value" | "list" | "map")[] = ["value", "list", "map"],
) {
  const app = pipeline("ttl");
  const options = { ttl, ttlTime };
  app
    .source(fromIterable<Sight>([]), { name: "sights", timestamp: (s) => s.at })
    .keyBy((s) => s.key)
    .process({
      state: {
        value: valueState<number>(options),
        list: listState<number>(options),
        map: mapState<number, number>(options),
      },
      emits: output<unknown>(),
      onRecord({ write, at }, { state: { value, list, map }, emit }) {
        if (write === undefined) emit([value.get(), list.get(), map.entries().map(([k]) => k)]);
        if (write === undefined) return;
        if (names.includes("value")) value.set(write);
        if (names.includes("list")) list.add(write);
        if (names.includes("map")) map.set(write, at);
      },
    })
    .to(
      forEach(() => {}),
      { name: "seen" },
    );
  const t = await testDriver(app);
  return {
    write: (at: number, write: number, key = "k") => t.push("sights", { key, at, write }),
    seen: async (at: number, key = "k") => {
      await t.push("sights", { key, at });
      return t.take("seen")[0].value;
    },
    watermark: (w: number) => t.watermark("sights", w),
    advance: (ms: number) => t.advance(ms),
    end: () => t.end(),
    rows: () => t.state().length,
    expired: () => t.report().operators.find(({ kind }) => kind === "process")?.process?.expired,
  };
}

const NOTHING = [undefined, [], []];

describe("a TTL of event time", () => {
  test("ends when the watermark is there, to the millisecond, counted from the record's timestamp", async () => {
    const t = await drive("event", 100);
    await t.write(1000, 5);
    await t.watermark(1099);
    assert.deepEqual(await t.seen(1099), [5, [5], [5]]);
    await t.watermark(1100);
    assert.deepEqual(await t.seen(1100), NOTHING);
  });

  test("begins again with every write; elements and entries have one of their own", async () => {
    const t = await drive("event", 100);
    await t.write(0, 1);
    await t.write(50, 2);
    await t.watermark(120);
    assert.deepEqual(await t.seen(120), [2, [2], [2]]);
    await t.write(140, 2);
    await t.watermark(155);
    assert.deepEqual(await t.seen(155), [2, [2], [2]]);
    await t.watermark(240);
    assert.deepEqual(await t.seen(240), NOTHING);
  });

  test("of a late record counts from the watermark", async () => {
    const t = await drive("event", 100);
    await t.watermark(1000);
    await t.write(10, 5);
    await t.watermark(1099);
    assert.deepEqual(await t.seen(1099), [5, [5], [5]]);
    await t.watermark(1100);
    assert.deepEqual(await t.seen(1100), NOTHING);
  });

  test("leaves no rows behind, a quarter of it later at the latest, and counts what it removed", async () => {
    const t = await drive("event", 100);
    for (const key of ["a", "b", "c"]) {
      await t.write(0, 1, key);
      await t.write(10, 2, key);
    }
    await t.write(90, 3, "b");
    await t.watermark(105);
    await t.watermark(135);
    // Of a and c all: a value, two elements and two entries each; of b what it wrote first.
    assert.equal(t.expired(), 2 * 5 + 4);
    assert.deepEqual(await t.seen(135, "b"), [3, [3], [3]]);
    await t.watermark(215);
    assert.equal(t.expired(), 2 * 5 + 4 + 3);
    assert.equal(t.rows(), 0);
  });

  test("ends with the input", async () => {
    const t = await drive("event", 1_000_000);
    await t.write(0, 1);
    await t.end();
    assert.equal(t.rows(), 0);
  });
});

describe("a TTL of processing time", () => {
  test("ends when the clock is there, whatever the watermark says", async () => {
    const t = await drive("processing", 100);
    await t.write(0, 5);
    await t.watermark(1_000_000);
    await t.advance(99);
    assert.deepEqual(await t.seen(0), [5, [5], [5]]);
    await t.advance(1);
    assert.deepEqual(await t.seen(0), NOTHING);
  });

  test("leaves no rows behind although no record comes", async () => {
    const t = await drive("processing", 100);
    await t.write(0, 1);
    await t.write(0, 2);
    await t.advance(124);
    await t.advance(1);
    assert.equal(t.expired(), 5);
    assert.equal(t.rows(), 0);
  });
});

test("a state that is cleared while it lives is not counted as expired", async () => {
  const app = pipeline("cleared");
  app
    .source(fromIterable<Sight>([]), { name: "sights", timestamp: (s) => s.at })
    .keyBy((s) => s.key)
    .process({
      state: { value: valueState<number>({ ttl: 100 }), map: mapState<number, number>({ ttl: 100 }) },
      onRecord({ write }, { state: { value, map } }) {
        if (write !== undefined) {
          value.set(write);
          map.set(write, write);
        } else {
          value.clear();
          map.clear();
        }
      },
    })
    .to(forEach(() => {}));
  const t = await testDriver(app);
  await t.push("sights", { key: "k", at: 0, write: 1 });
  await t.push("sights", { key: "k", at: 1 });
  await t.watermark("sights", 1000);
  assert.equal(t.report().operators.find(({ kind }) => kind === "process")?.process?.expired, 0);
  assert.equal(t.state().length, 0);
});
