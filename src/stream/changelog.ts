/** Window results as changes of a table: what changelog() and throttle() take and give. */
import type { Change } from "../connector/contract.ts";
import { MillraceError } from "../core/errors.ts";
import { type Duration, durationMs } from "../core/time.ts";
import { panesPort } from "../plan/changelog.ts";
import type { ChangelogNode, WindowNode } from "../plan/node.ts";
import type { Stream } from "./stream.ts";

export interface ChangelogOptions {
  /** Identifies the operator's state and metrics. Default: "changelog", numbered. */
  readonly name?: string;
  /** At most one change per window and key in so long of processing time; the newest wins. Default: every change */
  readonly throttle?: Duration;
}

/** Changes of the table of window results. `filter`, `peek`, `branch` and `union` keep it one. */
export type ChangelogStream<R> = Stream<Change<R>>;

/** @throws OPTION_INVALID for discarding windows, and for an interval of 0; DURATION_INVALID */
export function changelogParts(
  window: WindowNode,
  form: ChangelogNode["form"],
  interval: Duration | undefined,
): Omit<ChangelogNode, "name"> {
  const method = form === "changes" ? "changelog" : "throttle";
  const refuse = (why: string): never => {
    throw new MillraceError("OPTION_INVALID", `${method}: ${why}`);
  };
  const throttleMs = interval === undefined ? 0 : durationMs(interval, "throttle");
  if (interval !== undefined && throttleMs === 0) refuse("the interval must be above zero");
  if (window.discard)
    refuse(`the panes of ${window.name} are discarding: they add up, and none takes the place of another`);
  return { kind: "changelog", input: { node: window, port: panesPort(window) }, form, throttleMs };
}
