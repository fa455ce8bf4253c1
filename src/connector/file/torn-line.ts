/** The torn last line that a crash leaves in a file of lines, or a writer that is not done. */
import type { Files, InputFile } from "../../core/ports.ts";

const CHUNK_BYTES = 64 * 1024;
const LINE_END = 10;

/** The bytes up to the end of the last whole line; 0 where there is no file. */
export async function wholeLinesBytes(files: Files, path: string): Promise<number> {
  if ((await files.stat(path)) === null) return 0;
  const file = await files.openRead(path);
  try {
    return await endOfLines(file);
  } finally {
    await file.close();
  }
}

/** The same of a file as it was when it was opened. Reads back from the end. */
export async function endOfLines(file: InputFile): Promise<number> {
  const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, file.sizeBytes));
  for (let end = file.sizeBytes; end > 0; end -= chunk.length) {
    const from = Math.max(0, end - chunk.length);
    const bytes = chunk.subarray(0, end - from);
    await file.read(bytes, from);
    const at = bytes.lastIndexOf(LINE_END);
    if (at >= 0) return from + at + 1;
  }
  return 0;
}
