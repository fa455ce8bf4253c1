/** What a failure of RocksDB means for the job: the driver has one kind of error, and its text tells them apart. */
import { type ErrorCode, MillraceError, reasonOf } from "../../core/errors.ts";

const LOCKED =
  /lock hold by current process|While lock file.*temporarily unavailable|used by another process/;
const DAMAGED = /corrupt|checksum mismatch|size mismatch/i;
const REFUSED = /No space left|quota exceeded|Permission denied|Read-only file system|not a directory/i;

/** RocksDB's own words: those about a write batch stand in the cause of the driver's error. */
function wordsOf(error: unknown): string {
  return reasonOf(error instanceof Error && error.cause !== undefined ? error.cause : error);
}

const failure = (code: ErrorCode, folder: string, what: string, cause: unknown) =>
  new MillraceError(code, `The RocksDB store in ${folder} ${what}: ${wordsOf(cause)}`, {}, cause);

/** STATE_DIRECTORY_IN_USE, STATE_UNWRITABLE where the disk refuses, else STATE_DAMAGED. */
export function openFailed(folder: string, cause: unknown): MillraceError {
  const words = wordsOf(cause);
  if (LOCKED.test(words)) return failure("STATE_DIRECTORY_IN_USE", folder, "is open already", cause);
  return REFUSED.test(words)
    ? failure("STATE_UNWRITABLE", folder, "can't be opened", cause)
    : readFailed(folder, cause);
}

/** STATE_DAMAGED. */
export function readFailed(folder: string, cause: unknown): MillraceError {
  return failure("STATE_DAMAGED", folder, "can't be read", cause);
}

/** STATE_UNWRITABLE, or STATE_DAMAGED where RocksDB takes no more writes because of what it read. */
export function writeFailed(folder: string, cause: unknown): MillraceError {
  return DAMAGED.test(wordsOf(cause))
    ? readFailed(folder, cause)
    : failure("STATE_UNWRITABLE", folder, "can't be written", cause);
}
