/** The text of --help. */
import type { Command, Flag } from "./command.ts";
import { COMMON } from "./parse.ts";

export function helpText(commands: Readonly<Record<string, Command>>): string {
  return `${[
    "millrace: a stream processor for TypeScript",
    ...Object.entries(commands).flatMap(([name, { about, takes, flags }]) => [
      "",
      `  millrace ${name} ${takes.map((operand) => operand.name).join(" ")}`,
      `    ${about}`,
      ...flagLines(flags),
    ]),
    "",
    "  with any command",
    ...flagLines(COMMON),
    "",
    `  ${"millrace --version".padEnd(26)}  the version of this package`,
    "",
    "FILE exports a pipeline (export default app), or runs one itself (await app.run()).",
    "Arguments behind -- are those of FILE: process.argv.slice(2).",
    "The DIR of state is a state directory or a savepoint, and so is OLD; NEW may be one instead of a file.",
  ].join("\n")}\n`;
}

const flagLines = (flags: Readonly<Record<string, Flag>>): string[] =>
  Object.entries(flags).map(([name, { about, values }]) => {
    const takes = values === undefined ? "" : ` ${typeof values === "string" ? values : values.join("|")}`;
    return `    ${`--${name}${takes}`.padEnd(26)}  ${about}`;
  });
