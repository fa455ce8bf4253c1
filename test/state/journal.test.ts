/**
 * What gets into the log, and when. Catches: a row of the past epoch that shows a later value, a change that slips into
 * the epoch before, a rewrite that loses a row or brings one back, and drops that cost what their rows cost.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Token } from "../../src/core/key.ts";
import type { Codec } from "../../src/schema/codec.ts";
import type { Bucket } from "../../src/state/bucket.ts";
import { ChangeLog, changesOf } from "../../src/state/change-log.ts";
import type { Change } from "../../src/state/contract.ts";
import { Journal } from "../../src/state/journal.ts";
import { NumberRows } from "../../src/state/number-rows.ts";
import { Slab } from "../../src/state/slab.ts";
import { OwnedTable } from "../../src/state/owned-table.ts";
import { Table } from "../../src/state/table.ts";
import { TokenRows } from "../../src/state/token-rows.ts";
import { propertyOptions } from "../connector/seed.ts";
import { type Counter, counter, counterCodec, JournalRun, type Kind, stepArbitrary } from "./journal-run.ts";

const always = (): boolean => true;
const never = (): boolean => false;

/** A table whose journal writes to a list of changes. */
function journaled(logs = 1) {
  const payloads: Change[] = [];
  const sink = { append: (_: number, payload: Uint8Array) => payloads.push(...changesOf(payload)) };
  const changes = new ChangeLog(sink, logs);
  const table = new Table<Counter>("op", "rows", "by-time");
  const journal = new Journal({ rows: table, codec: counterCodec, changes, epoch: 1 });
  table.keeper = journal;
  table.numberForm = { cellOf: (values) => counter(values[0]) };
  const bucket = table.open(7);
  return {
    table,
    journal,
    changes,
    bucket,
    put: (token: Token, n: number, into = bucket) => table.insert(into, token, counter(n)),
    set(token: Token, n: number) {
      const row = table.edit(bucket, token) as Counter;
      row.n = n;
    },
    barrier() {
      changes.barrier();
      journal.barrier();
    },
    /** Ends the past epoch, and gives what was written since the last call. */
    settle() {
      assert.ok(journal.drain(never));
      changes.settle();
      journal.settled();
      return payloads.splice(0).map(shown);
    },
  };
}

/** A change without what all addresses of the table have in common. */
function shown(change: Change): string {
  const key = (address: string): string => address.replace(/^.*(?=\x05|\x03)/s, "").slice(1);
  if ("from" in change) return "range";
  if (change.value === undefined) return `-${key(change.address)}`;
  return `${key(change.address)}=${Buffer.from(change.value).readDoubleLE(0)}`;
}

describe("a journal", () => {
  const steps = fc.array(stepArbitrary, { maxLength: 40, size: "max" });

  for (const kind of ["objects", "numbers", "owners"] satisfies Kind[]) {
    it(`leads to the state of each barrier, whatever happens to rows meanwhile: ${kind} (INV-4)`, () => {
      fc.assert(
        fc.property(steps, fc.integer({ min: 1, max: 4 }), (steps, logs) => {
          new JournalRun(kind, logs).run(steps);
        }),
        propertyOptions(300),
      );
    });
  }

  it("writes down the rows that changed in the epoch, each once, and no others", () => {
    const { put, set, barrier, settle } = journaled();
    put("a", 1);
    put("b", 2);
    set("a", 3);
    barrier();
    assert.deepEqual(settle().sort(), ["a=3", "b=2"]);
    set("b", 4);
    barrier();
    assert.deepEqual(settle(), ["b=4"]);
    barrier();
    assert.deepEqual(settle(), []);
  });

  it("writes a row of the past epoch down before it is changed in the next", () => {
    const { put, set, barrier, settle } = journaled();
    put("a", 1);
    barrier();
    set("a", 2);
    set("a", 3);
    assert.deepEqual(settle(), ["a=1"]);
    barrier();
    assert.deepEqual(settle(), ["a=3"]);
  });

  it("writes a row of the past epoch down before it is removed in the next", () => {
    const { table, bucket, put, barrier, settle } = journaled();
    put("a", 1);
    barrier();
    table.remove(bucket, "a");
    assert.deepEqual(settle(), ["a=1"]);
    barrier();
    assert.deepEqual(settle(), ["-a"]);
  });

  it("stops when the time is over, and goes on from there", () => {
    const { put, journal, barrier, settle } = journaled();
    for (let i = 0; i < 100; i++) put(`k${i}`, i);
    barrier();
    assert.equal(journal.drain(always), false);
    assert.equal(journal.drain(always), false);
    assert.equal(settle().length, 100);
  });

  it("says in one change per log that a bucket is gone, whatever it held", () => {
    for (const logs of [1, 4]) {
      const { table, put, barrier, settle } = journaled(logs);
      for (let i = 0; i < 100; i++) put(`k${i}`, i);
      barrier();
      settle();
      table.dropFirst();
      barrier();
      assert.deepEqual(settle(), Array<string>(logs).fill("range"));
    }
  });

  it("says nothing of a bucket that came and went within an epoch", () => {
    const { table, put, barrier, settle } = journaled();
    put("a", 1);
    table.dropFirst();
    barrier();
    assert.deepEqual(settle(), []);
  });

  it("removes an owner's rows in the log that has them", () => {
    const payloads: [number, number][] = [];
    const changes = new ChangeLog(
      { append: (log, payload) => payloads.push([log, [...changesOf(payload)].length]) },
      4,
    );
    const table = new OwnedTable<Counter>("op", "rows");
    const journal = new Journal({ rows: table, codec: counterCodec, changes, epoch: 1 });
    table.keeper = journal;
    for (const step of ["fill", "drop"]) {
      if (step === "fill") for (const key of ["x", "y"]) table.insert(table.open("ada"), key, counter(1));
      else table.drop("ada");
      changes.barrier();
      journal.barrier();
      journal.drain(never);
      changes.settle();
      journal.settled();
    }
    const [[home]] = payloads;
    assert.deepEqual(payloads, [
      [home, 2],
      [home, 1],
    ]);
  });
});

