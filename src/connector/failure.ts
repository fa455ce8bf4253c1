/** Errors that user code raises inside a connector, told in one way. */
import { MillraceError, reasonOf } from "../core/errors.ts";

/** SOURCE_FAILED with the cause; an error of Millrace's own stays what it is. */
export function sourceFailed(source: string, partition: string, cause: unknown): MillraceError {
  if (cause instanceof MillraceError) return cause;
  return new MillraceError(
    "SOURCE_FAILED",
    `${source} failed: ${reasonOf(cause)}`,
    { source, partition },
    cause,
  );
}

/** SINK_FAILED with the cause; an error of Millrace's own stays what it is. */
export function sinkFailed(sink: string, cause: unknown): MillraceError {
  if (cause instanceof MillraceError) return cause;
  return new MillraceError("SINK_FAILED", `${sink} failed: ${reasonOf(cause)}`, {}, cause);
}
