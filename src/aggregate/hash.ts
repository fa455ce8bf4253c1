/**
 * A hash of 32 bits for tokens, which state hangs on: its bits never change.
 *
 * A text is hashed as its UTF-16 code units (little-endian), a number as its eight bytes, so no bytes are made for it.
 * Tokens of different types get different seeds. It does not withstand one who looks for collisions.
 *
 * Source: MurmurHash3_x86_32 (Austin Appleby, SMHasher).
 */
import type { Token } from "../core/key.ts";

const SEED_OF = { string: 0, number: 0x3c6ef372, bigint: 0x1f83d9ab, boolean: 0x5be0cd19 };

const scratch = new DataView(new ArrayBuffer(8));

export function hashToken(token: Token, seed: number): number {
  switch (typeof token) {
    case "string":
      return hashText(token, seed ^ SEED_OF.string);
    case "number":
      scratch.setFloat64(0, token, true);
      return finish(
        block(block(seed ^ SEED_OF.number, scratch.getInt32(0, true)), scratch.getInt32(4, true)),
        8,
      );
    case "bigint":
      return hashText(token.toString(16), seed ^ SEED_OF.bigint);
    default:
      return finish(block(seed ^ SEED_OF.boolean, Number(token)), 4);
  }
}

function hashText(text: string, seed: number): number {
  const { length } = text;
  let h = seed;
  let i = 0;
  for (; i + 2 <= length; i += 2) h = block(h, text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16));
  if (i < length) h ^= scrambled(text.charCodeAt(i));
  return finish(h, 2 * length);
}

function scrambled(k: number): number {
  k = Math.imul(k, 0xcc9e2d51);
  return Math.imul((k << 15) | (k >>> 17), 0x1b873593);
}

function block(h: number, k: number): number {
  h ^= scrambled(k);
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

function finish(h: number, bytes: number): number {
  h ^= bytes;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
