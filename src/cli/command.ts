/** What a command of the command line is. */

export interface Flag {
  readonly type: "boolean" | "string";
  /** For --help. */
  readonly about: string;
  /** What a flag of type "string" takes. */
  readonly values?: readonly string[];
}

export interface Invocation {
  /** As it was written: relative to the working directory. */
  readonly file: string;
  /** What stands behind `--`: the arguments of the file. */
  readonly args: readonly string[];
  readonly flags: Readonly<Record<string, string | boolean | undefined>>;
}

export interface Command {
  readonly about: string;
  readonly flags: Readonly<Record<string, Flag>>;
  /** Whatever it throws is printed and ends the process. */
  run(invocation: Invocation): Promise<void>;
}
