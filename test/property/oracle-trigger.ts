/** The oracle's triggers: the panes of one window, by reading the log once with the window's own records marked. */
import { type Firing, isElement, type Log, type Placed, type Span, watermarkBefore } from "./oracle-told.ts";
import type { PaceSpec, TriggerSpec, WindowStep } from "./spec.ts";

type Phase = "early" | "late";

const multipleAbove = (time: number, of: number): number => (Math.floor(time / of) + 1) * of;

/** What paces the panes of a phase; undefined where there are none. */
function paceOf(trigger: TriggerSpec, phase: Phase): PaceSpec | undefined {
  if (trigger.type === "repeatedly") return trigger.pace;
  if (trigger.type === "atEnd") return undefined;
  return phase === "early" ? trigger.early : (trigger.late ?? { count: 1 });
}

/** @param own the records that the window takes, in the order of the log */
export function panesByTrigger(
  log: Log,
  own: readonly Placed[],
  span: Span,
  trigger: TriggerSpec,
  { discard, allowedLatenessMs }: Pick<WindowStep, "discard" | "allowedLatenessMs">,
): Firing[] {
  const firings: Firing[] = [];
  let held: Placed[] = [];
  const fire = (cause: number, kind: Firing["kind"]): void => {
    if (held.length === 0) return;
    firings.push({ ...span, cause, kind, paneIndex: firings.length, held });
    if (discard) held = [];
  };
  /** Records since a pane by count; and the boundary that is waited for. */
  let counted = 0;
  let boundary: number | null = null;

  log.forEach((entry, index) => {
    if (isElement(entry)) {
      const record = own.find((one) => one.index === index);
      if (record === undefined) return;
      held = [...held, record];
      const phase = record.before < span.end ? "early" : "late";
      const pace = paceOf(trigger, phase);
      if (pace === undefined) return;
      if ("eventTimeMs" in pace) {
        boundary ??= multipleAbove(phase === "early" ? record.ts : record.before, pace.eventTimeMs);
      } else if (++counted === pace.count) {
        counted = 0;
        fire(index, phase);
      }
      return;
    }
    const { watermark: w } = entry;
    const reachesEnd = w >= span.end && watermarkBefore(log, index) < span.end;
    if (reachesEnd && trigger.type !== "repeatedly") {
      // What paced the early panes is over, and the late ones begin anew.
      counted = 0;
      boundary = null;
      fire(index, "on-time");
      return;
    }
    // A boundary behind the end of the window's life never comes.
    if (boundary === null || w < boundary || boundary > span.end + allowedLatenessMs) return;
    fire(index, w < span.end ? "early" : reachesEnd ? "on-time" : "late");
    const pace = paceOf(trigger, "early");
    boundary =
      w < span.end && pace !== undefined && "eventTimeMs" in pace ? multipleAbove(w, pace.eventTimeMs) : null;
  });
  return firings;
}
