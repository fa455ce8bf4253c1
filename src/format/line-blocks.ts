/**
 * Chunks of bytes in, blocks of whole lines out.
 *
 * A chunk is cut at its last line end; what follows is kept until its line is whole. All lines of a chunk become one
 * string with one call, because making a string per line costs more than parsing a short record. Where the bytes are
 * ASCII, positions in the string are positions in the bytes. Lines that can't be text (invalid UTF-8, or longer than
 * the limit) become blocks of their own.
 */
import { isAscii, isUtf8 } from "node:buffer";
import { HEAD_BYTES } from "./malformed-line.ts";

const NEWLINE = 10;
const CARRIAGE_RETURN = 13;

/** Bytes before a line that are kept to tell its place from others: a few lines, or a good part of one. */
export const BEFORE_BYTES = 256;

/** The last BEFORE_BYTES of the two, in memory of their own. */
function lastBytes(before: Uint8Array, bytes: Uint8Array): Uint8Array {
  const own = bytes.subarray(Math.max(0, bytes.length - BEFORE_BYTES));
  const rest = BEFORE_BYTES - own.length;
  return rest === 0 ? new Uint8Array(own) : Buffer.concat([before.subarray(-rest), own]);
}

/** Whole lines that are valid UTF-8; the last one of a file may lack its "\n". */
export class TextBlock {
  readonly text: string;
  /** What stands before it in the file: BEFORE_BYTES, or what of them is known. */
  readonly before: Uint8Array;
  readonly #ascii: boolean;
  readonly #offset: number;
  #knownChar = 0;
  #knownByte = 0;

  constructor(text: string, ascii: boolean, offset: number, before: Uint8Array) {
    this.text = text;
    this.before = before;
    this.#ascii = ascii;
    this.#offset = offset;
  }

