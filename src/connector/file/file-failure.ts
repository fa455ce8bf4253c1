/** Errors of writing files, told in one way by every sink that writes them. An error of Millrace's own stays as it is. */
import { type ErrorCode, MillraceError } from "../../core/errors.ts";

/** SINK_FAILED: a file that could be opened can't be written any more. */
export function writingFailed(path: string, cause: unknown): MillraceError {
  return failure("SINK_FAILED", path, "writing failed", cause);
}

/** FILE_UNWRITABLE: what befell a sink while it was opened. */
export function fileUnwritable(path: string, cause: unknown): MillraceError {
  return failure("FILE_UNWRITABLE", path, "it can't be written", cause);
}

/** SINK_STATE_MISSING: decided output that is not where it was. `what` goes on behind "PATH ". */
export function outputMissing(path: string, what: string): MillraceError {
  return new MillraceError("SINK_STATE_MISSING", `${path} ${what}`);
}

function failure(code: ErrorCode, path: string, what: string, cause: unknown): MillraceError {
  if (cause instanceof MillraceError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new MillraceError(code, `${path}: ${what}: ${reason}`, {}, cause);
}
