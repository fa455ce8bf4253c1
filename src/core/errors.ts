/**
 * The error registry: every error that Millrace raises has a code from this list.
 *
 * A code names one situation. Its entry says what happened in one line, how to mend it, and what a
 * supervisor may do next (`recovery`). `docs/reference/errors.md` lists exactly these codes; a test holds it.
 */

/** What the one who runs the job can do about an error. */
export type Recovery = "fix-program" | "restart-task" | "restart-job" | "stop" | "bug";

interface Entry {
  readonly summary: string;
  readonly help: string;
  readonly recovery: Recovery;
}

const entry = (recovery: Recovery, summary: string, help: string): Entry => ({ recovery, summary, help });

export const ERRORS = {
  OPTION_INVALID: entry(
    "fix-program",
    "An option has a value that it can't have",
    "The message names the option, the value and what it takes.",
  ),
  DURATION_INVALID: entry(
    "fix-program",
    "A duration can't be read",
    'Write whole milliseconds (5000) or a number with a unit: "500ms", "5s", "10m", "1h", "7d".',
  ),
  WINDOW_INVALID: entry(
    "fix-program",
    "A window can't have these measures",
    "Sizes, slides, steps and gaps are durations above zero; an offset is smaller than the slide; counts are whole numbers above zero; calendar windows have a unit and an IANA zone.",
  ),
  AGGREGATE_INVALID: entry(
    "fix-program",
    "An aggregate is not usable here",
    "Give an aggregate such as count(), or an object whose fields are aggregates; field names must not be those of the window result.",
  ),
  AGGREGATE_INPUT_INVALID: entry(
    "fix-program",
    "An aggregate got a value that it can't take",
    "sum, avg, quantiles, variances and histograms take numbers; min, max, minBy, maxBy and topN take numbers (not NaN), bigints, strings or Dates; distinct counts take keys or Dates. Filter or convert before the window, or set onError.",
  ),
  KEY_INVALID: entry(
    "fix-program",
    "A record's key is not a key",
    "A key is a string, number, bigint, boolean, or a tuple of those; undefined, null and objects are not. Return another value from keyBy, or set onError.",
  ),
  TIMESTAMP_INVALID: entry(
    "fix-program",
    "A record's timestamp is not a time",
    "The timestamp function returns milliseconds since 1970 as a number, or a Date, within 8.64e15 of 1970, and not further ahead than maxFutureSkew allows. Convert text with Date.parse, or set onError.",
  ),
  RECORD_MALFORMED: entry(
    "fix-program",
    "An input record can't be decoded",
    'Mend the input, or set onError: "skip" or "dead-letter" at the source.',
  ),
  USER_FUNCTION_FAILED: entry(
    "fix-program",
    "A function of the pipeline threw",
    'The cause is below. Mend the function, or set onError: "skip" or "dead-letter" at the operator.',
  ),
  PIPELINE_INVALID: entry(
    "fix-program",
    "The pipeline can't run as it is written",
    "The message names the operator and what is missing.",
  ),
  NAME_TAKEN: entry(
    "fix-program",
    "Two operators have one name",
    "Names identify state and metrics: give each operator a name of its own.",
  ),
  EVENT_TIME_MISSING: entry(
    "fix-program",
    "An operator needs event time, and its input has none",
    "Give the source a timestamp function: app.source(input, { timestamp: (record) => record.at }).",
  ),
  DEAD_LETTER_SINK_MISSING: entry(
    "fix-program",
    "Records are to go to the dead-letter stream, but nothing takes it",
    'Attach a sink: app.deadLetters.to(ndjsonFile("dead-letters.ndjson")).',
  ),
  BATCH_NEEDS_BOUNDED_INPUT: entry(
    "fix-program",
    "Batch mode needs inputs that end",
    'Run without { mode: "batch" }, or give bounded sources.',
  ),
  JOB_RUNNING: entry(
    "fix-program",
    "The pipeline is running already",
    "Wait for the first run to end, or build a second pipeline.",
  ),
  FILE_UNREADABLE: entry(
    "stop",
    "An input file can't be read",
    "Check the path and its permissions; the cause is below.",
  ),
  FILE_UNWRITABLE: entry(
    "stop",
    "An output file can't be written",
    "Check the path, its permissions and the free space; the cause is below.",
  ),
  STATE_VALUE_REFUSED: entry(
    "fix-program",
    "A state value can't be kept",
    "State is plain data: no functions, symbols or class instances. Keep plain fields, or give the state a codec.",
  ),
  STATE_SCHEMA_CHANGED: entry(
    "fix-program",
    "Stored state doesn't fit the program",
    "`millrace plan-upgrade OLD NEW` shows what fits. Raise the version of the state and give an upcaster, rename it back, or start from an empty directory.",
  ),
  STATE_DIRECTORY_IN_USE: entry(
    "stop",
    "The state directory is in use",
    "Stop the process that the message names, or give this job a directory of its own.",
  ),
  STATE_DIRECTORY_FOREIGN: entry(
    "fix-program",
    "The state directory belongs to another job",
    "Give each job a directory of its own.",
  ),
  STATE_UNWRITABLE: entry(
    "stop",
    "State can't be written",
    "Check the free space and the permissions of the state directory, then start the job again: it goes on where the last epoch ended. The cause is below.",
  ),
  STATE_DAMAGED: entry(
    "stop",
    "Stored state is damaged",
    "Bring back the named file from a copy of the directory, or start from a savepoint, or from an empty directory if the inputs can be read again from their beginning.",
  ),
  STATE_BEHIND_SINK: entry(
    "stop",
    "A sink is ahead of the state",
    "The sink shows results of an epoch that this state has not reached: going on would write them twice. Bring back the newer state, or give the sink a new place.",
  ),
  SINK_STATE_MISSING: entry(
    "stop",
    "What a sink had written is gone",
    "Output of a decided epoch is not where the sink left it. Bring the named file back, or start anew with an empty state directory and a new place for the output.",
  ),
  GUARANTEE_UNMET: entry(
    "fix-program",
    "The pipeline can't keep the guarantee",
    "The message names the source or sink and what is missing. Choose another guarantee, or another source.",
  ),
  SOURCE_POSITION_LOST: entry(
    "stop",
    "A source can't go on where it was",
    "What it had read is gone or was changed. Bring the named input back, or start from an empty state directory.",
  ),
  RESTARTS_EXHAUSTED: entry(
    "stop",
    "The job failed again and again",
    "The cause is the last failure. Mend it and start the job again: it goes on where the last epoch ended.",
  ),
  SAVEPOINT_INVALID: entry(
    "fix-program",
    "There is no usable savepoint",
    "`millrace savepoint list DIR` shows the savepoints of a folder.",
  ),
  SOURCE_FAILED: entry("restart-job", "A source failed", "The cause is below."),
  SINK_FAILED: entry(
    "restart-job",
    "A sink failed",
    "The cause is below. Mend it (of a file: free space, permissions) and start the job again: with durable state it goes on where the last epoch ended.",
  ),
  DRIVER_MISSING: entry(
    "fix-program",
    "A package that this connector needs is not installed",
    "Install the package that the message names.",
  ),
  JOB_STUCK: entry(
    "fix-program",
    "The job waits for something that can't come any more",
    "A source or sink of the pipeline returned a promise that nothing is left to settle: see what it waits for.",
  ),
  CLI_USAGE: entry(
    "fix-program",
    "The command line can't be understood",
    "millrace --help shows the commands.",
  ),
  CLI_NO_PIPELINE: entry(
    "fix-program",
    "The file holds no pipeline",
    "Export the pipeline as default (export default app), or call await app.run() in the file.",
  ),
  ENGINE_BUG: entry(
    "bug",
    "The engine broke one of its own rules",
    "Please report it with the message and the pipeline's explain().",
  ),
} as const satisfies Record<string, Entry>;

