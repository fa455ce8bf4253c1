/**
 * Changelogs in a plan: which windows have panes to replace, which streams carry changes, and which sinks can take them.
 *
 * A stream carries changes behind a changelog, through what passes records on as they are (filter, peek, branch, union);
 * what makes new records makes an ordinary stream.
 */
import { MillraceError } from "../core/errors.ts";
import { isPerRecord } from "../window/assigner.ts";
import type { ChangelogNode, Input, SinkNode, WindowNode } from "./node.ts";

/** The window whose panes come in. */
export const windowOf = (node: ChangelogNode): WindowNode => node.input.node as WindowNode;

/** Whether a pane of the window may come after another one, and take its place. */
export const replacesPanes = ({ windows, latenessMs, trigger, finalOnly }: WindowNode): boolean =>
  windows.kind !== "count" && !finalOnly && (trigger !== null || latenessMs > 0);

/** The output port of a window at which a changelog learns all that it has to know. */
export const panesPort = (window: WindowNode): number =>
  isPerRecord(window.windows) && replacesPanes(window) ? 2 : 0;

type Content = "changes" | "rows" | "both";

function contentOf({ node }: Input): Content {
  switch (node.kind) {
    case "changelog":
      return node.form;
    case "filter":
    case "peek":
    case "branch":
      return contentOf(node.input);
    case "union": {
      const [first, ...others] = node.inputs.map(contentOf);
      return others.every((other) => other === first) ? first : "both";
    }
    default:
      return "rows";
  }
}

/** Whether the records of an input are changes. */
export const carriesChanges = (input: Input): boolean => contentOf(input) === "changes";

/** @throws PIPELINE_INVALID where an upsert sink could not tell changes from rows */
export function checkSinkContent({ name, sink, input }: SinkNode): void {
  if (sink.form !== "upsert" || contentOf(input) !== "both") return;
  throw new MillraceError(
    "PIPELINE_INVALID",
    `${name} would get a changelog and plain rows in one stream, and could not tell them apart: ${sink.description} takes one or the other`,
  );
}
