/** What explain() says of a window: its kind, the state that it keeps, and what bounds it. */
import { formatDuration } from "../core/time.ts";
import { describeWindows } from "../window/assigner.ts";
import { fieldsOf, type WindowNode } from "./node.ts";

export function describeWindow(node: WindowNode): string {
  const { windows, trigger, finalOnly, discard, latenessMs, aggregates } = node;
  const fields = fieldsOf(aggregates).map(({ name, aggregate }) => `${name} = ${aggregate.name}`);
  const parts = [describeWindows(windows)];
  if (windows.kind !== "count") parts.push(discard ? "discarding" : "accumulating");
  if (windows.kind !== "count" && windows.kind !== "global")
    parts.push(`allowed lateness ${formatDuration(latenessMs)}`);
  if (trigger !== null) parts.push(`trigger ${trigger.name}`);
  if (finalOnly) parts.push("final results only");
  return `${parts.join(", ")}: ${fields.join(", ")}`;
}

/** @param batchMode the input is bounded */
export function windowState(node: WindowNode, batchMode: boolean): string[] {
  const { state, bound } = stateOf(node);
  return [
    `state: ${state}`,
    batchMode && node.windows.kind !== "count" && node.windows.kind !== "global"
      ? "bound: all windows of the input, which close at its end"
      : `bound: ${bound}`,
  ];
}

function stateOf({ windows, latenessMs }: WindowNode): { readonly state: string; readonly bound: string } {
  const live = (n: number): string =>
    `${n === 1 ? "one window" : `up to ${n} windows`} per key at the watermark, and what is ahead of it`;
  switch (windows.kind) {
    case "session": {
      const { gapMs } = windows;
      const last = typeof gapMs === "number" ? formatDuration(gapMs + latenessMs) : "greatest gap";
      return {
        state: "sessions: one row per key with live sessions, an accumulator per session",
        bound: `the sessions of the last ${last} of event time, and what is ahead of the watermark`,
      };
    }
    case "aligned": {
      const { sizeMs, slideMs } = windows;
      const perRecord = Math.ceil(sizeMs / slideMs);
      return {
        state: `panes: one row per key and window end; a record is added to ${perRecord === 1 ? "one" : `up to ${perRecord}`} (an accumulator per window)`,
        bound: live(Math.ceil((sizeMs + latenessMs) / slideMs)),
      };
    }
    case "cumulating": {
      const { maxSizeMs, stepMs } = windows;
      return {
        state: `panes: one row per key and window end; a record is added to up to ${maxSizeMs / stepMs} (an accumulator per window)`,
        bound: live(Math.ceil((maxSizeMs + latenessMs) / stepMs)),
      };
    }
    case "calendar":
      return {
        state: "panes: one row per key and window end; a record is added to one",
        bound: `the ${windows.unit}s that are not past, per key`,
      };
    case "count":
      return {
        state: `counts: one row per key, with the accumulators of its last ${windows.size} records`,
        bound: "one row per key, never dropped",
      };
    case "global":
      return { state: "panes: one row per key", bound: "one row per key, never dropped" };
  }
}
