/** One partition of a source as the intake sees it, and what of it a restart needs. */
import type { Reach } from "../compile/stamp.ts";
import type { Partition } from "../connector/contract.ts";
import { type Json, jsonOfNumber, numberOfJson } from "../core/json.ts";

export interface PartitionState extends Reach {
  readonly partition: Partition<unknown>;
  /** Of the records that were taken; `reach` is also that of those that wait to be merged. */
  maxTimestamp: number;
  /** A word on time beside the timestamps: the partition's (Partition.watermark), or punctuation's. */
  told: number;
  ended: boolean;
  idle: boolean;
  /** It is too far ahead of others, and not polled. */
  paused: boolean;
  /** The last poll gave records, though none may have been kept. */
  gave: boolean;
  /** When it last gave something or was not caught up, by the clock; only kept where idleness matters. */
  activeAt: number;
  /** Merge only: records polled from the partition and not yet merged, with what they say of time. */
  values: unknown[];
  ts: Float64Array;
  marks: Float64Array;
  next: number;
  n: number;
  /** Poll indexes of this poll's records that were refused, ascending. */
  refused: number[];
  /** Records that the last poll gave, those refused included. */
  polled: number;
  /** The greatest offset that this poll refused, malformed inputs included: dealt with, wherever a restart begins. */
  refusedTo: number;
  /** What is refused up to this offset, the run before has dealt with already. */
  dealtTo: number;
}

/** What a source must remember across a restart. */
export interface SavedSource {
  readonly watermark: Json;
  readonly records: number;
  readonly partitions: { readonly [id: string]: SavedPartition };
}

export interface SavedPartition {
  readonly position: Json;
  readonly maxTimestamp: Json;
  readonly told: Json;
  readonly isIdle: boolean;
  readonly dealtTo: Json;
}

/** The partition's own watermark, `boundMs` behind its timestamps. */
export const ownWatermark = ({ maxTimestamp, told }: PartitionState, boundMs: number): number =>
  Math.max(maxTimestamp - boundMs, told);

/** A word on time moves time itself, which the watermark is `boundMs` behind; +Infinity: timestamps don't move it. */
export function noteWord(state: PartitionState, watermark: number, boundMs: number): void {
  state.told = watermark;
  state.reach = Math.max(state.reach, boundMs === Number.POSITIVE_INFINITY ? watermark : watermark + boundMs);
}

/**
 * @param saved where the run before left off; undefined where it had no such partition
 * @param boundMs of the source's watermark
 */
export function newPartition(
  partition: Partition<unknown>,
  saved: SavedPartition | undefined,
  now: number,
  boundMs: number,
): PartitionState {
  const numberOf = (json: Json | undefined): number =>
    json === undefined ? Number.NEGATIVE_INFINITY : numberOfJson(json);
  const state: PartitionState = {
    partition,
    maxTimestamp: numberOf(saved?.maxTimestamp),
    reach: numberOf(saved?.maxTimestamp),
    told: Number.NEGATIVE_INFINITY,
    idle: saved?.isIdle ?? false,
    paused: false,
    dealtTo: numberOf(saved?.dealtTo),
    ended: false,
    gave: false,
    activeAt: now,
    values: [],
    ts: new Float64Array(0),
    marks: new Float64Array(0),
    next: 0,
    n: 0,
    refused: [],
    polled: 0,
    refusedTo: Number.NEGATIVE_INFINITY,
  };
  noteWord(state, numberOf(saved?.told), boundMs);
  return state;
}

/** Between two turns. `ahead`: records that were polled for a merge and are not taken yet. */
export function savePartition(state: PartitionState): { partition: SavedPartition; ahead: number } {
  const { partition, maxTimestamp, told, next, n, refused, polled, dealtTo, refusedTo } = state;
  const isAhead = next < n;
  let index = isAhead ? next : polled;
  if (isAhead) for (const r of refused) if (r <= index) index += 1;
  return {
    ahead: polled - index,
    partition: {
      position: partition.position?.(index) ?? null,
      maxTimestamp: jsonOfNumber(maxTimestamp),
      told: jsonOfNumber(told),
      // One that has ended holds no watermark back, also before it ends again.
      isIdle: state.idle || state.ended,
      // Where nothing is left to take, none of it comes again; and offsets may begin anew.
      dealtTo: jsonOfNumber(isAhead ? Math.max(dealtTo, refusedTo) : dealtTo),
    },
  };
}
