/** The oracle's windows without bounds in time: by count, and the global one. */
import { panesByTrigger } from "./oracle-trigger.ts";
import type { Firing, Log, Placed, Told } from "./oracle-told.ts";
import type { TriggerSpec } from "./spec.ts";

const nothingLost = { late: [], betweenWindows: 0, missedWindows: 0 } as const;
const unbounded = { start: null, end: null } as const;

/** Every `slide` records the last `size`. */
export function tellCounts(records: readonly Placed[], size: number, slide: number): Told {
  const firings = records.flatMap((record, i): Firing[] => {
    const end = i + 1;
    if (end % slide !== 0) return [];
    const held = records.slice(Math.max(0, end - size), end);
    return [{ ...unbounded, cause: record.index, kind: "on-time", paneIndex: 0, held }];
  });
  const betweenWindows = records.filter((_, i) => i % slide < slide - size).length;
  return { ...nothingLost, firings, betweenWindows };
}

export function tellGlobal(
  log: Log,
  records: readonly Placed[],
  trigger: TriggerSpec,
  discard: boolean,
): Told {
  const always = { start: Number.NEGATIVE_INFINITY, end: Number.POSITIVE_INFINITY };
  const firings = panesByTrigger(log, records, always, trigger, { discard, allowedLatenessMs: 0 });
  return { ...nothingLost, firings: firings.map((firing) => ({ ...firing, ...unbounded })) };
}
