/**
 * The loop: a batch in, every stage once, sink buffers out. One worker, one thread, no queue between operators.
 *
 * A stage whose outputs are full pauses; what reads them runs first. A sink that is busy makes the loop wait, and while
 * it waits nothing is read: that is all there is to backpressure.
 */
import { compileStage, type Stage } from "../compile/stage.ts";
import type { OpenSink } from "../connector/contract.ts";
import { MillraceError, reasonOf } from "../core/errors.ts";
import type { Ports } from "../core/ports.ts";
import { Batch, BATCH_RECORDS } from "../operator/batch.ts";
import type { DeadLetterSinkNode, Plan, SinkNode, SourceNode } from "../plan/node.ts";
import { cutStages, type EdgePlan, type StagePlan } from "../plan/stages.ts";
import { MISS } from "../state/miss.ts";
import { type ColdOptions, ColdState } from "./cold-state.ts";
import { Failures, locatedAt } from "./failures.ts";
import { Intake } from "./intake.ts";
import type { IntakeOptions, RecordOrigin } from "./source-intake.ts";

export interface LoopOptions {
  readonly plan: Plan;
  readonly ports: Ports;
  /** Batch mode: no watermark before the end of the (bounded) inputs. */
  readonly batchMode: boolean;
  /** False: the closure path. */
  readonly generated: boolean;
  /** Records taken per turn at the most. Default BATCH_RECORDS */
  readonly batchRecords?: number;
  /** For tests: state that is not in memory. */
  readonly cold?: ColdOptions | null;
  /** For tests: where the records come from. Default: the sources */
  readonly intake?: (options: IntakeOptions) => Intake;
  /** For tests: called each time a stage's head has run, whether it was done or paused. */
  readonly onRun?: (stage: Stage) => void;
  /** For tests: heads find their outputs full every other time that they look. */
  readonly stall?: boolean;
}

/** Between two turns the event loop of the process gets one of its own at least this often, for signals and input. */
const YIELD_EVERY_MS = 5;

interface SinkEdge {
  readonly node: SinkNode | DeadLetterSinkNode;
  readonly batch: Batch;
  open: OpenSink<unknown> | null;
}

export class Loop {
  readonly stages: readonly Stage[];
  readonly intake: Intake;
  readonly failures: Failures;
  private readonly options: LoopOptions;
  private readonly sinks: SinkEdge[] = [];
  private readonly deadLetters: SinkEdge | null;
  private readonly readers = new Map<Batch, Stage>();
  private readonly sinkOf = new Map<Batch, SinkEdge>();
  private wakeUp: (() => void) | null = null;
  private awake = false;
  private stopping = false;
  private yieldedAt = 0;
  private readonly cold: ColdState | null;

