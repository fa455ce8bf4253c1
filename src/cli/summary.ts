/** What became of a run, in one paragraph. */
import type { RunReport } from "../job/running-job.ts";
import { preview } from "../core/errors.ts";
import { durationText, numberText, scaled } from "./quantity.ts";

/**
 * Ends with a line break.
 * @example "orders: 3,410,221 records read in 4.2 s (812 K/s). Written: totals 1,234. 17 late, 0 skipped, 0 dead-lettered."
 * @example "orders: 1,000 records read in 2.0 s (500/s). All runs together: 4,000 records read. Written: ... exactly-once, epoch 42, 1 restart."
 */
export function summaryText(name: string, report: RunReport): string {
  const { sources, operators, sinks, durationMs, stopped, recordsBefore } = report;
  const sum = <T>(list: readonly T[], of: (one: T) => number): number =>
    list.reduce((n, one) => n + of(one), 0);
  const all = sum(sources, ({ records }) => records);
  const read = all - recordsBefore;
  const late = sum(operators, ({ done }) => done.late);
  const skipped = sum(operators, ({ done }) => done.skipped) + sum(sources, (source) => source.skipped);
  const deadLettered =
    sum(operators, ({ done }) => done.deadLettered) + sum(sources, (source) => source.deadLettered);
  const perS = durationMs > 0 ? ` (${scaled((read * 1000) / durationMs)}/s)` : "";
  const written = sinks.map((sink) => `${sink.name} ${numberText(sink.records)}`).join(", ");
  return (
    `${name}: ${numberText(read)} records read in ${durationText(durationMs)}${perS}` +
    `${stopped ? ", stopped before the inputs ended" : ""}. ` +
    `${recordsBefore > 0 ? `All runs together: ${numberText(all)} records read. ` : ""}Written: ${written}. ` +
    `${numberText(late)} late, ${numberText(skipped)} skipped, ${numberText(deadLettered)} dead-lettered.` +
    `${durableText(report)}\n${operators.map(droppedText).join("")}`
  );
}

const EXAMPLES = 3;

/** What became of late records that nobody reads: some of them, a line each. */
function droppedText({ name, done, droppedLate = [] }: RunReport["operators"][number]): string {
  if (droppedLate.length === 0) return "";
  const lines = droppedLate
    .slice(-EXAMPLES)
    .map(({ value, timestamp }) => `  ${new Date(timestamp).toISOString()} ${preview(value)}\n`);
  return `${name} dropped ${numberText(done.late)} late, among them:\n${lines.join("")}`;
}

function durableText({ guarantee, epoch, restarts }: RunReport): string {
  if (epoch === null) return "";
  return ` ${guarantee}, epoch ${numberText(epoch)}, ${restarts} ${restarts === 1 ? "restart" : "restarts"}.`;
}
