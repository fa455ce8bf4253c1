/** Named timers: their order, whatever the keys are, and that the heap does not keep what is of no use. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isTokenBefore, type Token, tokenOf } from "../../src/core/key.ts";
import { stepTimers, type TimerCell } from "../../src/operator/process-timers.ts";
import type { Step } from "../../src/operator/process-step.ts";
import { OwnedTable } from "../../src/state/owned-table.ts";
import { Timers } from "../../src/state/timers.ts";
import { propertyOptions } from "../connector/seed.ts";

type Entry = readonly [time: number, token: Token, name: string];

const entry: fc.Arbitrary<Entry> = fc.tuple(
  fc.integer({ min: 0, max: 3 }),
  fc.constantFrom<Token>("a", "b", "", 3, -1, Number.NaN, Number.POSITIVE_INFINITY, 2n, true, false),
  fc.constantFrom("", "x", "y"),
);

const compare = ([timeA, a, nameA]: Entry, [timeB, b, nameB]: Entry): number => {
  if (timeA !== timeB) return timeA - timeB;
  if (isTokenBefore(a, b)) return -1;
  if (isTokenBefore(b, a)) return 1;
  return nameA < nameB ? -1 : nameA > nameB ? 1 : 0;
};

function heapOf(entries: readonly Entry[]): Timers {
  const timers = new Timers();
  for (const [time, token, name] of entries) timers.push(time, token, name);
  return timers;
}

function emptied(timers: Timers): Entry[] {
  const out: Entry[] = [];
  for (; timers.size > 0; timers.pop()) out.push([timers.next, timers.nextToken, timers.nextName]);
  return out;
}

describe("named timers", () => {
  it("come up by time, then by key, then by name", () => {
    fc.assert(
      fc.property(fc.array(entry), (entries) => {
        assert.deepEqual(emptied(heapOf(entries)), entries.toSorted(compare));
      }),
      propertyOptions(300),
    );
  });

  it("that are not retained are gone, and the others come up as before", () => {
    fc.assert(
      fc.property(fc.array(entry), (entries) => {
        const timers = heapOf(entries);
        const keep = ([time, , name]: Entry): boolean => time !== 1 && name !== "x";
        timers.retain((...one) => keep(one));
        assert.deepEqual(emptied(timers), entries.filter(keep).sort(compare));
      }),
      propertyOptions(300),
    );
  });

  it("have one order of keys: no two are before each other, and NaN is behind all numbers", () => {
    fc.assert(
      fc.property(entry, entry, ([, a], [, b]) => {
        assert.equal(Number(isTokenBefore(a, b)) + Number(isTokenBefore(b, a)), Object.is(a, b) ? 0 : 1);
      }),
      propertyOptions(200),
    );
    assert.ok(isTokenBefore(Number.POSITIVE_INFINITY, Number.NaN));
  });

  it("that are set for earlier again and again leave a bounded number of entries behind", () => {
    const table = new OwnedTable<TimerCell>("op", "#timers");
    const step: Step = {
      n: 0,
      token: "k",
      timestamp: 0,
      eventTime: 0,
      watermark: 0,
      missed: false,
    };
    const [event, processing] = [new Timers(), new Timers()];
    const timers = stepTimers({
      step,
      tokenOf,
      timeOf: (_name, time) => Number(time),
      table,
      event,
      processing,
      rows: { count: 0 },
    });
    const handle = timers.handle as { setEventTime(name: string, time: number): void };
    const times = 20_000;
    let most = 0;
    for (let i = 1; i <= times; i++) {
      step.n += 1;
      handle.setEventTime("x", times - i);
      timers.prepare();
      timers.commit();
      most = Math.max(most, event.size);
    }
    assert.ok(most < 2000, `${most} entries for one timer`);
    assert.equal(table.size, 1);
    const due: number[] = [];
    while (event.size > 0) {
      if (!timers.isDue(true)) continue;
      due.push(event.next);
      step.n += 1;
      timers.spend(true);
      timers.commit();
    }
    assert.deepEqual(due, [0]);
    assert.equal(table.size, 0);
  });
});
