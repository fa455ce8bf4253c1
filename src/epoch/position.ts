/**
 * Places in a log. A log is a row of segments, which are files numbered without a gap. Only its last segment grows; the
 * sizes of those before it are known, because a segment that lost whole records at its end reads like a sound one.
 */

/** Between two records: behind `bytes` bytes of the segment. */
export interface LogPosition {
  readonly segment: number;
  readonly bytes: number;
}

/** What lies in [from, to). */
export interface LogContent {
  readonly from: LogPosition;
  readonly to: LogPosition;
  /** The sizes of the segments from.segment ... to.segment - 1. */
  readonly sealed: readonly number[];
}

/** Where one record lies: `length` is that of its payload. */
export interface LogLocation {
  readonly segment: number;
  readonly offset: number;
  readonly length: number;
}

/** The part of a content that lies in one segment. */
export interface Stretch {
  readonly segment: number;
  readonly from: number;
  readonly to: number;
}

const START: LogPosition = { segment: 0, bytes: 0 };

export const EMPTY_LOG: LogContent = { from: START, to: START, sealed: [] };

export const isBefore = (a: LogPosition, b: LogPosition): boolean =>
  a.segment < b.segment || (a.segment === b.segment && a.bytes < b.bytes);

/** The parts of a content in order; those without bytes are left out. */
export function stretches({ from, to, sealed }: LogContent): Stretch[] {
  const found: Stretch[] = [];
  for (let segment = from.segment; segment <= to.segment; segment++) {
    const start = segment === from.segment ? from.bytes : 0;
    const end = segment === to.segment ? to.bytes : sealed[segment - from.segment];
    if (end > start) found.push({ segment, from: start, to: end });
  }
  return found;
}

export const bytesIn = (content: LogContent): number =>
  stretches(content).reduce((sum, { from, to }) => sum + to - from, 0);

/** The content with `bytes` more at its end. */
export function grown({ from, to, sealed }: LogContent, bytes: number): LogContent {
  return { from, to: { segment: to.segment, bytes: to.bytes + bytes }, sealed };
}

/** The content with its end at the beginning of a new segment. An empty last segment is new already. */
export function rolled(content: LogContent): LogContent {
  const { from, to, sealed } = content;
  if (to.bytes === 0) return content;
  return { from, to: { segment: to.segment + 1, bytes: 0 }, sealed: [...sealed, to.bytes] };
}

/** What of the content lies at `from` and behind it; null where that is no place in it. */
export function since(content: LogContent, from: LogPosition): LogContent | null {
  const { to, sealed } = content;
  if (isBefore(from, content.from) || isBefore(to, from)) return null;
  return { from, to, sealed: sealed.slice(from.segment - content.from.segment) };
}

/** What of the content lies before `to`; null where that is no place in it. */
export function until(content: LogContent, to: LogPosition): LogContent | null {
  const { from, sealed } = content;
  if (isBefore(to, from) || isBefore(content.to, to)) return null;
  return { from, to, sealed: sealed.slice(0, to.segment - from.segment) };
}
