/** A pipeline as the user holds it. */
import type { DeadLetter, Sink, Source } from "../connector/contract.ts";
import { MillraceError, preview } from "../core/errors.ts";
import { systemPorts } from "../core/ports.ts";
import { watermarkStrategy } from "../core/watermark.ts";
import { PlanBuilder } from "../plan/builder.ts";
import { explainMermaid, explainText } from "../plan/explain.ts";
import type { Plan, SourceNode } from "../plan/node.ts";
import { checkOnError } from "../stream/options.ts";
import { Stream } from "../stream/stream.ts";
import type { SourceOptions } from "../stream/types.ts";
import { checkOptions, type JobOptions } from "./options.ts";
import { type Program, programOf } from "./program.ts";
import { reprocess, type ReprocessOptions, type ReprocessReport } from "./reprocess.ts";
import { RunningJob, type RunOptions, type RunReport } from "./running-job.ts";
import { takeOver } from "./take-over.ts";

/** Those of a run that change what it does. */
type ExplainOptions = JobOptions & Pick<RunOptions, "mode">;

export class Pipeline {
  readonly name: string;
  /** Takes the records that operators with `onError: "dead-letter"` give up. */
  readonly deadLetters: { to(sink: Sink<DeadLetter>, options?: { readonly name?: string }): void };
  private readonly builder: PlanBuilder;
  private readonly options: JobOptions;
  private running = false;

  /** @internal */
  constructor(name: string, options: JobOptions) {
    if (typeof name !== "string" || name === "") {
      throw new MillraceError(
        "OPTION_INVALID",
        `A pipeline has a name, a text that is not empty, not ${preview(name)}`,
      );
    }
    checkOptions(options);
    this.name = name;
    this.options = options;
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
    const strategy = watermarkStrategy(watermark);
    if (watermark !== undefined && timestamp === undefined && !strategy.byClock) {
      throw new MillraceError("OPTION_INVALID", "A watermark needs a timestamp function beside it");
    }
    if (timestamp !== undefined && strategy.byClock) {
      throw new MillraceError(
        "OPTION_INVALID",
        'timestamp: with the watermark "processingTime" the clock gives records their timestamps',
      );
    }
    const node = this.builder.add<SourceNode>(
      {
        kind: "source",
        source,
        timestamp: strategy.byClock ? "clock" : (timestamp as SourceNode["timestamp"]),
        watermark: strategy,
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
  explain(format: "text" | "mermaid" = "text", options: ExplainOptions = {}): string {
    const plan = this.plan();
    if (format === "mermaid") return explainMermaid(plan);
    const { state, guarantee, everyMs, records } = checkOptions({ ...this.options, ...options });
    return explainText(plan, {
      unused: this.builder.unused(plan),
      batchMode: options.mode === "batch",
      durability: { state: state?.description ?? null, guarantee, everyMs, records },
    });
  }

  /** @internal What a start would compare with stored state: for those who ask before they start. */
  program(options: JobOptions): Program {
    const { dropState } = checkOptions({ ...this.options, ...options });
    return programOf(this.plan(), systemPorts, dropState);
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

  /**
   * The same, with a handle on the job: to stop it, and to write savepoints.
   * @example const job = app.start(); await job.savepoint("./savepoints/1"); await job.stop();
   */
  start(options: RunOptions = {}): RunningJob {
    if (this.running) throw new MillraceError("JOB_RUNNING", `Pipeline ${this.name} is running`);
    const job = new RunningJob(this.plan(), this.options, options);
    this.running = true;
    const ended = (): void => {
      this.running = false;
    };
    job.done.then(ended, ended);
    return job;
  }

  /**
   * Runs over what is there of the inputs, with the records that a `lateLog` has, and replaces by what comes out the rows
   * of a range of time in the tables behind windows (`sqliteTable`): all at once, or none. The state and the other sinks
   * are not touched.
   *
   * @example await app.reprocess({ from: "2026-01-01", to: "2026-02-01" })
   * @throws OPTION_INVALID for `from` or `to`
   * @throws PIPELINE_INVALID where no sink can be corrected, or a source can't be read again
   */
  async reprocess(options: ReprocessOptions): Promise<ReprocessReport> {
    return reprocess(this.plan(), this.options, options);
  }

  /** @internal `run` without asking who drives the process. */
  async runNow(options: RunOptions): Promise<RunReport> {
    return this.start(options).done;
  }
}

/**
 * A new pipeline. The name identifies the job, also in its state directory.
 * @example const app = pipeline("revenue")
 * @example const app = pipeline("revenue", { state: memory("./state"), guarantee: "exactly-once" })
 * @throws OPTION_INVALID for an empty name
 */
export function pipeline(name: string, options: JobOptions = {}): Pipeline {
  return new Pipeline(name, options);
}
