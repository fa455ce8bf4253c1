/** Runs the command line in a process of its own, on pipelines written to a folder of their own. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { pathToFileURL } from "node:url";

export const root = join(import.meta.dirname, "../..");
export const main = join(root, "src/cli/main.ts");
const index = pathToFileURL(join(root, "src/index.ts")).href;

/** No process of these tests may take longer: one that hangs is killed, and its test fails. */
const LIMIT_MS = 30_000;

const { NODE_TEST_CONTEXT: _, ...env } = process.env;

export interface Done {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A new folder, gone after the tests of the file. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "millrace-cli-"));
  after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Writes a program that has all of Millrace imported, and returns its name. */
export function program(cwd: string, name: string, text: string): string {
  writeFileSync(join(cwd, name), `import * as m from ${JSON.stringify(index)};\n${text}\n`);
  return name;
}

export class Running {
  readonly child: ChildProcessWithoutNullStreams;
  readonly done: Promise<Done>;
  private stdout = "";
  private stderr = "";

  constructor(command: string, args: readonly string[], cwd: string) {
    const child = spawn(command, args, { cwd, env, timeout: LIMIT_MS, killSignal: "SIGKILL" });
    this.child = child;
    child.stdout.on("data", (data) => {
      this.stdout += data;
    });
    child.stderr.on("data", (data) => {
      this.stderr += data;
    });
    this.done = new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) =>
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr }),
      );
    });
  }

  /** Resolves once `text` stands on standard output. */
  async said(text: string): Promise<void> {
    const heard = new Promise<void>((resolve) => {
      const look = (): void => {
        if (this.stdout.includes(text)) resolve();
      };
      this.child.stdout.on("data", look);
      look();
    });
    const ended = this.done.then((done) => {
      if (!done.stdout.includes(text))
        throw new Error(`it ended without saying ${text}: ${JSON.stringify(done)}`);
    });
    await Promise.race([heard, ended]);
  }
}

export const start = (cwd: string, ...args: string[]): Running =>
  new Running(process.execPath, [main, ...args], cwd);

export const millrace = (cwd: string, ...args: string[]): Promise<Done> => start(cwd, ...args).done;
