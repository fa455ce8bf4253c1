/**
 * The accounts of a job (INV-5): what every operator read, what it gave, and where the difference is. Counted where
 * records are lost or multiplied; what lies between follows.
 */
import type { Stage } from "../compile/stage.ts";
import { COUNT, HEAD_COUNTS } from "../operator/contract.ts";
import type { SampledRecord } from "../operator/sample.ts";
import { GIVEN, GIVEN_ON, LEFT_OUT } from "../operator/stateless.ts";
import { isKeyed } from "../plan/node.ts";
import type { Tree } from "../plan/stages.ts";
import type { FailureCounts } from "./failures.ts";
import type { Loop } from "./loop.ts";

export interface OperatorReport {
  readonly name: string;
  readonly kind: string;
  /** Records read. */
  readonly in: number;
  /** Records given on port 0 (of a branch: on all). */
  readonly out: number;
  /** What became of the records read: these add up to `in`. */
  readonly done: {
    /** Passed on, or taken into a result. */
    readonly contributed: number;
    readonly filtered: number;
    readonly unmatched: number;
    readonly late: number;
    readonly betweenWindows: number;
    readonly skipped: number;
    readonly deadLettered: number;
  };
  /**
   * Of a window whose late stream nobody reads: some of its late records of this run, 16 at most, spread evenly over all of
   * them. Absent where there are none.
   */
  readonly droppedLate?: readonly SampledRecord[];
  /** (Record, window) pairs that came too late, those of late records included. */
  readonly missedWindows: number;
  /** State rows now, those of timers and of expiry included. */
  readonly rows: number;
  /** Of a process(): what it did beside its records. */
  readonly process?: {
    /** Timers that fired. */
    readonly timers: number;
    /** Those for which onTimer threw: they are not among the skipped and dead-lettered records. */
    readonly failedTimers: number;
    /** State values whose time to live was over, and which are removed. */
    readonly expired: number;
  };
}

export interface JobReport {
  readonly operators: readonly OperatorReport[];
  readonly sources: readonly {
    readonly name: string;
    readonly records: number;
    readonly watermark: number;
    readonly skipped: number;
    readonly deadLettered: number;
    /** With `maxDrift`: partitions that wait now until slower ones have caught up. */
    readonly paused?: number;
  }[];
  readonly sinks: readonly { readonly name: string; readonly records: number }[];
}

const NO_FAILURES: FailureCounts = { skipped: 0, deadLettered: 0 };

export function reportOf(loop: Loop): JobReport {
  const failuresOf = (name: string): FailureCounts => loop.failures.counts.get(name) ?? NO_FAILURES;
  const operators: OperatorReport[] = [];
  const sinks: { name: string; records: number }[] = [];

  for (const stage of loop.stages) {
    const { head, keyBy } = stage.plan;
    const { counts } = stage;
    let out = counts[COUNT.in];
    if (isKeyed(head)) {
      const key = failuresOf(keyBy?.name ?? "");
      const own = withoutTimers(failuresOf(head.name), counts[COUNT.failedTimers]);
      const taken = counts[COUNT.in] - key.skipped - key.deadLettered;
      const done = {
        filtered: 0,
        unmatched: 0,
        late: counts[COUNT.late],
        betweenWindows: counts[COUNT.betweenWindows],
        ...own,
      };
      if (keyBy !== null) operators.push(stateless(keyBy.name, "keyBy", counts[COUNT.in], taken, {}, key));
      out = head.kind === "window" ? counts[COUNT.panes] : counts[HEAD_COUNTS];
      operators.push({
        name: head.name,
        kind: head.kind,
        in: taken,
        out,
        done: {
          contributed: taken - done.late - done.betweenWindows - own.skipped - own.deadLettered,
          ...done,
        },
        missedWindows: counts[COUNT.missedWindows],
        rows: stage.tables.reduce((n, table) => n + table.size, 0),
        ...(head.kind === "process" ? { process: beside(counts) } : {}),
        ...droppedBy(stage),
      });
    } else if (head.kind === "changelog") {
      const rows = stage.tables.reduce((n, table) => n + table.size, 0);
      const taken = out;
      out = counts[HEAD_COUNTS];
      operators.push({ ...stateless(head.name, head.kind, taken, out, {}, NO_FAILURES), rows });
    } else if (head.kind === "union") {
      operators.push(stateless(head.name, head.kind, out, out, {}, NO_FAILURES));
    }
    const walk = (tree: Tree, given: number): void => {
      if ("edge" in tree) {
        const { to } = tree.edge;
        if ("sink" in to) sinks.push({ name: to.sink.name, records: writtenTo(stage, tree) });
        return;
      }
      const { operator, index, ports } = tree;
      const base = stage.bases[index];
      const failures = failuresOf(operator.name);
      const left = operator.kind === "filter" || operator.kind === "branch" ? counts[base + LEFT_OUT] : 0;
      const passed = given - left - failures.skipped - failures.deadLettered;
      const gives = operator.kind === "flatMap" ? counts[base + GIVEN] : passed;
      const lost = operator.kind === "branch" ? { unmatched: left } : { filtered: left };
      operators.push(stateless(operator.name, operator.kind, given, gives, lost, failures));
      ports.forEach((trees, port) => {
        for (const t of trees) walk(t, operator.kind === "branch" ? counts[base + GIVEN_ON + port] : gives);
      });
    };
    stage.plan.ports.forEach((trees, port) => {
      const given = head.kind === "process" ? counts[HEAD_COUNTS + port] : counts[COUNT.late];
      for (const tree of trees) walk(tree, port === 0 ? out : given);
    });
  }
  return {
    operators,
    sources: loop.intake.sources.map(({ node, records, watermark, partitions }) => ({
      name: node.name,
      records,
      watermark,
      ...failuresOf(node.name),
      ...(node.watermark.maxDriftMs === Number.POSITIVE_INFINITY
        ? {}
        : { paused: partitions.filter(({ paused }) => paused).length }),
    })),
    sinks,
  };
}

function droppedBy({ dropped }: Stage): Pick<OperatorReport, "droppedLate"> {
  return dropped === null || dropped.records.length === 0 ? {} : { droppedLate: dropped.records };
}

/** An operator has one `onError`: its failed timers are all of one kind. */
function withoutTimers({ skipped, deadLettered }: FailureCounts, failedTimers: number): FailureCounts {
  return skipped > 0
    ? { skipped: skipped - failedTimers, deadLettered }
    : { skipped, deadLettered: deadLettered - failedTimers };
}

const beside = (counts: Float64Array): NonNullable<OperatorReport["process"]> => ({
  timers: counts[COUNT.timers],
  failedTimers: counts[COUNT.failedTimers],
  expired: counts[COUNT.expired],
});

function writtenTo(stage: Stage, tree: Tree): number {
  const i = "edge" in tree ? stage.plan.outputs.indexOf(tree.edge) : -1;
  return stage.outputs[i].written + stage.outputs[i].n;
}

function stateless(
  name: string,
  kind: string,
  given: number,
  gives: number,
  lost: { filtered?: number; unmatched?: number },
  failures: FailureCounts,
): OperatorReport {
  const done = { filtered: 0, unmatched: 0, late: 0, betweenWindows: 0, ...lost, ...failures };
  const contributed = given - done.filtered - done.unmatched - failures.skipped - failures.deadLettered;
  return { name, kind, in: given, out: gives, done: { contributed, ...done }, missedWindows: 0, rows: 0 };
}
