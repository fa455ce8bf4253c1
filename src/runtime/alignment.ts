/**
 * Alignment: a partition whose watermark is more than its source's `maxDrift` ahead of the slowest one is not polled
 * until the others have caught up. What would wait for them downstream, in windows and unions, waits in its source.
 *
 * The slowest is that of all sources of the job in which records move time. Idle and ended partitions don't count; one
 * that has given nothing yet and is not idle holds up all that may be held up. The slowest itself is never paused, so
 * somebody always goes on. It is looked at before a poll: a partition may get further ahead by what one poll gives.
 *
 * Where bounded sources are merged by timestamp there is nothing to align.
 *
 * Source: Flink's watermark alignment (FLIP-182, FLIP-217).
 */
import { isMovedByRecords } from "../core/watermark.ts";
import { ownWatermark, type PartitionState } from "./partition-state.ts";
import type { SourceIntake } from "./source-intake.ts";

export class Alignment {
  /** The sources that set the pace. */
  private readonly pacing: readonly SourceIntake[];
  private readonly isUsed: boolean;

  constructor(sources: readonly SourceIntake[]) {
    this.pacing = sources.filter(
      ({ node }) => node.timestamp !== undefined && isMovedByRecords(node.watermark),
    );
    this.isUsed = this.pacing.some(({ node }) => node.watermark.maxDriftMs !== Number.POSITIVE_INFINITY);
  }

  /** Pauses the partitions that are too far ahead, and lets the others go on. True where one goes on that was paused. */
  align(): boolean {
    if (!this.isUsed) return false;
    const slowest = Math.min(...this.pacing.map(({ time }) => time.leastBut(null)));
    let released = false;
    for (const { node, partitions } of this.pacing) {
      const { boundMs, maxDriftMs } = node.watermark;
      for (const state of partitions) {
        const isAhead = isTooFar(state, boundMs, slowest + maxDriftMs);
        if (state.paused && !isAhead) released = true;
        state.paused = isAhead;
      }
    }
    return released;
  }
}

/** Also one that is idle may be too far ahead: it may have something all the same. */
const isTooFar = (state: PartitionState, boundMs: number, limit: number): boolean =>
  !state.ended && ownWatermark(state, boundMs) > limit;
