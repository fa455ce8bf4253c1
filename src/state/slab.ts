/**
 * Memory for many small typed arrays: pieces of larger blocks. An array of its own costs some microseconds and a look by
 * every collection; a window that slides by a second makes two for each second.
 *
 * A block is free when all its pieces are. So arrays that are let go at about the same time (those of windows that end
 * one after the other) should come from one slab; one that is kept keeps its block.
 */

const BLOCK_BYTES = 256 * 1024;
/** A larger piece is an array of its own: the rest of a block would be wasted. */
const MOST_BYTES = BLOCK_BYTES / 8;

export class Slab {
  private block = new ArrayBuffer(0);
  private used = 0;

  /** An array of zeros. */
  take(length: number): Float64Array<ArrayBuffer> {
    const bytes = length * Float64Array.BYTES_PER_ELEMENT;
    if (bytes > MOST_BYTES) return new Float64Array(length);
    if (this.used + bytes > this.block.byteLength) {
      this.block = new ArrayBuffer(BLOCK_BYTES);
      this.used = 0;
    }
    const piece = new Float64Array(this.block, this.used, length);
    this.used += bytes;
    return piece;
  }
}
