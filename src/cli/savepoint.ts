/** `millrace savepoint`: lists, inspects and copies savepoints. A job writes them: `run --savepoint-on-stop`. */
import { systemPorts } from "../core/ports.ts";
import type { DamagedSavepoint, FoundSavepoint } from "../job/savepoints.ts";
import { columns } from "./columns.ts";
import type { Command, Operand } from "./command.ts";
import { printUntilUnread } from "./output.ts";
import { timeText } from "./plain-value.ts";
import { numberText, scaled } from "./quantity.ts";
import { DIRECTORY, demandFolder, printSummary } from "./state.ts";

const { files } = systemPorts;
const SAVEPOINT: Operand = { name: "SAVEPOINT", noun: "savepoint" };
const json = { json: { type: "boolean", about: "as JSON, one line" } } as const;

export const listSavepoints: Command = {
  about: "prints the savepoints in DIR and below it, the newest first",
  takes: [DIRECTORY],
  flags: json,
  async run({ operands: [folder], flags }) {
    await demandFolder(folder);
    const { listSavepoints } = await import("../job/savepoints.ts");
    const found = await listSavepoints(files, folder);
    if (flags["json"] === true) return printUntilUnread(`${JSON.stringify(found)}\n`);
    printUntilUnread(
      found.length === 0 ? `there are no savepoints in ${folder}\n` : columns(found.map(cells)),
    );
  },
};

export const inspectSavepoint: Command = {
  about: "prints what is in it, as `millrace state` does",
  takes: [SAVEPOINT],
  flags: json,
  async run({ operands: [folder], flags }) {
    await demandFolder(folder);
    await printSummary(folder, flags["json"] === true);
  },
};

export const copySavepoint: Command = {
  about:
    "copies a savepoint, or the last epoch of the state directory of memory(), to a folder that is empty or not there",
  takes: [
    { name: "FROM", noun: "savepoint" },
    { name: "TO", noun: "folder for its copy" },
  ],
  flags: {},
  async run({ operands: [from, to] }) {
    await demandFolder(from);
    const { copySavepoint } = await import("../job/savepoints.ts");
    const { epoch } = await copySavepoint(files, from, to);
    printUntilUnread(`${to} is a copy of epoch ${numberText(epoch)}\n`);
  },
};

function cells(savepoint: FoundSavepoint | DamagedSavepoint): string[] {
  const { folder } = savepoint;
  if ("fault" in savepoint) return [folder, `damaged: ${savepoint.fault}`];
  const { job, epoch, createdAt, ended, bytes } = savepoint;
  const what = `epoch ${numberText(epoch)}${ended ? ", ended" : ""}`;
  return [folder, `job ${job}`, what, timeText(createdAt), scaled(bytes, "B")];
}
