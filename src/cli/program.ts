/**
 * The user's file: loads it, and brings its pipeline to the driver once, whether the file runs the pipeline itself
 * or exports it.
 */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { MillraceError } from "../core/errors.ts";
import type { Pipeline } from "../job/pipeline.ts";
import type { RunOptions, RunReport } from "../job/running-job.ts";
import { driveWith } from "../job/take-over.ts";

/** The user's file, and its arguments. */
export interface File {
  /** As it was written: relative to the working directory. */
  readonly file: string;
  readonly args: readonly string[];
}

/** What a command does with a pipeline; `options` are those that the file gives to `run`, if it calls that. */
export type Driver = (pipeline: Pipeline, options: RunOptions) => Promise<RunReport>;

/**
 * Loads the file with every `run` of it going to `driver`; if there was none, gives the exported pipeline to it.
 * @throws CLI_USAGE for a file that is not there, CLI_NO_PIPELINE, and what the file or the driver throws
 */
export async function drive({ file, args }: File, driver: Driver): Promise<void> {
  const path = resolve(file);
  process.argv = [process.execPath, path, ...args];
  let ran = false;
  let exported: { readonly pipeline: Pipeline; readonly report: Promise<RunReport> } | null = null;
  /** The file and the runs that are not done. */
  const waiting = new Set<string>([file]);

  const called = async (pipeline: Pipeline, options: RunOptions): Promise<RunReport> => {
    ran = true;
    waiting.add(`pipeline ${pipeline.name}`);
    try {
      return await driver(pipeline, options);
    } finally {
      waiting.delete(`pipeline ${pipeline.name}`);
    }
  };
  driveWith((pipeline, options) =>
    exported?.pipeline === pipeline ? exported.report : called(pipeline, options),
  );

  let names: readonly string[] = [];
  process.once("beforeExit", () => {
    // A file may run its pipeline long after it was loaded: only now is it certain that it does not.
    const stuck = [...waiting].at(-1);
    if (stuck !== undefined) {
      throw new MillraceError("JOB_STUCK", `${stuck} waits for a promise that nothing is left to settle`);
    }
    if (!ran) throw noPipeline(file, names);
  });

  const module = await load(path, file);
  names = Object.keys(module).filter((name) => isPipeline(module[name]));
  const pipeline = [module["default"], module["app"]].find(isPipeline);
  if (!ran && pipeline !== undefined) {
    exported = { pipeline, report: called(pipeline, {}) };
    waiting.delete(file);
    await exported.report;
  }
  waiting.delete(file);
}

async function load(path: string, file: string): Promise<Record<string, unknown>> {
  const { href } = pathToFileURL(path);
  try {
    return await import(href);
  } catch (error) {
    const { code, url } = error as { code?: string; url?: string };
    if (url === href && code === "ERR_MODULE_NOT_FOUND")
      throw new MillraceError("CLI_USAGE", `There is no file ${file}`);
    if (url === href && code === "ERR_UNSUPPORTED_DIR_IMPORT")
      throw new MillraceError("CLI_USAGE", `${file} is a folder`);
    throw error;
  }
}

/** By what it can do: the file may have loaded another copy of Millrace than this one. */
const isPipeline = (value: unknown): value is Pipeline =>
  typeof value === "object" &&
  value !== null &&
  typeof (value as Partial<Pipeline>).runNow === "function" &&
  typeof (value as Partial<Pipeline>).explain === "function";

function noPipeline(file: string, names: readonly string[]): MillraceError {
  const others =
    names.length === 0 ? "" : `; the pipeline that it exports is named ${names.join(", ")}, not app`;
  return new MillraceError("CLI_NO_PIPELINE", `${file} neither exports a pipeline nor runs one${others}`);
}
