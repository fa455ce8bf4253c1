/**
 * When sessions fire without a trigger, as a part of the session head: once the session is over, and then at once with
 * each late record.
 */
import type { FiringPorts, SessionFiring } from "./session-window.ts";

export function atSessionEnd<Cell>(ports: FiringPorts<Cell>): SessionFiring<Cell> {
  const { places, closesAfterMs, latenessMs, fire, create } = ports;
  const NOTHING: readonly never[] = [];

  return {
    open: (start, end) => ({ start, end, panes: 0, fired: false, out: NOTHING, cell: create() }),
    newRow: (session) => ({ mark: 0, armed: Number.POSITIVE_INFINITY, sessions: [session] }),
    judge: null,

    added(token, _row, session, watermark) {
      const overAt = session.end + closesAfterMs;
      if (overAt > watermark) return places.isDecided(session, watermark) ? overAt : session.start;
      fire(token, session, "late");
      return overAt + latenessMs;
    },

    look(token, _row, session, time) {
      if (!places.isDecided(session, time)) return session.start;
      const overAt = session.end + closesAfterMs;
      if (session.fired) return overAt + latenessMs;
      if (overAt > time) return overAt;
      fire(token, session, "on-time");
      return overAt + latenessMs;
    },

    wakes: null,
  };
}
