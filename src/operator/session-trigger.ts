/**
 * When sessions fire by a trigger (window/trigger.ts), as a part of the session head.
 *
 * Each session has a state of the trigger, and the event time and the processing time at which it wants to be asked
 * again. Sessions that become one have one state: the trigger merges theirs, and then sees the record that joined
 * them. To the trigger a session's end is reached at w = end; it takes records until w = end + 1, and lives on for the
 * allowed lateness after that.
 *
 * The clock's times have a heap of their own over the rows, like those of event time; `woken` is the row's entry in it.
 *
 * A session whose start is not decided (session-places.ts) does not fire: what the trigger says is kept until it is. It
 * may come as several entries, each with a state, which become one then.
 *
 * The trigger is asked before anything is changed: it is pure, so what it said of a record that then fails is nothing.
 */
import type { Token } from "../core/key.ts";
import type { Timers } from "../state/timers.ts";
import type { Trigger, TriggerStep } from "../window/trigger.ts";
import type { FiringPorts, Session, SessionFiring, SessionRow } from "./session-window.ts";

interface Wish {
  /** The trigger's. */
  state: unknown;
  /** When it is to be asked again: by the watermark, by the clock. */
  eventTime: number;
  processingTime: number;
  /** It is to fire as soon as its start is decided. */
  fires: boolean;
}

export interface TriggeredSession<Cell> extends Session<Cell>, Wish {}

export interface TriggeredSessionRow<Cell> extends SessionRow<Cell> {
  woken: number;
  sessions: TriggeredSession<Cell>[];
}

export interface TriggerFiringPorts<Cell> extends FiringPorts<Cell> {
  readonly trigger: Trigger;
  readonly wakeUps: Timers;
}

export function bySessionTrigger<Cell>(ports: TriggerFiringPorts<Cell>): SessionFiring<Cell> {
  const { trigger, wakeUps, places, table, closesAfterMs, latenessMs, discard, clock } = ports;
  const { fire, arm, create, full, begin } = ports;
  const bucket = table.open(0);
  const { keeper } = table;
  const cold = keeper !== null && keeper.cold;
  const NOTHING: readonly never[] = [];

  const window = { start: 0, end: 0, watermark: 0, now: 0 };
  /** Of the sessions that meet, or of the one at hand. */
  const wish: Wish = { state: undefined, eventTime: 0, processingTime: 0, fires: false };

  function show({ start, end }: { readonly start: number; readonly end: number }, watermark: number): void {
    window.start = start;
    window.end = end;
    window.watermark = watermark;
    window.now = clock.tick;
  }

  /** A time that is reached already is the next one: each advance asks once. */
  function take(step: TriggerStep<unknown>): void {
    const { eventTime = Number.POSITIVE_INFINITY, processingTime = Number.POSITIVE_INFINITY } = step;
    wish.state = step.state;
    wish.eventTime = eventTime > window.watermark ? eventTime : window.watermark + 1;
    wish.processingTime = processingTime > window.now ? processingTime : window.now + 1;
    wish.fires = wish.fires || step.fire;
  }

  function give(session: Session<Cell>): TriggeredSession<Cell> {
    const { state, eventTime, processingTime, fires } = wish;
    return Object.assign(session, { state, eventTime, processingTime, fires });
  }

  function ask(session: TriggeredSession<Cell>, watermark: number): void {
    show(session, watermark);
    wish.fires = session.fires;
    take(trigger.onTime(session.state, window));
    give(session);
  }

  /** Fires the session if it wants to and may; it was judged by the watermark `from`. */
  function fireIfWanted(token: Token, session: TriggeredSession<Cell>, from: number, to: number): void {
    if (!session.fires || !places.isDecided(session, to)) return;
    session.fires = false;
    if (discard && session.fired) return;
    const { end } = session;
    fire(token, session, from >= end ? "late" : to >= end ? "on-time" : "early");
  }

  const pastAt = ({ end }: Session<Cell>): number => end + closesAfterMs + latenessMs;

  function dueAt(session: TriggeredSession<Cell>, watermark: number): number {
    return places.isDecided(session, watermark)
      ? Math.min(session.eventTime, pastAt(session))
      : session.start;
  }

  function wake(
    token: Token,
    row: TriggeredSessionRow<Cell>,
    { processingTime }: TriggeredSession<Cell>,
  ): void {
    if (processingTime >= row.woken) return;
    row.woken = processingTime;
    wakeUps.push(processingTime, token);
  }

  const firing: SessionFiring<Cell> = {
    open(start, end) {
      const session = { start, end, panes: 0, fired: false, out: NOTHING, cell: create() };
      return { ...session, ...wish };
    },

    newRow(session) {
      const row = { mark: 0, armed: Number.POSITIVE_INFINITY, woken: Number.POSITIVE_INFINITY };
      return { ...row, sessions: [session] };
    },

    judge: {
      meet(sessions) {
        wish.state = undefined;
        wish.eventTime = Number.POSITIVE_INFINITY;
        wish.processingTime = Number.POSITIVE_INFINITY;
        wish.fires = false;
        for (let i = places.at; i < places.at + places.joins; i++) {
          const { state, eventTime, processingTime, fires } = sessions[i] as TriggeredSession<Cell>;
          wish.state = i === places.at ? state : trigger.merge(wish.state, state);
          wish.eventTime = Math.min(wish.eventTime, eventTime);
          wish.processingTime = Math.min(wish.processingTime, processingTime);
          wish.fires = wish.fires || fires;
        }
      },

      record(value, timestamp, watermark) {
        show(places, watermark);
        take(trigger.onRecord(wish.state, value, timestamp, window));
      },

      met(session) {
        give(session);
      },
    },

    added(token, row, session, watermark) {
      const triggered = give(session);
      fireIfWanted(token, triggered, watermark, watermark);
      wake(token, row as TriggeredSessionRow<Cell>, triggered);
      return dueAt(triggered, watermark);
    },

    look(token, row, session, time, from, to) {
      const triggered = session as TriggeredSession<Cell>;
      if (!places.isDecided(session, time)) return session.start;
      // One pane for all that an advance passes.
      if (triggered.eventTime <= time || (triggered.fires && dueAt(triggered, to) <= to)) {
        ask(triggered, to);
        wake(token, row as TriggeredSessionRow<Cell>, triggered);
      }
      fireIfWanted(token, triggered, from, to);
      return dueAt(triggered, time);
    },

    wakes: {
      next: () => wakeUps.next,

      fire(now, watermark) {
        while (wakeUps.next <= now) {
          if (full()) return false;
          begin();
          const time = wakeUps.next;
          const token = wakeUps.nextToken;
          if (cold && bucket.rows.get(token) === undefined)
            wakeUps.forSomeDue(now, (due) => keeper?.want(bucket, due));
          const row = table.peek(bucket, token) as TriggeredSessionRow<Cell> | undefined;
          wakeUps.pop();
          if (row === undefined || row.woken !== time) continue;
          table.changing(bucket, token, row);
          row.woken = Number.POSITIVE_INFINITY;
          for (const session of row.sessions) {
            if (session.processingTime <= now) {
              ask(session, watermark);
              fireIfWanted(token, session, watermark, watermark);
              arm(token, row, dueAt(session, watermark));
            }
            wake(token, row, session);
          }
        }
        return true;
      },
    },
  };
  return firing;
}
