/** Bad input does not stop the job: broken lines, texts for numbers and missing keys go to the dead letters. */
import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { forEach, ndjson, pipeline, sum, tumbling } from "millrace";

type Payment = { user: string; amount: number; at: number };

const input = join(mkdtempSync(join(tmpdir(), "millrace-")), "payments.ndjson");
writeFileSync(
  input,
  `{"user":"ada","amount":30,"at":1000}
{"user":"ada","amount":
{"user":"ada","amount":"30","at":2000}
{"amount":7,"at":3000}
{"user":"ada","amount":12,"at":4000}
`,
);

const totals: string[] = [];
const letters: string[] = [];
const onError = "dead-letter";
const app = pipeline("payments");
app
  .source(ndjson<Payment>(input), { timestamp: (p) => p.at, onError })
  .keyBy((p) => p.user, { onError })
  .window(tumbling("1m"), { onError })
  .aggregate({ total: sum((p) => p.amount) })
  .to(forEach((w) => void totals.push(`${w.key} ${w.total}`)));
app.deadLetters.to(forEach((l) => void letters.push(`line ${l.line}, ${l.operator}: ${l.code}`)));
await app.run();

assert.deepEqual(totals, ["ada 42"]);
assert.deepEqual(letters, [
  "line 2, source: RECORD_MALFORMED",
  "line 3, window: AGGREGATE_INPUT_INVALID",
  "line 4, keyBy: KEY_INVALID",
]);
