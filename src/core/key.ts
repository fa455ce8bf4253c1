/**
 * Keys: what records are grouped by, their one canonical encoding, and the key group that owns them.
 *
 * Inside a task a key is handled as a *token*: a primitive that a Map distinguishes exactly as the keys are distinct.
 * Numbers, bigints and booleans are their own tokens (-0 is 0, every NaN is one NaN); so is a string, unless it
 * begins with NUL, which is taken for marking; a tuple's token is its encoding.
 */
import { MillraceError, preview } from "./errors.ts";

type KeyPart = string | number | bigint | boolean;
/** What records can be grouped by. Tuples compare by content. */
export type Key = KeyPart | readonly KeyPart[];

export type Token = string | number | bigint | boolean;

/** Index of a key group, 0 ... count - 1. */
export type KeyGroup = number & { readonly keyGroup: unique symbol };

/** Key groups of an embedded job. More would cost memory, fewer would bound how far a job can be split later. */
export const KEY_GROUPS = 128;

const STRING_MARK = "\0s";
const TUPLE_MARK = "\0t";

/** The token of a key. @throws KEY_INVALID when the value is no key */
export function tokenOf(key: unknown): Token {
  switch (typeof key) {
    case "string":
      return key.charCodeAt(0) === 0 ? STRING_MARK + key : key;
    case "number":
      return key + 0; // -0 becomes 0
    case "bigint":
    case "boolean":
      return key;
    default:
      if (Array.isArray(key)) return TUPLE_MARK + encodeTuple(key);
      throw new MillraceError("KEY_INVALID", `${preview(key)} is no key`);
  }
}

/** The key of a token: what keyBy returned, with -0 as 0. */
export function keyOf(token: Token): Key {
  if (typeof token !== "string" || token.charCodeAt(0) !== 0) return token;
  return token.charCodeAt(1) === 0x73 ? token.slice(2) : decodeTuple(token.slice(2));
}

/** One order for all tokens: kinds by their name; numbers by size, NaN last; texts by code unit. */
export function isTokenBefore(a: Token, b: Token): boolean {
  if (typeof a !== typeof b) return typeof a < typeof b;
  return a < b || (Number.isNaN(b) && !Number.isNaN(a));
}

/** The canonical encoding, one byte per character (latin1): equal keys and only those have equal encodings. */
export function encodeToken(token: Token): string {
  return encodePart(keyOf(token));
}

/** The token that `encodeToken` encoded. */
export function decodeToken(encoded: string): Token {
  return tokenOf(decodePart(encoded));
}

/** The key group of a token: murmur2 of the encoding, as Kafka's default partitioner hashes key bytes. */
export function keyGroupOf(token: Token, count: number = KEY_GROUPS): KeyGroup {
  return keyGroupOfEncoded(encodeToken(token), count);
}

/** The same of a token that is encoded already. */
export function keyGroupOfEncoded(encoded: string, count: number = KEY_GROUPS): KeyGroup {
  return ((murmur2(encoded) & 0x7fffffff) % count) as KeyGroup;
}

const TAG = {
  false: "\x01",
  true: "\x02",
  number: "\x03",
  bigint: "\x04",
  string: "\x05",
  utf16: "\x06",
  tuple: "\x07",
};

const scratch = new DataView(new ArrayBuffer(8));

function encodePart(key: Key): string {
  switch (typeof key) {
    case "boolean":
      return key ? TAG.true : TAG.false;
    case "number":
      return TAG.number + encodeNumber(key);
    case "bigint":
      return TAG.bigint + encodeBigint(key);
    case "string":
      if (isAscii(key)) return TAG.string + key; // its own UTF-8
      // A lone surrogate has no UTF-8 form: such strings keep their code units, so that distinct keys stay distinct.
      return key.isWellFormed()
        ? TAG.string + Buffer.from(key, "utf8").toString("latin1")
        : TAG.utf16 + Buffer.from(key, "utf16le").swap16().toString("latin1");
    default:
      return TAG.tuple + encodeTuple(key);
  }
}

