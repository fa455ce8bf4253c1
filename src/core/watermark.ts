/** Watermark strategies as data, and how options become them. */
import { MillraceError, preview } from "./errors.ts";
import { type Duration, durationMs } from "./time.ts";

/** What goes with every strategy in which records tell the time. */
export interface WatermarkLimits {
  /** A partition that is caught up and silent for so long stops holding the others back. Default: never */
  readonly idleAfter?: Duration;
  /**
   * A partition whose watermark is further ahead of the slowest one, of all sources of the job, is not read until the
   * others have caught up. Default: any lead
   */
  readonly maxDrift?: Duration;
  /**
   * A record further ahead of the time that its partition has reached does not move time: the source's `onError` deals
   * with it. For a partition's first record, ahead of the clock. Longer than a partition may be silent. Default: any
   */
  readonly maxFutureSkew?: Duration;
}

/**
 * How a source tells the progress of event time. A watermark is exclusive: none below it follows. It is kept per
 * partition, and never goes back:
 * - `{ maxOutOfOrderness }`: greatest timestamp so far minus the bound.
 * - `{ punctuated }`: what the function says of a record: that none below this time follows; null or undefined: nothing.
 * - `"monotone"` (default): timestamps never fall, the same as a bound of 0.
 * - `"processingTime"`: the clock's. Each record gets the time at which it is taken for its timestamp.
 * - `"none"`: no progress before the end of the input.
 */
export type WatermarkOption<T = any> =
  | "monotone"
  | "processingTime"
  | "none"
  | (WatermarkLimits & { readonly maxOutOfOrderness: Duration })
  | (WatermarkLimits & {
      readonly punctuated: (value: T, timestamp: number) => number | Date | null | undefined;
    });

export interface WatermarkStrategy {
  /** How far a partition's watermark stays behind its greatest timestamp; +Infinity: timestamps don't move it. */
  readonly boundMs: number;
  /** What else a record says of time. */
  readonly punctuated: ((value: unknown, timestamp: number) => unknown) | null;
  /** The clock moves it, and records get their timestamps from the clock. */
  readonly byClock: boolean;
  /** The limits; +Infinity where there is none. */
  readonly idleAfterMs: number;
  readonly maxDriftMs: number;
  readonly maxFutureSkewMs: number;
}

const NO_LIMITS = {
  idleAfterMs: Number.POSITIVE_INFINITY,
  maxDriftMs: Number.POSITIVE_INFINITY,
  maxFutureSkewMs: Number.POSITIVE_INFINITY,
};
const MONOTONE: WatermarkStrategy = { boundMs: 0, punctuated: null, byClock: false, ...NO_LIMITS };
const NONE: WatermarkStrategy = { ...MONOTONE, boundMs: Number.POSITIVE_INFINITY };
const BY_CLOCK: WatermarkStrategy = { ...NONE, byClock: true };

/** @throws OPTION_INVALID, DURATION_INVALID */
export function watermarkStrategy(option: WatermarkOption = "monotone"): WatermarkStrategy {
  if (option === "monotone") return MONOTONE;
  if (option === "processingTime") return BY_CLOCK;
  if (option === "none") return NONE;
  const { maxOutOfOrderness, punctuated, ...limits } = (option ?? {}) as WatermarkLimits & {
    readonly maxOutOfOrderness?: Duration;
    readonly punctuated?: unknown;
  };
  if (typeof option !== "object" || (maxOutOfOrderness === undefined) === (punctuated === undefined)) {
    throw invalid(
      `watermark: ${preview(option)} is none of "monotone", "none", "processingTime", { maxOutOfOrderness: "5s" }, { punctuated: (record) => ... }`,
    );
  }
  if (maxOutOfOrderness !== undefined) {
    return {
      ...MONOTONE,
      ...limitsOf(limits),
      boundMs: durationMs(maxOutOfOrderness, "watermark.maxOutOfOrderness"),
    };
  }
  if (typeof punctuated !== "function")
    throw invalid(`watermark.punctuated takes a function of the record, not ${preview(punctuated)}`);
  return { ...NONE, ...limitsOf(limits), punctuated: punctuated as WatermarkStrategy["punctuated"] };
}

function limitsOf({ idleAfter, maxDrift, maxFutureSkew }: WatermarkLimits): typeof NO_LIMITS {
  const limit = (duration: Duration | undefined, name: string): number =>
    duration === undefined ? Number.POSITIVE_INFINITY : durationMs(duration, `watermark.${name}`);
  const limits = {
    idleAfterMs: limit(idleAfter, "idleAfter"),
    maxDriftMs: limit(maxDrift, "maxDrift"),
    maxFutureSkewMs: limit(maxFutureSkew, "maxFutureSkew"),
  };
  if (limits.maxFutureSkewMs === 0)
    throw invalid("watermark.maxFutureSkew must be above zero: with 0 time could never move");
  return limits;
}

/** Whether records move it. */
export const isMovedByRecords = ({ boundMs, punctuated }: WatermarkStrategy): boolean =>
  boundMs !== Number.POSITIVE_INFINITY || punctuated !== null;

const invalid = (what: string): MillraceError => new MillraceError("OPTION_INVALID", what);
