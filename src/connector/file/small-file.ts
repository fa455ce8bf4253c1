/** Small files that are read and replaced as a whole: a reader sees the old content or the new. */
import { dirname } from "node:path";
import type { Files } from "../../core/ports.ts";

/** null where there is no file. */
export async function readText(files: Files, path: string): Promise<string | null> {
  if ((await files.stat(path)) === null) return null;
  const file = await files.openRead(path);
  try {
    const bytes = Buffer.alloc(file.sizeBytes);
    return bytes.toString("utf8", 0, await file.read(bytes, 0));
  } finally {
    await file.close();
  }
}

/** When it resolves, the new content survives the loss of power. */
export async function replaceText(files: Files, path: string, text: string): Promise<void> {
  const next = `${path}.next`;
  const file = await files.openWrite(next);
  try {
    await file.write(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await files.rename(next, path);
  await files.syncFolder(dirname(path));
}
