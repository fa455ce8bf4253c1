/**
 * Versions of a state's values: each is stored behind the number of its version, and one of an older version is read
 * by that version's codec and brought up to the program's, step by step. It is written anew when it changes.
 */
import { MillraceError, reasonOf } from "../core/errors.ts";
import type { Codec } from "./codec.ts";

/** `upcasters[1]` makes a value of version 2 out of one of version 1. */
export type Upcasters = Readonly<Record<number, (value: any) => unknown>>;

export interface OlderVersions {
  readonly upcasters?: Upcasters;
  /** The codecs of older versions, by version. Default for each: `structural`. */
  readonly codecs?: Readonly<Record<number, Codec<any>>>;
  /** The structural codec of the job. */
  readonly structural: Codec<unknown>;
}

/**
 * @param codec of the program's version
 * @param version the program's, a whole number from 1 on
 * @throws OPTION_INVALID for a version or upcaster that can't be
 */
export function versioned<T>(
  codec: Codec<T>,
  version: number,
  { upcasters = {}, codecs = {}, structural }: OlderVersions,
): Codec<T> {
  if (!Number.isSafeInteger(version) || version < 1) {
    throw new MillraceError("OPTION_INVALID", `a version is a whole number from 1 on, not ${version}`);
  }
  for (const from of Object.keys(upcasters).map(Number)) {
    if (Number.isInteger(from) && from >= 1 && from < version) continue;
    throw new MillraceError(
      "OPTION_INVALID",
      `version ${version} can't use an upcaster from version ${from}`,
    );
  }

  function upcast(value: unknown, stored: number): T {
    for (let from = stored; from < version; from++) {
      try {
        value = upcasters[from](value);
      } catch (error) {
        const what = `the upcaster from version ${from} to ${from + 1} threw: ${reasonOf(error)}`;
        throw new MillraceError("USER_FUNCTION_FAILED", what, {}, error);
      }
    }
    return value as T;
  }

  function check(stored: number): void {
    if (stored > version) {
      const what = `a stored value is of version ${stored}, and the program knows versions up to ${version}`;
      throw new MillraceError("STATE_SCHEMA_CHANGED", what);
    }
    for (let from = stored; from < version; from++) {
      if (upcasters[from] !== undefined) continue;
      const what = `a stored value is of version ${stored}, and there is no upcaster from version ${from} to ${from + 1}`;
      throw new MillraceError("STATE_SCHEMA_CHANGED", what);
    }
  }

  return {
    shape: `v${version}:${codec.shape}`,
    encode(value, into) {
      const start = into.at;
      into.varint(version);
      try {
        codec.encode(value, into);
      } catch (error) {
        into.at = start;
        throw error;
      }
    },
    decode(from) {
      const stored = from.varint();
      if (stored === version) return codec.decode(from);
      check(stored);
      return upcast((codecs[stored] ?? structural).decode(from), stored);
    },
  };
}
