/** `millrace reprocess FILE`: corrects the results of a range of time, and tells what it did and what it left alone. */
import type { ReprocessReport } from "../job/reprocess.ts";
import { type Command, FILE } from "./command.ts";
import { usage } from "./parse.ts";
import { drive } from "./program.ts";
import { durationText, numberText } from "./quantity.ts";
import { watchRun } from "./watched-run.ts";

export const reprocess: Command = {
  about:
    "runs the pipeline of FILE over what its inputs have, with the late records of its lateLogs, and corrects its tables",
  takes: [FILE],
  flags: {
    from: {
      type: "string",
      values: "TIME",
      about: "results of windows from here on: ISO 8601, or ms since 1970",
    },
    to: { type: "string", values: "TIME", about: "... that end here or before" },
    codegen: {
      type: "string",
      values: ["on", "off"],
      about: "off: operators as closures; same results, slower",
    },
    json: { type: "boolean", about: "prints the report as JSON on standard output, one line" },
  },
  async run({ operands: [file], args, flags }) {
    const { from, to, codegen } = flags;
    if (typeof from !== "string" || typeof to !== "string")
      throw usage("millrace reprocess takes --from TIME and --to TIME");
    const { stdout, stderr } = process;
    const watched = watchRun();
    await drive({ file, args }, async (pipeline, options) => {
      const { signal = watched.unread } = options;
      const report = await pipeline.reprocess({
        from,
        to,
        signal: AbortSignal.any([signal, watched.unread]),
        ...(codegen === "on" || codegen === "off" ? { codegen } : {}),
        ...watched.onProgress(pipeline.name, options.onProgress),
      });
      if (flags["json"] === true) stdout.write(`${JSON.stringify({ pipeline: pipeline.name, ...report })}\n`);
      stderr.write(reprocessText(pipeline.name, report));
      return report;
    });
  },
};

/**
 * What was corrected, a line for each sink. Ends with a line break.
 * @example
 * orders: 3,410,221 records read in 4.2 s, 17 late ones added, 2026-01-01T00:00:00.000Z to 2026-02-01T00:00:00.000Z
 * totals: 1,234 rows, 12 of them new or changed; 3 removed
 * out is left alone: it only appends, and what it has can't be taken back
 */
export function reprocessText(name: string, report: ReprocessReport): string {
  const { sources, durationMs, lateRecords, historyFrom, acrossBorders, corrected, left, stopped } = report;
  const read = sources.reduce((n, { records }) => n + records, 0);
  const [from, to] = [report.from, report.to].map((ms) => new Date(ms).toISOString());
  const late = `${numberText(lateRecords)} late ${lateRecords === 1 ? "one" : "ones"} added`;
  const lines = [
    `${name}: ${numberText(read)} records read in ${durationText(durationMs)}, ${late}, ${from} to ${to}`,
  ];
  if (historyFrom !== null && historyFrom > report.from)
    lines.push(
      `the history begins at ${new Date(historyFrom).toISOString()}: what was before is in no result`,
    );
  if (stopped) lines.push("stopped before the inputs ended: nothing was changed");
  for (const { name: sink, rows, changed, removed, stale } of corrected) {
    lines.push(
      `${sink}: ${numberText(rows)} ${rows === 1 ? "row" : "rows"}, ${numberText(changed)} of them new or changed; ${numberText(removed)} removed`,
    );
    if (stale !== null)
      lines.push(`${sink}: rows that are no results any more may have stayed, since ${stale}`);
  }
  if (acrossBorders > 0)
    lines.push(
      `${numberText(acrossBorders)} ${acrossBorders === 1 ? "result reaches" : "results reach"} over a border of the range: left alone`,
    );
  for (const { name: sink, why } of left) lines.push(`${sink} is left alone: ${why}`);
  return `${lines.join("\n")}\n`;
}
