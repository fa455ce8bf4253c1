/**
 * What a user says of how the values of a state are written down: by a schema or a codec, else structurally; which
 * version of the program's they are of, and how older ones are brought up to it.
 */
import { MillraceError, preview } from "../core/errors.ts";
import type { Codec } from "./codec.ts";
import { codecOf } from "./declared.ts";
import type { Shapes } from "./shapes.ts";
import type { StandardSchema } from "./standard.ts";
import { structural } from "./structural.ts";
import { type Upcasters, versioned } from "./versioned.ts";

export interface Coding {
  readonly by: StandardSchema | Codec<any> | undefined;
  readonly version: number;
  readonly upcasters: Upcasters;
  /** By what values of older versions were written. Default for each: structurally */
  readonly older: Readonly<Record<number, StandardSchema | Codec<any>>>;
}

/** @param shapes of the job, for what is written structurally */
export function codingCodec({ by, version, upcasters, older }: Coding, shapes: Shapes): Codec<unknown> {
  const plain = structural(shapes);
  const codecBy = (one: StandardSchema | Codec<any>): Codec<any> =>
    isCodec(one) ? one : codecOf(one, shapes);
  const codecs = Object.fromEntries(Object.entries(older).map(([v, one]) => [v, codecBy(one)]));
  return versioned(by === undefined ? plain : codecBy(by), version, { upcasters, codecs, structural: plain });
}

/** The oldest version whose values can be read. */
export function upcastsFrom({ version, upcasters }: Coding): number {
  let from = version;
  while (upcasters[from - 1] !== undefined) from -= 1;
  return from;
}

/** @throws OPTION_INVALID */
export function checkCoding(coding: Coding): Coding {
  for (const one of [coding.by, ...Object.values(coding.older)]) {
    if (one === undefined || isCodec(one) || typeof one?.["~standard"]?.validate === "function") continue;
    throw new MillraceError(
      "OPTION_INVALID",
      `A state's schema is made by t or another Standard Schema, its codec has encode and decode: ${preview(one)} is neither`,
    );
  }
  const nothing: Codec<unknown> = { shape: "", encode() {}, decode() {} };
  versioned(nothing, coding.version, { upcasters: coding.upcasters, structural: nothing });
  return coding;
}

const isCodec = (one: StandardSchema | Codec<any>): one is Codec<any> =>
  typeof (one as Partial<Codec<any>> | null)?.encode === "function" &&
  typeof (one as Partial<Codec<any>>).decode === "function";
