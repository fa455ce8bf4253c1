/** The bytes of a partition, a piece at a time: what reading one file to its end and following one have in common. */
import type { FileStart } from "./line-position.ts";

export type Step =
  /** Bytes of the file at hand; valid until `next` is called again. */
  | { readonly bytes: Uint8Array }
  /** The file at hand is over, and its last line is whole. */
  | "end"
  /** From here on it is another file, or the same from its beginning; an unfinished line is dropped. */
  | { readonly file: FileStart };

export interface FileSteps {
  /** Where the first step stands. */
  readonly start: FileStart;
  /** False where the first "end" is the last step. */
  readonly endless: boolean;
  /** True while `next` has found nothing new: all that was written is read. */
  readonly waiting: boolean;
  /** Bytes of all files, where that is known: for progress. */
  readonly totalBytes: number;
  /** The next piece. One call at a time, and none after "end" unless endless. Undefined where `stop` was called. */
  next(): Promise<Step | undefined>;
  /** Lets a pending `next` resolve soon. */
  stop(): void;
  /** After `stop`, once `next` has settled. */
  close(): Promise<void>;
}
