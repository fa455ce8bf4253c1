/**
 * The contract of a codec: how values of one kind become bytes and come back.
 *
 * `decode(encode(value))` is a value of its own, equal to the one that was encoded. `encode` throws before anything
 * is lost: a value that can't come back as it was is refused, never bent. Both are called once a row at every commit,
 * and `decode` for every row of a restore.
 */
import type { ByteReader, ByteWriter } from "./bytes.ts";

export interface Codec<T> {
  /** What the bytes look like, as "structural" or "object{a:number,b:string}". Equal texts: compatible bytes. */
  readonly shape: string;
  /**
   * Appends the value. When it throws, nothing is appended.
   * @throws STATE_VALUE_REFUSED with the path of what can't be kept
   */
  encode(value: T, into: ByteWriter): void;
  /**
   * The value at the reader's place, which is behind it then. Never reads beyond the reader's end.
   * @throws STATE_DAMAGED when the bytes can't come from `encode`
   */
  decode(from: ByteReader): T;
}
