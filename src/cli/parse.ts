/** The words behind a command: its operands, its options, and what is meant for the user's file. */
import { parseArgs } from "node:util";
import { MillraceError } from "../core/errors.ts";
import { type Command, FILE, type Flag, type Invocation } from "./command.ts";
import { nearest } from "./nearest.ts";

export const COMMON: Readonly<Record<string, Flag>> = {
  stack: { type: "boolean", about: "errors with their stacks" },
  help: { type: "boolean", about: "this text" },
};

export const usage = (what: string): MillraceError => new MillraceError("CLI_USAGE", what);

/** Where the arguments of millrace end and those of the file begin. */
export const endOf = (args: readonly string[]): number =>
  args.includes("--") ? args.indexOf("--") : args.length;

/** Null where help is asked for. @throws CLI_USAGE */
export function parse(name: string, command: Command, args: readonly string[]): Invocation | null {
  const options = { ...command.flags, ...COMMON };
  const loose = parseArgs({ args: [...args], options: typesOf(options), strict: false, tokens: true });
  for (const token of loose.tokens) {
    if (token.kind !== "option" || Object.hasOwn(options, token.name)) continue;
    const known = Object.keys(options).map((option) => `--${option}`);
    throw usage(`millrace ${name} has no option ${token.rawName}${nearest(token.rawName, known)}`);
  }
  if (loose.values["help"] === true) return null;
  const flags = strictly(args, options);
  for (const [option, { values }] of Object.entries(command.flags)) {
    const value = flags[option];
    if (!Array.isArray(values) || value === undefined || values.includes(String(value))) continue;
    throw usage(`--${option} takes ${values.join(" or ")}, not ${value}`);
  }
  const end = loose.tokens.find((token) => token.kind === "option-terminator")?.index ?? args.length;
  const operands = loose.tokens
    .filter((token) => token.kind === "positional" && token.index < end)
    .map(({ index }) => args[index]);
  checkOperands(name, command, operands);
  return { operands, args: args.slice(end + 1), flags };
}

function checkOperands(name: string, { takes }: Command, operands: readonly string[]): void {
  if (operands.length === takes.length) return;
  const nouns = takes.map(({ noun }) => `a ${noun}`).join(" and ");
  if (operands.length < takes.length) {
    throw usage(`millrace ${name} takes ${nouns}: millrace ${name} ${takes.map((o) => o.name).join(" ")}`);
  }
  const found = operands.join(" and ");
  if (takes.length > 1) throw usage(`millrace ${name} takes ${nouns}, not ${found}`);
  const behind = takes[0] === FILE ? "; what is meant for the file stands behind --" : "";
  throw usage(`millrace ${name} takes one ${takes[0].noun}, not ${found}${behind}`);
}

function strictly(args: readonly string[], options: Readonly<Record<string, Flag>>): Invocation["flags"] {
  try {
    return parseArgs({ args: [...args], options: typesOf(options), allowPositionals: true }).values;
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error));
  }
}

const typesOf = (options: Readonly<Record<string, Flag>>): Record<string, Pick<Flag, "type">> =>
  Object.fromEntries(Object.entries(options).map(([name, { type }]) => [name, { type }]));
