import { encodeLine } from "./encode-record.ts";
import type { FileWriter } from "./file-writer.ts";

/** UTF-16 units handed on at a time: a batch of large records could be too long for one string. */
const PIECE_UNITS = 1024 * 1024;

/** Records as lines of JSON into a file. @throws SINK_FAILED for a record that is no JSON; those before it are written */
export function writeLines(
  writer: FileWriter,
  values: readonly unknown[],
  from: number,
  to: number,
): Promise<void> | undefined {
  let text = "";
  try {
    for (let i = from; i < to; i++) {
      text += `${encodeLine(values[i])}\n`;
      if (text.length < PIECE_UNITS) continue;
      writer.add(text);
      text = "";
    }
  } finally {
    writer.add(text);
  }
  return writer.room();
}
