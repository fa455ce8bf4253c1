/** Sources and sinks that need no package beside Millrace itself, and the contract for writing one's own. */
export { forEach } from "./callback/sink.ts";
export { type ConsoleOptions, toConsole } from "./console/sink.ts";
export type {
  Change,
  Corrected,
  Correction,
  CorrectionContext,
  DeadLetter,
  Guarantee,
  LateRecord,
  Malformed,
  OnError,
  OpenSink,
  Origin,
  Partition,
  RowOf,
  Sink,
  SinkContext,
  SinkEpochs,
  Source,
  SourceContext,
} from "./contract.ts";
export {
  encodeLine,
  encodeRecord,
  type FilesOptions,
  files,
  lateLog,
  type NdjsonOptions,
  ndjson,
  ndjsonFile,
  type PartitionBy,
  type PartitionValue,
} from "./file/index.ts";
export { type GeneratorOptions, generator } from "./generator/source.ts";
export { type ToAsyncIterableOptions, toAsyncIterable } from "./iterable/async-sink.ts";
export { type AsyncIterableOptions, fromAsyncIterable } from "./iterable/async-source.ts";
export { fromIterable, type IterableOptions } from "./iterable/source.ts";
