/** One line on the terminal that says how far things are; nothing where nobody watches. */
import type { Progress } from "../src/index.ts";
import { percent, whole } from "./text.ts";

const CLEAR_LINE = "\r\x1b[K";

export function showProgress(what: string): (progress: Progress) => void {
  const { stderr } = process;
  if (!stderr.isTTY) return () => {};
  return ({ done, total, records, elapsedMs, ended }) => {
    if (ended) {
      stderr.write(CLEAR_LINE);
      return;
    }
    const share = total === 0 ? "" : percent(done / total).padStart(5);
    stderr.write(`${CLEAR_LINE}${what}${share}  ${whole((records * 1000) / elapsedMs)} flights a second`);
  };
}
