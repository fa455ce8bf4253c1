/** `millrace run FILE`: runs the pipeline, with progress and a summary where someone is looking. */
import type { RunOptions } from "../job/pipeline.ts";
import type { Command, Invocation } from "./command.ts";
import { drive } from "./program.ts";
import { ProgressLine } from "./progress.ts";
import { summaryText } from "./summary.ts";

export const run: Command = {
  about: "runs the pipeline of FILE until its inputs end, or SIGINT or SIGTERM stops it",
  flags: {
    batch: { type: "boolean", about: "batch mode: one final result per key and window" },
    codegen: {
      type: "string",
      values: ["on", "off"],
      about: "off: operators as closures; same results, slower",
    },
    json: { type: "boolean", about: "prints the report of the run as JSON on standard output, one line" },
    summary: { type: "boolean", about: "prints the summary also where standard error is no terminal" },
  },
  async run({ file, args, flags }) {
    const { stdout, stderr } = process;
    const watched = stderr.isTTY === true && process.env["TERM"] !== "dumb";
    const line = watched ? new ProgressLine(stderr, stdout.isTTY ? [stdout, stderr] : [stderr]) : null;
    if (line !== null) process.once("exit", () => line.erase());
    // Nobody reads the output any more (head has seen enough): the job stops as at SIGTERM.
    const unread = new AbortController();
    stdout.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      unread.abort();
    });
    await drive({ file, args }, async (pipeline, options) => {
      const merged = merge(options, flags, unread.signal);
      const show = line?.follow(pipeline.name);
      const report = await pipeline.runNow(
        show === undefined
          ? merged
          : {
              ...merged,
              onProgress(progress) {
                show(progress);
                options.onProgress?.(progress);
              },
            },
      );
      if (flags["json"] === true) stdout.write(`${JSON.stringify({ pipeline: pipeline.name, ...report })}\n`);
      if (watched || flags["summary"] === true) stderr.write(summaryText(pipeline.name, report));
      return report;
    });
  },
};

/** The options of the file with those of the command line, which win. */
function merge(
  options: RunOptions,
  { batch, codegen }: Invocation["flags"],
  unread: AbortSignal,
): RunOptions {
  return {
    ...options,
    ...(batch === true ? { mode: "batch" } : {}),
    ...(codegen === "on" || codegen === "off" ? { codegen } : {}),
    signal: options.signal === undefined ? unread : AbortSignal.any([options.signal, unread]),
  };
}
