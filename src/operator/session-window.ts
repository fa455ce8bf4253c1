/**
 * Keyed session windows.
 *
 * State: table "sessions", one row per key: its live sessions in time order, disjoint. Which of them a record joins is
 * told by a part (session-places.ts), when they fire by another one (session-firing.ts, session-trigger.ts).
 *
 * A session is over when the watermark reaches end + 1: at w = end a record at distance gap may still come, so which
 * sessions there are does not hang on when the watermark moved. Hence the output watermark is held back by 1 ms.
 *
 * The windows of a calendar that each record has for itself (a zone per record) are kept here too: a key's windows may then
 * lie across each other, so each is known by its bounds. They are joined by nothing, and over at their end.
 *
 * A session that has fired lives on for the allowed lateness, and a record that joins it re-opens it. In an
 * accumulating window a pane says in `replaces` which panes, under other bounds, it stands in for.
 *
 * Where a changelog reads it, port 2 gives the panes too, and when a session is over the bounds of what is out of it, with
 * the index -1: nobody else could tell how long a pane may still be replaced (a session that grew fires at its new end).
 *
 * Cost of a record: one row look-up and a binary search among the key's live sessions.
 */
import type { Token } from "../core/key.ts";
import type { Cell as RowCell } from "../state/bucket.ts";
import type { Table } from "../state/table.ts";
import type { Timers } from "../state/timers.ts";
import type { Emit, Head, WindowPorts } from "./contract.ts";
import type { PrefetchKeysPorts } from "./prefetch-keys.ts";
import type { SessionPlaces } from "./session-places.ts";

interface Span {
  readonly start: number;
  readonly end: number;
}

