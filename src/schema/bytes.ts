/**
 * Bytes, written and read in order: what every codec is made of.
 *
 * A writer grows and is used again and again: `reset()`, encode, `take()` for a copy. A reader walks over bytes that
 * it does not own. Both are plain loops over one Buffer, since a call into Node costs more than a short value.
 *
 * Numbers: the integers 0 to 127 are their own byte; other integers take 2 to 7 bytes, everything else (fractions, -0,
 * NaN, infinities, integers from 2^47 on) the 8 bytes of a double behind one. A codec may use the first bytes that no
 * number begins with (0x80 ... 0xdf, 0xe5 ... 0xff) for what it likes.
 *
 * Text: its length in bytes and its form: one byte a character where all are below 256, else UTF-8, or UTF-16 where
 * it has a lone surrogate, for which UTF-8 has no place.
 */
import { MillraceError } from "../core/errors.ts";
import { type Bytes, SHORT_TEXT, shortText } from "./short-text.ts";

/** First bytes of numbers that don't fit into them. */
const INT8 = 0xe0;
const INT16 = 0xe1;
const INT32 = 0xe2;
const INT48 = 0xe3;
const DOUBLE = 0xe4;

const TWO_32 = 2 ** 32;
const TWO_47 = 2 ** 47;
const TWO_53 = 2 ** 53;

/** Forms of a text. */
const LATIN1 = 0;
const UTF8 = 1;
const UTF16 = 2;

/** A varint of 2^53 has eight bytes. */
const VARINT_BYTES = 8;
const FIRST_BYTES = 4096;

export class ByteWriter {
  /** Written are the first `at` bytes; an append may replace the buffer. */
  bytes: Bytes = Buffer.allocUnsafeSlow(FIRST_BYTES) as Bytes;
  at = 0;
  view: DataView = viewOf(this.bytes);

  reset(): void {
    this.at = 0;
  }

  /** A copy of what was written, from `from` on. */
  take(from = 0): Buffer {
    const copy = Buffer.allocUnsafe(this.at - from);
    this.bytes.copy(copy, 0, from, this.at);
    return copy;
  }

  /** Room for `n` more bytes. */
  reserve(n: number): void {
    if (this.at + n > this.bytes.length) this.#grow(n);
  }

