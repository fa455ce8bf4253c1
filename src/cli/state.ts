/** `millrace state DIR`: what stands in a state directory or a savepoint. */
import { type Token, tokenOf } from "../core/key.ts";
import { systemPorts } from "../core/ports.ts";
import type { RowQuery } from "../job/inspect-rows.ts";
import type { Command, Invocation, Operand } from "./command.ts";
import { nearest } from "./nearest.ts";
import { printUntilUnread } from "./output.ts";
import { usage } from "./parse.ts";
import { jsonOf } from "./plain-value.ts";
import { rowsText, summaryOfState } from "./state-text.ts";

export const DIRECTORY: Operand = { name: "DIR", noun: "directory" };

const { files } = systemPorts;
const DEFAULT_LIMIT = 20;

export const state: Command = {
  about: "prints what the state in DIR is: epoch, positions, rows; also while its job runs",
  takes: [DIRECTORY],
  flags: {
    operator: {
      type: "string",
      values: "NAME",
      about: "the rows of an operator (or of one store, NAME/TABLE)",
    },
    key: { type: "string", values: "JSON", about: "the rows of a key with their values" },
    limit: { type: "string", values: "N", about: `rows to show of a store; ${DEFAULT_LIMIT} without` },
    json: { type: "boolean", about: "as JSON, one line" },
  },
  async run({ operands: [folder], flags }) {
    await demandFolder(folder);
    const { json } = flags;
    const query = queryOf(flags);
    if (query === null) return printSummary(folder, json === true);
    const { inspectRows } = await import("../job/inspect-rows.ts");
    const found = await inspectRows(files, folder, query);
    if (found === null) throw await noOperator(folder, query.operator ?? "");
    printUntilUnread(json === true ? `${JSON.stringify(jsonOf(found))}\n` : rowsText(found, query));
  },
};

/** Also of `savepoint inspect`. */
export async function printSummary(folder: string, json: boolean): Promise<void> {
  const { inspectState } = await import("../job/inspect-state.ts");
  const summary = await inspectState(files, folder);
  printUntilUnread(json ? `${JSON.stringify(summary)}\n` : summaryOfState(summary));
}

/** @throws CLI_USAGE where there is no such folder */
export async function demandFolder(folder: string): Promise<void> {
  const stat = await files.stat(folder);
  if (stat === null) throw usage(`There is no directory ${folder}`);
  if (!stat.isFolder) throw usage(`${folder} is a file, not a directory`);
}

/** null: no rows are asked for. */
function queryOf({ operator, key, limit }: Invocation["flags"]): RowQuery | null {
  if (operator === undefined && key === undefined) {
    if (limit !== undefined) throw usage("--limit is for the rows of --operator or --key");
    return null;
  }
  return {
    ...(operator === undefined ? {} : { operator: String(operator) }),
    ...(key === undefined ? {} : { key: keyOfText(String(key)) }),
    limit: limit === undefined ? DEFAULT_LIMIT : limitOf(String(limit)),
  };
}

function limitOf(text: string): number {
  const limit = Number(text);
  if (!Number.isSafeInteger(limit) || limit < 1)
    throw usage(`--limit takes a whole number above 0, not ${text}`);
  return limit;
}

/** JSON, or a bigint as JavaScript writes it. */
function keyOfText(text: string): Token {
  try {
    return tokenOf(/^-?\d+n$/.test(text) ? BigInt(text.slice(0, -1)) : JSON.parse(text));
  } catch {
    throw usage(`--key takes a key as JSON, such as '"ada"', 7 or '["ada",7]', not ${text}`);
  }
}

async function noOperator(folder: string, name: string): Promise<Error> {
  const { inspectState } = await import("../job/inspect-state.ts");
  const { stores } = await inspectState(files, folder);
  const known = [...new Set(stores.map(({ operator }) => operator))];
  const hint = nearest(name, known) || (known.length === 0 ? "" : `; there are ${known.join(", ")}`);
  return usage(`No operator ${name} has state in ${folder}${hint}`);
}
