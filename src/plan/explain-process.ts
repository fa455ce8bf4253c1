/** What explain() says of a process(): the states of a key, how long they live, and which of them nothing bounds. */
import { formatDuration } from "../core/time.ts";
import type { ProcessNode, StateSpec } from "./process-node.ts";

const ROWS = { value: "one row per key", list: "one row per element", map: "one row per entry" } as const;

export function describeProcess({ onTimer, outputs }: ProcessNode): string {
  const timers = onTimer === undefined ? "no timers" : "with timers";
  return outputs.length === 0 ? timers : `${timers}, outputs ${outputs.join(", ")}`;
}

export function processState({ states, onTimer }: ProcessNode, batchMode: boolean): string[] {
  const lines = states.flatMap((state) => [
    `state: ${state.name}: a ${state.kind}, ${ROWS[state.kind]}`,
    `bound: ${boundOf(state, batchMode)}`,
  ]);
  if (onTimer === undefined) return lines;
  return [
    ...lines,
    "state: timers: one row per key and name; when each is due stays in memory",
    "bound: the timers that are set",
  ];
}

function boundOf({ ttl }: StateSpec, batchMode: boolean): string {
  if (ttl !== null && ttl.time === "processing")
    return `what was written in the last ${formatDuration(ttl.ms)} of processing time`;
  if (batchMode) return "the keys of the input";
  return ttl === null
    ? "none: values stay until they are cleared"
    : `what was written in the last ${formatDuration(ttl.ms)} of event time, and what is ahead of the watermark`;
}

/** @param whyNoWatermark why the input has no watermark before its end; empty where it has */
export function unboundedInProcess(
  { name, states, onTimer }: ProcessNode,
  whyNoWatermark: readonly string[],
): string[] {
  const found = states
    .filter(({ ttl }) => ttl === null)
    .map((state) => `${name}: ${state.name} has no ttl: values of all keys stay until they are cleared`);
  const waiting = states
    .filter(({ ttl }) => ttl?.time === "event")
    .map((state) => `the ttl of ${state.name}`);
  if (onTimer !== undefined) waiting.unshift("its timers of event time");
  if (waiting.length === 0) return found;
  const what = waiting.join(", ");
  return [
    ...found,
    ...whyNoWatermark.map((why) => `${name}: ${what}: not due before the end of the input: ${why}`),
  ];
}
