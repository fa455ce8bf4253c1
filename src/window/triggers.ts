/**
 * The ready-made triggers over a window's three phases, in the words of Beam and Flink: early panes before the watermark
 * reaches its end, one on time, late ones after it. What paces the panes of a phase is in pace.ts.
 */
import { MillraceError, preview } from "../core/errors.ts";
import { each, newStep } from "./pace.ts";
import { isTrigger, type Trigger, type TriggerStep } from "./trigger.ts";

const silence = newStep(null);

/** Fires nothing. */
const never: Trigger<null> = {
  name: "never",
  onRecord: () => silence,
  onTime: () => silence,
  merge: () => null,
};

/** The pane on time; the late trigger begins with its first record. */
const AT_END: TriggerStep<unknown> = { state: undefined, fire: true };

/** What a window does without a trigger. */
export const byDefault: Trigger = phases(never, each);

/**
 * Fires when the watermark reaches the window's end. Before that it fires as `early` says; after it, for late records
 * within the allowed lateness, as `late` says.
 *
 * The pane on time comes also if nothing was added since the last early one (not in discarding windows, where it would be
 * empty). Where one advance of the watermark makes both due, only the one on time comes. The global window ends with
 * the input.
 *
 * @param options.early everyCount, everyEventTime, everyProcessingTime, or a trigger of one's own. Default: nothing early
 * @param options.late the same; it begins anew at the end. Default everyCount(1): each late record
 * @example onTime({ early: everyEventTime("1m") })
 * @example onTime({ early: everyProcessingTime("10s"), late: everyCount(100) })
 * @throws OPTION_INVALID
 */
export function onTime(options: { readonly early?: Trigger; readonly late?: Trigger } = {}): Trigger {
  if (typeof options !== "object" || options === null || isTrigger(options))
    throw new MillraceError("OPTION_INVALID", `onTime takes { early, late }, not ${preview(options)}`);
  const { early, late = each } = options;
  if (early === undefined && late === each) return byDefault;
  return phases(early === undefined ? never : checked(early, "early"), checked(late, "late"));
}

/**
 * Fires only as the given trigger says, whatever phase the window is in: nothing at its end. What it has not fired when
 * the window is dropped (end + allowed lateness) is in no pane.
 *
 * @param trigger everyCount, everyEventTime, everyProcessingTime
 * @example keyed.window(globalWindow(), { trigger: repeatedly(everyCount(100)), panes: "discarding" })
 * @throws OPTION_INVALID
 */
export function repeatedly<S, T>(trigger: Trigger<S, T>): Trigger<S, T> {
  const { onRecord, onTime, merge, name } = checked(trigger, "repeatedly");
  return {
    name: `repeatedly(${name})`,
    onRecord: onRecord.bind(trigger),
    onTime: onTime.bind(trigger),
    merge: merge.bind(trigger),
  };
}

/**
 * Fires once, when the watermark reaches the window's end: that of the global window is the end of the input. Late
 * records fire nothing.
 *
 * @example keyed.window(globalWindow(), { trigger: atEnd() })
 */
export function atEnd(): Trigger {
  return { ...phases(never, never), name: "atEnd()" };
}

function checked<S, T>(trigger: Trigger<S, T>, what: string): Trigger<S, T> {
  if (isTrigger(trigger)) return trigger;
  throw new MillraceError(
    "OPTION_INVALID",
    `${what} takes everyCount(n), everyEventTime(interval), everyProcessingTime(interval) or a trigger of your own, not ${preview(trigger)}`,
  );
}

/**
 * A state says which phase it belongs to, since a session that a late record made longer is before its end again, and
 * begins anew. That of the early trigger stands for itself unless it is an object: a counter costs no object per record.
 */
const isObject = (state: unknown): state is object => typeof state === "object" && state !== null;
const isLate = (state: unknown): state is { readonly late: unknown } => isObject(state) && "late" in state;
const ofEarly = (state: unknown): unknown => (isObject(state) ? { early: state } : state);

function earlyOf(state: unknown): unknown {
  if (!isObject(state)) return state;
  return "early" in state ? state.early : undefined;
}

function phases(early: Trigger, late: Trigger): Trigger<unknown> {
  const step = newStep<unknown>(null);

  /** Takes over a step of the early trigger: it is asked again at the end of the window at the latest. */
  function beforeEnd({ state, fire, eventTime, processingTime }: TriggerStep<unknown>, end: number) {
    step.state = ofEarly(state);
    step.fire = fire;
    step.eventTime = eventTime !== undefined && eventTime < end ? eventTime : end;
    step.processingTime = processingTime ?? Number.POSITIVE_INFINITY;
    return step;
  }

  function afterEnd({ state, fire, eventTime, processingTime }: TriggerStep<unknown>) {
    step.state = { late: state };
    step.fire = fire;
    step.eventTime = eventTime ?? Number.POSITIVE_INFINITY;
    step.processingTime = processingTime ?? Number.POSITIVE_INFINITY;
    return step;
  }

  const names = [
    ...(early === never ? [] : [`early ${early.name}`]),
    ...(late === each ? [] : [`late ${late.name}`]),
  ];
  return {
    name: `onTime(${names.join(", ")})`,

    onRecord(state, value, timestamp, window) {
      return window.watermark < window.end
        ? beforeEnd(early.onRecord(earlyOf(state), value, timestamp, window), window.end)
        : afterEnd(late.onRecord(isLate(state) ? state.late : undefined, value, timestamp, window));
    },

    onTime(state, window) {
      if (window.watermark < window.end) return beforeEnd(early.onTime(earlyOf(state), window), window.end);
      if (isLate(state)) return afterEnd(late.onTime(state.late, window));
      return afterEnd(AT_END);
    },

    merge(left, right) {
      if (isLate(left) && isLate(right)) {
        if (left.late === undefined || right.late === undefined)
          return left.late === undefined ? right : left;
        return { late: late.merge(left.late, right.late) };
      }
      if (isLate(left) || isLate(right)) return isLate(left) ? right : left;
      return ofEarly(early.merge(earlyOf(left), earlyOf(right)));
    },
  };
}
