/**
 * Reprocessing: the pipeline runs once more over what is there of its inputs, with the late records beside them, and the
 * rows of a range of time are replaced by what comes out. Nothing is late then: windows fire at the end of the input.
 *
 * The state of the job is neither read nor changed. Memory: all windows of the records that are read.
 */
import type { Plan } from "../plan/node.ts";
import { Corrections, type CorrectedSink } from "./corrections.ts";
import type { LeftSink } from "./corrigible.ts";
import type { JobOptions } from "./options.ts";
import { reprocessPlan } from "./reprocess-plan.ts";
import { RunningJob, type RunOptions, type RunReport } from "./running-job.ts";
import { type TimePoint, timeRange } from "./time-range.ts";

export interface ReprocessOptions
  extends Pick<RunOptions, "signal" | "handleSignals" | "codegen" | "onProgress" | "ports"> {
  /** The range of event time: results of windows that lie in [from, to) are corrected. */
  readonly from: TimePoint;
  readonly to: TimePoint;
}

/** What `run` tells, of this run; and what was corrected. */
export interface ReprocessReport extends RunReport {
  readonly from: number;
  readonly to: number;
  /** Late records that the history did not have. */
  readonly lateRecords: number;
  /** Results of windows that reach over a border of the range, and are left alone. */
  readonly acrossBorders: number;
  /** The least timestamp of the history; null where it has none. What is older is in no result. */
  readonly historyFrom: number | null;
  /** Empty where the run was stopped: then nothing was changed. */
  readonly corrected: readonly CorrectedSink[];
  /** Sinks that were not opened, and late logs that were not read. */
  readonly left: readonly LeftSink[];
}

/** @throws OPTION_INVALID, PIPELINE_INVALID, and what ends a run; then nothing was changed */
export async function reprocess(
  plan: Plan,
  { deterministic }: JobOptions,
  { from, to, ...options }: ReprocessOptions,
): Promise<ReprocessReport> {
  const range = timeRange(from, to);
  const corrections = new Corrections(range);
  const anew = reprocessPlan(plan, range, (node, part) => corrections.sinkFor(node, part));
  try {
    const job = new RunningJob(anew.plan, deterministic === undefined ? {} : { deterministic }, {
      ...options,
      mode: "batch",
    });
    const report = await job.done;
    const isOwn = ({ name }: { readonly name: string }): boolean =>
      plan.nodes.some((node) => node.name === name);
    return {
      ...report,
      sources: report.sources.filter(isOwn),
      sinks: report.sinks.filter(isOwn),
      ...range,
      lateRecords: anew.replays.reduce((n, { added }) => n + added, 0),
      acrossBorders: anew.seen.across,
      historyFrom: anew.seen.earliest,
      corrected: report.stopped ? [] : await corrections.commit(),
      left: anew.left,
    };
  } finally {
    await corrections.close();
  }
}
