/** What a command of the command line is. */

export interface Flag {
  readonly type: "boolean" | "string";
  /** For --help. */
  readonly about: string;
  /** What a flag of type "string" takes: one of these, or else what this names. */
  readonly values?: readonly string[] | string;
}

/** What a command is given, in its place. */
export interface Operand {
  /** As --help shows it. */
  readonly name: string;
  /** In a sentence. */
  readonly noun: string;
}

export interface Invocation {
  /** As they were written: paths are relative to the working directory. One for each that the command takes. */
  readonly operands: readonly string[];
  /** What stands behind `--`: the arguments of the file. */
  readonly args: readonly string[];
  readonly flags: Readonly<Record<string, string | boolean | undefined>>;
}

export interface Command {
  readonly about: string;
  readonly takes: readonly Operand[];
  readonly flags: Readonly<Record<string, Flag>>;
  /** Whatever it throws is printed and ends the process. */
  run(invocation: Invocation): Promise<void>;
}

/** A program that holds a pipeline. */
export const FILE: Operand = { name: "FILE", noun: "file" };
