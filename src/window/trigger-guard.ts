/** Holds a trigger to its contract: its steps are steps, and an error says that it was the trigger. */
import { MillraceError, preview, reasonOf } from "../core/errors.ts";
import type { Trigger, TriggerStep } from "./trigger.ts";

/**
 * The same trigger. What `onRecord` throws stays what it is, since the record is to blame for it.
 *
 * @param operator for messages
 */
export function guardedTrigger(trigger: Trigger, operator: string): Trigger {
  function blamed<R>(call: () => R): R {
    try {
      return call();
    } catch (error) {
      throw new MillraceError(
        "USER_FUNCTION_FAILED",
        `The trigger of ${operator} threw ${reasonOf(error)}`,
        { operator },
        error,
      );
    }
  }
  return {
    name: trigger.name,
    onRecord: (state, value, timestamp, window) =>
      checkedStep(trigger.onRecord(state, value, timestamp, window)),
    onTime: (state, window) => blamed(() => checkedStep(trigger.onTime(state, window))),
    merge: (left, right) => blamed(() => trigger.merge(left, right)),
  };
}

function checkedStep<S>(step: TriggerStep<S>): TriggerStep<S> {
  if (typeof step?.fire !== "boolean" || isNoTime(step.eventTime) || isNoTime(step.processingTime)) {
    throw new TypeError(
      `a trigger returns { state, fire: true or false, eventTime?: number, processingTime?: number }, not ${preview(step)}`,
    );
  }
  return step;
}

const isNoTime = (time: unknown): boolean =>
  time !== undefined && (typeof time !== "number" || Number.isNaN(time));
