/**
 * The command line: which command, with what. Exit codes: 0 done (a job that SIGINT or SIGTERM drained is done too),
 * 1 failed, 2 the command line or the file it names is at fault, 130 and 143 ended by a second SIGINT or SIGTERM.
 */
import { createRequire } from "node:module";
import type { Command } from "./command.ts";
import { errorText, exitCodeOf } from "./error-text.ts";
import { explain } from "./explain.ts";
import { helpText } from "./help.ts";
import { leave } from "./leave.ts";
import { nearest } from "./nearest.ts";
import { endOf, parse, usage } from "./parse.ts";
import { planUpgrade } from "./plan-upgrade.ts";
import { reprocess } from "./reprocess.ts";
import { run } from "./run.ts";
import { copySavepoint, inspectSavepoint, listSavepoints } from "./savepoint.ts";
import { state } from "./state.ts";

const COMMANDS: Readonly<Record<string, Command>> = {
  run,
  reprocess,
  explain,
  state,
  "plan-upgrade": planUpgrade,
  "savepoint list": listSavepoints,
  "savepoint inspect": inspectSavepoint,
  "savepoint copy": copySavepoint,
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
  const [first = "--help"] = args;
  if (first === "--help" || first === "-h" || first === "help") return print(helpText(COMMANDS));
  if (first === "--version" || first === "-v") return print(`${version()}\n`);
  const name = nameOf(args);
  if (name === null) return print(helpText(COMMANDS));
  const command = COMMANDS[name];
  const invocation = parse(name, command, args.slice(name.split(" ").length));
  if (invocation === null) return print(helpText(COMMANDS));
  await command.run(invocation);
}

/** The command that the arguments begin with: a word, or two; null where help is asked for. @throws CLI_USAGE */
function nameOf([first, second = ""]: readonly string[]): string | null {
  if (Object.hasOwn(COMMANDS, first)) return first;
  const names = Object.keys(COMMANDS);
  const seconds = names.filter((name) => name.startsWith(`${first} `)).map((name) => name.split(" ")[1]);
  if (seconds.includes(second)) return `${first} ${second}`;
  if (seconds.length > 0) {
    if (second === "--help") return null;
    const found = second === "" ? "" : `, not ${second}${nearest(second, seconds)}`;
    throw usage(`millrace ${first} takes ${seconds.slice(0, -1).join(", ")} or ${seconds.at(-1)}${found}`);
  }
  if (/\.[cm]?[jt]s$/.test(first)) throw usage(`${first} is no command; did you mean millrace run ${first}?`);
  const [what, known] = first.startsWith("-")
    ? ["option", ["--help", "--version"]]
    : ["command", [...new Set(names.map((name) => name.split(" ")[0]))]];
  throw usage(`There is no ${what} ${first}${nearest(first, known)}`);
}

function print(text: string): void {
  process.stdout.write(text);
}

/** package.json lies two folders up, in the sources as in dist. */
const version = (): string => createRequire(import.meta.url)("../../package.json").version;
