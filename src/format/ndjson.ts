/**
 * NDJSON: one JSON value per line (https://github.com/ndjson/ndjson-spec).
 *
 * The decoder takes chunks of bytes as they come and gives values, a bounded number per call: a chunk becomes one
 * string, and lines are parsed from it only when they are asked for. Blank lines are skipped, "\r\n" is a line end
 * too, the last line needs none, and a byte order mark at the start is skipped. A line that can't be decoded stops
 * the call: what came before it is given first, then `takeFault` tells about it, and the next call goes on behind it.
 */
import { type BadLine, type Block, LineBlocks, TextBlock } from "./line-blocks.ts";
import { HEAD_BYTES, jsonFault, type MalformedLine, tooLongReason, utf8Fault } from "./malformed-line.ts";

export type { MalformedLine } from "./malformed-line.ts";

/** Where a value came from. */
export interface LineOrigin {
  /** Byte position of the line. */
  readonly offset: number;
  /** From 1. */
  readonly line: number;
  /** The line without its end. */
  readonly bytes: Uint8Array;
}

/** A place in the file where a line begins. */
export interface LinePlace {
  readonly offset: number;
  /** From 1. Where the line before has no end, which only the last of a file lacks: that line's number. */
  readonly line: number;
  /** The bytes before it: BEFORE_BYTES (line-blocks.ts), or what of them is known. */
  readonly before: Uint8Array;
}

export const FILE_START: LinePlace = { offset: 0, line: 1, before: new Uint8Array(0) };

/** Default of maxLineBytes: 64 MiB, far beyond any record, and small enough to hold a few of. */
export const MAX_LINE_BYTES = 64 * 1024 * 1024;

const encoder = new TextEncoder();

/** How much a line's text can shrink against its bytes: three bytes of UTF-8 make one UTF-16 unit at most. */
const BYTES_PER_UNIT = 3;

export class NdjsonDecoder<T> {
  readonly #maxLineBytes: number;
  readonly #lines: LineBlocks;
  #blocks: Block[] = [];
  #block = 0;
  /** The next character of the current block, and the number of its line. */
  #at = 0;
  #line = 1;
  #fault: MalformedLine | undefined;
  #faultPlace: LinePlace = FILE_START;
  /** The last line has no end. */
  #openEnd = false;

  /** For `locate`: character and line of each value since `mark`, and which block gave which of them. */
  #taken = 0;
  #starts = new Float64Array(1024);
  #lineOf = new Float64Array(1024);
  #givers: TextBlock[] = [];
  #giverFrom: number[] = [];

  /**
   * @param maxLineBytes a longer line is malformed; at most 2^28, because a line becomes one string
   * @param start where the first chunk will stand
   */
  constructor(maxLineBytes: number = MAX_LINE_BYTES, start: LinePlace = FILE_START) {
    this.#maxLineBytes = maxLineBytes;
    this.#lines = new LineBlocks(maxLineBytes, start.offset, start.before);
    this.#line = start.line;
  }

  /** Takes the next bytes, which may be overwritten afterwards. Call it when `drained`, to hold one chunk only. */
  push(chunk: Uint8Array): void {
    this.#add(this.#lines.push(chunk));
  }

  /** No more bytes will come. */
  end(): void {
    const last = this.#lines.end();
    this.#openEnd = last.length > 0;
    this.#add(last);
  }