  #grow(n: number): void {
    const wider = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.at + n)) as Bytes;
    this.bytes.copy(wider, 0, 0, this.at);
    this.bytes = wider;
    this.view = viewOf(wider);
  }

  u8(byte: number): void {
    if (this.at === this.bytes.length) this.#grow(1);
    this.bytes[this.at++] = byte;
  }

  /** @param value an integer from 0 to 2^53 */
  varint(value: number): void {
    this.reserve(VARINT_BYTES);
    while (value >= 0x80) {
      this.bytes[this.at++] = (value & 0x7f) | 0x80;
      value = value < TWO_32 ? value >>> 7 : Math.floor(value / 0x80);
    }
    this.bytes[this.at++] = value;
  }

  /** @param value an integer within 2^52 of zero; near zero it is short, whatever its sign */
  zigzag(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  f64(value: number): void {
    this.reserve(8);
    this.view.setFloat64(this.at, value, true);
    this.at += 8;
  }

  i64(value: bigint): void {
    this.reserve(8);
    this.view.setBigInt64(this.at, value, true);
    this.at += 8;
  }

  /** Any number, short where it is an integer. */
  number(value: number): void {
    this.reserve(9);
    if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
      if (value >>> 0 < 0x80) {
        this.bytes[this.at++] = value;
      } else if (value >= -0x80 && value < 0x80) {
        this.bytes[this.at] = INT8;
        this.bytes[this.at + 1] = value;
        this.at += 2;
      } else if (value >= -0x8000 && value < 0x8000) {
        this.bytes[this.at] = INT16;
        this.view.setInt16(this.at + 1, value, true);
        this.at += 3;
      } else {
        this.bytes[this.at] = INT32;
        this.view.setInt32(this.at + 1, value, true);
        this.at += 5;
      }
    } else if (value >= -TWO_47 && value < TWO_47 && Math.floor(value) === value && value !== 0) {
      this.bytes[this.at] = INT48;
      this.view.setUint32(this.at + 1, value, true);
      this.view.setInt16(this.at + 5, Math.floor(value / TWO_32), true);
      this.at += 7;
    } else {
      this.bytes[this.at] = DOUBLE;
      this.view.setFloat64(this.at + 1, value, true);
      this.at += 9;
    }
  }

  string(text: string): void {
    const n = text.length;
    if (n > SHORT_TEXT || !this.shortString(n << 2, text)) this.#longString(text);
  }

  /**
   * A first byte and the characters, one byte each; false, with nothing written, where one of them has no place in a
   * byte. Meant for short texts: it is a plain loop.
   */
  shortString(first: number, text: string): boolean {
    const n = text.length;
    this.reserve(n + 1);
    const { bytes, at } = this;
    let all = 0;
    for (let i = 0; i < n; i++) {
      const code = text.charCodeAt(i);
      all |= code;
      bytes[at + 1 + i] = code;
    }
    if (all > 0xff) return false;
    bytes[at] = first;
    this.at = at + 1 + n;
    return true;
  }

  #longString(text: string): void {
    if (!text.isWellFormed()) {
      this.varint(2 * text.length * 4 + UTF16);
      this.reserve(2 * text.length);
      this.at += this.bytes.ucs2Write(text, this.at);
      return;
    }
    // Most texts are ASCII and have as many bytes as characters: the bytes are written where they belong then.
    this.reserve(2 * VARINT_BYTES + 3 * text.length);
    const start = this.at;
    this.varint(text.length * 4);
    const guessed = this.at;
    const n = this.bytes.utf8Write(text, guessed);
    if (n !== text.length) {
      // The length of the length, first: the bytes have to be out of its way.
      this.at = start;
      this.varint(n * 4 + UTF8);
      const body = this.at;
      this.bytes.utf8Write(text, body);
    }
    this.at += n;
  }

  /** The characters, one byte each, without a length. @param text of characters below 256 */
  latin1(text: string): void {
    this.reserve(text.length);
    this.at += this.bytes.latin1Write(text, this.at);
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }
}

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export class ByteReader {
  bytes: Bytes;
  at: number;
  end: number;
  #view: DataView | null = null;

  constructor(bytes: Uint8Array, at = 0, end: number = bytes.length) {
    this.bytes = bufferOf(bytes);
    this.at = at;
    this.end = end;
  }

  /** Reads other bytes from now on. */
  over(bytes: Uint8Array, at = 0, end: number = bytes.length): void {
    this.bytes = bufferOf(bytes);
    this.at = at;
    this.end = end;
  }

  /** Steps over `n` bytes. @throws STATE_DAMAGED where there are fewer */
  skip(n: number): void {
    if (n > this.end - this.at) throw cutShort(this);
    this.at += n;
  }

  u8(): number {
    if (this.at >= this.end) throw cutShort(this);
    return this.bytes[this.at++];
  }

  varint(): number {
    let byte = this.u8();
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    for (let scale = 0x80; scale < TWO_53; scale *= 0x80) {
      byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw damaged(this, "a length has no end");
  }

  zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  f64(): number {
    const at = this.at;
    this.skip(8);
    return this.#viewed().getFloat64(this.bytes.byteOffset + at, true);
  }

  i64(): bigint {
    const at = this.at;
    this.skip(8);
    return this.#viewed().getBigInt64(this.bytes.byteOffset + at, true);
  }

  /** One view serves all slices of one buffer; to make one costs as much as ten numbers. */
  #viewed(): DataView {
    const { buffer } = this.bytes;
    if (this.#view === null || this.#view.buffer !== buffer) this.#view = new DataView(buffer);
    return this.#view;
  }

  number(): number {
    return this.numberAfter(this.u8());
  }

  /** The number whose first byte has been read. */
  numberAfter(first: number): number {
    if (first < 0x80) return first;
    const { bytes, at } = this;
    switch (first) {
      case INT8:
        this.skip(1);
        return (bytes[at] << 24) >> 24;
      case INT16:
        this.skip(2);
        return ((bytes[at] << 16) | (bytes[at + 1] << 24)) >> 16;
      case INT32:
        this.skip(4);
        return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
      case INT48: {
        this.skip(6);
        const low = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
        const high = ((bytes[at + 4] << 16) | (bytes[at + 5] << 24)) >> 16;
        return high * TWO_32 + (low >>> 0);
      }
      case DOUBLE:
        return this.f64();
      default:
        throw damaged(this, `no number begins with ${first}`);
    }
  }

  string(): string {
    const header = this.varint();
    const n = Math.floor(header / 4);
    const from = this.at;
    this.skip(n);
    switch (header & 3) {
      case LATIN1:
        return n <= SHORT_TEXT ? shortText(this.bytes, from, n) : this.bytes.latin1Slice(from, from + n);
      case UTF8:
        return this.bytes.utf8Slice(from, from + n);
      case UTF16:
        return this.bytes.ucs2Slice(from, from + n);
      default:
        throw damaged(this, "a text has an unknown form");
    }
  }

  /** The text of `n` bytes, one character each. */
  latin1(n: number): string {
    const from = this.at;
    this.skip(n);
    return shortText(this.bytes, from, n);
  }

  /** The next `n` bytes, not copied. */
  raw(n: number): Uint8Array {
    const from = this.at;
    this.skip(n);
    return this.bytes.subarray(from, from + n);
  }
}

/** All readers see one class of buffer: V8 compiles their code for it alone. */
const bufferOf = (bytes: Uint8Array): Bytes =>
  (Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)) as Bytes;

/** That the bytes can't be what a writer wrote; whoever knows the file names it. */
export function damaged(reader: ByteReader, what: string, cause?: unknown): MillraceError {
  return new MillraceError(
    "STATE_DAMAGED",
    `a stored value is damaged: ${what} (byte ${reader.at})`,
    {},
    cause,
  );
}

const cutShort = (reader: ByteReader): MillraceError =>
  damaged(reader, `its bytes end too early, at ${reader.end}`);
