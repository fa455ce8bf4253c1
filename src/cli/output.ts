/** Standard output of commands that print and end. */

/** A reader that has seen enough, such as head, is no error. */
export function printUntilUnread(text: string): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit();
  });
  process.stdout.write(text);
}
