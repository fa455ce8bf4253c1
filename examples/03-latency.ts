/** Latency per endpoint over the last minute, every 30 s. What comes too late goes to a file. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { avg, forEach, fromIterable, max, ndjsonFile, pipeline, sliding } from "millrace";

const requests = [
  { endpoint: "/cart", ms: 20, at: 10_000 },
  { endpoint: "/cart", ms: 40, at: 40_000 },
  { endpoint: "/pay", ms: 300, at: 70_000 },
  { endpoint: "/cart", ms: 60, at: 50_000 }, // too late for [-30, 30) and [0, 60), in time for [30, 90)
  { endpoint: "/pay", ms: 999, at: 5_000 }, // too late for all its windows
];
const lateFile = join(mkdtempSync(join(tmpdir(), "millrace-")), "late.ndjson");

const rows: string[] = [];
const app = pipeline("latency");
const latency = app
  .source(fromIterable(requests), { timestamp: (r) => r.at })
  .keyBy((r) => r.endpoint)
  .window(sliding("1m", "30s"))
  .aggregate({ mean: avg((r) => r.ms), worst: max((r) => r.ms) });
latency
  .map((w) => `${w.windowStart / 1000} s ${w.key} mean ${w.mean} worst ${w.worst}`)
  .to(forEach((row) => void rows.push(row)));
latency.late.to(ndjsonFile(lateFile));
await app.run();

assert.deepEqual(rows, [
  "-30 s /cart mean 20 worst 20",
  "0 s /cart mean 30 worst 40",
  "30 s /cart mean 50 worst 60",
  "30 s /pay mean 300 worst 300",
  "60 s /pay mean 300 worst 300",
]);
assert.equal(readFileSync(lateFile, "utf8"), '{"endpoint":"/pay","ms":999,"at":5000}\n');