  constructor(options: LoopOptions) {
    this.options = options;
    this.failures = new Failures(options.cold != null);
    const { plan, generated } = options;
    const stagePlans = cutStages(plan);
    const limit = options.batchRecords ?? BATCH_RECORDS;
    const edges = new Map<EdgePlan, Batch>();
    for (const { outputs } of stagePlans)
      for (const edge of outputs) {
        edges.set(edge, new Batch(edge.ordered, edge.merging ? Number.POSITIVE_INFINITY : limit));
      }
    const batchOf = (edge: EdgePlan): Batch => edges.get(edge) as Batch;

    const sourceBatches = new Map<SourceNode, Batch>();
    for (const { head, ordered } of stagePlans) {
      if (head.kind === "source") sourceBatches.set(head, new Batch(ordered, limit));
    }
    const intakeOptions: IntakeOptions = {
      nodes: [...sourceBatches.keys()],
      batches: [...sourceBatches.values()],
      ports: options.ports,
      batchMode: options.batchMode,
      generated,
      wake: () => this.wake(),
      refuse: (node, error, partition, origin, value) => {
        const ordinal = Number.NEGATIVE_INFINITY; // before the turn's records: it is none of them
        this.failures.giveUp(node, error, value, ordinal, () => ({ source: node.name, partition, origin }));
      },
    };
    this.intake = options.intake?.(intakeOptions) ?? new Intake(intakeOptions);

    const cold = options.cold == null ? null : new ColdState(options.cold);
    this.cold = cold;
    this.stages = stagePlans.map((stage) => {
      const { head } = stage;
      const compiled = compileStage({
        plan: stage,
        inputs: head.kind === "source" ? [sourceBatches.get(head) as Batch] : stage.inputs.map(batchOf),
        outputs: stage.outputs.map(batchOf),
        fail: (node, error, value, ordinal) =>
          this.failures.giveUp(node, error, value, ordinal, () => this.locate(stage, ordinal)),
        generated,
        stall: options.stall ?? false,
        onBegin:
          cold === null
            ? null
            : () => {
                this.failures.begin();
                cold.stepBegins(compiled);
              },
      });
      cold?.attach(compiled);
      for (const input of compiled.inputs) this.readers.set(input, compiled);
      return compiled;
    });
    for (const [edge, batch] of edges) {
      if ("stage" in edge.to) continue;
      const sink: SinkEdge = { node: edge.to.sink, batch, open: null };
      batch.reader = edge.to.sink.sink.description;
      this.sinks.push(sink);
      this.sinkOf.set(batch, sink);
    }
    this.deadLetters =
      plan.deadLetters === null ? null : { node: plan.deadLetters, batch: new Batch(false), open: null };
    if (this.deadLetters !== null) this.sinks.push(this.deadLetters);
  }

  /** Sources and sinks are opened; nothing is read yet. */
  async open(): Promise<void> {
    // Sources first: a mistyped input must not cost yesterday's output.
    await this.intake.open();
    for (const sink of this.sinks) {
      await this.guard(sink, async () => {
        sink.open = await sink.node.sink.open({ ports: this.options.ports });
      });
    }
  }

  /** Runs until the inputs end or `stop` was called; everything taken is then in the sinks, flushed. */
  async run(): Promise<void> {
    const { timers } = this.options.ports;
    while (!this.stopping) {
      this.awake = false;
      if (await this.turn()) continue;
      if (this.intake.ended) break;
      if (this.awake || this.stopping) continue;
      const { idleInMs } = this.intake;
      const cancel = idleInMs === Number.POSITIVE_INFINITY ? null : timers.after(idleInMs, () => this.wake());
      for (const stage of this.stages)
        for (const batch of [...stage.inputs, ...stage.outputs]) batch.forget();
      await new Promise<void>((resolve) => {
        this.wakeUp = resolve;
      });
      cancel?.();
    }
    for (const sink of this.sinks) await this.guard(sink, () => sink.open?.flush());
  }

  /** One turn. False when there was nothing to take. */
  async turn(): Promise<boolean> {
    this.cold?.turnBegins(this.stages);
    this.failures.begin();
    const taken = await this.take();
    if (!taken && !this.failures.hasLetters) return false;
    for (const stage of this.stages) {
      if (this.cold !== null) await this.pump(stage, await this.runHead(stage));
      else if (!this.runOnce(stage)) await this.pump(stage, false);
    }
    for (const sink of this.sinks)
      if (sink.batch.n > 0 || sink.batch.waiting !== null) await this.write(sink);
    if (this.failures.hasLetters) await this.writeLetters();
    const now = this.options.ports.clock.monotonic();
    if (now - this.yieldedAt >= YIELD_EVERY_MS) {
      await this.options.ports.timers.yield();
      this.yieldedAt = this.options.ports.clock.monotonic();
    }
    return taken;
  }

  /** What the sources have now. What they refused before they failed is told first. */
  private async take(): Promise<boolean> {
    try {
      return this.intake.take(this.options.batchRecords ?? BATCH_RECORDS);
    } catch (error) {
      if (this.failures.hasLetters) await this.writeLetters();
      throw error;
    }
  }

  /** No more turns; `run` returns after the one at hand. */
  stop(): void {
    this.stopping = true;
    this.wake();
  }

