/**
 * What becomes of records that can't be processed, as each operator's `onError` says: the job ends, the record is
 * counted and dropped, or it goes to the dead letters.
 */
import type { DeadLetter, OnError } from "../connector/contract.ts";
import { type ErrorContext, MillraceError, preview, reasonOf } from "../core/errors.ts";
import type { RecordOrigin } from "./source-intake.ts";

/** Records that an operator gave up. */
export interface FailureCounts {
  skipped: number;
  deadLettered: number;
}

interface FailingOperator {
  readonly name: string;
  readonly onError: OnError;
}

export class Failures {
  /** By the operator's name. */
  readonly counts = new Map<string, FailureCounts>();
  private letters: { readonly ordinal: number; readonly letter: DeadLetter }[] = [];
  /** What the step at hand gave up; undone with it. */
  private readonly step: { readonly counts: FailureCounts; readonly kind: keyof FailureCounts }[] = [];

  private readonly undoable: boolean;

  /** @param undoable steps may be undone: state is not all in memory */
  constructor(undoable: boolean) {
    this.undoable = undoable;
  }

  get hasLetters(): boolean {
    return this.letters.length > 0;
  }

  /**
   * An operator failed on a value.
   *
   * @param ordinal of the input record that caused it
   * @param locate where that record came from; asked only when it is needed
   * @throws the problem, where the operator's onError is "fail"
   */
  giveUp(
    operator: FailingOperator,
    error: unknown,
    value: unknown,
    ordinal: number,
    locate: () => RecordOrigin | null,
  ): void {
    const { name, onError } = operator;
    if (onError === "fail") throw problemOf(operator, error, value, locate);
    const counts = this.counts.get(name) ?? { skipped: 0, deadLettered: 0 };
    this.counts.set(name, counts);
    const kind = onError === "skip" ? "skipped" : "deadLettered";
    counts[kind] += 1;
    if (this.undoable) this.step.push({ counts, kind });
    if (kind === "deadLettered")
      this.letters.push({ ordinal, letter: letterOf(name, error, value, locate()) });
  }

  /** A step begins: what was given up before it stays so. */
  begin(): void {
    if (this.step.length > 0) this.step.length = 0;
  }

  /** The step at hand is undone. */
  undo(): void {
    for (const { counts, kind } of this.step.splice(0)) {
      counts[kind] -= 1;
      if (kind === "deadLettered") this.letters.pop();
    }
  }

  /** The turn's letters. Stage after stage found them; one record at a time would have found them in this order. */
  takeLetters(): DeadLetter[] {
    const letters = this.letters.toSorted((a, b) => a.ordinal - b.ordinal).map(({ letter }) => letter);
    this.letters = [];
    return letters;
  }
}

function problemOf(
  { name }: FailingOperator,
  error: unknown,
  value: unknown,
  locate: () => RecordOrigin | null,
): MillraceError {
  // What a source refuses says where already.
  if (error instanceof MillraceError && error.context.source !== undefined) return error;
  const context: ErrorContext = { operator: name, text: preview(value), ...whereOf(locate()) };
  if (error instanceof MillraceError) return new MillraceError(error.code, error.what, context, error.cause);
  return new MillraceError(
    "USER_FUNCTION_FAILED",
    `The function of ${name} threw ${reasonOf(error)}`,
    context,
    error,
  );
}

/** The same error, with the record's place. */
export function locatedAt(error: MillraceError, found: RecordOrigin | null): MillraceError {
  return new MillraceError(error.code, error.what, { ...error.context, ...whereOf(found) }, error.cause);
}

function whereOf(found: RecordOrigin | null): ErrorContext {
  if (found === null) return {};
  const { source, partition, origin } = found;
  return {
    source,
    partition,
    offset: origin.offset,
    ...(origin.line === undefined ? {} : { line: origin.line }),
  };
}

function letterOf(operator: string, error: unknown, value: unknown, found: RecordOrigin | null): DeadLetter {
  return {
    operator,
    source: found?.source ?? null,
    partition: found?.partition ?? null,
    offset: found?.origin.offset ?? null,
    line: found?.origin.line ?? null,
    code: error instanceof MillraceError ? error.code : "USER_FUNCTION_FAILED",
    reason:
      error instanceof MillraceError ? error.what : `The function of ${operator} threw ${reasonOf(error)}`,
    bytes: found?.origin.bytes ?? null,
    value,
  };
}
