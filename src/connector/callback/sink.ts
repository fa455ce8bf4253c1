import { MillraceError, preview } from "../../core/errors.ts";
import type { Sink } from "../contract.ts";
import { sinkFailed } from "../failure.ts";

type Callback<T> = (record: T, timestamp: number) => unknown;

/**
 * Calls `fn` with every record, in order. If `fn` returns a promise, the next record waits for it, and so does the
 * job; an `fn` that returns none costs no promise. `timestamp` is the record's event time in milliseconds since 1970,
 * and NaN where the pipeline has no event time.
 *
 * @example
 * alerts.to(forEach(async (alert) => { await notify(alert); }))
 * @throws SINK_FAILED, from the job, when `fn` throws or its promise rejects
 */
export function forEach<T>(fn: Callback<T>): Sink<T> {
  if (typeof fn !== "function")
    throw new MillraceError("OPTION_INVALID", `forEach takes a function, not ${preview(fn)}`);
  const description = fn.name === "" ? "forEach()" : `forEach(${fn.name})`;
  return {
    description,
    callback: fn,
    async open() {
      let busy: Promise<void> = Promise.resolve();
      return {
        write(values, timestamps, from, to) {
          for (let i = from; i < to; i++) {
            let result: unknown;
            try {
              result = fn(values[i]!, timestamps[i]!);
            } catch (cause) {
              throw sinkFailed(description, cause);
            }
            if (isThenable(result)) {
              busy = callRest(fn, result, values.slice(i + 1, to), timestamps.slice(i + 1, to)).catch(
                (cause) => {
                  throw sinkFailed(description, cause);
                },
              );
              return busy;
            }
          }
          return undefined;
        },
        flush: () => busy,
        close: () => busy,
      };
    },
  };
}

const isThenable = (result: unknown): result is PromiseLike<unknown> =>
  typeof result === "object" && result !== null && typeof (result as { then?: unknown }).then === "function";

async function callRest<T>(
  fn: Callback<T>,
  first: PromiseLike<unknown>,
  values: readonly T[],
  timestamps: Float64Array,
): Promise<void> {
  await first;
  for (let i = 0; i < values.length; i++) {
    const result = fn(values[i]!, timestamps[i]!);
    if (isThenable(result)) await result;
  }
}
