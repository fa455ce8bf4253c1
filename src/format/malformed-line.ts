/** What is told about a line that holds no JSON: where it is, where in it the fault is, and what stands around. */
import { isUtf8 } from "node:buffer";
import { jsonFaultAt } from "./json-fault.ts";

export interface MalformedLine {
  readonly reason: string;
  /** From 1. */
  readonly line: number;
  /** Where in the line the fault is: UTF-16 units from 1, as editors count; absent where no one place is to blame. */
  readonly column?: number;
  /** Byte position of the line in the file. */
  readonly offset: number;
  /** The line as it was read, without its end; only the first 64 KiB of a line that was too long. */
  readonly bytes: Uint8Array;
}

/** Bytes kept of a line that is too long: enough to recognise it, little beside any limit. */
export const HEAD_BYTES = 65_536;

/** Characters shown on each side of a fault: together they fit into one line of a terminal. */
const AROUND = 30;

function around(text: string, at: number): string {
  const from = Math.max(0, at - AROUND);
  const to = Math.min(text.length, at + AROUND);
  const shown = JSON.stringify(text.slice(from, to)).slice(1, -1);
  return `${from > 0 ? "…" : ""}${shown}${to < text.length ? "…" : ""}`;
}

/** The fault of a line that JSON.parse refused with `error`. */
export function jsonFault(text: string, error: unknown): { reason: string; column?: number } {
  const at = jsonFaultAt(text);
  if (at === undefined) {
    // JSON after all: what failed is a limit of the engine, e.g. nesting too deep for the stack.
    return { reason: `JSON.parse failed: ${error instanceof Error ? error.message : String(error)}` };
  }
  const column = at + 1;
  if (at === text.length) return { column, reason: `the line ends too early: ${around(text, at)}` };
  const what = JSON.stringify(String.fromCodePoint(text.codePointAt(at)!));
  return { column, reason: `unexpected ${what} at column ${column}: ${around(text, at)}` };
}

/** The fault of a line that is not UTF-8. */
export function utf8Fault(line: Uint8Array): { reason: string; column?: number } {
  const bytes = Buffer.from(line.buffer, line.byteOffset, line.byteLength);
  const text = bytes.toString("utf8");
  // A decoder puts U+FFFD for what it can't read: written back, the first difference is the first fault.
  const back = Buffer.from(text, "utf8");
  let at = 0;
  while (at < bytes.length && bytes[at] === back[at]) at++;
  while (at > 0 && !isUtf8(bytes.subarray(0, at))) at--;
  const column = bytes.toString("utf8", 0, at).length + 1;
  const hex = bytes[at]!.toString(16).padStart(2, "0");
  return {
    column,
    reason: `invalid UTF-8 (byte 0x${hex}) at column ${column}: ${around(text, column - 1)}`,
  };
}

/** The reason of a line that has `bytes`, more than the limit. */
export function tooLongReason(bytes: number, maxLineBytes: number): string {
  const kept = bytes > HEAD_BYTES ? `; only its first ${HEAD_BYTES} bytes are kept` : "";
  return `the line has ${bytes} bytes, more than maxLineBytes = ${maxLineBytes}${kept}`;
}
