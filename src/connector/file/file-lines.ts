import { NdjsonDecoder } from "../../format/ndjson.ts";
import { type FileStart, HEAD_BYTES, type LinePosition, positionAt } from "./line-position.ts";

/** The lines of one file from a place on: their decoder, and what is kept of the file for positions in it. */
export class FileLines<T> {
  readonly decoder: NdjsonDecoder<T>;
  readonly startOffset: number;
  readonly #identity: string | null;
  #head: Uint8Array;

  constructor(start: FileStart, maxLineBytes: number) {
    this.decoder = new NdjsonDecoder(maxLineBytes, start.place);
    this.startOffset = start.place.offset;
    this.#identity = start.identity;
    this.#head = start.head;
  }

  /** The next bytes of the file; the buffer is free afterwards. */
  push(bytes: Uint8Array): void {
    const missing = HEAD_BYTES - this.#head.length;
    if (missing > 0) this.#head = Buffer.concat([this.#head, bytes.subarray(0, missing)]);
    this.decoder.push(bytes);
  }

  /** As NdjsonDecoder.placeOf. */
  position(index: number): LinePosition {
    return positionAt(this.#identity, this.decoder.placeOf(index), this.#head);
  }
}
