/** What a benchmark is, and what it tells. */
import type { Comparison } from "./compare.ts";

export interface Settings {
  /** Timed runs of each side at least. */
  readonly runs: number;
  /**
   * A tenth of the records where time is not compared. A comparison over fewer records would compare how long code
   * takes to be compiled.
   */
  readonly quick: boolean;
}

export interface Outcome {
  /** Goes into the JSON. */
  readonly json: Record<string, unknown>;
  /** A row of the table; a benchmark without a by-hand side has none. */
  readonly comparison?: Comparison;
  /** Lines below the table. */
  readonly lines?: readonly string[];
}

export interface Benchmark {
  /** One line for the list of benchmarks. */
  readonly what: string;
  /** The greatest ratio ours / by hand that is good enough; null where none is set. */
  readonly target: number | null;
  /** Loads and runs it; called in a process of its own. */
  run(settings: Settings): Promise<Outcome>;
}

export type Group = Readonly<Record<string, Benchmark>>;

/** A benchmark that compares, as an outcome. */
export function compared(comparison: Comparison, lines: readonly string[] = []): Outcome {
  return { json: { ...comparison }, comparison, lines };
}
