/**
 * What an epoch's manifest says of a job beside its rows: positions, watermarks, accounts, and what sinks and codecs
 * must be told at a restart.
 */
import type { Stage } from "../compile/stage.ts";
import { type Json, jsonOfNumber, numberOfJson } from "../core/json.ts";
import type { DroppedRows } from "./dropped.ts";
import type { FailureCounts, Failures } from "./failures.ts";
import type { SavedSource } from "./partition-state.ts";

export interface SavedSink {
  /** What `prepare` gave, of the epochs that the sink may not have committed. */
  readonly handles: readonly { readonly epoch: number; readonly handle: Json }[];
}

export interface SavedJob {
  readonly sources: { readonly [name: string]: SavedSource };
  readonly stages: { readonly [head: string]: SavedStage };
  readonly failures: { readonly [operator: string]: FailureCounts };
  readonly sinks: { readonly [name: string]: SavedSink };
  /** The tables, for those who compare programs. */
  readonly stores: { readonly [store: string]: SavedStore };
  readonly shapes: readonly (readonly string[])[];
  /** The last tick of the clock that operators saw. */
  readonly tick: Json;
  readonly dropped: readonly DroppedRows[];
  /** The log alone is the whole state: no backend has rows that it lacks. */
  readonly wholeLog: boolean;
}

/** What of it the loop says at the barrier; the rest is known when the rows are written down. */
export type SavedAtBarrier = Omit<SavedJob, "sinks" | "shapes" | "wholeLog">;

export interface SavedStore {
  readonly operator: string;
  readonly table: string;
  readonly layout: string;
  /** What its rows mean: Rows.signature. */
  readonly signature: string;
  /** Of the values that users declare: Rows.version. */
  readonly version: number;
  /** What the bytes of a row look like: Codec.shape, without a version. */
  readonly shape: string;
}

interface SavedStage {
  /** Of the head. */
  readonly saved: readonly Json[];
  /** The output watermark. */
  readonly watermark: Json;
  readonly counts: readonly number[];
  /** By output: records written. */
  readonly written: readonly number[];
}

export function saveStages(stages: readonly Stage[]): SavedJob["stages"] {
  return Object.fromEntries(
    stages.map((stage): [string, SavedStage] => {
      const { plan, head, outputs, counts } = stage;
      return [
        plan.head.name,
        {
          saved: head.save().map(jsonOfNumber),
          watermark: jsonOfNumber(Math.max(...outputs.map((out) => out.last), Number.NEGATIVE_INFINITY)),
          counts: Array.from(counts),
          written: outputs.map((out) => out.written),
        },
      ];
    }),
  );
}

/** The tables must have their rows already, where those are in memory. */
export function restoreStages(stages: readonly Stage[], saved: SavedJob["stages"]): void {
  for (const stage of stages) {
    const from = saved[stage.plan.head.name];
    // A stage that is new in this version of the program begins like one of a new job.
    if (from === undefined) continue;
    stage.head.restore(from.saved.map(numberOfJson));
    if (from.counts.length === stage.counts.length) stage.counts.set(from.counts);
    const watermark = numberOfJson(from.watermark);
    stage.outputs.forEach((out, i) => {
      if (from.written.length === stage.outputs.length) out.written = from.written[i];
      // The late side has no watermark before the end.
      if (stage.isSide(i) && watermark !== Number.POSITIVE_INFINITY) return;
      out.start = watermark;
      out.last = watermark;
    });
  }
}

export function saveFailures(failures: Failures): SavedJob["failures"] {
  return Object.fromEntries(Array.from(failures.counts, ([name, counts]) => [name, { ...counts }]));
}

export function restoreFailures(failures: Failures, saved: SavedJob["failures"]): void {
  for (const [name, counts] of Object.entries(saved)) failures.counts.set(name, { ...counts });
}
