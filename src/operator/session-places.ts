/**
 * Which sessions a record belongs to, as parts of the session head (compile/contract.ts), made anew with it. A key's
 * sessions are in time order and overlap nowhere; a record has an interval, [timestamp, timestamp + gap].
 *
 * `givenWindows`: the interval is the window, and joins none but its equal. Only here windows may overlap.
 *
 * `chainedSessions`: a record joins all sessions that its interval touches and makes them one. So sessions are the
 * connected parts of the records' intervals, whatever the order of arrival.
 *
 * `cutSessions`: no session is longer than `maxDuration`. Which records are in one is told by a scan in the order of time:
 *
 *     a record joins the session before it where it is at or below its end, and below its cut = start + maxDuration;
 *     else it begins a session. A session ends with the last of its intervals, at its cut at the latest.
 *
 * An earlier record may still come, and move a start, all cuts behind it, and records from one session to another; an
 * accumulator can't be parted. So the list has an entry per *timestamp* while the scan is undecided, and it is decided
 * once the watermark has reached a session's start: then no record can come that moves it. The session takes in the
 * entries behind it that it reaches, and from then on records as they come. So there are as many entries as there are
 * timestamps ahead of the watermark, less those within decided sessions; without a watermark, as there are timestamps.
 *
 * A record behind the watermark (which says that there is none) moves no decided cut. It joins the session that it lies
 * in, or the one behind it if that stays within maxDuration as a whole; else it is a session of its own that ends where
 * the next one begins.
 *
 * Cost of a record: a binary search.
 */

/** What is known of a session here. */
export interface Spanned {
  readonly start: number;
  readonly end: number;
}

export interface SessionPlaces {
  /** What was found: the index of the first session that is joined, or at which a new one is to stand, */
  at: number;
  /** how many are joined from there on; 0 for a new one, */
  joins: number;
  /** and the bounds of the session with all that it joined. */
  start: number;
  end: number;
  /** Finds the place of a record with the interval [start, end]; `start` is its timestamp where it is no given window. */
  find(sessions: readonly Spanned[], start: number, end: number, watermark: number): void;
  /** Whether the start can't move any more, by records that are not behind the watermark. */
  isDecided(session: Spanned, watermark: number): boolean;
  /** Finds what the session joins whose start the watermark has reached; whether there is anything. */
  decide(sessions: readonly Spanned[], watermark: number): boolean;
}

export function chainedSessions(): SessionPlaces {
  const places: SessionPlaces = {
    at: 0,
    joins: 0,
    start: Number.NaN,
    end: Number.NaN,

    find(sessions, timestamp, end) {
      let from = 0;
      for (let high = sessions.length; from < high; ) {
        const middle = (from + high) >> 1;
        if (sessions[middle].end < timestamp) from = middle + 1;
        else high = middle;
      }
      let to = from;
      while (to < sessions.length && sessions[to].start <= end) to += 1;
      places.at = from;
      places.joins = to - from;
      places.start = from < to && sessions[from].start < timestamp ? sessions[from].start : timestamp;
      places.end = from < to && sessions[to - 1].end > end ? sessions[to - 1].end : end;
    },

    isDecided: () => true,
    decide: () => false,
  };
  return places;
}

export function givenWindows(): SessionPlaces {
  const places: SessionPlaces = {
    at: 0,
    joins: 0,
    start: Number.NaN,
    end: Number.NaN,

    find(windows, start, end) {
      let at = 0;
      while (at < windows.length && isBefore(windows[at], start, end)) at += 1;
      const isThere = at < windows.length && windows[at].start === start && windows[at].end === end;
      places.at = at;
      places.joins = isThere ? 1 : 0;
      places.start = start;
      places.end = end;
    },

    isDecided: () => true,
    decide: () => false,
  };

  function isBefore(window: Spanned, start: number, end: number): boolean {
    return window.end < end || (window.end === end && window.start < start);
  }

  return places;
}

export function cutSessions({ maxDurationMs }: { readonly maxDurationMs: number }): SessionPlaces {
  const places: SessionPlaces = {
    at: 0,
    joins: 0,
    start: Number.NaN,
    end: Number.NaN,

    find(sessions, timestamp, end, watermark) {
      const after = indexAfter(sessions, timestamp);
      const before = sessions[after - 1];
      const joinsBefore =
        before !== undefined &&
        (before.start === timestamp ||
          (isDecided(before, watermark) &&
            timestamp <= before.end &&
            timestamp < before.start + maxDurationMs));
      if (joinsBefore) reach(sessions, after - 1, after, before.start, Math.max(before.end, end), watermark);
      else reach(sessions, after, after, timestamp, end, watermark);
    },

    isDecided,

    decide(sessions, watermark) {
      const after = indexAfter(sessions, watermark);
      if (after === 0) return false;
      reach(sessions, after - 1, after, sessions[after - 1].start, sessions[after - 1].end, watermark);
      return places.joins > 1;
    },
  };

  function isDecided(session: Spanned, watermark: number): boolean {
    return session.start <= watermark;
  }

  function indexAfter(sessions: readonly Spanned[], time: number): number {
    let low = 0;
    for (let high = sessions.length; low < high; ) {
      const middle = (low + high) >> 1;
      if (sessions[middle].start <= time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The session from `at` on, before `to`, with the bounds given: what does it join behind that? */
  function reach(
    sessions: readonly Spanned[],
    at: number,
    to: number,
    start: number,
    end: number,
    watermark: number,
  ): void {
    const cut = start + maxDurationMs;
    let reached = Math.min(end, cut);
    let last = to;
    if (start <= watermark) {
      for (; last < sessions.length && sessions[last].start <= reached; last++) {
        const next = sessions[last];
        // An entry of one timestamp is in or out; a decided session is joined as a whole or not at all.
        if (isDecided(next, watermark) ? next.end > cut : next.start >= cut) break;
        reached = Math.min(Math.max(reached, next.end), cut);
      }
      if (last < sessions.length) reached = Math.min(reached, sessions[last].start);
    }
    places.at = at;
    places.joins = last - at;
    places.start = start;
    places.end = reached;
  }

  return places;
}
