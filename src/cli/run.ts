/** `millrace run FILE`: runs the pipeline, with progress and a summary where someone is looking. */
import type { RunOptions } from "../job/running-job.ts";
import { type Command, FILE, type Invocation } from "./command.ts";
import { drive } from "./program.ts";
import { summaryText } from "./summary.ts";
import { watchRun } from "./watched-run.ts";

export const run: Command = {
  about: "runs the pipeline of FILE until its inputs end, or SIGINT or SIGTERM stops it",
  takes: [FILE],
  flags: {
    batch: { type: "boolean", about: "batch mode: one final result per key and window" },
    codegen: {
      type: "string",
      values: ["on", "off"],
      about: "off: operators as closures; same results, slower",
    },
    from: {
      type: "string",
      values: "SAVEPOINT",
      about: "starts from it, where the state directory is empty",
    },
    "savepoint-on-stop": {
      type: "string",
      values: "DIR",
      about: "where the job stopped is written there; DIR is empty or not there",
    },
    json: { type: "boolean", about: "prints the report of the run as JSON on standard output, one line" },
    summary: { type: "boolean", about: "prints the summary also where standard error is no terminal" },
  },
  async run({ operands: [file], args, flags }) {
    const { stdout, stderr } = process;
    const watched = watchRun();
    await drive({ file, args }, async (pipeline, options) => {
      const report = await pipeline.runNow({
        ...merge(options, flags, watched.unread),
        // Also where nobody looks at a terminal: it belongs into a log.
        onNote(note) {
          stderr.write(`note: ${pipeline.name}: ${note}\n`);
          options.onNote?.(note);
        },
        ...watched.onProgress(pipeline.name, options.onProgress),
      });
      if (flags["json"] === true) stdout.write(`${JSON.stringify({ pipeline: pipeline.name, ...report })}\n`);
      if (watched.isSeen || flags["summary"] === true) stderr.write(summaryText(pipeline.name, report));
      return report;
    });
  },
};

/** The options of the file with those of the command line, which win. */
function merge(options: RunOptions, flags: Invocation["flags"], unread: AbortSignal): RunOptions {
  const { batch, codegen, from, "savepoint-on-stop": savepointOnStop } = flags;
  return {
    ...options,
    ...(batch === true ? { mode: "batch" } : {}),
    ...(codegen === "on" || codegen === "off" ? { codegen } : {}),
    ...(typeof from === "string" ? { from } : {}),
    ...(typeof savepointOnStop === "string" ? { savepointOnStop } : {}),
    signal: options.signal === undefined ? unread : AbortSignal.any([options.signal, unread]),
  };
}
