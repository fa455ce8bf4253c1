/** Bigints: a byte that says which of two forms; eight bytes, or hexadecimal digits behind a sign. */
import { type ByteReader, type ByteWriter, damaged } from "./bytes.ts";
import { BIGINT, BIGINT64 } from "./structural-tags.ts";

export function writeBigint(value: bigint, into: ByteWriter): void {
  if (BigInt.asIntN(64, value) === value) {
    into.u8(BIGINT64);
    into.i64(value);
  } else {
    into.u8(BIGINT);
    into.string(value.toString(16));
  }
}

export function readBigint(first: number, from: ByteReader): bigint {
  if (first === BIGINT64) return from.i64();
  if (first !== BIGINT) throw damaged(from, `no bigint begins with ${first}`);
  const text = from.string();
  return text.startsWith("-") ? -BigInt(`0x${text.slice(1)}`) : BigInt(`0x${text}`);
}
