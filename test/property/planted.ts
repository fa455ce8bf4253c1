/**
 * Planted bugs: each is a change of the source text from which a stage's code is made, and the seed at which the
 * properties find it. A bug that is found nowhere means that the properties have a hole.
 */
export interface PlantedBug {
  readonly name: string;
  /** What the text says, and what it says with the bug. Every occurrence is changed; there must be one. */
  readonly says: string;
  readonly insteadSays: string;
  /** Which property finds it: results against the batch evaluator, item by item; or one way of running against another. */
  readonly foundBy: "oracle" | "ways";
  /** A seed at which it is found, and in how many runs at the most. */
  readonly seed: number;
  readonly runs: number;
}

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: "a window takes records until one millisecond after its end and lateness",
    says: "end + latenessMs <= watermark && end",
    insteadSays: "end + latenessMs < watermark && end",
    foundBy: "oracle",
    seed: 1,
    runs: 2000,
  },
  {
    name: "negative timestamps are truncated towards 1970 instead of floored",
    says: "Math.floor((timestamp - offsetMs) / slideMs)",
    insteadSays: "Math.trunc((timestamp - offsetMs) / slideMs)",
    foundBy: "oracle",
    seed: 1,
    runs: 2000,
  },
  {
    name: "a late record does not fire its window at once",
    says: 'if (end <= watermark) fire(bucket, token, cell, "late");',
    insteadSays: "",
    foundBy: "oracle",
    seed: 1,
    runs: 2000,
  },
  {
    name: "a discarding window keeps what it has fired",
    says: "Object.assign(cell, create(), { mark, seq, panes });",
    insteadSays: "",
    foundBy: "oracle",
    seed: 1,
    runs: 2000,
  },
  {
    name: "every pane has index 0",
    says: "cell.panes += 1;",
    insteadSays: "",
    foundBy: "oracle",
    seed: 1,
    runs: 2000,
  },
  {
    name: "records at a distance of exactly the gap are two sessions",
    says: "sessions[middle].end < timestamp",
    insteadSays: "sessions[middle].end <= timestamp",
    foundBy: "oracle",
    seed: 1,
    runs: 2000,
  },
  {
    name: "a session closes at its end, not one millisecond later",
    says: "const overAt = session.end + closesAfterMs;",
    insteadSays: "const overAt = session.end;",
    foundBy: "oracle",
    seed: 1,
    runs: 2000,
  },
  {
    name: "sessions do not hold the watermark back",
    says: "mark(to - closesAfterMs)",
    insteadSays: "mark(to)",
    foundBy: "oracle",
    seed: 1,
    runs: 5000,
  },
  {
    name: "a joined session forgets which panes it replaces",
    says: "if (other.out.length > 0) session.out = session.out.concat(other.out);",
    insteadSays: "",
    foundBy: "oracle",
    seed: 3,
    runs: 2000,
  },
  {
    name: "joined sessions lose what the later one held",
    says: "merge(session.cell, other.cell);",
    insteadSays: "",
    foundBy: "oracle",
    seed: 1,
    runs: 2000,
  },
  {
    name: "a union takes its last port first",
    says: "inputs[p].ord[next[p]] < ordinal",
    insteadSays: "inputs[p].ord[next[p]] <= ordinal",
    foundBy: "oracle",
    seed: 1,
    runs: 5000,
  },
  {
    name: "a union takes port after port and ignores the ordinals",
    says: "inputs[p].ord[next[p]] < ordinal",
    insteadSays: "port < 0",
    foundBy: "ways",
    seed: 1,
    runs: 500,
  },
  {
    name: "a union's watermark is that of its fastest input",
    says: "if (watermarks[p] < least) least = watermarks[p];",
    insteadSays: "least = Math.max(...watermarks);",
    foundBy: "oracle",
    seed: 1,
    runs: 2000,
  },
  {
    name: "what is due fires before the record that made it due",
    says: "process(value, ts[i]);",
    insteadSays: "if (wm[i] > reached && advance(wm[i])) reached = wm[i]; process(value, ts[i]);",
    foundBy: "oracle",
    seed: 1,
    runs: 2000,
  },
  {
    name: "due panes fire at the end of the batch",
    says: "const to = wm[i] - holdMs;",
    insteadSays: "const to = i === n - 1 ? wm[i] - holdMs : reached;",
    foundBy: "ways",
    seed: 1,
    runs: 500,
  },
  {
    name: "filtered records are not counted",
    says: "] += 1; break b",
    insteadSays: "] += 0; break b",
    foundBy: "oracle",
    seed: 1,
    runs: 2000,
  },
  {
    name: "rows of numbers do not count their panes",
    says: "slots[at + panesAt]++",
    insteadSays: "slots[at + panesAt]",
    foundBy: "oracle",
    seed: 1,
    runs: 2000,
  },
  {
    name: "a count window keeps a slice too few for the next one",
    says: "const leaving = slices.length - shared;",
    insteadSays: "const leaving = slices.length - shared + 1;",
    foundBy: "oracle",
    seed: 1,
    runs: 2000,
  },
  {
    name: "slices that left stay in the totals",
    says: "leaving.filter(({ time }) => time <= turned),\n      leave,",
    insteadSays: "leaving.filter(({ time }) => time <= turned),\n      () => {},",
    foundBy: "oracle",
    seed: 1,
    runs: 2000,
  },
  {
    name: "a late record of a slice that is in the totals is not in the next window",
    says: "if (isCounted) firing.enter(token, end, cell, held === undefined);",
    insteadSays: "",
    foundBy: "oracle",
    seed: 1,
    runs: 2000,
  },
  {
    name: "a late record changes its slice before the rows of its late panes are at hand",
    says: "if (again.length > 0) late.read(token, again);",
    insteadSays: "",
    foundBy: "ways",
    seed: 1,
    runs: 400,
  },
  {
    name: "a discarding window with a trigger keeps what it has fired",
    says: "row.latest = Number.NEGATIVE_INFINITY;",
    insteadSays: "row.acc = acc;",
    foundBy: "oracle",
    seed: 1,
    runs: 2000,
  },
  {
    name: "a pane that is due with the one on time is fired too",
    says: 'at < end ? "early" : watermark < end ? "on-time" : "late"',
    insteadSays: 'at <= end ? "early" : watermark < end ? "on-time" : "late"',
    foundBy: "oracle",
    seed: 1,
    runs: 2000,
  },
];
