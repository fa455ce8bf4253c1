/** What explain() says of a changelog: what it gives, the state that it keeps, and what bounds it. */
import { isPerRecord } from "../window/assigner.ts";
import { formatDuration } from "../core/time.ts";
import { replacesPanes, windowOf } from "./changelog.ts";
import type { ChangelogNode } from "./node.ts";

export function describeChangelog(node: ChangelogNode): string {
  const { form, throttleMs } = node;
  if (!replacesPanes(windowOf(node)))
    return form === "changes" ? "+I only, as each window has one pane" : "each window has one pane";
  const what = form === "changes" ? "+I -U +U -D" : "the newest pane of each window";
  return throttleMs === 0
    ? what
    : `${what}, at most once in ${formatDuration(throttleMs)} per window and key`;
}

/** @param batchMode the input is bounded */
export function changelogState(node: ChangelogNode, batchMode: boolean): string[] {
  const window = windowOf(node);
  if (!replacesPanes(window)) return [];
  const { windows } = window;
  const { kind } = windows;
  const rows = isPerRecord(windows)
    ? `key with ${kind === "session" ? "sessions" : "windows"}`
    : kind === "global"
      ? "key"
      : "key and window end";
  const what = node.form === "changes" ? "the pane that is out" : "when its last pane went out";
  return [
    `state: results: one row per ${rows}: ${what}${node.throttleMs === 0 ? "" : ", and the one that waits"}`,
    `bound: ${kind === "global" ? "one row per key, never dropped" : batchMode ? "all windows of the input" : "the windows that have fired and may fire again"}`,
  ];
}

export function unboundedInChangelog(node: ChangelogNode): string[] {
  const window = windowOf(node);
  if (window.windows.kind !== "global") return [];
  return [`${node.name}: the pane of each key stays to the end of the input, as ${window.name} has no end`];
}
