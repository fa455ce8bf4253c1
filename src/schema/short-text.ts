/**
 * Short texts out of bytes, one byte a character.
 *
 * A call into Node's own slicing costs 37 ns whatever the length; String.fromCharCode with the characters as its
 * arguments costs 9 ns for two and 29 ns for twenty-four. The function is generated, since a call with exactly n
 * arguments has to be written out for each n.
 */

/** A Buffer, with the methods of Node that take no encoding's name and are faster for that. */
export interface Bytes extends Buffer {
  latin1Slice(from: number, to: number): string;
  utf8Slice(from: number, to: number): string;
  ucs2Slice(from: number, to: number): string;
  latin1Write(text: string, at: number): number;
  utf8Write(text: string, at: number): number;
  ucs2Write(text: string, at: number): number;
}

/** From here on the call into Node is as fast. */
export const SHORT_TEXT = 24;

/** The text of the `n` bytes at `at`. Does not look whether there are as many. */
export const shortText: (bytes: Bytes, at: number, n: number) => string = generated();

function generated(): typeof shortText {
  const codes = (n: number) => Array.from({ length: n }, (_, i) => `bytes[at + ${i}]`).join(", ");
  const cases = Array.from({ length: SHORT_TEXT + 1 }, (_, n) => `case ${n}: return text(${codes(n)});`);
  const source = `"use strict";
const text = String.fromCharCode;
return function shortText(bytes, at, n) {
  switch (n) {
${cases.join("\n")}
  default: return bytes.latin1Slice(at, at + n);
  }
};`;
  try {
    return new Function(source)();
  } catch {
    return (bytes, at, n) => bytes.latin1Slice(at, at + n); // --disallow-code-generation-from-strings
  }
}
