/** Visits: the clicks of a visitor that follow one another within half an hour. */
import assert from "node:assert/strict";
import { collect, count, forEach, fromIterable, pipeline, session } from "millrace";

const minutes = (n: number) => n * 60_000;
const clicks = [
  { visitor: "v1", page: "/", at: minutes(0) },
  { visitor: "v1", page: "/shoes", at: minutes(20) },
  { visitor: "v2", page: "/", at: minutes(25) },
  { visitor: "v1", page: "/cart", at: minutes(50) }, // exactly half an hour later: the same visit
  { visitor: "v1", page: "/", at: minutes(90) },
];

const visits: string[] = [];
const app = pipeline("visits");
app
  .source(fromIterable(clicks), { timestamp: (c) => c.at })
  .keyBy((c) => c.visitor)
  .window(session("30m"))
  .aggregate({ clicks: count(), pages: collect((c) => c.page) })
  .map((v) => `${v.key}, ${(v.windowEnd - v.windowStart) / minutes(1)} min: ${v.pages.join(" ")}`)
  .to(forEach((visit) => void visits.push(visit)));
await app.run();

assert.deepEqual(visits, ["v2, 30 min: /", "v1, 80 min: / /shoes /cart", "v1, 30 min: /"]);
