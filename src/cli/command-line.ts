/**
 * The command line: which command, with what. Exit codes: 0 done (a job that SIGINT or SIGTERM drained is done too),
 * 1 failed, 2 the command line or the file it names is at fault, 130 and 143 ended by a second SIGINT or SIGTERM.
 */
import { createRequire } from "node:module";
import { parseArgs } from "node:util";
import { MillraceError } from "../core/errors.ts";
import type { Command, Flag, Invocation } from "./command.ts";
import { errorText, exitCodeOf } from "./error-text.ts";
import { explain } from "./explain.ts";
import { leave } from "./leave.ts";
import { nearest } from "./nearest.ts";
import { run } from "./run.ts";

const COMMANDS: Readonly<Record<string, Command>> = { run, explain };

const COMMON: Readonly<Record<string, Flag>> = {
  stack: { type: "boolean", about: "errors with their stacks" },
  help: { type: "boolean", about: "this text" },
};

/** Runs one command. An error is printed and ends the process; otherwise it ends when nothing is left to do. */
export async function main(args: readonly string[]): Promise<void> {
  const withStack = args.slice(0, endOf(args)).includes("--stack");
  const fail = (error: unknown): void => leave(exitCodeOf(error), errorText(error, { withStack }));
  // Also what a file leaves unhandled, e.g. the failure of a run that it does not wait for.
  process.on("uncaughtException", fail);
  try {
    await dispatch(args);
  } catch (error) {
    fail(error);
  }
}

async function dispatch(args: readonly string[]): Promise<void> {
  const [name = "--help"] = args;
  if (name === "--help" || name === "-h" || name === "help") return print(help());
  if (name === "--version" || name === "-v") return print(`${version()}\n`);
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    if (/\.[cm]?[jt]s$/.test(name)) throw usage(`${name} is no command; did you mean millrace run ${name}?`);
    const [what, known] = name.startsWith("-")
      ? ["option", ["--help", "--version"]]
      : ["command", Object.keys(COMMANDS)];
    throw usage(`There is no ${what} ${name}${nearest(name, known)}`);
  }
  const invocation = parse(name, command, args.slice(1));
  if (invocation === null) return print(help());
  await command.run(invocation);
}

/** Null where help is asked for. @throws CLI_USAGE */
function parse(name: string, command: Command, args: readonly string[]): Invocation | null {
  const options = { ...command.flags, ...COMMON };
  const loose = parseArgs({ args: [...args], options, strict: false, tokens: true });
  for (const token of loose.tokens) {
    if (token.kind !== "option" || Object.hasOwn(options, token.name)) continue;
    const known = Object.keys(options).map((option) => `--${option}`);
    throw usage(`millrace ${name} has no option ${token.rawName}${nearest(token.rawName, known)}`);
  }
  if (loose.values["help"] === true) return null;
  const flags = strictly(args, options);
  for (const [option, { values }] of Object.entries(command.flags)) {
    const value = flags[option];
    if (values === undefined || value === undefined || values.includes(String(value))) continue;
    throw usage(`--${option} takes ${values.join(" or ")}, not ${value}`);
  }
  const end = loose.tokens.find((token) => token.kind === "option-terminator")?.index ?? args.length;
  const files = loose.tokens
    .filter((token) => token.kind === "positional" && token.index < end)
    .map(({ index }) => args[index]);
  if (files.length === 0) throw usage(`millrace ${name} takes a file: millrace ${name} FILE`);
  if (files.length > 1) {
    throw usage(
      `millrace ${name} takes one file, not ${files.join(" and ")}; what is meant for the file stands behind --`,
    );
  }
  return { file: files[0], args: args.slice(end + 1), flags };
}

function strictly(args: readonly string[], options: Readonly<Record<string, Flag>>): Invocation["flags"] {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true }).values;
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error));
  }
}

/** Where the arguments of millrace end and those of the file begin. */
const endOf = (args: readonly string[]): number => (args.includes("--") ? args.indexOf("--") : args.length);

const usage = (what: string): MillraceError => new MillraceError("CLI_USAGE", what);

function print(text: string): void {
  process.stdout.write(text);
}

/** package.json lies two folders up, in the sources as in dist. */
const version = (): string => createRequire(import.meta.url)("../../package.json").version;

function help(): string {
  const flagLines = (flags: Readonly<Record<string, Flag>>): string[] =>
    Object.entries(flags).map(([name, { about, values }]) => {
      return `    ${`--${name}${values === undefined ? "" : ` ${values.join("|")}`}`.padEnd(20)}  ${about}`;
    });
  return `${[
    "millrace: a stream processor for TypeScript",
    ...Object.entries(COMMANDS).flatMap(([name, { about, flags }]) => [
      "",
      `  ${`millrace ${name} FILE`.padEnd(22)}  ${about}`,
      ...flagLines(flags),
    ]),
    "",
    "  with any command",
    ...flagLines(COMMON),
    "",
    `  ${"millrace --version".padEnd(22)}  the version of this package`,
    "",
    "FILE exports a pipeline (export default app), or runs one itself (await app.run()).",
    "Arguments behind -- are those of FILE: process.argv.slice(2).",
  ].join("\n")}\n`;
}