  #add(blocks: Block[]): void {
    this.#blocks = this.drained ? blocks : [...this.#blocks.slice(this.#block), ...blocks];
    this.#block = 0;
  }

  /** True when nothing can be decoded before the next `push`. */
  get drained(): boolean {
    return this.#block === this.#blocks.length;
  }

  /** Bytes decoded so far. */
  get position(): number {
    const block = this.#blocks[this.#block];
    if (block === undefined) return this.#lines.offset;
    return block instanceof TextBlock ? block.byteAt(this.#at) : block.offset;
  }

  /** `locate` counts from here on, and forgets what was before. */
  mark(): void {
    this.#taken = 0;
    this.#givers.length = 0;
    this.#giverFrom.length = 0;
  }

  /** Where the value came from that was decoded at `index` since `mark`. */
  locate(index: number): LineOrigin {
    const block = this.#giverOf(index);
    const from = this.#starts[index]!;
    const bytes = encoder.encode(block.lineAt(from));
    return { offset: block.byteAt(from), line: this.#lineOf[index]!, bytes };
  }

  /**
   * Where the line of that value begins: what came before it, also malformed lines, lies before the place. For the
   * number of values since `mark`: where decoding goes on. That is behind a malformed line once it was taken.
   */
  placeOf(index: number): LinePlace {
    if (index === this.#taken) return this.#place();
    return this.#placeAt(this.#giverOf(index), this.#starts[index]!, this.#lineOf[index]!);
  }

  #place(): LinePlace {
    if (this.#fault !== undefined) return this.#faultPlace;
    const block = this.#blocks[this.#block];
    if (block instanceof TextBlock) return this.#placeAt(block, this.#at, this.#line);
    if (block !== undefined) return { offset: block.offset, line: this.#line, before: block.before };
    const { offset, before } = this.#lines;
    return { offset, line: this.#openEnd ? this.#line - 1 : this.#line, before };
  }

  #placeAt(block: TextBlock, at: number, line: number): LinePlace {
    return { offset: block.byteAt(at), line, before: block.bytesBefore(at) };
  }

  #giverOf(index: number): TextBlock {
    let giver = this.#giverFrom.length - 1;
    while (giver > 0 && this.#giverFrom[giver]! > index) giver--;
    const block = this.#givers[giver];
    if (block === undefined || index < 0 || index >= this.#taken) {
      throw new RangeError(`there is no record ${index}: the last poll gave ${this.#taken}`);
    }
    return block;
  }

  /** Puts at most `max` values into `into` from `at` on and returns how many: fewer before a fault or when drained. */
  decode(into: T[], at: number, max: number): number {
    let n = 0;
    while (n < max && this.#fault === undefined && !this.drained) {
      const block = this.#blocks[this.#block]!;
      if (block instanceof TextBlock) {
        n += this.#decodeText(block, into, at + n, max - n);
        if (this.#at < block.text.length) continue;
      } else {
        this.#fault = this.#badLine(block);
        this.#faultPlace = { offset: block.offset, line: this.#line, before: block.before };
        this.#line++;
      }
      this.#block++;
      this.#at = 0;
    }
    return n;
  }

  /** The malformed line that stopped `decode`. */
  get fault(): MalformedLine | undefined {
    return this.#fault;
  }

  /** The same, once: decoding goes on behind it. */
  takeFault(): MalformedLine | undefined {
    const fault = this.#fault;
    this.#fault = undefined;
    return fault;
  }

  #decodeText(block: TextBlock, into: T[], into0: number, max: number): number {
    const { text } = block;
    const taken = this.#taken;
    // A value takes two characters at least, so a huge `max` asks for no huge arrays.
    this.#reserve(taken + Math.min(max, (text.length >> 1) + 1));
    const starts = this.#starts;
    const lineOf = this.#lineOf;
    const longUnits = Math.floor(this.#maxLineBytes / BYTES_PER_UNIT);
    let at = this.#at;
    let line = this.#line;
    let n = 0;
    while (n < max && at < text.length) {
      const from = at;
      const newline = text.indexOf("\n", from);
      const to = newline < 0 ? text.length : newline;
      at = to + 1;
      line++;
      if (to - from < 2 && isBlank(text.slice(from, to))) continue;
      if (to - from > longUnits) {
        this.#fault = this.#tooLong(block, from, line - 1);
        if (this.#fault !== undefined) {
          this.#faultPlace = this.#placeAt(block, from, line - 1);
          break;
        }
      }
      try {
        into[into0 + n] = JSON.parse(text.slice(from, to));
      } catch (error) {
        if (isBlank(text.slice(from, to))) continue;
        const content = block.lineAt(from);
        const bytes = encoder.encode(content);
        this.#fault = { ...jsonFault(content, error), line: line - 1, offset: block.byteAt(from), bytes };
        this.#faultPlace = this.#placeAt(block, from, line - 1);
        break;
      }
      starts[taken + n] = from;
      lineOf[taken + n] = line - 1;
      n++;
    }
    this.#at = at;
    this.#line = line;
    if (n > 0) {
      this.#givers.push(block);
      this.#giverFrom.push(taken);
      this.#taken = taken + n;
    }
    return n;
  }

  #reserve(count: number): void {
    if (count <= this.#starts.length) return;
    const grown = (old: Float64Array) => {
      const wider = new Float64Array(2 * count);
      wider.set(old);
      return wider;
    };
    this.#starts = grown(this.#starts);
    this.#lineOf = grown(this.#lineOf);
  }

  #tooLong(block: TextBlock, from: number, line: number): MalformedLine | undefined {
    const bytes = encoder.encode(block.lineAt(from));
    if (bytes.length <= this.#maxLineBytes) return undefined;
    const reason = tooLongReason(bytes.length, this.#maxLineBytes);
    return { reason, line, offset: block.byteAt(from), bytes: bytes.slice(0, HEAD_BYTES) };
  }

  #badLine({ offset, bytes, tooLong }: BadLine): MalformedLine {
    const fault =
      tooLong === undefined ? utf8Fault(bytes) : { reason: tooLongReason(tooLong, this.#maxLineBytes) };
    return { ...fault, line: this.#line, offset, bytes };
  }
}

const isBlank = (text: string) => /^[ \t\r]*$/.test(text);
