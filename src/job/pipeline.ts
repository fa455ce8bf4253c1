/** The composition root: a pipeline as the user holds it, and how it runs. */
import type { DeadLetter, Sink, Source } from "../connector/contract.ts";
import { MillraceError, preview } from "../core/errors.ts";
import { type Ports, systemPorts } from "../core/ports.ts";
import { watermarkStrategy } from "../core/watermark.ts";
import { PlanBuilder } from "../plan/builder.ts";
import { explainMermaid, explainText } from "../plan/explain.ts";
import type { Plan, SourceNode } from "../plan/node.ts";
import { Loop } from "../runtime/loop.ts";
import { type JobReport, reportOf } from "../runtime/report.ts";
import { checkOnError, Stream } from "../stream/stream.ts";
import type { SourceOptions } from "../stream/types.ts";
import { takeOver } from "./take-over.ts";
import { onStopSignals } from "./signals.ts";

export interface RunOptions {
  /**
   * "streaming" (default): results as time passes. "batch", for bounded inputs: one final result per key and window,
   * nothing late.
   */
  readonly mode?: "streaming" | "batch";
  /** Aborting it stops the job as SIGTERM does: nothing more is read, what was read goes to the sinks. */
  readonly signal?: AbortSignal;
  /** Whether SIGINT and SIGTERM stop the job; a second one ends the process at once. Default true */
  readonly handleSignals?: boolean;
  /** "off" runs operators as closures: same results, slower. Default: on where the process may generate code. */
  readonly codegen?: "on" | "off";
  /** Called about ten times a second while the job runs. */
  readonly onProgress?: (progress: Progress) => void;
  /** Stand-ins for the machine: clock, timers, files. Default: the machine */
  readonly ports?: Ports;
}

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

export interface RunReport extends JobReport {
  readonly durationMs: number;
  /** True when the job was stopped before its inputs ended. */
  readonly stopped: boolean;
}

const PROGRESS_EVERY_MS = 100;

export class Pipeline {
  readonly name: string;
  /** Takes the records that operators with `onError: "dead-letter"` give up. */
  readonly deadLetters: { to(sink: Sink<DeadLetter>, options?: { readonly name?: string }): void };
  private readonly builder: PlanBuilder;
  private running = false;

  /** @internal */
  constructor(name: string) {
    if (typeof name !== "string" || name === "") {
      throw new MillraceError(
        "OPTION_INVALID",
        `A pipeline has a name, a text that is not empty, not ${preview(name)}`,
      );
    }
    this.name = name;
    this.builder = new PlanBuilder(name);
    this.deadLetters = {
      to: (sink, options = {}) => this.builder.setDeadLetters({ sink: sink as Sink<unknown> }, options.name),
    };
  }

  /**
   * The records of a source.
   * @example app.source(ndjson<Order>("orders.ndjson"), { timestamp: (o) => o.createdAt, watermark: { maxOutOfOrderness: "5s" } })
   * @throws OPTION_INVALID, DURATION_INVALID, NAME_TAKEN
   */
  source<T>(source: Source<T>, options: SourceOptions<T> = {}): Stream<T> {
    const { timestamp, watermark, onError, name } = options;
    if (typeof source?.open !== "function")
      throw new MillraceError("OPTION_INVALID", `source takes a source, not ${preview(source)}`);
    if (timestamp !== undefined && typeof timestamp !== "function") {
      throw new MillraceError(
        "OPTION_INVALID",
        `timestamp is a function of the record, not ${preview(timestamp)}`,
      );
    }
    if (watermark !== undefined && timestamp === undefined) {
      throw new MillraceError("OPTION_INVALID", "A watermark needs a timestamp function beside it");
    }
    const node = this.builder.add<SourceNode>(
      {
        kind: "source",
        source,
        timestamp: timestamp as SourceNode["timestamp"],
        watermark: watermarkStrategy(watermark),
        onError: checkOnError(onError),
      },
      name,
    );
    return new Stream<T>(this.builder, node);
  }

