/** Revenue per user in windows of five minutes, from a file of orders in any order up to 5 s. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { count, ndjson, ndjsonFile, pipeline, sum, tumbling } from "millrace";

type Order = { user: string; amount: number; createdAt: number };

const folder = mkdtempSync(join(tmpdir(), "millrace-"));
const input = join(folder, "orders.ndjson");
const output = join(folder, "revenue.ndjson");
const orders = [
  { user: "ada", amount: 30, createdAt: 2_000 },
  { user: "ada", amount: 12, createdAt: 299_999 },
  { user: "bob", amount: 5, createdAt: 298_000 },
  { user: "ada", amount: 8, createdAt: 300_000 },
];
writeFileSync(input, orders.map((order) => JSON.stringify(order)).join("\n"));

const app = pipeline("revenue");
app
  .source(ndjson<Order>(input), { timestamp: (o) => o.createdAt, watermark: { maxOutOfOrderness: "5s" } })
  .keyBy((o) => o.user)
  .window(tumbling("5m"))
  .aggregate({ orders: count(), revenue: sum((o) => o.amount) })
  .to(ndjsonFile(output));
await app.run();

const lines = readFileSync(output, "utf8").trimEnd().split("\n");
const revenue = lines.map((line) => JSON.parse(line)).map((w) => [w.key, w.windowStart, w.orders, w.revenue]);
assert.deepEqual(revenue, [
  ["ada", 0, 2, 42],
  ["bob", 0, 1, 5],
  ["ada", 300_000, 1, 8],
]);
