/** `millrace plan-upgrade OLD NEW`: what becomes of stored state when another program starts from it. Starts nothing. */
import { systemPorts } from "../core/ports.ts";
import type { UpgradePlan } from "../job/plan-upgrade.ts";
import type { Program } from "../job/program.ts";
import type { RunReport } from "../job/running-job.ts";
import { columns } from "./columns.ts";
import type { Command } from "./command.ts";
import { leave } from "./leave.ts";
import { printUntilUnread } from "./output.ts";
import { drive } from "./program.ts";
import { demandFolder } from "./state.ts";

const { files } = systemPorts;

export const planUpgrade: Command = {
  about:
    "prints what becomes of the state in OLD when NEW starts from it; starts nothing. Exit code 1: it is refused",
  takes: [
    { name: "OLD", noun: "directory with state" },
    { name: "NEW", noun: "file" },
  ],
  flags: { json: { type: "boolean", about: "as JSON, one line" } },
  async run({ operands: [old, next], args, flags }) {
    await demandFolder(old);
    const { planUpgradeFrom, storedProgram } = await import("../job/plan-upgrade.ts");
    const print = async (program: Program): Promise<void> => {
      const plan = await planUpgradeFrom(files, old, program);
      printUntilUnread(flags["json"] === true ? `${JSON.stringify(plan)}\n` : planText(plan));
      leave(plan.isRefused ? 1 : 0);
    };
    if ((await files.stat(next))?.isFolder === true) return print(await storedProgram(files, next));
    await drive({ file: next, args }, async (pipeline, options) => {
      await print(pipeline.program(options));
      // As explain: the file may go on with the results of its run, and there are none.
      return new Promise<RunReport>(() => {});
    });
  },
};

function planText({ job, epoch, stores, isRefused }: UpgradePlan): string {
  const lines = columns(
    stores.map(({ store, verdict, why, isGivenUp }) => [
      store,
      verdict,
      isGivenUp ? `${why}; given up by dropState` : why,
    ]),
  );
  const refused = stores.filter((store) => store.isRefused).map(({ store }) => JSON.stringify(store));
  const foreign = job.isRefused ? `refused: the state is that of job ${job.old}, not of ${job.new}\n` : "";
  const unfit =
    refused.length > 0 ? `refused; to give the rows up, start with dropState: [${refused.join(", ")}]\n` : "";
  const verdict = isRefused ? foreign + unfit : `${job.new} can start from epoch ${epoch}\n`;
  return lines + verdict;
}
