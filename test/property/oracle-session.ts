/**
 * The oracle's sessions: told, at each record of a key anew, by sorting the key's remembered records by timestamp and
 * cutting where one begins after all before it have run out, or where the session is as long as it may be.
 */
import { type Firing, type Log, type Placed, reached, type Span, type Told } from "./oracle-told.ts";
import type { WindowStep } from "./spec.ts";

export type GapOf = (record: Placed) => number;

/**
 * Records of one key in groups: a record belongs to those before it while one of them, and its gap, reaches so far, and
 * their session is not as long as it may be.
 */
function sessionsOf(records: readonly Placed[], gapOf: GapOf, longestMs: number): Placed[][] {
  const groups: Placed[][] = [];
  for (const record of records.slice().sort((a, b) => a.ts - b.ts)) {
    const group = groups.at(-1) ?? [];
    const reaches = group.some((one) => record.ts <= one.ts + gapOf(one));
    if (reaches && record.ts < group[0].ts + longestMs) group.push(record);
    else groups.push([record]);
  }
  return groups;
}

export function tellSessions(
  log: Log,
  records: readonly Placed[],
  step: WindowStep,
  gapOf: GapOf,
  longestMs = Number.POSITIVE_INFINITY,
): Told {
  const { allowedLatenessMs, finalOnly, discard } = step;
  const spanOf = (group: readonly Placed[]): Span => {
    const start = Math.min(...group.map(({ ts }) => ts));
    const end = Math.max(...group.map((one) => one.ts + gapOf(one)));
    return { start, end: Math.min(start + longestMs, end) };
  };
  const isOver = (group: readonly Placed[], w: number): boolean =>
    w >= spanOf(group).end + 1 + allowedLatenessMs;
  const firesAt = (group: readonly Placed[]): number =>
    spanOf(group).end + 1 + (finalOnly ? allowedLatenessMs : 0);

  let remembered: Placed[] = [];
  const late: Placed[] = [];
  /** With all records of the session then, not only those in the pane: they tell which panes belong to one session. */
  const panes: (Firing & Span & { readonly members: readonly Placed[] })[] = [];

  const fire = (group: readonly Placed[], cause: number, kind: Firing["kind"]): void => {
    const members = group.slice().sort((a, b) => a.index - b.index);
    const earlier = panes.filter((pane) => pane.members.some((record) => members.includes(record)));
    const shown = new Set(earlier.flatMap((pane) => pane.members));
    const held = discard ? members.filter((record) => !shown.has(record)) : members;
    const span = spanOf(members);
    // A pane stands until a later pane of its session is fired. A discarding pane stands in for nothing.
    const standing = earlier.filter(
      (pane) => !earlier.some((next) => next.cause > pane.cause && next.members.includes(pane.members[0])),
    );
    const replaces = standing
      .filter((pane) => !discard && (pane.start !== span.start || pane.end !== span.end))
      .map(({ start, end }) => ({ start, end }))
      .sort((a, b) => a.start - b.start);
    panes.push({ ...span, cause, kind, paneIndex: earlier.length, held, replaces, members });
  };

  records.forEach((record, i) => {
    // What was cleaned up since the record before is forgotten: nothing can join it any more.
    remembered = sessionsOf(remembered, gapOf, longestMs)
      .filter((group) => !isOver(group, record.before))
      .flat();
    const joined = sessionsOf([...remembered, record], gapOf, longestMs).find((group) =>
      group.includes(record),
    )!;
    if (isOver(joined, record.before)) {
      late.push(record);
    } else {
      remembered = [...remembered, record];
      if (record.before >= firesAt(joined)) fire(joined, record.index, "late");
    }
    const next = records[i + 1]?.index ?? log.length;
    for (const group of sessionsOf(remembered, gapOf, longestMs)) {
      const shown = new Set(panes.flatMap(({ members }) => members));
      if (group.every((one) => shown.has(one))) continue;
      const due = reached(log, firesAt(group), record.index, next);
      if (due >= 0) fire(group, due, "on-time");
    }
  });
  return { firings: panes, late, betweenWindows: 0, missedWindows: late.length };
}