function decodePart(encoded: string): Key {
  const body = encoded.slice(1);
  switch (encoded[0]) {
    case TAG.false:
      return false;
    case TAG.true:
      return true;
    case TAG.number:
      return decodeNumber(body);
    case TAG.bigint:
      return decodeBigint(body);
    case TAG.string:
      return isAscii(body) ? body : Buffer.from(body, "latin1").toString("utf8");
    case TAG.utf16:
      return Buffer.from(body, "latin1").swap16().toString("utf16le");
    case TAG.tuple:
      return decodeTuple(body);
    default:
      throw new MillraceError("ENGINE_BUG", `an encoded key begins with ${preview(encoded[0])}`);
  }
}

/** Eight bytes that order as the numbers do, infinities included: big-endian IEEE 754 with the sign turned. */
export function encodeNumber(value: number): string {
  scratch.setFloat64(0, Number.isNaN(value) ? Number.NaN : value + 0);
  let high = scratch.getUint32(0);
  let low = scratch.getUint32(4);
  if (high >= 0x80000000) {
    high = ~high;
    low = ~low;
  } else {
    high ^= 0x80000000;
  }
  return String.fromCharCode(
    high >>> 24,
    (high >>> 16) & 0xff,
    (high >>> 8) & 0xff,
    high & 0xff,
    low >>> 24,
    (low >>> 16) & 0xff,
    (low >>> 8) & 0xff,
    low & 0xff,
  );
}

/** The number whose eight bytes stand at a place of a text. */
export function decodeNumber(text: string, at = 0): number {
  const negative = text.charCodeAt(at) < 0x80;
  for (let i = 0; i < 8; i++) {
    const byte = text.charCodeAt(at + i);
    scratch.setUint8(i, negative ? byte ^ 0xff : i === 0 ? byte ^ 0x80 : byte);
  }
  return scratch.getFloat64(0);
}

/** A sign and the hexadecimal digits. */
function encodeBigint(value: bigint): string {
  return value.toString(16);
}

function decodeBigint(text: string): bigint {
  return text.startsWith("-") ? -BigInt(`0x${text.slice(1)}`) : BigInt(`0x${text}`);
}

/** Each part behind its length in four bytes. */
function encodeTuple(parts: readonly unknown[]): string {
  let text = "";
  for (const part of parts) {
    const type = typeof part;
    if (type !== "string" && type !== "number" && type !== "bigint" && type !== "boolean") {
      throw new MillraceError(
        "KEY_INVALID",
        `${preview(parts)} is no key: its part ${preview(part)} is none`,
      );
    }
    const encoded = encodePart(part as KeyPart);
    const n = encoded.length;
    text += String.fromCharCode(n >>> 24, (n >>> 16) & 0xff, (n >>> 8) & 0xff, n & 0xff) + encoded;
  }
  return text;
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

function decodeTuple(text: string): readonly KeyPart[] {
  const parts: KeyPart[] = [];
  for (let at = 0; at < text.length; ) {
    for (let i = 0; i < 4; i++) scratch.setUint8(i, text.charCodeAt(at + i));
    const length = scratch.getUint32(0);
    parts.push(decodePart(text.slice(at + 4, at + 4 + length)) as KeyPart);
    at += 4 + length;
  }
  return parts;
}

/** MurmurHash2 with Kafka's seed, over one byte per character. Source: org.apache.kafka.common.utils.Utils.murmur2. */
function murmur2(bytes: string): number {
  const m = 0x5bd1e995;
  const { length } = bytes;
  let h = 0x9747b28c ^ length;
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    let k =
      bytes.charCodeAt(i) |
      (bytes.charCodeAt(i + 1) << 8) |
      (bytes.charCodeAt(i + 2) << 16) |
      (bytes.charCodeAt(i + 3) << 24);
    k = Math.imul(k, m);
    k ^= k >>> 24;
    h = Math.imul(h, m) ^ Math.imul(k, m);
  }
  const rest = length - i;
  if (rest === 3) h ^= bytes.charCodeAt(i + 2) << 16;
  if (rest >= 2) h ^= bytes.charCodeAt(i + 1) << 8;
  if (rest >= 1) h = Math.imul(h ^ bytes.charCodeAt(i), m);
  h ^= h >>> 13;
  h = Math.imul(h, m);
  return h ^ (h >>> 15);
}
