/** What is told of a record that a source gave and that could not be taken. */
import type { Refusal } from "../compile/stamp.ts";
import type { Malformed, Origin } from "../connector/contract.ts";
import { MillraceError, preview, reasonOf } from "../core/errors.ts";
import { formatDuration } from "../core/time.ts";

interface Place {
  readonly source: string;
  readonly partition: string;
}

/** An input that could not be decoded. */
export function malformedInput(
  place: Place,
  { offset, line, column, reason, bytes }: Malformed,
): MillraceError {
  return new MillraceError("RECORD_MALFORMED", reason, {
    ...place,
    offset,
    ...(line === undefined ? {} : { line }),
    ...(column === undefined ? {} : { column }),
    ...(bytes === undefined ? {} : { text: preview(Buffer.from(bytes.subarray(0, 400)).toString("utf8")) }),
  });
}

/** @param skewMs how far ahead it may have been */
export function refusedRecord(
  place: Place,
  { offset, line }: Origin,
  value: unknown,
  refusal: Refusal,
  skewMs: number,
): MillraceError {
  const context = {
    ...place,
    offset,
    ...(line === undefined ? {} : { line }),
    text: preview(value),
  };
  if (refusal.why === "threw") {
    const what = `the ${refusal.of} function threw ${reasonOf(refusal.error)}`;
    return new MillraceError("USER_FUNCTION_FAILED", what, context, refusal.error);
  }
  return new MillraceError("TIMESTAMP_INVALID", reasonFor(refusal, skewMs), context);
}

function reasonFor(refusal: Exclude<Refusal, { readonly why: "threw" }>, skewMs: number): string {
  const what = refusal.of === "timestamp" ? "timestamp" : "watermark";
  if (refusal.why === "no time") return `${preview(refusal.got)} is no ${what}`;
  const { time, reach, isFirst } = refusal;
  return `its ${what}, ${textOf(time)}, is further ahead of ${isFirst ? "the clock" : "its partition"}, at ${textOf(reach)}, than maxFutureSkew (${formatDuration(skewMs)}) allows`;
}

const textOf = (timeMs: number): string => new Date(timeMs).toISOString();