export type ErrorCode = keyof typeof ERRORS;

/** Where an error happened; only what is known is there. */
export interface ErrorContext {
  readonly job?: string;
  readonly operator?: string;
  readonly source?: string;
  readonly partition?: string;
  /** Byte or record position within the partition, as the source counts. */
  readonly offset?: number;
  readonly line?: number;
  readonly column?: number;
  /** The start of the offending text or value, shortened. */
  readonly text?: string;
}

/** The only error class that Millrace throws: a code of the registry, what happened, where, and how to mend it. */
export class MillraceError extends Error {
  readonly code: ErrorCode;
  readonly context: ErrorContext;
  /** What happened, without where and help. */
  readonly what: string;
  override readonly name = "MillraceError";

  constructor(code: ErrorCode, what: string, context: ErrorContext = {}, cause?: unknown) {
    const where = Object.entries(context)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name} ${value}`)
      .join(", ");
    super(
      `${what} [${code}]${where === "" ? "" : `\n  where: ${where}`}\n  help: ${ERRORS[code].help}`,
      cause === undefined ? undefined : { cause },
    );
    this.code = code;
    this.what = what;
    this.context = context;
  }

  get recovery(): Recovery {
    return ERRORS[this.code].recovery;
  }
}

/** A short, safe picture of any value for messages: one line, at most `limit` characters. */
export function preview(value: unknown, limit = 80): string {
  let text: string;
  try {
    text =
      typeof value === "string"
        ? JSON.stringify(value)
        : typeof value === "bigint"
          ? `${value}n`
          : typeof value === "function"
            ? "a function"
            : typeof value === "object" && value !== null
              ? (JSON.stringify(value) ?? String(value))
              : String(value);
  } catch {
    text = Object.prototype.toString.call(value);
  }
  return text.length <= limit ? text : `${text.slice(0, limit - 1)}…`;
}

/** What an unknown thrown value says. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return preview(error);
  return error.name === "Error" ? error.message : `${error.name}: ${error.message}`;
}
