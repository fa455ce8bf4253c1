/** Errors as the tests of this folder hold them: code, first line, help; and which codes a test file has seen. */
import assert from "node:assert/strict";
import { ERRORS, type ErrorCode, MillraceError } from "../../src/index.ts";

/** Codes that only a job with a state directory can raise: state-errors.test.ts has them. */
export const STATE_CODES: readonly ErrorCode[] = [
  "STATE_VALUE_REFUSED",
  "STATE_SCHEMA_CHANGED",
  "STATE_DIRECTORY_IN_USE",
  "STATE_DIRECTORY_FOREIGN",
  "STATE_UNWRITABLE",
  "STATE_DAMAGED",
  "STATE_BEHIND_SINK",
  "SINK_STATE_MISSING",
  "GUARANTEE_UNMET",
  "SOURCE_POSITION_LOST",
  "RESTARTS_EXHAUSTED",
  "SAVEPOINT_INVALID",
];

/** Codes that a test of this process has seen. */
export const seen = new Set<ErrorCode>();

/** @param words the first line, or a pattern for it where a path or the operating system has a part in it */
export function check(error: unknown, code: ErrorCode, words: string | RegExp): MillraceError {
  assert.ok(error instanceof MillraceError, `no MillraceError, but ${String(error)}`);
  assert.equal(error.code, code, error.message);
  const [first] = error.message.split("\n");
  assert.ok(first.endsWith(` [${code}]`), first);
  if (typeof words === "string") assert.equal(first, `${words} [${code}]`);
  else assert.match(first, words);
  assert.ok(error.message.endsWith(`\n  help: ${ERRORS[code].help}`));
  assert.equal(error.recovery, ERRORS[code].recovery);
  seen.add(code);
  return error;
}

/** What the call throws at once. */
export function thrown(call: () => unknown, code: ErrorCode, words: string): void {
  try {
    call();
  } catch (error) {
    check(error, code, words);
    return;
  }
  assert.fail(`nothing was thrown: ${words}`);
}
