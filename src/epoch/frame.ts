/**
 * A record in a log: [length u32][checksum u32][payload], little-endian. The checksum is the CRC-32 of the payload, begun
 * from the length and not from zero: otherwise a hole of zeros, which a file can have after a loss of power, would read
 * as a row of empty records.
 */
import { crc32 } from "node:zlib";

const CHECKSUM_AT = 4;

export const HEADER_BYTES = 8;

export const frameBytes = (payloadBytes: number): number => HEADER_BYTES + payloadBytes;

/** Copies the payload. */
export function writeFrame(into: Buffer, at: number, payload: Uint8Array): void {
  into.writeUInt32LE(payload.length, at);
  into.writeUInt32LE(checksum(payload), at + CHECKSUM_AT);
  into.set(payload, at + HEADER_BYTES);
}

/** Bytes of the payload whose header stands at `at`. */
export const payloadLength = (buffer: Buffer, at: number): number => buffer.readUInt32LE(at);

/** The payload at `at`, not copied; null where the checksum doesn't fit. */
export function readFrame(buffer: Buffer, at: number, length: number): Buffer | null {
  const payload = buffer.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length);
  return buffer.readUInt32LE(at + CHECKSUM_AT) === checksum(payload) ? payload : null;
}

const checksum = (payload: Uint8Array): number => crc32(payload, ~payload.length >>> 0);
