/** The end of the process, after what was written has left it: a pipe may be slower than we are. */
export function leave(code: number, lastWords = ""): void {
  process.exitCode = code;
  process.stdout.write("", () => process.stderr.write(lastWords, () => process.exit(code)));
}
