/** A job that runs: from its last epoch where it has one, again after a failure where it may, until it ends. */
import type { Guarantee } from "../connector/contract.ts";
import { MillraceError, preview } from "../core/errors.ts";
import { type Ports, systemPorts } from "../core/ports.ts";
import type { Epochs } from "../epoch/epochs.ts";
import { readDirectory } from "../epoch/facts.ts";
import type { Plan } from "../plan/node.ts";
import { Loop, type LoopOptions } from "../runtime/loop.ts";
import { type JobReport, reportOf } from "../runtime/report.ts";
import type { SavedJob } from "../runtime/saved-job.ts";
import { openDurable } from "./durable.ts";
import { type CheckedOptions, checkGuarantee, checkOptions, type JobOptions } from "./options.ts";
import { type Progress, progressOf } from "./progress.ts";
import { withRestarts } from "./restarts.ts";
import { onStopSignals } from "./signals.ts";

const MOST_NOTES = 100;

export interface RunOptions extends JobOptions {
  /**
   * "streaming" (default): results as time passes. "batch", for bounded inputs: one final result per key and window,
   * nothing late.
   */
  readonly mode?: "streaming" | "batch";
  /** Aborting it stops the job as SIGTERM does: nothing more is read, what was read goes to the sinks. */
  readonly signal?: AbortSignal;
  /**
   * A savepoint that the job starts from, where its state directory is empty; where it is not, the job goes on from
   * what it has there.
   */
  readonly from?: string;
  /** When the job is stopped, a savepoint of where it stopped is written to this folder, which must be empty. */
  readonly savepointOnStop?: string;
  /** Whether SIGINT and SIGTERM stop the job; a second one ends the process at once. Default true */
  readonly handleSignals?: boolean;
  /** "off" runs operators as closures: same results, slower. Default: on where the process may generate code. */
  readonly codegen?: "on" | "off";
  /** Called about ten times a second while the job runs. */
  readonly onProgress?: (progress: Progress) => void;
  /** Called with each of the report's notes as soon as there is one. */
  readonly onNote?: (note: string) => void;
  /** Stand-ins for the machine: clock, timers, files. Default: the machine */
  readonly ports?: Ports;
}

export interface RunReport extends JobReport {
  readonly durationMs: number;
  /** How often the job started again after a failure. */
  readonly restarts: number;
  /** True when the job was stopped before its inputs ended. */
  readonly stopped: boolean;
  readonly guarantee: Guarantee;
  /** The last epoch that was decided; null where nothing is durable. */
  readonly epoch: number | null;
  /** Of the sources' records, those that were read by runs before this one. */
  readonly recordsBefore: number;
  /** What the one who runs the job should know, though it went on: damage that was got over, failures before restarts. */
  readonly notes: readonly string[];
}

/** A savepoint that was written. */
export interface Savepoint {
  readonly folder: string;
  readonly epoch: number;
}

export interface StopOptions {
  /** A folder, empty or not there, for a savepoint of where the job stopped. */
  readonly savepoint?: string;
}

export class RunningJob {
  /** As `run` of the pipeline: resolves when the inputs have ended or the job was stopped. */
  readonly done: Promise<RunReport>;
  private readonly plan: Plan;
  private readonly options: RunOptions;
  private readonly checked: CheckedOptions;
  private readonly ports: Ports;
  private readonly parts: LoopOptions;
  private readonly began: number;
  private loop: Loop | null = null;
  private readonly notes: string[] = [];
  private epoch: number | null = null;
  /** null until the first start has found out. */
  private recordsBefore: number | null = null;
  /** Of the attempt before. */
  private failure: { readonly error: unknown } | null = null;
  private stopped = false;
  private readonly asked = Promise.withResolvers<void>();
  private stopSavepoint: string | undefined;

  /** @internal */
  constructor(plan: Plan, jobOptions: JobOptions, options: RunOptions) {
    const { mode = "streaming", codegen = "on", ports = systemPorts } = options;
    if (codegen !== "on" && codegen !== "off")
      throw invalid(`codegen is "on" or "off", not ${preview(codegen)}`);
    if (mode !== "streaming" && mode !== "batch")
      throw invalid(`mode is "streaming" or "batch", not ${preview(mode)}`);
    const unbounded = plan.nodes.find((node) => node.kind === "source" && !node.source.bounded);
    if (mode === "batch" && unbounded !== undefined)
      throw new MillraceError("BATCH_NEEDS_BOUNDED_INPUT", `Source ${unbounded.name} does not end`);
    const checked = checkOptions({ ...jobOptions, ...options });
    checkGuarantee(plan, checked);
    if (mode === "batch" && checked.state !== null)
      throw invalid('mode "batch" keeps no state: run it without');
    for (const name of ["from", "savepointOnStop"] as const) {
      if (options[name] !== undefined && checked.state === null)
        throw invalid(`${name} needs state beside it, e.g. state: memory("./state")`);
    }
    this.plan = plan;
    this.options = options;
    this.checked = checked;
    this.ports = ports;
    const { deterministic } = checked;
    this.parts = {
      plan,
      ports,
      batchMode: mode === "batch",
      generated: mayGenerate(codegen),
      deterministic,
    };
    this.began = ports.clock.monotonic();
    this.stopSavepoint = options.savepointOnStop;
    this.done = this.run();
    this.done.catch(() => {}); // whoever asks for it is told
  }

