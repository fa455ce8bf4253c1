/** How far a job is, told while it runs. */
import type { Ports } from "../core/ports.ts";
import type { Loop } from "../runtime/loop.ts";

/** How far the bounded inputs are read. */
export interface Progress {
  /** Of all partitions that know it, in their unit. */
  readonly done: number;
  readonly total: number;
  readonly unit: "bytes" | "records";
  readonly records: number;
  readonly elapsedMs: number;
  /** True in the last call. */
  readonly ended: boolean;
}

const PROGRESS_EVERY_MS = 100;

/** Calls `tell` about ten times a second between `start` and `stop`; what it throws ends the job. */
export function progressOf(
  loop: Loop,
  ports: Ports,
  began: number,
  tell: ((progress: Progress) => void) | undefined,
) {
  let timer: (() => void) | null = null;
  let failed: { readonly error: unknown } | null = null;
  if (tell === undefined) return { start() {}, stop() {}, cancel() {} };
  const now = (ended: boolean): void => {
    let done = 0;
    let total = 0;
    let unit: Progress["unit"] = "records";
    for (const source of loop.intake.sources) {
      for (const { partition } of source.partitions) {
        const progress = partition.progress?.();
        if (progress === undefined) continue;
        if (progress.unit === "bytes" && unit === "records") {
          // Files among the sources: bytes say more than records.
          [done, total, unit] = [0, 0, "bytes"];
        }
        if (progress.unit !== unit) continue;
        done += progress.done;
        total += progress.total;
      }
    }
    const records = loop.intake.sources.reduce((n, source) => n + source.records, 0);
    tell({ done, total, unit, records, elapsedMs: ports.clock.monotonic() - began, ended });
  };
  const again = (): void => {
    timer = ports.timers.after(PROGRESS_EVERY_MS, () => {
      try {
        now(false);
        again();
      } catch (error) {
        // Out of the timer it would end the process: the job ends with it instead.
        failed = { error };
        loop.stop();
      }
    });
  };
  return {
    start: again,
    stop() {
      timer?.();
      if (failed !== null) throw failed.error;
      now(true);
    },
    cancel() {
      timer?.();
    },
  };
}
