/**
 * The changelog of windows that have one pane each: every pane is an insert, and nothing is kept.
 *
 * Cost of a pane: one object, none where panes stay what they are.
 */
import type { ChangelogForm } from "./changelog.ts";
import type { Head, HeadPorts, StepLoop } from "./contract.ts";

export interface InsertsPorts extends HeadPorts {
  readonly form: ChangelogForm;
  readonly stepLoop: StepLoop;
}

export function insertsHead(ports: InsertsPorts): Head {
  const { emit, mark, counts, form, stepLoop } = ports;

  function process(row: unknown, timestamp: number): void {
    counts[8] += 1;
    emit(form === "changes" ? { op: "+I", row } : row, timestamp);
  }

  function advance(to: number): boolean {
    mark(to);
    return true;
  }

  return { run: stepLoop(ports, process, advance), save: () => [], restore() {} };
}
