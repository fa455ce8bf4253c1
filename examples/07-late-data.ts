/** Takings per hour, though some tills report late: corrected within half an hour, put aside after that. */
import assert from "node:assert/strict";
import { forEach, fromIterable, pipeline, sum, tumbling } from "millrace";

const minutes = (n: number) => n * 60_000;
const sales = [
  { till: 1, amount: 30, at: minutes(10) },
  { till: 2, amount: 20, at: minutes(55) },
  { till: 1, amount: 7, at: minutes(52) }, // out of order, within the five minutes
  { till: 1, amount: 10, at: minutes(66) }, // time is 1:01: the first hour is complete
  { till: 2, amount: 5, at: minutes(58) }, // late, and allowed: the hour is corrected
  { till: 1, amount: 40, at: minutes(100) }, // time is 1:35
  { till: 3, amount: 99, at: minutes(40) }, // too late
];

const table = new Map<number, number>();
const changes: string[] = [];
const aside: number[] = [];
const app = pipeline("takings");
const takings = app
  .source(fromIterable(sales), { timestamp: (s) => s.at, watermark: { maxOutOfOrderness: "5m" } })
  .keyBy(() => "shop")
  .window(tumbling("1h"), { allowedLateness: "30m" })
  .aggregate(sum((s) => s.amount));
takings.changelog().to(
  forEach(({ op, row }) => {
    const hour = row.windowStart / minutes(60);
    changes.push(`${op} ${hour}:00 ${row.value}`);
    if (op === "+I" || op === "+U") table.set(hour, row.value);
  }),
);
takings.late.to(forEach((s) => void aside.push(s.amount)));
await app.run();

assert.deepEqual(changes, ["+I 0:00 57", "-U 0:00 57", "+U 0:00 62", "+I 1:00 50"]);
assert.deepEqual(Object.fromEntries(table), { 0: 62, 1: 50 });
assert.deepEqual(aside, [99]);
