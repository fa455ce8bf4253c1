/**
 * The offsets of a time zone: how far its clocks are ahead of UTC, for any instant.
 *
 * Problem: the only source of offsets in Node is Intl.DateTimeFormat, which takes half a microsecond to tell one and
 * never says when it changes.
 *
 * Invariant: the spans of a zone lie one after the other without gap or overlap, and every instant of a span has its
 * offset. Two neighbours may have the same offset: a span ends where its block of years ends.
 *
 * Algorithm: time is cut into blocks of 2^35 ms (398 days). A block is searched when it is first asked for: a probe
 * every 2^26 ms (18.6 hours), and where two probes differ, bisection down to the millisecond. So a change is missed
 * only if the clocks are back at an offset that they had less than 18.6 hours before. The shortest such excursion in
 * the time zone database is of 95 hours (Freetown 1939); the long test suite looks for shorter ones. Outside the range
 * of timestamps the offsets are those at its border.
 *
 * Cost: about 0.3 ms per block, and nothing before the first look-up. A look-up in the span of the look-up before costs
 * two comparisons, one elsewhere a Map look-up. A zone keeps at most 256 blocks (279 years), each of one span more than
 * it has changes; the 71 years of 1970-2040 are about 25 KB.
 */
import { MillraceError, preview } from "../core/errors.ts";
import { MAX_TIMESTAMP } from "../core/time.ts";

/** Instants [from, to) at which the zone's clocks are `offsetMs` ahead of UTC. */
export interface OffsetSpan {
  readonly from: number;
  readonly to: number;
  /** Less than 24 hours either way; local time = instant + offset. */
  readonly offsetMs: number;
}

export interface Zone {
  readonly name: string;
  spanAt(timestamp: number): OffsetSpan;
}

const BLOCK_MS = 2 ** 35;
/** A power of two that divides a block: all gaps between probes are the same. */
const PROBE_MS = 2 ** 26;
const MAX_BLOCKS = 256;
/** There are about 600 names, aliases counted; the rest is room for other spellings of them. */
const MAX_ZONES = 1024;

const zones = new Map<string, Zone>();

/**
 * The zone with the name: an IANA zone, one of its aliases, or a fixed offset such as "+05:30".
 *
 * @throws WINDOW_INVALID where Node's time zone data has no such zone
 * @example zoneOf("Europe/Berlin").spanAt(0).offsetMs // 3600000
 */
export function zoneOf(name: string): Zone {
  return zones.get(name) ?? keep(zones, name, open(name), MAX_ZONES);
}

function open(name: string): Zone {
  // Intl takes undefined for the zone of this machine.
  if (typeof name !== "string") throw noZone(name);
  let format: Intl.DateTimeFormat;
  try {
    // The weekday stands there because without any field Intl adds the date, which takes twice the time.
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: name,
      weekday: "narrow",
      timeZoneName: "longOffset",
    });
  } catch (error) {
    throw noZone(name, error);
  }
  if (format.resolvedOptions().timeZone === "UTC") return { name, spanAt: () => ALWAYS };
  return zoneFrom(name, (timestamp) => offsetIn(format.format(timestamp)));
}

const ALWAYS: OffsetSpan = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY, offsetMs: 0 };

function noZone(name: unknown, cause?: unknown): MillraceError {
  return new MillraceError("WINDOW_INVALID", `zone: ${preview(name)} is no time zone`, {}, cause);
}

/** Of "M, GMT", "M, GMT+05:30", "M, GMT-00:44:30". */
function offsetIn(text: string): number {
  const match = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(text);
  if (match === null) throw new MillraceError("ENGINE_BUG", `no offset in ${preview(text)} of Intl`);
  if (match[1] === undefined) return 0;
  const seconds = Number(match[2]) * 3600 + Number(match[3]) * 60 + Number(match[4] ?? 0);
  return (match[1] === "-" ? -seconds : seconds) * 1000;
}

/** A zone from a function that tells the offset at an instant within ±8.64e15. */
export function zoneFrom(name: string, offsetAt: (timestamp: number) => number): Zone {
  const blocks = new Map<number, readonly OffsetSpan[]>();
  const clamped = (timestamp: number): number =>
    offsetAt(Math.max(-MAX_TIMESTAMP, Math.min(MAX_TIMESTAMP, timestamp)));
  let last: OffsetSpan = { from: 0, to: 0, offsetMs: 0 };
  return {
    name,
    spanAt(timestamp) {
      if (timestamp >= last.from && timestamp < last.to) return last;
      const number = Math.floor(timestamp / BLOCK_MS);
      const block = blocks.get(number) ?? keep(blocks, number, search(number, clamped), MAX_BLOCKS);
      let i = 0;
      while (timestamp >= block[i].to) i += 1;
      last = block[i];
      return last;
    },
  };
}

/** The spans of a block. */
function search(block: number, offsetAt: (timestamp: number) => number): OffsetSpan[] {
  const end = (block + 1) * BLOCK_MS;
  const spans: OffsetSpan[] = [];
  let from = block * BLOCK_MS;
  let offsetMs = offsetAt(from);
  // The first instant of the next block is none of this one's.
  for (let probe = from; probe < end - 1; ) {
    const next = Math.min(probe + PROBE_MS, end - 1);
    const offsetThere = offsetAt(next);
    while (offsetMs !== offsetThere) {
      const to = change(probe, next, offsetMs, offsetAt);
      spans.push({ from, to, offsetMs });
      from = probe = to;
      offsetMs = offsetAt(to);
    }
    probe = next;
  }
  spans.push({ from, to: end, offsetMs });
  return spans;
}

/** An instant with another offset behind one with this offset; `lo` has it, `hi` has another. */
function change(lo: number, hi: number, offsetMs: number, offsetAt: (timestamp: number) => number): number {
  while (hi - lo > 1) {
    const middle = Math.floor((lo + hi) / 2);
    if (offsetAt(middle) === offsetMs) lo = middle;
    else hi = middle;
  }
  return hi;
}

/** Puts the value into the map; the one that has been there longest goes when there are more than `most`. */
function keep<K, V>(map: Map<K, V>, key: K, value: V, most: number): V {
  map.set(key, value);
  if (map.size > most) map.delete(map.keys().next().value as K);
  return value;
}
