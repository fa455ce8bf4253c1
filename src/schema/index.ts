/** Schemas and codecs of state values. */
export type { ByteReader, ByteWriter } from "./bytes.ts";
export type { Codec } from "./codec.ts";
export { type OptionalSchema, type Schema, t } from "./schema.ts";
export type {
  Infer,
  StandardIssue,
  StandardProps,
  StandardResult,
  StandardSchema,
} from "./standard.ts";
