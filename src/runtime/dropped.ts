/**
 * Rows that a program gave up (dropState) while the log still has them: what stands in the log before the place where
 * they were given up is left out, until a rewrite has dropped that part of the log.
 */
import { isBefore, type LogPosition } from "../epoch/position.ts";

export interface DroppedRows {
  /** Of the table's addresses. */
  readonly prefix: string;
  /** By log: rows before it are given up. */
  readonly before: readonly LogPosition[];
}

export interface Piece {
  readonly from: LogPosition;
  readonly to: LogPosition;
  /** Prefixes whose rows are left out. */
  readonly without: readonly string[];
}

/** The log's content [from, to) in pieces, each with what is left out of it. */
export function piecesOf(
  log: number,
  { from, to }: { readonly from: LogPosition; readonly to: LogPosition },
  dropped: readonly DroppedRows[],
): readonly Piece[] {
  const endOf = ({ before }: DroppedRows): LogPosition => before[log] ?? from;
  const cuts = dropped.map(endOf).filter((cut) => isBefore(from, cut) && isBefore(cut, to));
  const ends = [...cuts.sort((a, b) => (isBefore(a, b) ? -1 : 1)), to];
  const pieces: Piece[] = [];
  let start = from;
  for (const end of ends) {
    if (!isBefore(start, end)) continue;
    const begin = start;
    const without = dropped.filter((d) => isBefore(begin, endOf(d))).map(({ prefix }) => prefix);
    pieces.push({ from: begin, to: end, without });
    start = end;
  }
  return pieces;
}

/** Those that the log still has rows of. */
export const stillDropped = (
  dropped: readonly DroppedRows[],
  logs: readonly { readonly from: LogPosition }[],
): readonly DroppedRows[] =>
  dropped.filter(({ before }) => logs.some(({ from }, log) => isBefore(from, before[log] ?? from)));
