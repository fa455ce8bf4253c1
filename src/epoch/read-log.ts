/**
 * Reading a log: payloads in order, each one's checksum verified, in reads of 1 MiB. What is missing or doesn't fit is
 * STATE_DAMAGED with the file and the byte. Payloads lie in the buffers of the reads and stay as they are.
 */
import { join } from "node:path";
import { MillraceError, reasonOf } from "../core/errors.ts";
import type { Files, InputFile } from "../core/ports.ts";
import { frameBytes, HEADER_BYTES, payloadLength, readFrame } from "./frame.ts";
import { segmentName } from "./names.ts";
import { type LogContent, type LogLocation, type Stretch, stretches } from "./position.ts";

const READ_BYTES = 1024 * 1024;

/** @throws STATE_DAMAGED, FILE_UNREADABLE */
export async function* readLog(
  files: Files,
  folder: string,
  log: number,
  content: LogContent,
): AsyncGenerator<Uint8Array> {
  for await (const payloads of readBatches(files, folder, log, content)) yield* payloads;
}

/** The same by the read: of small records much faster. */
export async function* readBatches(
  files: Files,
  folder: string,
  log: number,
  content: LogContent,
): AsyncGenerator<readonly Uint8Array[]> {
  for (const stretch of stretches(content)) {
    const path = join(folder, segmentName(log, stretch.segment));
    const file = await openState(files, path);
    try {
      yield* readStretch(path, file, stretch);
    } finally {
      await file.close();
    }
  }
}

async function* readStretch(
  path: string,
  file: InputFile,
  { from, to }: Stretch,
): AsyncGenerator<Uint8Array[]> {
  let want = READ_BYTES;
  for (let at = from; at < to; ) {
    const buffer = Buffer.allocUnsafeSlow(Math.min(want, to - at));
    await fill(path, file, buffer, at);
    const payloads: Uint8Array[] = [];
    let used = 0;
    while (used + HEADER_BYTES <= buffer.length) {
      const length = payloadLength(buffer, used);
      const end = used + frameBytes(length);
      if (at + end > to) throw damaged(path, at + used, "a record's length doesn't fit");
      if (end > buffer.length) break;
      payloads.push(checked(path, buffer, used, length, at));
      used = end;
    }
    yield payloads;
    // A record that is longer than one read is read in one piece.
    if (used > 0) want = READ_BYTES;
    else if (buffer.length >= HEADER_BYTES) want = frameBytes(payloadLength(buffer, 0));
    else throw damaged(path, at, "a record is cut short");
    at += used;
  }
}

/** One record. */
export async function readRecord(path: string, file: InputFile, location: LogLocation): Promise<Uint8Array> {
  const buffer = Buffer.allocUnsafeSlow(frameBytes(location.length));
  await fill(path, file, buffer, location.offset);
  return checked(path, buffer, 0, location.length, location.offset);
}

/** @throws STATE_DAMAGED where the file isn't there, FILE_UNREADABLE */
export async function openState(files: Files, path: string): Promise<InputFile> {
  try {
    return await files.openRead(path);
  } catch (cause) {
    if (isAbsent(cause)) throw new MillraceError("STATE_DAMAGED", `${path} is missing`, {}, cause);
    throw unreadable(path, cause);
  }
}

/** Fills the buffer from the byte at `at` on. */
export async function fill(path: string, file: InputFile, buffer: Uint8Array, at: number): Promise<void> {
  let bytes: number;
  try {
    bytes = await file.read(buffer, at);
  } catch (cause) {
    throw unreadable(path, cause);
  }
  if (bytes < buffer.length) throw damaged(path, at + bytes, "the file ends there");
}

export const isAbsent = (error: unknown): boolean => (error as { code?: unknown }).code === "ENOENT";

const checked = (path: string, buffer: Buffer, used: number, length: number, at: number): Buffer => {
  const payload = readFrame(buffer, used, length);
  if (payload === null) throw damaged(path, at + used, "a record's checksum doesn't fit");
  return payload;
};

const damaged = (path: string, byte: number, what: string): MillraceError =>
  new MillraceError("STATE_DAMAGED", `${path} is damaged at byte ${byte}: ${what}`);

export const unreadable = (path: string, cause: unknown): MillraceError =>
  new MillraceError("FILE_UNREADABLE", `${path} can't be read: ${reasonOf(cause)}`, {}, cause);
