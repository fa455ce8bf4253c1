import assert from "node:assert/strict";
import { test } from "node:test";
import { type DeadLetter, encodeLine } from "../../src/connector/index.ts";

const letter: DeadLetter = {
  operator: "parse",
  source: "orders",
  partition: "orders.ndjson",
  offset: 12,
  line: 3,
  code: "RECORD_MALFORMED",
  reason: "unexpected",
  bytes: new TextEncoder().encode('{"a":'),
  value: undefined,
};

test("a dead letter's line holds the bytes in base64, so that they can be mended and sent again", () => {
  const line = JSON.parse(encodeLine(letter));
  assert.equal(Buffer.from(line.bytes, "base64").toString(), '{"a":');
  assert.deepEqual({ ...line, bytes: letter.bytes, value: undefined }, letter);
});

test("a dead letter whose value JSON can't hold is written with the value's text", () => {
  const cycle: Record<string, unknown> = {};
  cycle["self"] = cycle;
  for (const value of [1n, { id: 7n }, cycle]) {
    const line = JSON.parse(encodeLine({ ...letter, bytes: null, value }));
    assert.equal(typeof line.value, "string");
    assert.equal(line.reason, "unexpected");
  }
});
