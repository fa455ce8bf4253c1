/**
 * The engine with small sizes: what takes megabytes in truth (a log that is written anew, a page, a chunk, a slice)
 * happens within a few records. Results must not depend on any of these.
 */
import type { Edit } from "./load.ts";

const size = (file: string, name: string, becomes: number): Edit => ({
  file,
  says: new RegExp(`const ${name} = [^;]+;`, "g"),
  insteadSays: `const ${name} = ${becomes};`,
});

export const SMALL_SIZES: readonly Edit[] = [
  size("runtime/commits.ts", "HELD_RECORDS", 20),
  size("runtime/commits.ts", "REWRITE_SLACK_BYTES", 400),
  size("runtime/commits.ts", "REWRITE_EPOCH_BYTES", 300),
  size("runtime/commits.ts", "APPLIED_LOG_BYTES", 300),
  size("runtime/apply-log.ts", "WRITE_CHANGES", 3),
  size("runtime/state-keeping.ts", "PREFETCH_ROWS", 5),
  size("state/cold-rows.ts", "PAGE_ROWS", 3),
  size("state/cold-rows.ts", "ABSENT_KEYS", 2),
  size("state/journal.ts", "ROWS_PER_LOOK", 1),
  size("state/change-log.ts", "PAYLOAD_BYTES", 100),
  size("epoch/log.ts", "CHUNK_BYTES", 500),
  size("epoch/log.ts", "WAITING_BYTES", 2000),
  size("epoch/read-log.ts", "READ_BYTES", 300),
  size("connector/file/append-once.ts", "CHUNK_BYTES", 50),
  size("connector/file/file-writer.ts", "WAITING_LIMIT", 200),
  size("connector/file/write-lines.ts", "PIECE_UNITS", 100),
  size("connector/file/part-file.ts", "PIECE_UNITS", 100),
  size("connector/file/parts.ts", "DRAIN_UNITS", 500),
];
