/** The error registry, and the one error class. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ERRORS, type ErrorCode, MillraceError, preview } from "../../src/core/errors.ts";

const entries = Object.entries(ERRORS);

test("every code is in capitals, and has a summary, a help and a recovery", () => {
  assert.ok(entries.length > 20);
  for (const [code, { summary, help, recovery }] of entries) {
    assert.match(code, /^[A-Z]+(_[A-Z]+)+$/);
    assert.match(summary, /^[A-Z].*[^.]$/, `${code}: a summary is a clause without a full stop`);
    assert.match(help, /^.+\.$/s, `${code}: a help is a sentence`);
    assert.ok(["fix-program", "restart-task", "restart-job", "stop", "bug"].includes(recovery), code);
  }
});

test("no two codes have one summary", () => {
  assert.equal(new Set(entries.map(([, { summary }]) => summary)).size, entries.length);
});

test("an error says what happened, where, and how to mend it", () => {
  const cause = new RangeError("below");
  const error = new MillraceError(
    "KEY_INVALID",
    "null is no key",
    { operator: "byUser", offset: 0, line: 3 },
    cause,
  );
  assert.equal(
    error.message,
    "null is no key [KEY_INVALID]\n" +
      "  where: operator byUser, offset 0, line 3\n" +
      "  help: A key is a string, number, bigint, boolean, or a tuple of those; undefined, null and objects are not. Return another value from keyBy, or set onError.",
  );
  assert.equal(error.name, "MillraceError");
  assert.equal(error.code, "KEY_INVALID");
  assert.equal(error.recovery, "fix-program");
  assert.equal(error.cause, cause);
  assert.deepEqual(error.context, { operator: "byUser", offset: 0, line: 3 });
  assert.ok(error instanceof Error);
});

test("an error without a place or a cause says neither", () => {
  const error = new MillraceError("JOB_RUNNING" satisfies ErrorCode, "It runs");
  assert.equal(
    error.message,
    "It runs [JOB_RUNNING]\n  help: Wait for the first run to end, or build a second pipeline.",
  );
  assert.ok(!("cause" in error));
});

test("a preview is one short line for any value", () => {
  const cyclic: Record<string, unknown> = {};
  cyclic["self"] = cyclic;
  const values: [unknown, string][] = [
    ["a\nb", '"a\\nb"'],
    [5, "5"],
    [-0, "0"],
    [Number.NaN, "NaN"],
    [5n, "5n"],
    [null, "null"],
    [undefined, "undefined"],
    [Symbol("s"), "Symbol(s)"],
    [() => 1, "a function"],
    [{ a: [1, "x"] }, '{"a":[1,"x"]}'],
    [new Date(0), '"1970-01-01T00:00:00.000Z"'],
    [{ n: 1n }, "[object Object]"],
    [cyclic, "[object Object]"],
    [Object.create(null), "{}"],
    [{ toJSON: () => undefined }, "[object Object]"],
  ];
  assert.deepEqual(
    values.map(([value]) => preview(value)),
    values.map(([, text]) => text),
  );
  assert.equal(preview("x".repeat(200)), `"${"x".repeat(78)}…`);
  assert.equal(preview("x".repeat(200), 10).length, 10);
});
