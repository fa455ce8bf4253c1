/** Checks of what window() and aggregate() are given. */
import type { AnyAggregate } from "../aggregate/contract.ts";
import { MillraceError, preview } from "../core/errors.ts";
import { durationMs } from "../core/time.ts";
import type * as plan from "../plan/node.ts";
import { WINDOW_KINDS, type WindowAssigner } from "../window/assigner.ts";
import { isTrigger } from "../window/trigger.ts";
import { byDefault } from "../window/triggers.ts";
import { checkOnError } from "./options.ts";
import type { WindowOptions } from "./types.ts";

/** What a window node says of its windows. @throws DURATION_INVALID, OPTION_INVALID */
export function windowParts(
  windows: WindowAssigner,
  { allowedLateness = 0, panes = "accumulating", trigger: asked, finalOnly = false, onError }: WindowOptions,
): Pick<plan.WindowNode, "windows" | "latenessMs" | "discard" | "trigger" | "finalOnly" | "onError"> {
  if (!WINDOW_KINDS.includes(windows?.kind)) {
    throw new MillraceError(
      "OPTION_INVALID",
      `window takes tumbling(...), sliding(...), cumulating(...), calendar(...), session(...), countWindow(...) or globalWindow(), not ${preview(windows)}`,
    );
  }
  if (panes !== "accumulating" && panes !== "discarding") {
    throw new MillraceError(
      "OPTION_INVALID",
      `panes is "accumulating" or "discarding", not ${preview(panes)}`,
    );
  }
  if (typeof finalOnly !== "boolean")
    throw new MillraceError("OPTION_INVALID", `finalOnly is true or false, not ${preview(finalOnly)}`);
  if (asked !== undefined && !isTrigger(asked))
    throw new MillraceError("OPTION_INVALID", `trigger takes a trigger, not ${preview(asked)}`);
  // The global window has no end: there, firing at the end is no default.
  const trigger = asked === byDefault && windows.kind !== "global" ? null : (asked ?? null);
  const latenessMs = durationMs(allowedLateness, "allowedLateness");
  const refuse = (option: string, why: string): never => {
    throw new MillraceError("OPTION_INVALID", `${option}: ${why}`);
  };
  if (windows.kind === "count") {
    if (trigger !== null) refuse("trigger", "a count window fires by its own count");
    if (panes === "discarding") refuse("panes", "a count window has one pane");
  }
  if (windows.kind === "count" || windows.kind === "global") {
    if (latenessMs > 0) refuse("allowedLateness", "nothing is late for windows without an end");
    if (finalOnly) refuse("finalOnly", "the window has no end");
  }
  if (finalOnly && trigger !== null) refuse("finalOnly", "a window with a trigger fires when that says");
  if (windows.kind === "global" && trigger === null)
    refuse("trigger", "the global window never fires without one: repeatedly(everyCount(100)), atEnd(), ...");
  return {
    windows,
    latenessMs,
    discard: panes === "discarding",
    trigger,
    finalOnly,
    onError: checkOnError(onError),
  };
}

const RESERVED: readonly string[] = ["key", "windowStart", "windowEnd", "pane", "paneIndex", "replaces"];

function isAggregate(value: unknown): value is AnyAggregate {
  return (
    typeof value === "object" &&
    value !== null &&
    ["create", "add", "merge", "result"].every((part) => typeof Reflect.get(value, part) === "function")
  );
}

/** @throws AGGREGATE_INVALID */
export function checkAggregates(aggregates: unknown): plan.Aggregates {
  if (isAggregate(aggregates)) return { one: aggregates };
  if (typeof aggregates !== "object" || aggregates === null || Object.keys(aggregates).length === 0) {
    throw new MillraceError(
      "AGGREGATE_INVALID",
      `aggregate takes an aggregate or an object of them, not ${preview(aggregates)}`,
    );
  }
  const fields = new Map<string, AnyAggregate>();
  for (const [name, value] of Object.entries(aggregates)) {
    if (!isAggregate(value))
      throw new MillraceError("AGGREGATE_INVALID", `${name}: ${preview(value)} is no aggregate`);
    if (RESERVED.includes(name))
      throw new MillraceError("AGGREGATE_INVALID", `The name ${name} belongs to the window`);
    fields.set(name, value);
  }
  return { fields };
}
