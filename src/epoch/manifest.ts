/**
 * The manifest: what one decided epoch is, in a file that a human can read.
 *
 *   {
 *   "crc32": "3f9a01c7",
 *   "manifest": { ... }
 *   }
 *
 * The checksum covers the bytes of the inner object as they stand; every byte around it has one value that it can have.
 * So each flipped bit is noticed.
 */
import { crc32 } from "node:zlib";
import type { Json } from "../core/json.ts";
import type { LogContent } from "./position.ts";

export const MANIFEST_FORMAT = 1;

export interface Manifest {
  readonly format: typeof MANIFEST_FORMAT;
  readonly job: string;
  /** Of the run that wrote it. */
  readonly generation: number;
  /** The decided epoch; 0 before the first. */
  readonly epoch: number;
  /** When the epoch was decided, in ms since 1970. */
  readonly createdAt: number;
  /** Nothing will follow: the inputs had ended. */
  readonly ended: boolean;
  /** By log: what the state is made of. */
  readonly logs: readonly LogContent[];
  /** The engine's: positions, watermarks, handles of sinks. */
  readonly body: Json;
}

const BEFORE_CHECKSUM = '{\n"crc32": "';
const BEHIND_CHECKSUM = '",\n"manifest": ';
const END = "\n}\n";
const CHECKSUM_DIGITS = 8;
const HEAD_LENGTH = BEFORE_CHECKSUM.length + CHECKSUM_DIGITS + BEHIND_CHECKSUM.length;

export function encodeManifest(manifest: Manifest): Buffer {
  const inner = Buffer.from(JSON.stringify(manifest, null, 1));
  return Buffer.concat([Buffer.from(headOf(inner)), inner, Buffer.from(END)]);
}

/** The manifest, or what is wrong with its file. */
export function decodeManifest(file: Buffer): Manifest | { readonly fault: string } {
  const inner = file.subarray(HEAD_LENGTH, Math.max(HEAD_LENGTH, file.length - END.length));
  const head = file.toString("latin1", 0, HEAD_LENGTH);
  const end = file.toString("latin1", HEAD_LENGTH + inner.length);
  if (head !== headOf(inner) || end !== END) return { fault: "its checksum doesn't fit" };
  const manifest = JSON.parse(inner.toString()) as Manifest;
  return manifest;
}

const headOf = (inner: Buffer): string =>
  BEFORE_CHECKSUM + crc32(inner).toString(16).padStart(CHECKSUM_DIGITS, "0") + BEHIND_CHECKSUM;