describe("a rewrite", () => {
  it("writes down again what has not changed for long, and leaves out what the next epoch writes down", () => {
    const { journal, put, set, barrier, settle } = journaled();
    for (const [token, n] of [
      ["a", 1],
      ["b", 2],
      ["c", 3],
    ] as const)
      put(token, n);
    barrier();
    settle();
    const cursor = journal.cursor();
    set("b", 4);
    barrier();
    set("c", 5);
    journal.drain(never);
    assert.ok(journal.rewrite(cursor, never));
    assert.deepEqual(new Set(settle()), new Set(["a=1", "b=4"]));
    barrier();
    assert.deepEqual(settle(), ["c=5"]);
  });

  it("stops when the time is over, and goes on in the next epoch", () => {
    const { journal, put, barrier, settle } = journaled();
    for (let i = 0; i < 70; i++) put(`k${i}`, i);
    barrier();
    settle();
    const cursor = journal.cursor();
    const written: string[] = [];
    let slices = 0;
    for (let isDone = false; !isDone; slices++) {
      barrier();
      isDone = journal.rewrite(cursor, always);
      written.push(...settle());
    }
    assert.equal(slices, 3);
    assert.deepEqual(new Set(written).size, 70);
    assert.equal(written.length, 70);
  });
});

describe("a cursor", () => {
  it("sees each row that stays once, and none that is gone, whatever comes meanwhile", () => {
    const change = fc.record({
      form: fc.constantFrom("object" as const, "number" as const, "token" as const),
      key: fc.nat(30),
      after: fc.nat(5),
      removes: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), fc.nat(60), (changes, before) => {
        const table = new Table<Counter>("op", "rows", "by-time");
        const rowsOf = (bucket: Bucket<Counter>) => {
          bucket.numbers ??= new NumberRows(1, 0, null, new Slab());
          bucket.tokens ??= new TokenRows(1, null);
          return bucket;
        };
        // Objects in one bucket, numbers in another: a bucket has one form.
        const objects = table.open(0);
        const { numbers, tokens } = rowsOf(table.open(1));
        const alive = new Map<string, number>();
        let now = 0;
        const apply = ({ form, key, removes }: (typeof changes)[number]): void => {
          const name = `${form} ${key}`;
          if (form === "object") {
            if (removes) table.remove(objects, `k${key}`);
            else if (objects.rows.get(`k${key}`) === undefined)
              table.insert(objects, `k${key}`, counter(key));
            if (removes) alive.delete(name);
            else if (!alive.has(name)) alive.set(name, now);
            return;
          }
          const rows = form === "number" ? (numbers as NumberRows) : (tokens as TokenRows);
          const token = form === "number" ? key : `k${key}`;
          const at = rows.find(token as never);
          if (at < 0) rows.insert(at, token as never);
          if (!alive.has(name)) alive.set(name, now);
        };
        const first = changes.slice(0, before);
        const rest = changes.slice(before);
        first.forEach(apply);
        const cursor = new Journal({
          rows: table,
          codec: counterCodec,
          changes: new ChangeLog({ append() {} }, 1),
          epoch: 1,
        }).cursor();
        now = 1;
        const seen: string[] = [];
        const step = (): boolean => {
          if (!cursor.next()) return false;
          const { bucket, token, place, row } = cursor;
          const form = place < 0 ? "object" : typeof token === "number" ? "number" : "token";
          const key = typeof token === "number" ? token : Number(String(token).slice(1));
          assert.equal(bucket, form === "object" ? objects : table.open(1));
          assert.equal(row?.n, form === "object" ? key : undefined);
          assert.ok(alive.has(`${form} ${key}`), "a row that is gone is not seen");
          seen.push(`${form} ${key}`);
          return true;
        };
        for (const one of rest) {
          for (let i = 0; i < one.after; i++) step();
          apply(one);
        }
        while (step());
        const stayed = [...alive].filter(([, since]) => since === 0).map(([name]) => name);
        for (const name of stayed) assert.equal(seen.filter((one) => one === name).length, 1, name);
      }),
      propertyOptions(200),
    );
  });
});

