/** `millrace explain FILE`: prints what the pipeline does, and runs nothing. */
import type { RunReport } from "../job/running-job.ts";
import { type Command, FILE } from "./command.ts";
import { leave } from "./leave.ts";
import { printUntilUnread } from "./output.ts";
import { drive } from "./program.ts";

export const explain: Command = {
  about: "prints what the pipeline of FILE does: stages, state, guarantee; runs nothing",
  takes: [FILE],
  flags: {
    mermaid: { type: "boolean", about: "as a Mermaid flowchart" },
    batch: { type: "boolean", about: "as it is in batch mode" },
  },
  async run({ operands: [file], args, flags }) {
    const format = flags["mermaid"] === true ? "mermaid" : "text";
    await drive({ file, args }, (pipeline, options) => {
      const mode = flags["batch"] === true ? { mode: "batch" as const } : {};
      printUntilUnread(pipeline.explain(format, { ...options, ...mode }));
      // The file may go on with the results of its run, and there are none: it ends here.
      leave(0);
      return new Promise<RunReport>(() => {});
    });
  },
};
