/** `millrace explain FILE`: prints what the pipeline does, and runs nothing. */
import type { Pipeline, RunOptions, RunReport } from "../job/pipeline.ts";
import type { Command } from "./command.ts";
import { leave } from "./leave.ts";
import { drive } from "./program.ts";

export const explain: Command = {
  about: "prints what the pipeline of FILE does: stages, state and what bounds it; runs nothing",
  flags: {
    mermaid: { type: "boolean", about: "as a Mermaid flowchart" },
    batch: { type: "boolean", about: "as it is in batch mode" },
  },
  async run({ file, args, flags }) {
    const format = flags["mermaid"] === true ? "mermaid" : "text";
    // A reader that has seen enough, such as head, is no error.
    process.stdout.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      process.exit(0);
    });
    await drive({ file, args }, (pipeline, options) => {
      process.stdout.write(pipeline.explain(format, modeOf(options, flags["batch"] === true)));
      // The file may go on with the results of its run, and there are none: it ends here.
      leave(0);
      return new Promise<RunReport>(() => {});
    });
  },
};

function modeOf({ mode }: RunOptions, batch: boolean): Parameters<Pipeline["explain"]>[1] {
  if (batch) return { mode: "batch" };
  return mode === undefined ? {} : { mode };
}
