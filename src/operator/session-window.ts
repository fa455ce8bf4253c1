/**
 * Keyed session windows.
 *
 * State: table "sessions", one row per key: its live sessions in time order, disjoint and more than the gap apart. A
 * record joins every session that it touches (a distance of exactly the gap touches) and makes them one. A session
 * closes when the watermark reaches end + 1: at w = end a record at distance gap may still come, so which sessions
 * there are does not hang on when the watermark moved. Hence the output watermark is held back by 1 ms.
 *
 * A session that has fired lives on for the allowed lateness. A record that joins it re-opens it (it fires again when
 * the watermark reaches the new end) or, where even the new end is past, fires it at once. In an accumulating window
 * the new pane says in `replaces` which panes, under other bounds, it stands in for.
 *
 * Cost of a record: one row look-up and a binary search among the key's live sessions.
 */
import type { Token } from "../core/key.ts";
import type { Cell as RowCell } from "../state/bucket.ts";
import type { Table } from "../state/table.ts";
import type { Timers } from "../state/timers.ts";
import type { Head, WindowPorts } from "./contract.ts";

interface Span {
  readonly start: number;
  readonly end: number;
}

interface Session<Cell> {
  start: number;
  end: number;
  /** Panes fired so far by it and by those it absorbed. */
  panes: number;
  /** Its content is out: nothing is to be fired until a record joins. */
  fired: boolean;
  /** Panes that are out and not replaced yet, by their bounds. */
  out: readonly Span[];
  cell: Cell;
}

export interface SessionRow<Cell> extends RowCell {
  /** The time of the row's timer; another timer of this key is a stale one. */
  armed: number;
  sessions: Session<Cell>[];
}

export interface SessionWindowPorts<Cell> extends WindowPorts<SessionRow<Cell>, Cell> {
  readonly table: Table<SessionRow<Cell>>;
  readonly gapMs: number;
  readonly timers: Timers;
}

export function sessionWindowHead<Cell>(ports: SessionWindowPorts<Cell>): Head {
  const { inputs, emit, side, mark, full, begin, fail, counts, NONE, IDLE, stepLoop } = ports;
  const { table, timers, keyOf, tokenOf, keyOfToken, create, add, merge, result } = ports;
  const { gapMs, latenessMs, discard } = ports;
  const input = inputs[0];
  const bucket = table.open(0);
  /** A session closes this long after its end, for the record at distance gap that may come at w = end. */
  const closesAfterMs = 1;

  const { keeper } = table;
  const cold = keeper !== null && keeper.cold;

  const NO_SESSIONS: Session<Cell>[] = [];
  const NO_SPANS: readonly Span[] = [];
  let watermark = Number.NEGATIVE_INFINITY;

  const dueAt = (session: Session<Cell>): number =>
    session.end + closesAfterMs + (session.fired ? latenessMs : 0);

  function process(value: unknown, timestamp: number): void {
    let token: Token;
    try {
      token = tokenOf(keyOf(value));
    } catch (error) {
      fail(0, error, value);
      return;
    }
    const row = table.edit(bucket, token);
    const sessions = row === undefined ? NO_SESSIONS : row.sessions;
    // The sessions from `from` on, before `to`, touch [timestamp, timestamp + gap].
    let from = 0;
    for (let high = sessions.length; from < high; ) {
      const middle = (from + high) >> 1;
      if (sessions[middle].end < timestamp) from = middle + 1;
      else high = middle;
    }
    let to = from;
    while (to < sessions.length && sessions[to].start <= timestamp + gapMs) to += 1;

    const end = timestamp + gapMs;
    if (from === to && end + closesAfterMs + latenessMs <= watermark) {
      counts[1] += 1;
      counts[2] += 1;
      side(value, timestamp);
      return;
    }
    let session: Session<Cell>;
    try {
      session =
        from < to
          ? sessions[from]
          : { start: timestamp, end, panes: 0, fired: false, out: NO_SPANS, cell: create() };
      add(session.cell, value, timestamp);
    } catch (error) {
      fail(1, error, value);
      return;
    }
    if (from === to) {
      if (row !== undefined) sessions.splice(from, 0, session);
    } else {
      if (timestamp < session.start) session.start = timestamp;
      if (end > session.end) session.end = end;
      session.fired = false;
      if (to > from + 1) absorb(session, sessions.splice(from + 1, to - from - 1));
    }
    if (session.end + closesAfterMs <= watermark) fire(token, session, "late");
    const due = dueAt(session);
    if (row === undefined) {
      table.insert(bucket, token, { mark: 0, armed: due, sessions: [session] });
      timers.push(due, token);
    } else if (due < row.armed) {
      row.armed = due;
      timers.push(due, token);
    }
  }

  function absorb(session: Session<Cell>, others: Session<Cell>[]): void {
    for (const other of others) {
      session.end = Math.max(session.end, other.end);
      session.panes += other.panes;
      if (other.out.length > 0) session.out = session.out.concat(other.out);
      merge(session.cell, other.cell);
    }
  }

  function fire(token: Token, session: Session<Cell>, pane: string): void {
    const { start, end, cell, panes } = session;
    const replaces = session.out.filter((span) => span.start !== start || span.end !== end);
    session.fired = true;
    session.panes += 1;
    if (discard) session.cell = create();
    else if (latenessMs > 0) session.out = [{ start, end }];
    counts[4] += 1;
    emit(result(cell, keyOfToken(token), start, end, pane, panes, replaces), end - 1);
  }

  /** The rows of the next timers in one load. */
  function wantDue(to: number): void {
    timers.forSomeDue(to, (token) => keeper?.want(bucket, token));
  }

  /** Fires and forgets what `to` makes due. False when an output is full: call again with the same `to`. */
  function advance(to: number): boolean {
    while (timers.size > 0 && timers.next <= to) {
      if (full()) return false;
      begin();
      const time = timers.next;
      const token = timers.nextToken;
      if (cold && bucket.rows.get(token) === undefined) wantDue(to);
      const row = table.peek(bucket, token);
      timers.pop();
      if (row === undefined || row.armed !== time) continue;
      table.changing(bucket, token, row);
      // The usual case: one session, put off or closed.
      if (row.sessions.length === 1 && !row.sessions[0].fired) {
        const only = row.sessions[0];
        const due = dueAt(only);
        if (due > time) {
          row.armed = due;
          timers.push(due, token);
          continue;
        }
        if (latenessMs === 0) {
          fire(token, only, "on-time");
          table.remove(bucket, token);
          continue;
        }
      }
      // Its records are behind the watermark now; if the firing is cut short, it goes on with the next timer.
      row.armed = Number.POSITIVE_INFINITY;
      const live: Session<Cell>[] = [];
      for (const session of row.sessions) {
        if (!session.fired && dueAt(session) <= time) fire(token, session, "on-time");
        if (dueAt(session) <= time) continue;
        live.push(session);
        row.armed = Math.min(row.armed, dueAt(session));
      }
      row.sessions = live;
      if (live.length === 0) table.remove(bucket, token);
      else timers.push(row.armed, token);
    }
    watermark = to;
    mark(to - closesAfterMs);
    return true;
  }

  return {
    run: stepLoop(ports, process, advance),

    prefetch() {
      if (keeper === null || !cold) return;
      for (let i = 0; i < input.n; i++) {
        const value = input.values[i];
        if (value === NONE || value === IDLE) continue;
        try {
          keeper.want(bucket, tokenOf(keyOf(value)));
        } catch {
          // A key that can't be taken is dealt with when the record's turn comes.
        }
      }
    },

    save: () => [watermark],

    restore(saved) {
      watermark = saved[0];
    },
  };
}
