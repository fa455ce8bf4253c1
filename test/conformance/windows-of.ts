/** A case's window and trigger in the words of the public API. */
import {
  atEnd,
  countWindow,
  cumulating,
  everyCount,
  everyEventTime,
  globalWindow,
  onTime,
  repeatedly,
  session,
  sliding,
  type Trigger,
  tumbling,
  type WindowAssigner,
} from "millrace";
import type { Case, Item, TriggerSpec, WindowSpec } from "./case.ts";

export function assignerOf(spec: WindowSpec): WindowAssigner<Item> {
  switch (spec.type) {
    case "tumbling":
      return tumbling(spec.sizeMs, { offset: spec.offsetMs ?? 0 });
    case "sliding":
      return sliding(spec.sizeMs, spec.slideMs, { offset: spec.offsetMs ?? 0 });
    case "cumulating":
      return cumulating(spec.maxSizeMs, spec.stepMs, { offset: spec.offsetMs ?? 0 });
    case "session":
      return session(spec.gapMs);
    case "sessionDynamic":
      return session((item: Item) => item.gapMs as number);
    case "count":
      return countWindow(spec.size);
    case "countSliding":
      return countWindow(spec.size, spec.slide);
    case "global":
      return globalWindow();
  }
}

const wait = () => ({ state: 0, fire: false });

/** The default trigger of Flink's global window. Our global window takes no default: it would be of no use. */
const never: Trigger<number> = { name: "never", onRecord: wait, onTime: wait, merge: (state) => state };

/** undefined where the window's own firing is meant. */
export function triggerOf(spec: TriggerSpec, window: WindowSpec): Trigger | undefined {
  switch (spec.type) {
    case "eventTime":
      return undefined;
    case "default":
      return window.type === "global" ? never : undefined;
    case "count":
      return repeatedly(everyCount(spec.count));
    case "continuousEventTime":
      return onTime({ early: everyEventTime(spec.intervalMs) });
    case "endOfStream":
      return atEnd();
  }
}

/** Whether records of joined windows may come in another order than they arrived in. */
export const joins = ({ window }: Case): boolean =>
  window.type === "session" || window.type === "sessionDynamic";
