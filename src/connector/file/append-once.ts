/**
 * A staged file is appended to another, however often that is tried and wherever a try ended.
 *
 * The staged file stays until its content is durable in the other one, so after a crash there are three cases: it is
 * gone (all is done), the other file already goes on behind (all is done but the removal), or a part of it may be
 * there. What is there and equal stays: a reader that follows the file never sees it shrink, except by bytes that a
 * loss of power made up. Cost: one read and one write of the staged bytes.
 */
import type { Files, InputFile } from "../../core/ports.ts";
import { outputMissing } from "./file-failure.ts";

const CHUNK_BYTES = 1024 * 1024;

export interface StagedAppend {
  readonly path: string;
  /** Where the staged content begins in `path`. */
  readonly at: number;
  readonly bytes: number;
  readonly staged: string;
}

/**
 * @param begin runs before the first byte is appended
 * @throws SINK_STATE_MISSING
 */
export async function appendOnce(
  files: Files,
  { path, at, bytes, staged }: StagedAppend,
  begin: () => Promise<void>,
): Promise<void> {
  const end = at + bytes;
  const size = (await files.stat(path))?.sizeBytes ?? 0;
  const found = await files.stat(staged);
  if (found === null && size >= end) return;
  if (size < at) throw outputMissing(path, `has ${size} bytes, where ${at} were committed`);
  if (found === null || found.sizeBytes < bytes) {
    throw outputMissing(staged, `should hold ${bytes} bytes that are not in ${path} yet`);
  }
  if (size <= end) {
    await begin();
    await copy(files, staged, path, at, bytes, size);
  }
  await files.remove(staged);
}

async function copy(
  files: Files,
  staged: string,
  path: string,
  at: number,
  bytes: number,
  size: number,
): Promise<void> {
  const from = await files.openRead(staged);
  try {
    const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, bytes));
    let done = size > at ? await equalBytes(files, path, at, size - at, from) : 0;
    const to = await files.openAppend(path, at + done);
    try {
      while (done < bytes) {
        const n = await from.read(chunk.subarray(0, Math.min(chunk.length, bytes - done)), done);
        if (n === 0) throw outputMissing(staged, `became shorter than ${bytes} bytes`);
        await to.write(chunk.subarray(0, n));
        done += n;
      }
      await to.sync();
    } finally {
      await to.close();
    }
  } finally {
    await from.close();
  }
}

/** How many of the `length` bytes of `path` from `at` on are the first ones of `staged`. */
async function equalBytes(
  files: Files,
  path: string,
  at: number,
  length: number,
  staged: InputFile,
): Promise<number> {
  const file = await files.openRead(path);
  try {
    const theirs = Buffer.alloc(Math.min(CHUNK_BYTES, length));
    const ours = Buffer.alloc(theirs.length);
    for (let done = 0; done < length; ) {
      const n = Math.min(theirs.length, length - done);
      await file.read(theirs.subarray(0, n), at + done);
      await staged.read(ours.subarray(0, n), done);
      if (theirs.compare(ours, 0, n, 0, n) !== 0) {
        let same = 0;
        while (theirs[same] === ours[same]) same++;
        return done + same;
      }
      done += n;
    }
    return length;
  } finally {
    await file.close();
  }
}
