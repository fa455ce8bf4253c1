/**
 * The plan of a reprocessing, made of the pipeline's own: the sinks that can be corrected, and what leads to them.
 *
 * - A source is what is there of it now. Behind it, records outside of the range that is needed are left out.
 * - Windows that keep their late records get them back, beside their input.
 * - Between a window and a sink stands a filter that passes on the results of windows that lie in the range. Only there:
 *   a window over windows needs the results at the borders, too. So what stands between a window and its sink is there
 *   once for the sink, and once for windows behind it, if there are any.
 * - Where a window's bounds hang on its records (sessions), results that reach over a border go another way to the same
 *   sink: what the table has of them must stay.
 */
import type { Sink } from "../connector/contract.ts";
import { MillraceError } from "../core/errors.ts";
import type { DeadLetterSinkNode, Input, Plan, PlanNode, SinkNode, WindowNode } from "../plan/node.ts";
import { inputsOf, isKeyed } from "../plan/node.ts";
import { type LeftSink, lateLogsOf, sinksOf, windowsOf } from "./corrigible.ts";
import type { LateReplay } from "./late-replay.ts";
import { type Part, PlanRewriting, type Seen } from "./plan-rewriting.ts";
import { EVERYTHING, hull, longestMs, recordsBefore, recordsInside, type TimeRange } from "./time-range.ts";

export interface ReprocessPlan {
  readonly plan: Plan;
  readonly left: readonly LeftSink[];
  readonly replays: readonly LateReplay[];
  readonly seen: Readonly<Seen>;
}

/** @param sinkFor what takes the rows of a part, in place of the sink. @throws PIPELINE_INVALID */
export function reprocessPlan(
  plan: Plan,
  range: TimeRange,
  sinkFor: (node: SinkNode, part: Part) => Sink<unknown>,
): ReprocessPlan {
  const { corrected, left } = sinksOf(plan);
  if (corrected.length === 0) throw nothingToCorrect(plan, left);
  const needed = neededRecords(corrected, range);
  const lateLogs = lateLogsOf(plan);
  const rewriting = new PlanRewriting(range, needed, lateLogs.logs);
  for (const node of corrected) {
    rewriting.sink(node, "inside", sinkFor(node, "inside"));
    if (windowsOf(node.input).some(hasOwnBounds)) rewriting.sink(node, "across", sinkFor(node, "across"));
  }
  return {
    plan: { name: plan.name, nodes: rewriting.nodes, deadLetters: withoutLetters(plan.deadLetters) },
    left: [...left, ...lateLogs.left],
    replays: rewriting.replays,
    seen: rewriting.seen,
  };
}

const hasOwnBounds = ({ windows }: WindowNode): boolean => longestMs(windows) === Number.POSITIVE_INFINITY;

function nothingToCorrect({ name }: Plan, left: readonly LeftSink[]): MillraceError {
  const sinks = left.map((sink) => `${sink.name}: ${sink.why}`).join("; ");
  return new MillraceError(
    "PIPELINE_INVALID",
    `Pipeline ${name} has nothing that can be corrected, which is a table such as sqliteTable behind a window. ${sinks}`,
  );
}

/** By node: the records that are needed of it; by window, those that are needed at its input. */
function neededRecords(sinks: readonly SinkNode[], range: TimeRange): ReadonlyMap<PlanNode, TimeRange> {
  const needed = new Map<PlanNode, TimeRange>();
  const need = ({ node }: Input, results: TimeRange, isShown: boolean): void => {
    const records = recordsFor(node, results, isShown);
    needed.set(node, hull(needed.get(node) ?? records, records));
    for (const input of inputsOf(node)) need(input, records, isShown && !isKeyed(node));
  };
  for (const { input } of sinks) need(input, range, true);
  return needed;
}

/** @param isShown the results go to a sink, and only those of windows in the range are wanted */
function recordsFor(node: PlanNode, results: TimeRange, isShown: boolean): TimeRange {
  if (node.kind === "process") return EVERYTHING;
  if (node.kind !== "window") return results;
  return isShown ? recordsInside(node.windows, results) : recordsBefore(node.windows, results);
}

const withoutLetters = (node: DeadLetterSinkNode | null): DeadLetterSinkNode | null =>
  node === null ? null : { ...node, sink: NOWHERE };

/** The letters were written by the job. */
const NOWHERE: Sink<unknown> = {
  description: "nowhere",
  open: async () => ({ write() {}, flush: async () => {}, close: async () => {} }),
};
