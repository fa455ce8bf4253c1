/** A pipeline with its inputs, and one who knows what must come out of it. */
import type { Sink, Source } from "../../src/connector/contract.ts";
import type { Pipeline } from "../../src/index.ts";
import type { JobReport } from "../../src/runtime/report.ts";
import type { Engine } from "../engine/entry.ts";
import type { Inputs, Trace } from "./items.ts";

export interface ExpectedRow {
  readonly row: string;
  /** Of the input that brought it: rows of one ordinal come in any order. */
  readonly ordinal: number;
}

export interface Evaluated {
  /** By sink, in their order. */
  readonly rows: ReadonlyMap<string, readonly ExpectedRow[]>;
  /** What is wrong with the accounts of a job that has taken the whole trace; null where they are right. */
  faultOf(report: JobReport): string | null;
}

export interface Ends {
  source(index: number): Source<any>;
  sink(name: string): Sink<any>;
}

export interface Case {
  readonly inputs: Inputs;
  /** Their names in the pipeline. */
  readonly sources: readonly string[];
  /** Indexes of those that lead to a sink; the others are never opened. */
  readonly used: ReadonlySet<number>;
  readonly sinks: readonly string[];
  build(engine: Engine, ends: Ends): Pipeline;
  evaluate(trace: Trace): Evaluated;
  /** What is kept of a value that comes out. */
  rowOf(value: unknown, timestamp: number): string;
  /** For whoever reads of a failure. */
  readonly description: string;
}
