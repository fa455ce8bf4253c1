/** Triggers that fire again and again: by the number of records, by event time, by processing time. */
import { MillraceError, preview } from "../core/errors.ts";
import { type Duration, formatDuration } from "../core/time.ts";
import { positive } from "./assigner.ts";
import type { Trigger } from "./trigger.ts";

/** The step that a ready-made trigger returns again and again. */
export function newStep<S>(state: S) {
  return {
    state,
    fire: false,
    eventTime: Number.POSITIVE_INFINITY,
    processingTime: Number.POSITIVE_INFINITY,
  };
}

/** Fires for each record. */
export const each = counting(1);

/** Its state: records since it last fired. */
function counting(n: number): Trigger<number> {
  const step = newStep(0);
  return {
    name: `everyCount(${n})`,
    onRecord(before = 0) {
      step.fire = before + 1 >= n;
      step.state = step.fire ? 0 : before + 1;
      return step;
    },
    onTime(before) {
      step.fire = false;
      step.state = before;
      return step;
    },
    merge: (left, right) => left + right,
  };
}

/**
 * Fires with every n-th record of a window and key, late ones included. The last ones, fewer than n, fire nothing.
 *
 * @param n a whole number above zero
 * @example repeatedly(everyCount(100))
 * @throws WINDOW_INVALID
 */
export function everyCount(n: number): Trigger<number> {
  if (!Number.isSafeInteger(n) || n < 1) {
    throw new MillraceError(
      "WINDOW_INVALID",
      `the count of everyCount must be a whole number above zero, not ${preview(n)}`,
    );
  }
  return n === 1 ? each : counting(n);
}

/** Boundaries are multiples of the interval from 1970; the one after a time is above it. */
const boundaryAfter = (time: number, intervalMs: number): number =>
  Math.floor(time / intervalMs) * intervalMs + intervalMs;

/**
 * Fires when the watermark reaches a multiple of the interval: from the first one above the window's first record on,
 * at each while the window is open, also if nothing came since the one before. One advance of the watermark fires
 * once, however many it passes. After the window's end it fires at the first one above the watermark at which a late
 * record came, if the window is still kept then.
 *
 * @param interval above zero
 * @example onTime({ early: everyEventTime("1m") }) // the hour so far, each minute
 * @throws DURATION_INVALID, WINDOW_INVALID
 */
export function everyEventTime(interval: Duration): Trigger<number> {
  const intervalMs = positive(interval, "the interval of everyEventTime");
  // State: the next boundary; +Infinity where none is waited for.
  const step = newStep(0);
  const waitFor = (boundary: number, fire: boolean) => {
    step.state = boundary;
    step.eventTime = boundary;
    step.fire = fire;
    return step;
  };
  return {
    name: `everyEventTime(${formatDuration(intervalMs)})`,
    onRecord(next = Number.POSITIVE_INFINITY, _value, timestamp, { end, watermark }) {
      if (next !== Number.POSITIVE_INFINITY) return waitFor(next, false);
      return waitFor(boundaryAfter(watermark < end ? timestamp : watermark, intervalMs), false);
    },
    onTime(next, { end, watermark }) {
      if (watermark < next) return waitFor(next, false);
      return waitFor(watermark < end ? boundaryAfter(watermark, intervalMs) : Number.POSITIVE_INFINITY, true);
    },
    merge: Math.min,
  };
}

/**
 * Fires when the clock reaches the next multiple of the interval after a record came; not again before another one
 * comes. What was due while the job was down fires once when it is up again.
 *
 * @param interval above zero
 * @example onTime({ early: everyProcessingTime("10s") }) // what there is, at most every ten seconds
 * @throws DURATION_INVALID, WINDOW_INVALID
 */
export function everyProcessingTime(interval: Duration): Trigger<number> {
  const intervalMs = positive(interval, "the interval of everyProcessingTime");
  // State: the next boundary; +Infinity where none is waited for.
  const step = newStep(0);
  const waitFor = (boundary: number, fire: boolean) => {
    step.state = boundary;
    step.processingTime = boundary;
    step.fire = fire;
    return step;
  };
  return {
    name: `everyProcessingTime(${formatDuration(intervalMs)})`,
    onRecord: (next = Number.POSITIVE_INFINITY, _value, _timestamp, { now }) =>
      waitFor(next === Number.POSITIVE_INFINITY ? boundaryAfter(now, intervalMs) : next, false),
    onTime: (next, { now }) => (now < next ? waitFor(next, false) : waitFor(Number.POSITIVE_INFINITY, true)),
    merge: Math.min,
  };
}
