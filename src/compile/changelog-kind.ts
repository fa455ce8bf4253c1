/** The head of a changelog: what it is depends on whether its window has panes to replace, and on how windows are known. */
import { isDeepStrictEqual } from "node:util";
import { decodeNumber, encodeNumber, tokenOf, type Token } from "../core/key.ts";
import { changelogHead, type Shown } from "../operator/changelog.ts";
import { heldTimes } from "../operator/held-times.ts";
import { insertsHead } from "../operator/inserts.ts";
import { shownByEnd, type ShownCell } from "../operator/shown-by-end.ts";
import { shownBySession, type ShownSessions } from "../operator/shown-by-session.ts";
import { stepLoop } from "../operator/step-loop.ts";
import { replacesPanes, windowOf } from "../plan/changelog.ts";
import { type ChangelogNode, fieldsOf } from "../plan/node.ts";
import { Table } from "../state/table.ts";
import { Timers } from "../state/timers.ts";
import { copyOf } from "../state/value-copy.ts";
import { describeWindows, isPerRecord } from "../window/assigner.ts";
import { type HeadKind, plain } from "./contract.ts";

export function changelogKind(node: ChangelogNode): HeadKind {
  const { name, form, throttleMs } = node;
  const window = windowOf(node);
  if (!replacesPanes(window)) return { ...plain, factory: insertsHead, ports: { form }, parts: { stepLoop } };
  const { windows, latenessMs, aggregates } = window;
  const perRecord = isPerRecord(windows);
  const table = perRecord
    ? new Table<ShownSessions>(name, "results", "by-key")
    : new Table<ShownCell>(name, "results", "by-time");
  const fields = fieldsOf(aggregates).map(({ name, aggregate }) => `${name} ${aggregate.name}`);
  table.signature = `${form} of ${describeWindows(windows)}: ${fields.join(", ")}`;
  const due = new Timers();
  const held = heldTimes(new Timers());

  function index(token: Token, { at, end, waiting, waitingTimestamp }: Shown): void {
    if (waiting === null) return;
    due.push(at + throttleMs, token, perRecord ? "" : nameOfEnd(end ?? Number.POSITIVE_INFINITY));
    held.add(waitingTimestamp);
  }

  return {
    factory: changelogHead,
    ports: {
      form,
      throttleMs,
      latenessMs,
      table,
      due,
      held,
      tokenOf,
      copyOf,
      isEqual: isDeepStrictEqual,
      nameOfEnd,
      endOfName: (text: string) => decodeNumber(text, 0),
    },
    tables: [table],
    aggregator: null,
    index: {
      table,
      add(token, row) {
        if (perRecord) for (const shown of (row as ShownSessions).sessions) index(token, shown);
        else index(token, row as ShownCell);
      },
    },
    parts: { stepLoop, shownRows: perRecord ? shownBySession : shownByEnd },
  };
}

const nameOfEnd = encodeNumber;