export interface Session<Cell> {
  start: number;
  end: number;
  /** Panes fired so far by it and by those it absorbed. */
  panes: number;
  /** Its content is out: nothing came since it last fired. */
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

/** The windows of one unit in one zone (window/calendar.ts). */
interface Calendar {
  startOf(timestamp: number): number;
  endOf(timestamp: number): number;
}

/** What the parts that fire are given, beside the ports of the head. */
export interface FiringPorts<Cell> extends SessionWindowPorts<Cell> {
  readonly places: SessionPlaces;
  /** Emits a pane of the session. */
  readonly fire: (token: Token, session: Session<Cell>, pane: string) => void;
  /** The row is to be looked at when the watermark reaches `due`. */
  readonly arm: (token: Token, row: SessionRow<Cell>, due: number) => void;
}

/** When sessions fire. */
export interface SessionFiring<Cell> {
  open(start: number, end: number): Session<Cell>;
  newRow(session: Session<Cell>): SessionRow<Cell>;
  /** What sees records and meetings of sessions beforehand; null where that is nobody. */
  readonly judge: {
    /** The sessions of the place that was found are about to become one. */
    meet(sessions: readonly Session<Cell>[]): void;
    /** Behind `meet`: the record is about to be added. May throw. */
    record(value: unknown, timestamp: number, watermark: number): void;
    /** Those that met are this session now; no record came. */
    met(session: Session<Cell>): void;
  } | null;
  /** The record was added to the session, which is what it joined. The event time at which to look at it. */
  added(token: Token, row: SessionRow<Cell>, session: Session<Cell>, watermark: number): number;
  /**
   * The watermark passes `time` on its way from `from` to `to`: fires the session if that is due. When to look at it
   * again; not above `time` where it is past.
   */
  look(
    token: Token,
    row: SessionRow<Cell>,
    session: Session<Cell>,
    time: number,
    from: number,
    to: number,
  ): number;
  /** What the clock wakes; null where that is nothing. */
  readonly wakes: {
    next(): number;
    /** Fires what is due by now. False when an output is full: call again. */
    fire(now: number, watermark: number): boolean;
  } | null;
}

export interface SessionWindowPorts<Cell> extends WindowPorts<SessionRow<Cell>, Cell> {
  readonly table: Table<SessionRow<Cell>>;
  /** Of all records; NaN where each has its own. */
  readonly gapMs: number;
  readonly gapOf: ((value: unknown) => number) | null;
  /** Where the windows are those of a calendar, which each record has: its. */
  readonly calendarOf: ((value: unknown) => Calendar) | null;
  /** A session is over this long after its end. */
  readonly closesAfterMs: number;
  readonly timers: Timers;
  /** A session may fire more than once. */
  readonly outlives: boolean;
  readonly placesOf: (ports: any) => SessionPlaces;
  readonly firingOf: (ports: any) => SessionFiring<Cell>;
  readonly prefetchKeys: (ports: PrefetchKeysPorts) => NonNullable<Head["prefetch"]>;
}

export function sessionWindowHead<Cell>(ports: SessionWindowPorts<Cell>): Head {
  const { emit, side, mark, full, begin, fail, counts, position, clock, stepLoop } = ports;
  const { table, timers, keyOf, tokenOf, keyOfToken, create, add, merge, result } = ports;
  const { gapMs, gapOf, calendarOf, closesAfterMs, latenessMs, discard, outlives } = ports;
  /** To those who keep what is out: there, where there are any. */
  const tell: Emit | undefined = ports.sides[1];
  const bucket = table.open(0);

  const { keeper } = table;
  const cold = keeper !== null && keeper.cold;

  const NO_SESSIONS: Session<Cell>[] = [];
  let watermark = Number.NEGATIVE_INFINITY;

  const places = ports.placesOf(ports);
  const firing = ports.firingOf({ ...ports, places, fire, arm });
  const { judge, wakes } = firing;

  function process(value: unknown, timestamp: number): void {
    let token: Token;
    try {
      token = tokenOf(keyOf(value));
    } catch (error) {
      fail(0, error, value);
      return;
    }
    let row = table.edit(bucket, token);
    let start = timestamp;
    let end = timestamp + gapMs;
    if (gapOf !== null || calendarOf !== null) {
      try {
        if (gapOf !== null) {
          end = timestamp + gapOf(value);
        } else if (calendarOf !== null) {
          const calendar = calendarOf(value);
          start = calendar.startOf(timestamp);
          end = calendar.endOf(timestamp);
        }
      } catch (error) {
        fail(1, error, value);
        return;
      }
    }
    const sessions = row === undefined ? NO_SESSIONS : row.sessions;
    places.find(sessions, start, end, watermark);
    const { at, joins } = places;
    if (joins === 0 && places.end + closesAfterMs + latenessMs <= watermark) {
      counts[1] += 1;
      counts[2] += 1;
      side(value, timestamp);
      return;
    }
    if (judge !== null) judge.meet(sessions);
    let session: Session<Cell>;
    try {
      if (judge !== null) judge.record(value, timestamp, watermark);
      session = joins > 0 ? sessions[at] : firing.open(start, places.end);
      add(session.cell, value, timestamp);
    } catch (error) {
      fail(1, error, value);
      return;
    }
    if (joins > 0) join(sessions, session);
    session.fired = false;
    if (row === undefined) {
      row = firing.newRow(session);
      table.insert(bucket, token, row);
    } else if (joins === 0) {
      sessions.splice(at, 0, session);
    }
    arm(token, row, firing.added(token, row, session, watermark));
  }

  function arm(token: Token, row: SessionRow<Cell>, due: number): void {
    if (due >= row.armed) return;
    row.armed = due;
    timers.push(due, token);
  }

  /** Makes one of the sessions that `places` found, of which this is the first. */
  function join(sessions: Session<Cell>[], session: Session<Cell>): void {
    session.start = places.start;
    session.end = places.end;
    if (places.joins > 1) absorb(session, sessions.splice(places.at + 1, places.joins - 1));
  }

  function absorb(session: Session<Cell>, others: readonly Session<Cell>[]): void {
    for (const other of others) {
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
    else if (outlives) session.out = [{ start, end }];
    counts[4] += 1;
    const row = result(cell, keyOfToken(token), start, end, pane, panes, replaces);
    emit(row, end - 1);
    tell?.(row, end - 1);
  }

  /** Says which panes that are out are never replaced any more. */
  function tellOver(token: Token, { out }: Session<Cell>): void {
    for (const { start, end } of out)
      tell?.({ key: keyOfToken(token), windowStart: start, windowEnd: end, paneIndex: -1 }, Number.NaN);
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
      const { sessions } = row;
      if (places.decide(sessions, time)) {
        judge?.meet(sessions);
        join(sessions, sessions[places.at]);
        judge?.met(sessions[places.at]);
      }
      let live = 0;
      let next = Number.POSITIVE_INFINITY;
      for (let i = 0; i < sessions.length; i++) {
        const session = sessions[i];
        const due = firing.look(token, row, session, time, watermark, to);
        if (due <= time) {
          if (tell !== undefined) tellOver(token, session);
          continue;
        }
        if (live < i) sessions[live] = session;
        live += 1;
        if (due < next) next = due;
      }
      if (live === 0) {
        table.remove(bucket, token);
      } else {
        if (live < sessions.length) sessions.length = live;
        row.armed = next;
        timers.push(next, token);
      }
    }
    watermark = to;
    mark(to - closesAfterMs);
    return true;
  }

  const loop = stepLoop(ports, process, advance);

  return {
    run:
      wakes === null
        ? loop
        : () => {
            if (wakes.next() <= clock.tick) {
              position.ordinal = Number.NEGATIVE_INFINITY;
              if (!wakes.fire(clock.tick, watermark)) return false;
            }
            return loop();
          },

    ...(wakes === null ? {} : { nextTick: wakes.next }),

    prefetch: ports.prefetchKeys(ports),

    save: () => [watermark],

    restore(saved) {
      watermark = saved[0];
    },
  };
}
