/** A run that somebody may be looking at: its progress, and what stops it when nobody reads its output any more. */
import type { Progress } from "../job/progress.ts";
import { ProgressLine } from "./progress.ts";

export interface WatchedRun {
  /** Standard error is a terminal that shows progress. */
  readonly isSeen: boolean;
  /** Aborts when nobody reads standard output any more (head has seen enough): as SIGTERM does. */
  readonly unread: AbortSignal;
  /** The option of that name, for the pipeline: shows its progress, and tells whoever asked for it. */
  onProgress(
    pipeline: string,
    asked: ((progress: Progress) => void) | undefined,
  ): { readonly onProgress?: (progress: Progress) => void };
}

export function watchRun(): WatchedRun {
  const { stdout, stderr } = process;
  const isSeen = stderr.isTTY === true && process.env["TERM"] !== "dumb";
  const line = isSeen ? new ProgressLine(stderr, stdout.isTTY ? [stdout, stderr] : [stderr]) : null;
  if (line !== null) process.once("exit", () => line.erase());
  const unread = new AbortController();
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    unread.abort();
  });
  return {
    isSeen,
    unread: unread.signal,
    onProgress(pipeline, asked) {
      const show = line?.follow(pipeline);
      if (show === undefined) return asked === undefined ? {} : { onProgress: asked };
      return {
        onProgress(progress) {
          show(progress);
          asked?.(progress);
        },
      };
    },
  };
}