describe("a log of changes", () => {
  const address = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((n) => String.fromCharCode(n)) });
  const raw: Codec<Uint8Array> = {
    shape: "bytes",
    encode: (value, into) => into.raw(value),
    decode: (from) => from.raw(from.end - from.at),
  };
  const bytes = (change: Change) =>
    "value" in change && change.value !== undefined ? { ...change, value: [...change.value] } : { ...change };

  it("gives changes back as they were, in their order, in payloads of bounded size", () => {
    const change = fc.oneof(
      fc.record({ address, value: fc.uint8Array({ maxLength: 60_000, size: "max" }) }),
      fc.record({ address, value: fc.constant(undefined) }),
      fc.record({ from: address, to: address }),
    );
    fc.assert(
      fc.property(fc.array(change, { maxLength: 20 }), (list) => {
        const payloads: Uint8Array[] = [];
        const log = new ChangeLog({ append: (_, payload) => payloads.push(payload) }, 1);
        for (const one of list) {
          if ("from" in one) log.removeRange(() => one);
          else if (one.value === undefined) log.remove("now", 0, one.address);
          else log.put("now", 0, one.address, raw, one.value);
        }
        log.flush();
        assert.deepEqual(payloads.flatMap((payload) => [...changesOf(payload)]).map(bytes), list.map(bytes));
        for (const payload of payloads) assert.ok(payload.length < 200_000);
      }),
      propertyOptions(100),
    );
  });

  it("keeps what belongs to the epoch at hand until all of the past one is handed on", () => {
    const payloads: string[] = [];
    const log = new ChangeLog(
      {
        append: (_, payload) =>
          payloads.push(...[...changesOf(payload)].map((c) => ("from" in c ? "" : c.address))),
      },
      1,
    );
    log.remove("now", 0, "first");
    log.barrier();
    // More than a payload takes.
    for (let i = 0; i < 3; i++) log.put("now", 0, "later", raw, new Uint8Array(100_000));
    log.remove("past", 0, "second");
    assert.equal(log.pastBytes > 0, true);
    log.settle();
    assert.deepEqual(payloads, ["first", "second"]);
    log.flush();
    assert.deepEqual(payloads, ["first", "second", "later", "later", "later"]);
  });

  it("spreads key groups over its logs in ranges, each change in the log of its group", () => {
    const logs = 3;
    const payloads = Array.from({ length: logs }, (): string[] => []);
    const sink = {
      append: (log: number, payload: Uint8Array) => {
        for (const change of changesOf(payload)) payloads[log].push("from" in change ? "" : change.address);
      },
    };
    const log = new ChangeLog(sink, logs);
    for (let group = 0; group < 128; group++) log.remove("now", group, String(group));
    log.flush();
    assert.deepEqual(
      payloads.flat(),
      Array.from({ length: 128 }, (_, group) => String(group)),
    );
    for (const groups of payloads) assert.ok(groups.length >= 42 && groups.length <= 43);
  });
});