  /** Nothing more is read; what was read goes to the sinks, and the last epoch is committed. */
  async stop({ savepoint }: StopOptions = {}): Promise<RunReport> {
    if (savepoint !== undefined) {
      this.needState("stop with a savepoint");
      this.stopSavepoint = savepoint;
    }
    this.stopNow();
    return this.done;
  }

  /**
   * Ends an epoch, and writes a copy of it to a folder that is empty or not there; the job runs on.
   * @throws SAVEPOINT_INVALID when the job has no state, or has ended
   */
  async savepoint(folder: string): Promise<Savepoint> {
    this.needState("a savepoint");
    if (this.loop === null) throw new MillraceError("SAVEPOINT_INVALID", "The job is not running");
    return { folder, epoch: await this.loop.savepoint(folder) };
  }

  private needState(what: string): void {
    if (this.checked.state !== null) return;
    throw new MillraceError(
      "SAVEPOINT_INVALID",
      `Job ${this.plan.name} keeps no state, so there is nothing to write for ${what}`,
    );
  }

  private readonly stopNow = (): void => {
    this.stopped = true;
    this.asked.resolve();
    this.loop?.stop();
  };

  private async run(): Promise<RunReport> {
    const { signal, handleSignals } = this.options;
    // Nothing is opened then: not even an output file is emptied.
    if (signal?.aborted) return this.reported(reportOf(new Loop(this.parts)), 0, 0, true);
    signal?.addEventListener("abort", this.stopNow);
    const release = handleSignals === false ? () => {} : onStopSignals(this.stopNow);
    try {
      const { report, restarts } = await withRestarts(
        this.checked,
        this.ports,
        { isAsked: () => this.stopped, asked: this.asked.promise },
        () => this.attempt(),
      );
      const durationMs = this.ports.clock.monotonic() - this.began;
      return this.reported(report, durationMs, restarts, this.stopped);
    } finally {
      release();
      signal?.removeEventListener("abort", this.stopNow);
    }
  }

  private reported(report: JobReport, durationMs: number, restarts: number, stopped: boolean): RunReport {
    const { epoch, notes, recordsBefore } = this;
    const { guarantee } = this.checked;
    return {
      ...report,
      durationMs,
      restarts,
      stopped,
      guarantee,
      epoch,
      recordsBefore: recordsBefore ?? 0,
      notes: [...notes],
    };
  }

  private note(what: string): void {
    this.notes.push(what);
    // The last ones tell enough of a job that is restarted for ever.
    if (this.notes.length > MOST_NOTES) this.notes.shift();
    this.options.onNote?.(what);
  }

  /** What was found at the start. */
  private noteStart({ notes, recovered }: Epochs): void {
    for (const what of notes) this.note(what);
    const { sources } = (recovered?.body ?? { sources: {} }) as unknown as Pick<SavedJob, "sources">;
    this.recordsBefore ??= Object.values(sources).reduce((n, { records }) => n + records, 0);
  }

  /** One run, from the last epoch where there is one. */
  private async attempt(): Promise<JobReport> {
    const { from } = this.options;
    if (this.failure !== null)
      this.note(`started again after: ${(this.failure.error as Error).message.split("\n", 1)[0]}`);
    else if (from !== undefined && (await hasState(this.ports, this.checked)))
      this.note(
        `${this.checked.state?.directory} holds state already: the job goes on from that, not from ${from}`,
      );
    try {
      return await this.runOnce();
    } catch (error) {
      this.failure = { error };
      throw error;
    }
  }

  private async runOnce(): Promise<JobReport> {
    const durable = await openDurable(this.plan, this.ports, this.checked, this.options.from);
    const epochs = durable?.commits.epochs ?? null;
    try {
      if (epochs !== null) this.noteStart(epochs);
      const { commits = null, cold = null } = durable ?? {};
      const loop = new Loop({ ...this.parts, commits, cold });
      this.loop = loop;
      if (this.stopped) loop.stop();
      const progress = progressOf(loop, this.ports, this.began, this.options.onProgress);
      try {
        await loop.open();
        progress.start();
        await loop.run();
        if (this.stopped && this.stopSavepoint !== undefined) await loop.savepoint(this.stopSavepoint);
        progress.stop();
      } catch (error) {
        progress.cancel();
        // What ended the job is what is told, whatever else goes wrong on the way out.
        await loop.close().catch(() => {});
        throw error;
      }
      await loop.close();
      return reportOf(loop);
    } finally {
      this.loop = null;
      if (epochs !== null) this.epoch = epochs.decided.epoch;
      await durable?.close();
    }
  }
}

/** Whether the state directory has something to go on from already. */
async function hasState({ files }: Ports, { state }: CheckedOptions): Promise<boolean> {
  if (state === null) return false;
  const { manifests, damaged } = await readDirectory(files, state.directory);
  return manifests.length + damaged.length > 0;
}

function mayGenerate(codegen: "on" | "off"): boolean {
  if (codegen === "off") return false;
  try {
    return new Function("return true")() === true;
  } catch {
    return false; // --disallow-code-generation-from-strings
  }
}

const invalid = (what: string): MillraceError => new MillraceError("OPTION_INVALID", what);
