/**
 * First bytes of a structural value. A number begins with one of its own (bytes.ts): 0x00 ... 0x7f, 0xe0 ... 0xe4.
 *
 *   0x80 + n          text of n characters (n < 64), each a byte
 *   0xc0 + id         object of shape id (id < 32): its fields in order
 *   UNDEFINED, NULL, FALSE, TRUE
 *   BIGINT64          eight bytes
 *   BIGINT            text: hexadecimal digits, behind a minus sign where it is negative
 *   TEXT              text
 *   DATE              number: milliseconds since 1970, NaN for an invalid one
 *   ARRAY             varint n, n values; a hole is an undefined
 *   SHAPED            varint id; fields in order
 *   NAMED             varint n, n times text and value: an object whose shape has no id
 *   MAP               varint n, n times key and value
 *   SET               varint n, n values
 *   REGEXP            text: source; text: flags
 *   BINARY            byte: kind (binary.ts); varint n, n bytes
 */
export const SHORT = 0x80;
/** Characters of the longest text whose length is in its first byte. */
export const SHORT_MAX = 63;
export const OBJECT = 0xc0;
/** Ids below this are in the first byte. */
export const OBJECT_IDS = 32;
/** Above the last first byte of a short object. */
export const OBJECT_END = OBJECT + OBJECT_IDS;

export const UNDEFINED = 0xe5;
export const NULL = 0xe6;
export const FALSE = 0xe7;
export const TRUE = 0xe8;
export const BIGINT64 = 0xe9;
export const BIGINT = 0xea;
export const TEXT = 0xeb;
export const DATE = 0xec;
export const ARRAY = 0xed;
export const SHAPED = 0xee;
export const NAMED = 0xef;
export const MAP = 0xf0;
export const SET = 0xf1;
export const REGEXP = 0xf2;
export const BINARY = 0xf3;