  async close(): Promise<void> {
    const errors: unknown[] = [];
    const quietly = async (close: () => Promise<void> | undefined): Promise<void> => {
      try {
        await close();
      } catch (error) {
        errors.push(error);
      }
    };
    await quietly(() => this.intake.close());
    for (const sink of this.sinks) {
      // A callback may still be at work when something else has ended the job.
      const { waiting } = sink.batch;
      if (waiting !== null) await quietly(async () => void (await waiting));
      await quietly(() =>
        this.guard(sink, () => (sink.open === null ? sink.node.sink.abandon?.() : sink.open.close())),
      );
    }
    if (errors.length > 0) throw errors[0];
  }

  private wake(): void {
    this.awake = true;
    this.wakeUp?.();
    this.wakeUp = null;
  }

  /** The usual case, without a promise: state is in memory. False when an output is full. */
  private runOnce(stage: Stage): boolean {
    let done: boolean;
    try {
      done = stage.head.run();
    } catch (error) {
      throw this.problemOf(stage, error);
    }
    this.options.onRun?.(stage);
    if (done) for (const input of stage.inputs) input.clear();
    return done;
  }

  /** Runs a stage that paused until it has read all its inputs, and whatever must make room for that. */
  private async pump(stage: Stage, done: boolean): Promise<void> {
    while (!done) {
      for (const out of stage.outputs) {
        if (out.n < out.limit && out.waiting === null) continue;
        const reader = this.readers.get(out);
        if (reader !== undefined) await this.pump(reader, await this.runHead(reader));
        const sink = this.sinkOf.get(out);
        if (sink !== undefined) await this.write(sink);
      }
      done = await this.runHead(stage);
    }
    for (const input of stage.inputs) input.clear();
  }

  private async runHead(stage: Stage): Promise<boolean> {
    await this.cold?.prefetch(stage);
    for (;;) {
      try {
        const done = stage.head.run();
        this.options.onRun?.(stage);
        return done;
      } catch (signal) {
        if (signal !== MISS) throw this.problemOf(stage, signal);
        stage.undo();
        this.failures.undo();
        await this.cold?.load(stage);
      }
    }
  }

  /** Where the record at hand came from; null where the edges carry no ordinals. */
  private locate(stage: StagePlan, ordinal: number): RecordOrigin | null {
    return stage.ordered ? this.intake.locate(ordinal) : null;
  }

  /** What ended a stage's run, as the user sees it. */
  private problemOf({ plan: { head: node }, head }: Stage, error: unknown): unknown {
    const context = { operator: node.name };
    if (!(error instanceof MillraceError)) {
      if (node.kind !== "window")
        return new MillraceError("ENGINE_BUG", `${node.name}: ${reasonOf(error)}`, context, error);
      return new MillraceError(
        "USER_FUNCTION_FAILED",
        `An aggregate of ${node.name} threw ${reasonOf(error)}`,
        context,
        error,
      );
    }
    const slot = head.slotAtHand?.();
    // The slots of a source that is alone are numbered as the intake numbers them.
    if (error.context.source !== undefined || slot === undefined || this.intake.sources.length > 1)
      return error;
    return locatedAt(error, this.intake.locate(slot));
  }

  private async write(sink: SinkEdge): Promise<void> {
    const { batch, open } = sink;
    const { waiting } = batch;
    if (waiting !== null) {
      batch.waiting = null;
      await this.guard(sink, async () => {
        await waiting;
      });
    }
    if (batch.n > 0) await this.guard(sink, () => open?.write(batch.values, batch.ts, 0, batch.n));
    batch.clear();
  }

  private async guard(sink: SinkEdge, call: () => void | Promise<void> | undefined): Promise<void> {
    try {
      const pending = call();
      if (pending !== undefined) await pending;
    } catch (error) {
      if (error instanceof MillraceError) throw error;
      throw new MillraceError(
        "SINK_FAILED",
        `${sink.node.name} failed: ${reasonOf(error)}`,
        { operator: sink.node.name },
        error,
      );
    }
  }

  private async writeLetters(): Promise<void> {
    const sink = this.deadLetters as SinkEdge;
    for (const letter of this.failures.takeLetters()) sink.batch.push(letter, Number.NaN, 0);
    await this.write(sink);
  }
}
