/**
 * Who drives the process: a program that calls `app.run()` itself may be loaded by the command line, which then does
 * with the pipeline what the command says (run it with progress shown, explain it).
 */
import type { Pipeline } from "./pipeline.ts";
import type { RunOptions, RunReport } from "./running-job.ts";

type Driver = (pipeline: Pipeline, options: RunOptions) => Promise<RunReport>;

/** Not a variable of this module: the program may load another copy of Millrace than the command line. */
const DRIVER = Symbol.for("millrace.driver");
const shared = globalThis as { [DRIVER]?: Driver };

/** From now on, `run` of any pipeline of this process asks the driver. */
export function driveWith(driver: Driver): void {
  shared[DRIVER] = driver;
}

/** What the driver makes of the call; null where nobody drives. */
export function takeOver(pipeline: Pipeline, options: RunOptions): Promise<RunReport> | null {
  return shared[DRIVER]?.(pipeline, options) ?? null;
}
