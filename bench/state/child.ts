/** Runs a program of this folder in a process of its own, and reads the JSON that it prints. */
import { execFile } from "node:child_process";
import { join } from "node:path";

/** RocksDB reads on Node's file threads; Node makes them when it starts. */
export const FILE_THREADS = "16";

/** @param options.prefix a command that starts the one behind it */
export function runChild<R>(
  program: string,
  args: readonly string[],
  {
    nodeOptions = [],
    prefix = [],
  }: { readonly nodeOptions?: readonly string[]; readonly prefix?: readonly string[] } = {},
): Promise<R> {
  const [file, ...command] = [
    ...prefix,
    process.execPath,
    "--conditions=millrace-source",
    ...nodeOptions,
    join(import.meta.dirname, program),
    ...args,
  ];
  const env = { ...process.env, UV_THREADPOOL_SIZE: FILE_THREADS };
  return new Promise((resolve, reject) => {
    execFile(file, command, { env }, (error, stdout, stderr) => {
      if (error === null) resolve(JSON.parse(stdout) as R);
      else reject(new Error(`${program} ${args.join(" ")}: ${stderr || error.message}`));
    });
  });
}
