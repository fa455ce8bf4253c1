/**
 * Where the lines of a file go on, as JSON, and whether that place is still there.
 *
 * A file may have been replaced, edited or cut while no job ran. So a position holds, beside offset and line, checksums
 * of what stood before it: the file's first KiB, and the last bytes in front of the place. Both must be found again.
 * A change between the two that moves nothing is not noticed: that would take reading the whole file.
 */
import { crc32 } from "node:zlib";
import type { Json } from "../../core/json.ts";
import type { InputFile } from "../../core/ports.ts";
import { BEFORE_BYTES } from "../../format/line-blocks.ts";
import { FILE_START, type LinePlace } from "../../format/ndjson.ts";

export type LinePosition = {
  /** Byte at which a line begins, and the line's number from 1. */
  readonly offset: number;
  readonly line: number;
  /** InputFile.identity; null where there was no file yet. */
  readonly identity: string | null;
  /** CRC-32 of the file's first bytes: HEAD_BYTES, or as many as there are before `offset`. */
  readonly head: number;
  /** CRC-32 of the `tailBytes` bytes that end at `offset`. */
  readonly tail: number;
  readonly tailBytes: number;
};

/** Where in a file reading begins. */
export interface FileStart {
  readonly identity: string | null;
  readonly place: LinePlace;
  /** The file's first bytes, up to the place and to HEAD_BYTES. */
  readonly head: Uint8Array;
}

export const HEAD_BYTES = 1024;

/** What may stand behind a line that was taken for whole, and leaves it as it was. */
const BLANKS = new Set(Buffer.from("\n\r\t "));

/** The beginning of a file. */
export function startOf(identity: string | null): FileStart {
  return { identity, place: FILE_START, head: new Uint8Array(0) };
}

/** @param head the file's first bytes, HEAD_BYTES at the most, up to the place at least */
export function positionAt(identity: string | null, place: LinePlace, head: Uint8Array): LinePosition {
  const { offset, line, before } = place;
  return {
    offset,
    line,
    identity,
    head: crc32(head.subarray(0, offset)),
    tail: crc32(before),
    tailBytes: before.length,
  };
}

/** The position that JSON holds; null where it holds none. */
export function parsePosition(json: Json): LinePosition | null {
  const position = json as Partial<Record<keyof LinePosition, unknown>> | null;
  if (typeof position !== "object" || position === null) return null;
  const { offset, line, identity, head, tail, tailBytes } = position;
  const known =
    [offset, line, head, tail, tailBytes].every((n) => Number.isSafeInteger(n) && Number(n) >= 0) &&
    (identity === null || typeof identity === "string") &&
    Number(tailBytes) <= Math.min(BEFORE_BYTES, Number(offset));
  return known ? (position as LinePosition) : null;
}

/** Reading `file` on at the position, or why that is not where it was. */
export async function resumeAt(file: InputFile, position: LinePosition): Promise<FileStart | string> {
  const { offset, line, tailBytes } = position;
  const sizeBytes = await file.size();
  if (sizeBytes < offset) return `it has only ${sizeBytes} bytes`;
  const head = await bytesAt(file, 0, Math.min(offset, HEAD_BYTES));
  const before = await bytesAt(file, offset - tailBytes, tailBytes);
  if (crc32(head) !== position.head || crc32(before) !== position.tail)
    return "what stood before was changed";
  if (tailBytes > 0 && before.at(-1) !== 10) {
    const [next] = await bytesAt(file, offset, 1);
    if (next !== undefined && !BLANKS.has(next)) return "its last line was not whole yet when it was read";
  }
  return { identity: file.identity, place: { offset, line, before }, head };
}

async function bytesAt(file: InputFile, position: number, count: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(count);
  let n = 0;
  while (n < count) {
    const more = await file.read(bytes.subarray(n), position + n);
    if (more === 0) break;
    n += more;
  }
  return bytes.subarray(0, n);
}
