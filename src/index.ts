/** Millrace: stream processing for TypeScript. */
export {
  type Aggregate,
  aggregate,
  approxDistinctCount,
  avg,
  collect,
  count,
  type Distinct,
  distinctCount,
  exactSum,
  first,
  histogram,
  last,
  max,
  maxBy,
  median,
  min,
  minBy,
  type Ordered,
  quantile,
  type QuantileOptions,
  quantiles,
  reduce,
  stddev,
  sum,
  topN,
  variance,
  type VarianceOptions,
} from "./aggregate/index.ts";
export * from "./connector/index.ts";
export { ERRORS, type ErrorCode, type ErrorContext, MillraceError, type Recovery } from "./core/errors.ts";
export type { Ports } from "./core/ports.ts";
export type { Key } from "./core/key.ts";
export type { Duration, Timestamp } from "./core/time.ts";
export type { WatermarkOption } from "./core/watermark.ts";
export { type Pipeline, pipeline } from "./job/pipeline.ts";
export type { Progress } from "./job/progress.ts";
export type { CorrectedSink } from "./job/corrections.ts";
export type { LeftSink } from "./job/corrigible.ts";
export type { ReprocessOptions, ReprocessReport } from "./job/reprocess.ts";
export type { TimePoint } from "./job/time-range.ts";
export type { RunningJob, RunOptions, RunReport, Savepoint, StopOptions } from "./job/running-job.ts";
export type { JobOptions } from "./job/options.ts";
export { type Codec, type Infer, type Schema, type StandardSchema, t } from "./schema/index.ts";
export type { JobReport, OperatorReport } from "./runtime/report.ts";
export type { ChangelogOptions, ChangelogStream } from "./stream/changelog.ts";
export {
  type AggregatedStream,
  type KeyedStream,
  otherwise,
  type ProcessedStream,
  type Stream,
  type WindowedStream,
  type WindowOutput,
} from "./stream/stream.ts";
export {
  output,
  type Output,
  type ProcessContext,
  type ProcessTimers,
  type Timer,
} from "./stream/process.ts";
export {
  listState,
  type ListState,
  mapState,
  type MapState,
  type StateOptions,
  type ValueOptions,
  valueState,
  type ValueState,
} from "./stream/state.ts";
export type {
  OperatorOptions,
  Pane,
  PaneKind,
  SessionPane,
  SourceOptions,
  WindowOptions,
  WindowResult,
} from "./stream/types.ts";
export type {
  AlignedWindows,
  CalendarUnit,
  CalendarWindows,
  CountWindows,
  CumulatingWindows,
  GlobalWindow,
  SessionWindows,
  WindowAssigner,
} from "./window/assigner.ts";
export { countWindow, globalWindow } from "./window/by-arrival.ts";
export { calendar } from "./window/calendar-windows.ts";
export { cumulating, sliding, tumbling } from "./window/grid.ts";
export { session } from "./window/session.ts";
export { everyCount, everyEventTime, everyProcessingTime } from "./window/pace.ts";
export type { Trigger, TriggerStep, TriggerWindow } from "./window/trigger.ts";
export { atEnd, onTime, repeatedly } from "./window/triggers.ts";
export { memory, type StateBackend } from "./state/backend.ts";