  /** Byte position in the file of the character at `index`; cheap where calls ask for growing indexes. */
  byteAt(index: number): number {
    if (this.#ascii) return this.#offset + index;
    if (index < this.#knownChar) this.#knownChar = this.#knownByte = 0;
    this.#knownByte += Buffer.byteLength(this.text.slice(this.#knownChar, index));
    this.#knownChar = index;
    return this.#offset + this.#knownByte;
  }

  /** The same for the character at `index`. */
  bytesBefore(index: number): Uint8Array {
    // A unit is a byte at least. Two more, because the first may be half of a character, which has three bytes then.
    const own = Buffer.from(this.text.slice(Math.max(0, index - BEFORE_BYTES - 2), index));
    return lastBytes(this.before, own);
  }

  /** The line that starts at `from`, without its end. */
  lineAt(from: number): string {
    let to = this.text.indexOf("\n", from);
    if (to < 0) to = this.text.length;
    return this.text.slice(from, to > from && this.text[to - 1] === "\r" ? to - 1 : to);
  }
}

/** One line that is no text. */
export interface BadLine {
  readonly offset: number;
  /** As TextBlock.before. */
  readonly before: Uint8Array;
  readonly bytes: Uint8Array;
  /** Bytes of the whole line where that is beyond the limit. */
  readonly tooLong?: number;
}

export type Block = TextBlock | BadLine;

export class LineBlocks {
  readonly #maxLineBytes: number;
  #out: Block[] = [];
  /** Where the next block starts. */
  #offset: number;
  #before: Uint8Array;
  /** The unfinished line; only its head once it is too long. */
  #parts: Uint8Array[] = [];
  #partBytes = 0;
  #overflowed = false;

  /**
   * @param offset where in the file the first chunk stands; a line begins there
   * @param before as TextBlock.before
   */
  constructor(maxLineBytes: number, offset = 0, before: Uint8Array = new Uint8Array(0)) {
    this.#maxLineBytes = maxLineBytes;
    this.#offset = offset;
    this.#before = before;
  }

  /** Where in the file the first line stands that is not whole yet. */
  get offset(): number {
    return this.#offset;
  }

  /** As TextBlock.before, for that place. */
  get before(): Uint8Array {
    return this.#before;
  }

  /** The blocks of the lines that end within `chunk`, which may be used for other things afterwards. */
  push(chunk: Uint8Array): Block[] {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const last = bytes.lastIndexOf(NEWLINE);
    if (last < 0) {
      this.#keep(bytes);
      return [];
    }
    let start = 0;
    if (this.#partBytes > 0) {
      start = bytes.indexOf(NEWLINE) + 1;
      this.#keep(bytes.subarray(0, start));
      this.#finishLine();
    }
    if (last >= start) this.#addLines(bytes.subarray(start, last + 1));
    if (last + 1 < bytes.length) this.#keep(bytes.subarray(last + 1));
    return this.#take();
  }

  /** The block of a last line without an end. */
  end(): Block[] {
    if (this.#partBytes > 0) this.#finishLine();
    return this.#take();
  }

  #take(): Block[] {
    const out = this.#out;
    this.#out = [];
    return out;
  }

  #keep(part: Buffer): void {
    this.#partBytes += part.length;
    if (this.#overflowed) return;
    this.#parts.push(new Uint8Array(part));
    // Two bytes more, because the line end does not count.
    if (this.#partBytes > Math.max(this.#maxLineBytes + 2, HEAD_BYTES)) {
      this.#overflowed = true;
      this.#parts = [copyHead(Buffer.concat(this.#parts))];
    }
  }

  #finishLine(): void {
    if (this.#overflowed) {
      const [head, tooLong] = [this.#parts[0]!, this.#partBytes];
      this.#out.push({ offset: this.#offset, before: this.#before, bytes: head, tooLong });
      this.#offset += tooLong;
      this.#before = new Uint8Array(0);
    } else {
      this.#addLines(Buffer.concat(this.#parts));
    }
    this.#parts = [];
    this.#partBytes = 0;
    this.#overflowed = false;
  }

  #addLines(bytes: Buffer): void {
    if (this.#offset === 0 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
      this.#offset = 3;
      bytes = bytes.subarray(3);
    }
    if (isAscii(bytes)) this.#addText(bytes, true);
    else if (isUtf8(bytes)) this.#addText(bytes, false);
    else this.#addDoubtful(bytes);
  }

  #addText(bytes: Buffer, ascii: boolean): void {
    if (bytes.length === 0) return;
    const text = bytes.toString(ascii ? "latin1" : "utf8");
    this.#out.push(new TextBlock(text, ascii, this.#offset, this.#before));
    this.#pass(bytes);
  }

  /** Takes out the lines that are not UTF-8; the others go on as if these had not been there. */
  #addDoubtful(bytes: Buffer): void {
    let goodFrom = 0;
    for (let from = 0, to: number; from < bytes.length; from = to) {
      to = bytes.indexOf(NEWLINE, from) + 1 || bytes.length;
      const line = bytes.subarray(from, to);
      if (isUtf8(line)) continue;
      this.#addText(bytes.subarray(goodFrom, from), false);
      const content = withoutEnd(line);
      const tooLong = content.length > this.#maxLineBytes;
      this.#out.push({
        offset: this.#offset,
        before: this.#before,
        bytes: tooLong ? copyHead(content) : new Uint8Array(content),
        ...(tooLong && { tooLong: content.length }),
      });
      this.#pass(line);
      goodFrom = to;
    }
    this.#addText(bytes.subarray(goodFrom), false);
  }

  #pass(bytes: Buffer): void {
    this.#offset += bytes.length;
    this.#before = lastBytes(this.#before, bytes);
  }
}

const copyHead = (bytes: Uint8Array) => new Uint8Array(bytes.subarray(0, HEAD_BYTES));

function withoutEnd(line: Buffer): Buffer {
  let end = line.length;
  if (line[end - 1] === NEWLINE) end--;
  if (line[end - 1] === CARRIAGE_RETURN) end--;
  return line.subarray(0, end);
}
