/** What explain() says of a window: its kind, the state that it keeps, and what bounds it. */
import { formatDuration } from "../core/time.ts";
import { describeWindows } from "../window/assigner.ts";
import { fieldsOf, type WindowNode } from "./node.ts";
import { overlaps, whyNotBySlices } from "./slicing.ts";

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

interface StateText {
  readonly state: string;
  readonly bound: string;
}

/** An accumulator per window. @param perRecord in how many windows a record is at the most */
function ofPanes(node: WindowNode, perRecord: number, live: number): StateText {
  const why = overlaps(node) ? `, since ${whyNotBySlices(node)}` : "";
  return {
    state: `panes: one row per key and window end; a record is added to ${perRecord === 1 ? "one" : `up to ${perRecord}`} (an accumulator per window${why})`,
    bound: `${live === 1 ? "one window" : `up to ${live} windows`} per key at the watermark, and what is ahead of it`,
  };
}

function ofSlices(slices: number, lastMs: number): StateText {
  return {
    state: `by slices: one row per key and slice, of which a window has up to ${slices}; a record is added to one. One row of totals per key`,
    bound: `the slices of the last ${formatDuration(lastMs)} of event time per key, and what is ahead of the watermark`,
  };
}

function stateOf(node: WindowNode): StateText {
  const { windows, latenessMs } = node;
  const bySlices = overlaps(node) && whyNotBySlices(node) === null;
  switch (windows.kind) {
    case "session": {
      const { gapMs, maxDurationMs } = windows;
      const late = latenessMs === 0 ? "" : ` and ${formatDuration(latenessMs)}`;
      const last = typeof gapMs === "number" ? formatDuration(gapMs + latenessMs) : `greatest gap${late}`;
      const ahead =
        maxDurationMs === null ? "" : "; one per timestamp where the watermark has not reached the start";
      return {
        state: `sessions: one row per key with live sessions, an accumulator per session${ahead}`,
        bound: `the sessions of the last ${last} of event time, and what is ahead of the watermark`,
      };
    }
    case "aligned": {
      const { sizeMs, slideMs } = windows;
      // Two slices per slide where windows end between two beginnings.
      const perSlide = sizeMs % slideMs === 0 ? 1 : 2;
      if (bySlices)
        return ofSlices(Math.floor(sizeMs / slideMs) * perSlide + perSlide - 1, sizeMs + latenessMs);
      return ofPanes(node, Math.ceil(sizeMs / slideMs), Math.ceil((sizeMs + latenessMs) / slideMs));
    }
    case "cumulating": {
      const { maxSizeMs, stepMs } = windows;
      if (bySlices) return ofSlices(maxSizeMs / stepMs, maxSizeMs + latenessMs);
      return ofPanes(node, maxSizeMs / stepMs, Math.ceil((maxSizeMs + latenessMs) / stepMs));
    }
    case "calendar":
      if (typeof windows.zone === "function") {
        return {
          state: "windows: one row per key with open windows, an accumulator per window",
          bound: `the ${windows.unit}s of all zones that are not past, per key`,
        };
      }
      return {
        state: "panes: one row per key and window end; a record is added to one",
        bound: `the ${windows.unit}s that are not past, per key`,
      };
    case "count": {
      const { size, slide } = windows;
      const slices =
        size <= slide ? 1 : Math.floor(size / slide) * (size % slide === 0 ? 1 : 2) + Math.sign(size % slide);
      return {
        state: `counts: one row per key, an accumulator per slice, of which a window has ${slices === 1 ? "one" : `up to ${slices}`}`,
        bound: size <= slide ? "one row per key whose window is not full" : "one row per key, never dropped",
      };
    }
    case "global":
      return { state: "panes: one row per key", bound: "one row per key, never dropped" };
  }
}

/** @param whyNoWatermark why no watermark comes in; empty where one does, null in batch mode */
export function unboundedInWindow(
  { name, windows, aggregates }: WindowNode,
  whyNoWatermark: readonly string[] | null,
): string[] {
  const found = fieldsOf(aggregates)
    .filter(({ aggregate }) => aggregate.bound === "window")
    .map(
      ({ name: field, aggregate }) =>
        `${name}: ${field} = ${aggregate.name} may keep as much as its window brings`,
    );
  if (whyNoWatermark === null) return found;
  if (windows.kind === "global")
    return [...found, `${name}: the row of each key stays, as its window has no end`];
  if (windows.kind === "count") {
    const which = windows.size > windows.slide ? "each key" : "each key whose window is not full";
    return [...found, `${name}: the row of ${which} stays, as time closes no window`];
  }
  const why = whyNoWatermark.map(
    (why) => `${name}: its windows never close before the end of the input: ${why}`,
  );
  return [...found, ...why];
}
