/** Late records beside a history that may have them, too: of each the window gets as many as the one or the other has. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { LateRecord, Sink } from "../../src/connector/contract.ts";
import { systemPorts } from "../../src/core/ports.ts";
import { LateReplay } from "../../src/job/late-replay.ts";
import { EVERYTHING, type TimeRange } from "../../src/job/time-range.ts";
import { propertyOptions } from "../connector/seed.ts";

const logOf = (records: readonly LateRecord[]): Sink<unknown> => ({
  description: "log",
  lateRecords: async () => records,
  open: () => Promise.reject(new Error("it is only read")),
});

/** The replay, and what its source gives. */
async function opened(
  records: readonly LateRecord[],
  range: TimeRange = EVERYTHING,
): Promise<{ replay: LateReplay; given: LateRecord[] }> {
  const replay = new LateReplay([logOf(records)], range);
  const [partition] = await replay.source.open({
    ports: systemPorts,
    wake() {},
    positions: null,
    reject() {},
  });
  const given: LateRecord[] = [];
  partition?.poll(given, 0, 1000);
  return { replay, given };
}

const textOf = ({ timestamp, value }: LateRecord): string => `${timestamp} ${JSON.stringify(value)}`;

function counted(records: readonly LateRecord[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const record of records) counts.set(textOf(record), (counts.get(textOf(record)) ?? 0) + 1);
  return counts;
}

const record = fc.record({
  timestamp: fc.nat(2),
  value: fc.constantFrom<unknown>(null, 0, "0", { a: 1 }, { a: 1, b: [] }),
});

test("of equal records the window gets the most that log or history has, in whatever order they come", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(record, { maxLength: 12 }),
      fc.array(record, { maxLength: 12 }),
      fc.infiniteStream(fc.boolean()),
      async (log, history, turns) => {
        const { replay, given } = await opened(log);
        const out: LateRecord[] = [];
        const [late, past] = [given.slice(), history.slice()];
        while (late.length + past.length > 0) {
          const isLate = past.length === 0 || (late.length > 0 && turns.next().value === true);
          const next = (isLate ? late : past).shift() as LateRecord;
          if (isLate ? replay.ofLog(next) : replay.ofHistory(next.value, next.timestamp)) out.push(next);
        }
        const [inLog, inHistory, got] = [log, history, out].map(counted);
        for (const text of new Set([...inLog.keys(), ...inHistory.keys()]))
          assert.equal(got.get(text), Math.max(inLog.get(text) ?? 0, inHistory.get(text) ?? 0), text);
        const missing = [...inLog].reduce(
          (n, [text, m]) => n + Math.max(0, m - (inHistory.get(text) ?? 0)),
          0,
        );
        assert.equal(replay.added, missing);
      },
    ),
    propertyOptions(300),
  );
});

test("equal values at different times are different records", async () => {
  const { replay } = await opened([{ timestamp: 1, value: 5 }]);
  assert.equal(replay.ofHistory(5, 2), true);
  assert.equal(replay.ofLog({ timestamp: 1, value: 5 }), true);
});

test("a record of the history that JSON can't hold is none of the log's", async () => {
  const { replay } = await opened([{ timestamp: 1, value: { n: 1 } }]);
  assert.equal(replay.ofHistory({ n: 1n }, 1), true);
  assert.equal(replay.ofHistory({ n: 1 }, 1), true);
  assert.equal(replay.ofLog({ timestamp: 1, value: { n: 1 } }), false);
});

test("records of the log come in the order of time, and only those of the range", async () => {
  const records = [9, 3, 7, 2, 3].map((timestamp, value) => ({ timestamp, value }));
  const { given } = await opened(records, { from: 3, to: 9 });
  assert.deepEqual(given, [
    { timestamp: 3, value: 1 },
    { timestamp: 3, value: 4 },
    { timestamp: 7, value: 2 },
  ]);
});
