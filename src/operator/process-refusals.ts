/** What process() refuses to take from a user's function; each of these throws where that is so. */
import { MillraceError, preview } from "../core/errors.ts";
import { MAX_TIMESTAMP } from "../core/time.ts";

export interface Refusals {
  /** A timer's time, in whole milliseconds. */
  timeOf(name: string, time: unknown, isEvent: boolean): number;
  /** The timestamp of a record that is given, in whole milliseconds. */
  timestampOf(timestamp: unknown): number;
  noOutput(name: unknown): never;
  promise(returned: unknown): void;
  endless(timers: number): never;
}

export interface RefusalOptions {
  readonly operator: string;
  readonly hasTimers: boolean;
  readonly hasEventTime: boolean;
  readonly outputs: readonly string[];
}

const isTime = (time: unknown): time is number =>
  typeof time === "number" && time >= -MAX_TIMESTAMP && time <= MAX_TIMESTAMP;

export function processRefusals({ operator, hasTimers, hasEventTime, outputs }: RefusalOptions): Refusals {
  return {
    timeOf(name, time, isEvent) {
      if (!hasTimers)
        throw new MillraceError("PIPELINE_INVALID", `${operator} sets a timer and has no onTimer`);
      if (isEvent && !hasEventTime) {
        throw new MillraceError(
          "EVENT_TIME_MISSING",
          `${operator} sets a timer of event time, but a source before it has no timestamp function`,
        );
      }
      if (isEvent && time === Number.POSITIVE_INFINITY) return time;
      if (isTime(time)) return Math.ceil(time);
      const which = name === "" ? "a timer" : `timer ${preview(name)}`;
      throw new MillraceError("TIMESTAMP_INVALID", `${operator} sets ${which} for ${preview(time)}`);
    },

    timestampOf(timestamp) {
      if (isTime(timestamp)) return Math.floor(timestamp);
      throw new MillraceError("TIMESTAMP_INVALID", `${operator} gives a record at ${preview(timestamp)}`);
    },

    noOutput(name) {
      const known = outputs.length === 0 ? "none" : outputs.join(", ");
      throw new MillraceError(
        "PIPELINE_INVALID",
        `${operator} has no output ${preview(name)}; it has ${known}`,
      );
    },

    promise(returned) {
      if (typeof (returned as PromiseLike<unknown> | null)?.then !== "function") return;
      // Its rejection would end the process, and says nothing that this does not.
      Promise.resolve(returned).catch(() => {});
      throw new MillraceError(
        "PIPELINE_INVALID",
        `A function of ${operator} is async: a pipeline's functions return their result at once`,
      );
    },

    endless(timers) {
      throw new MillraceError(
        "PIPELINE_INVALID",
        `${operator} has fired ${timers} timers and gets no further, since onTimer goes on setting them: let it set none for a time that is past, nor for ever after the end of the input`,
      );
    },
  };
}