  /**
   * What the pipeline does: stages, exchanges, state and what bounds it. "mermaid" gives a flowchart.
   * @throws PIPELINE_INVALID, EVENT_TIME_MISSING, DEAD_LETTER_SINK_MISSING
   */
  explain(format: "text" | "mermaid" = "text", options: Pick<RunOptions, "mode"> = {}): string {
    const plan = this.plan();
    if (format === "mermaid") return explainMermaid(plan);
    return explainText(plan, { unused: this.builder.unused(plan), batchMode: options.mode === "batch" });
  }

  /** The plan as it stands. @throws as explain */
  plan(): Plan {
    return this.builder.build();
  }

  /**
   * Runs until the inputs end or the job is stopped, and tells what became of every record.
   *
   * Bounded inputs end with the final watermark: all windows fire. A stop (signal, abort) fires nothing: what was read
   * goes to the sinks, and the promise resolves.
   *
   * @throws BATCH_NEEDS_BOUNDED_INPUT, JOB_RUNNING, the errors of explain, and whatever ends the job
   */
  async run(options: RunOptions = {}): Promise<RunReport> {
    const taken = takeOver(this, options);
    return taken === null ? this.runNow(options) : taken;
  }

  /** @internal `run` without asking who drives the process. */
  async runNow(options: RunOptions): Promise<RunReport> {
    if (this.running) throw new MillraceError("JOB_RUNNING", `Pipeline ${this.name} is running`);
    const plan = this.plan();
    const { mode = "streaming", codegen = "on", ports = systemPorts, signal } = options;
    if (codegen !== "on" && codegen !== "off") {
      throw new MillraceError("OPTION_INVALID", `codegen is "on" or "off", not ${preview(codegen)}`);
    }
    if (mode !== "streaming" && mode !== "batch") {
      throw new MillraceError("OPTION_INVALID", `mode is "streaming" or "batch", not ${preview(mode)}`);
    }
    const unbounded = plan.nodes.find((node) => node.kind === "source" && !node.source.bounded);
    if (mode === "batch" && unbounded !== undefined) {
      throw new MillraceError("BATCH_NEEDS_BOUNDED_INPUT", `Source ${unbounded.name} does not end`);
    }
    const loop = new Loop({ plan, ports, batchMode: mode === "batch", generated: mayGenerate(codegen) });
    const began = ports.clock.monotonic();
    let stopped = false;
    const stop = (): void => {
      stopped = true;
      loop.stop();
    };
    // Nothing is opened then: not even an output file is emptied.
    if (signal?.aborted) return { ...reportOf(loop), durationMs: 0, stopped: true };
    signal?.addEventListener("abort", stop);
    const release = options.handleSignals === false ? () => {} : onStopSignals(stop);
    const progress = progressOf(loop, ports, began, options.onProgress);
    this.running = true;
    try {
      try {
        await loop.open();
        progress.start();
        await loop.run();
        progress.stop();
      } catch (error) {
        progress.cancel();
        // What ended the job is what is told, whatever else goes wrong on the way out.
        await loop.close().catch(() => {});
        throw error;
      }
      await loop.close();
      return { ...reportOf(loop), durationMs: ports.clock.monotonic() - began, stopped };
    } finally {
      this.running = false;
      release();
      signal?.removeEventListener("abort", stop);
    }
  }
}

/**
 * A new pipeline. The name identifies the job.
 * @example const app = pipeline("revenue")
 * @throws OPTION_INVALID for an empty name
 */
export function pipeline(name: string): Pipeline {
  return new Pipeline(name);
}

function mayGenerate(codegen: "on" | "off"): boolean {
  if (codegen === "off") return false;
  try {
    return new Function("return true")() === true;
  } catch {
    return false; // --disallow-code-generation-from-strings
  }
}

function progressOf(loop: Loop, ports: Ports, began: number, tell: RunOptions["onProgress"]) {
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
