/** A staged file of row changes: a line of JSON for each. */
import type { Files } from "../../core/ports.ts";
import { changeOfJson, type RowChange } from "./row-change.ts";

/** What is in memory of an epoch that is being committed, beside one row. */
const CHUNK_BYTES = 128 * 1024;
const LINE_END = 0x0a;

/** The changes in the first `bytes` bytes of the file, some at a time. */
export async function* stagedChanges(files: Files, path: string, bytes: number): AsyncGenerator<RowChange[]> {
  const file = await files.openRead(path);
  try {
    let rest = Buffer.alloc(0);
    for (let at = 0; at < bytes; ) {
      const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, bytes - at));
      const n = await file.read(chunk, at);
      if (n === 0) throw new Error(`${path} became shorter than ${bytes} bytes`);
      at += n;
      const read = chunk.subarray(0, n);
      const end = read.lastIndexOf(LINE_END) + 1;
      if (end > 0) yield parse(Buffer.concat([rest, read.subarray(0, end)]));
      rest = end > 0 ? read.subarray(end) : Buffer.concat([rest, read]);
    }
  } finally {
    await file.close();
  }
}

const parse = (lines: Buffer): RowChange[] =>
  lines
    .toString("utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => changeOfJson(JSON.parse(line)));
