/** What all codecs do around their own work: a refused value leaves no bytes and gets its sentence; damage is named. */
import { MillraceError } from "../core/errors.ts";
import { type ByteReader, type ByteWriter, damaged } from "./bytes.ts";
import type { Codec } from "./codec.ts";
import { type Problem, refusal } from "./refusal.ts";

export interface Work {
  readonly shape: string;
  /** May throw REFUSED anywhere. */
  readonly write: (value: unknown, into: ByteWriter) => void;
  /** May read beyond the reader's end, as long as it ends, and throw anything. */
  readonly read: (from: ByteReader) => unknown;
  /** What was wrong with a value for which `write` threw. */
  readonly problemOf: (value: unknown) => Problem | undefined;
}

export function guarded<T>({ shape, write, read, problemOf }: Work): Codec<T> {
  return {
    shape,
    encode(value, into) {
      const start = into.at;
      try {
        write(value, into);
      } catch (error) {
        into.at = start;
        throw refusal(seen(value, problemOf), error);
      }
    },
    decode(from) {
      let value: unknown;
      try {
        value = read(from);
      } catch (error) {
        if (error instanceof MillraceError) throw error;
        throw damaged(from, "it can't be read", error);
      }
      if (from.at > from.end) throw damaged(from, "its bytes end too early");
      return value as T;
    },
  };
}

/** A getter that threw for the encoder throws again for the one who looks for the reason. */
function seen(value: unknown, problemOf: Work["problemOf"]): Problem | undefined {
  try {
    return problemOf(value);
  } catch {
    return undefined;
  }
}
