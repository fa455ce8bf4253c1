/** The heads of windows: which one a node gets, its tables, and the functions that are made anew with it. */
import { MillraceError } from "../core/errors.ts";
import { keyOf as keyOfToken, tokenOf } from "../core/key.ts";
import type { Fields } from "../operator/aggregator.ts";
import { alignedWindowHead, type PaneCell } from "../operator/aligned-window.ts";
import { alignedBounds, cumulatingBounds } from "../operator/fixed-windows.ts";
import { isNumeric, numberForm } from "../operator/number-aggregator.ts";
import { type SessionRow, sessionWindowHead } from "../operator/session-window.ts";
import { stepLoop } from "../operator/step-loop.ts";
import { fieldsOf, type KeyByNode, type WindowNode } from "../plan/node.ts";
import { Table } from "../state/table.ts";
import { Timers } from "../state/timers.ts";
import { describeWindows, type FixedWindows, type SessionWindows } from "../window/assigner.ts";
import type { HeadKind } from "./contract.ts";

/** What all heads of windows are given. */
interface Common {
  readonly name: string;
  readonly fields: Fields;
  readonly ports: {
    readonly latenessMs: number;
    readonly [port: string]: unknown;
  };
  /** What the rows mean: rows of another signature are not this program's. */
  readonly signature: string;
}

export function windowKind(node: WindowNode, keyBy: KeyByNode | null): HeadKind {
  const { name, windows, latenessMs, discard, finalOnly, trigger } = node;
  const fields = fieldsOf(node.aggregates);
  const common: Common = {
    name,
    fields,
    // A window that fires once, when it takes no more records, is one without lateness under a later watermark.
    ports: {
      keyOf: keyBy?.fn,
      tokenOf,
      keyOfToken,
      discard,
      latenessMs: finalOnly ? 0 : latenessMs,
      holdMs: finalOnly ? latenessMs : 0,
    },
    signature: `${describeWindows(windows)}: ${fields.map((f) => `${f.name} ${f.aggregate.name}`).join(", ")}`,
  };
  if (trigger === null && windows.kind === "session") return sessionKind(windows, common);
  if (trigger === null && windows.kind !== "count" && windows.kind !== "global" && windows.kind !== "session")
    return fixedKind(windows, common);
  throw new MillraceError("ENGINE_BUG", `no head for ${describeWindows(windows)}`);
}

function sessionKind(windows: SessionWindows, { name, fields, ports, signature }: Common): HeadKind {
  const table = new Table<SessionRow<unknown>>(name, "sessions", "by-key");
  table.signature = signature;
  const timers = new Timers();
  return {
    factory: sessionWindowHead,
    ports: { ...ports, table, timers, gapMs: windows.gapMs },
    tables: [table],
    aggregator: { fields, withReplaces: true, outlive: ports.latenessMs > 0 },
    index: {
      table,
      add: (token, row) => timers.push((row as SessionRow<unknown>).armed, token),
    },
    parts: { stepLoop },
  };
}

function fixedKind(windows: FixedWindows, { name, fields, ports, signature }: Common): HeadKind {
  const table = new Table<PaneCell>(name, "panes", "by-time");
  table.signature = signature;
  const outlive = ports.latenessMs > 0;
  const form = numberForm(fields, outlive);
  if (isNumeric(fields)) table.numberForm = form;
  return {
    factory: alignedWindowHead,
    ports: { ...ports, ...windows, table, valuesOf: form.valuesOf },
    tables: [table],
    aggregator: { fields, withReplaces: false, outlive },
    index: null,
    parts: { stepLoop, boundsOf: boundsOf(windows) },
  };
}

function boundsOf(windows: FixedWindows): HeadKind["parts"][string] {
  switch (windows.kind) {
    case "aligned":
      return alignedBounds;
    case "cumulating":
      return cumulatingBounds;
    case "calendar":
      throw new MillraceError("ENGINE_BUG", "calendar windows");
  }
}
