/** Records as JSON text, for sinks that write lines. */
import { MillraceError, preview } from "../../core/errors.ts";
import type { DeadLetter } from "../contract.ts";

/** Characters of a dead letter's value that are kept where JSON can't hold the value itself. */
const VALUE_PREVIEW = 1000;

/**
 * A record as one line of JSON, without its end. Bytes in the field `bytes`, as dead letters have them, are written
 * in base64.
 *
 * @example encodeRecord({ id: 1, bytes: new Uint8Array([1, 2]) }) // '{"id":1,"bytes":"AQI="}'
 * @throws SINK_FAILED when the record is no JSON: undefined, a function, a bigint, or a cycle within it
 */
export function encodeRecord(record: unknown): string {
  let text: string | undefined;
  try {
    // JSON.stringify would write the bytes as an object with a field for every byte.
    text = JSON.stringify(hasBytes(record) ? { ...record, bytes: base64(record.bytes) } : record);
  } catch (cause) {
    throw notJson(record, cause);
  }
  if (text === undefined) throw notJson(record);
  return text;
}

/**
 * Any record as one line of JSON: like `encodeRecord`, but where a dead letter's value can't be JSON its text stands
 * for it. A letter about a record must not fail over what was wrong with the record.
 *
 * @throws SINK_FAILED as encodeRecord, for records that are no dead letters
 */
export function encodeLine(record: unknown): string {
  try {
    return encodeRecord(record);
  } catch (error) {
    if (!isDeadLetter(record)) throw error;
    return encodeRecord({ ...record, value: preview(record.value, VALUE_PREVIEW) });
  }
}

const LETTER_FIELDS = [
  "operator",
  "source",
  "partition",
  "offset",
  "line",
  "code",
  "reason",
  "bytes",
  "value",
];

function isDeadLetter(record: unknown): record is DeadLetter {
  return (
    typeof record === "object" &&
    record !== null &&
    LETTER_FIELDS.every((field) => Object.hasOwn(record, field))
  );
}

const base64 = ({ buffer, byteOffset, byteLength }: Uint8Array) =>
  Buffer.from(buffer, byteOffset, byteLength).toString("base64");

function hasBytes(record: unknown): record is { bytes: Uint8Array } {
  return (record as { bytes?: unknown } | null | undefined)?.bytes instanceof Uint8Array;
}

function notJson(record: unknown, cause?: unknown): MillraceError {
  const text = recordText(record);
  const reason =
    cause === undefined
      ? `JSON has no ${typeof record}; drop such records first`
      : cause instanceof TypeError && /BigInt/i.test(cause.message)
        ? "JSON has no bigint; map bigints to numbers or strings first"
        : cause instanceof Error
          ? cause.message.split("\n")[0]!
          : String(cause);
  return new MillraceError(
    "SINK_FAILED",
    `the record ${text} can't be written as JSON: ${reason}`,
    { text },
    cause,
  );
}

/** The record's text with bigints as 1n, for the message. */
function recordText(record: unknown): string {
  if (typeof record !== "object") return preview(record);
  try {
    return preview(
      JSON.parse(JSON.stringify(record, (_, value) => (typeof value === "bigint" ? `${value}n` : value))),
    );
  } catch {
    return preview(record);
  }
}
