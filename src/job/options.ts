/** What a job may be told beside its pipeline: where its state is, what it promises, when epochs end. */
import type { Guarantee } from "../connector/contract.ts";
import { MillraceError, preview } from "../core/errors.ts";
import { type Duration, durationMs } from "../core/time.ts";
import type { Plan } from "../plan/node.ts";
import type { StateBackend } from "../state/backend.ts";

/** Of a pipeline, or of one run of it, which comes first. */
export interface JobOptions {
  /**
   * Where the job keeps its state: `memory("./state")` or, from "millrace/rocksdb", `rocksdb("./state")`. A job that was
   * stopped or killed goes on from there. Default: nothing is durable
   */
  readonly state?: StateBackend;
  /**
   * What a crash may do to the output. "exactly-once" (default, needs `state`): nothing. "at-least-once": repeat some
   * of it. "at-most-once": lose some of it. Sinks that can't commit by epochs are at-least-once at best.
   */
  readonly guarantee?: Exclude<Guarantee, "none">;
  readonly commit?: {
    /** An epoch ends after so long: output of exactly-once sinks is seen as late as this. Default "1s" */
    readonly every?: Duration;
    /** ... or after so many records. Default: any number */
    readonly records?: number;
  };
  /**
   * Operators (or stores, "operator/table") whose stored rows are given up, where the program has changed so that they
   * are of no use to it. Without it such a start is refused.
   */
  readonly dropState?: readonly string[];
  /**
   * The results of one firing come in the order of (window end, key group, key) whatever the backend: for tests and for
   * output that is compared. It costs a sort per firing, and windows of numbers lose their fast rows. Default false
   */
  readonly deterministic?: boolean;
  /** What happens when a source or a sink fails: the job starts again from its last epoch. Needs `state`. */
  readonly restart?: {
    /** Failures in a row that are answered so. Default 0 */
    readonly attempts?: number;
    /** Before the first restart; doubled for each further one. Default "1s" */
    readonly backoff?: Duration;
    /** Default "1m" */
    readonly maxBackoff?: Duration;
    /** A run of this length makes up for all failures before. Default "10m" */
    readonly resetAfter?: Duration;
  };
}

export interface CheckedOptions {
  readonly state: StateBackend | null;
  readonly guarantee: Guarantee;
  readonly everyMs: number;
  readonly records: number;
  readonly dropState: readonly string[];
  readonly deterministic: boolean;
  readonly attempts: number;
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
  readonly resetAfterMs: number;
}

/** @throws OPTION_INVALID, DURATION_INVALID */
export function checkOptions({
  state,
  guarantee,
  commit = {},
  restart = {},
  dropState = [],
  deterministic = false,
}: JobOptions): CheckedOptions {
  if (state !== undefined && typeof state?.directory !== "string")
    throw invalid(`state takes memory("./state") or rocksdb("./state"), not ${preview(state)}`);
  const guarantees: readonly unknown[] = ["exactly-once", "at-least-once", "at-most-once"];
  if (guarantee !== undefined && !guarantees.includes(guarantee)) {
    throw invalid(
      `guarantee is "exactly-once", "at-least-once" or "at-most-once", not ${preview(guarantee)}`,
    );
  }
  for (const [name, value] of Object.entries({
    guarantee,
    "restart.attempts": restart.attempts || undefined,
  })) {
    if (value !== undefined && state === undefined)
      throw invalid(`${name} needs state beside it, e.g. state: memory("./state")`);
  }
  if (typeof deterministic !== "boolean")
    throw invalid(`deterministic is true or false, not ${preview(deterministic)}`);
  const { every = "1s", records = Number.POSITIVE_INFINITY } = commit;
  if (records !== Number.POSITIVE_INFINITY && !(Number.isSafeInteger(records) && records > 0))
    throw invalid(`commit.records takes a whole number above 0, not ${preview(records)}`);
  const { attempts = 0, backoff = "1s", maxBackoff = "1m", resetAfter = "10m" } = restart;
  if (attempts !== Number.POSITIVE_INFINITY && !(Number.isSafeInteger(attempts) && attempts >= 0))
    throw invalid(`restart.attempts takes a whole number, or Infinity, not ${preview(attempts)}`);
  return {
    state: state ?? null,
    guarantee: state === undefined ? "none" : (guarantee ?? "exactly-once"),
    everyMs: durationMs(every, "commit.every"),
    records,
    dropState,
    deterministic,
    attempts,
    backoffMs: durationMs(backoff, "restart.backoff"),
    maxBackoffMs: durationMs(maxBackoff, "restart.maxBackoff"),
    resetAfterMs: durationMs(resetAfter, "restart.resetAfter"),
  };
}

/** @throws GUARANTEE_UNMET where a source can't be read again */
export function checkGuarantee(plan: Plan, { guarantee }: CheckedOptions): void {
  if (guarantee !== "exactly-once" && guarantee !== "at-least-once") return;
  const lost = plan.nodes.find((node) => node.kind === "source" && node.source.replayable !== true);
  if (lost === undefined || lost.kind !== "source") return;
  throw new MillraceError(
    "GUARANTEE_UNMET",
    `Source ${lost.name}, ${lost.source.description}, can't be read again from a position, which ${guarantee} needs`,
  );
}

const invalid = (what: string): MillraceError => new MillraceError("OPTION_INVALID", what);
