/**
 * The loop: a batch in, every stage once, sink buffers out. One worker, one thread, no queue between operators.
 *
 * A stage whose outputs are full pauses; what reads them runs first. A sink that is busy makes the loop wait, and while
 * it waits nothing is read: that is all there is to backpressure.
 */
import { compileStage, type Stage } from "../compile/stage.ts";
import type { DeadLetter, OpenSink } from "../connector/contract.ts";
import { type ErrorContext, MillraceError, preview, reasonOf } from "../core/errors.ts";
import type { Ports } from "../core/ports.ts";
import { Batch, BATCH_RECORDS } from "../operator/batch.ts";
import type { DeadLetterSinkNode, Plan, PlanNode, SinkNode, SourceNode } from "../plan/node.ts";
import { cutStages, type EdgePlan, type StagePlan } from "../plan/stages.ts";
import { ColdRows } from "../state/cold.ts";
import type { Change, RowStore } from "../state/contract.ts";
import { MISS } from "../state/miss.ts";
import { Intake, type IntakeOptions, type RecordOrigin } from "./intake.ts";

export interface LoopOptions {
  readonly plan: Plan;
  readonly ports: Ports;
  /** Batch mode: no watermark before the end of the (bounded) inputs. */
  readonly batchMode: boolean;
  /** False: the closure path. */
  readonly generated: boolean;
  /** Records taken per turn at the most. Default 1024 */
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

export interface ColdOptions {
  readonly store: RowStore;
  readonly prefetch: boolean;
  /** Gives up all rows at the beginning of every step instead of every turn. */
  readonly evictEveryStep: boolean;
}

/** The event loop of the process gets a turn of its own at least this often. Signals and input wait no longer. */
const YIELD_EVERY_MS = 5;

interface SinkEdge {
  readonly node: SinkNode | DeadLetterSinkNode;
  readonly batch: Batch;
  open: OpenSink<unknown> | null;
}

/** Records that an operator gave up. */
export interface Failures {
  skipped: number;
  deadLettered: number;
}

export class Loop {
  readonly stages: readonly Stage[];
  readonly intake: Intake;
  /** Records that an operator gave up, by the operator's name. */
  readonly failures = new Map<string, Failures>();
  private readonly options: LoopOptions;
  private readonly sinks: SinkEdge[] = [];
  private readonly deadLetters: SinkEdge | null;
  private pendingLetters: { ordinal: number; letter: DeadLetter }[] = [];
  private readonly readers = new Map<Batch, Stage>();
  private readonly sinkOf = new Map<Batch, SinkEdge>();
  private wakeUp: (() => void) | null = null;
  private awake = false;
  private stopping = false;
  private yieldedAt = 0;
  /** Over cold state: true from the MISS of a step until the step begins again, with its rows at hand. */
  private retrying = false;
  /** Over cold state: what the step at hand gave up, to be undone with it. */
  private readonly stepFailures: { failures: Failures; kind: keyof Failures }[] = [];
  /** Over cold state: changes of rows that memory gave up, not in the store yet. */
  private readonly evicted: Change[] = [];

  constructor(options: LoopOptions) {
    this.options = options;
    const { plan, generated } = options;
    const stagePlans = cutStages(plan);
    const limit = options.batchRecords ?? BATCH_RECORDS;
    const edges = new Map<EdgePlan, Batch>();
    for (const { outputs } of stagePlans) for (const edge of outputs) {
      edges.set(edge, new Batch(edge.ordered, edge.merging ? Number.POSITIVE_INFINITY : limit));
    }
    const batchOf = (edge: EdgePlan): Batch => edges.get(edge) as Batch;

    const sourceBatches = new Map<SourceNode, Batch>();
    for (const { head, outputs } of stagePlans) {
      if (head.kind === "source") sourceBatches.set(head, new Batch(outputs.some((edge) => edge.ordered), limit));
    }
    const intakeOptions: IntakeOptions = {
      nodes: [...sourceBatches.keys()],
      batches: [...sourceBatches.values()],
      ports: options.ports,
      batchMode: options.batchMode,
      generated,
      wake: () => this.wake(),
      refuse: (node, error, partition, origin, value) => {
        const ordinal = Number.NEGATIVE_INFINITY; // before the turn's records: it is no record
        this.giveUp(node, error, value, ordinal, () => ({ source: node.name, partition, origin }));
      },
    };
    this.intake = options.intake?.(intakeOptions) ?? new Intake(intakeOptions);

    const cold = options.cold ?? null;
    this.stages = stagePlans.map((stage) => {
      const { head } = stage;
      const compiled = compileStage({
        plan: stage,
        inputs: head.kind === "source" ? [sourceBatches.get(head) as Batch] : stage.inputs.map(batchOf),
        outputs: stage.outputs.map(batchOf),
        fail: (node, error, value, ordinal) => this.giveUp(node, error, value, ordinal, () => this.locate(stage, ordinal)),
        generated,
        stall: options.stall ?? false,
        onBegin: cold === null ? null : () => this.stepBegins(compiled),
      });
      for (const table of compiled.tables) if (cold !== null) table.cold = new ColdRows(table);
      for (const input of compiled.inputs) this.readers.set(input, compiled);
      return compiled;
    });
    for (const [edge, batch] of edges) {
      if ("stage" in edge.to) continue;
      const sink: SinkEdge = { node: edge.to.sink, batch, open: null };
      this.sinks.push(sink);
      this.sinkOf.set(batch, sink);
    }
    this.deadLetters = plan.deadLetters === null ? null : { node: plan.deadLetters, batch: new Batch(false), open: null };
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
      await new Promise<void>((resolve) => {
        this.wakeUp = resolve;
      });
      cancel?.();
    }
    for (const sink of this.sinks) await this.guard(sink, () => sink.open?.flush());
  }

  /** One turn. False when there was nothing to take. */
  async turn(): Promise<boolean> {
    const { cold } = this.options;
    if (cold && !cold.evictEveryStep) for (const stage of this.stages) this.evict(stage);
    const taken = this.intake.take(this.options.batchRecords ?? BATCH_RECORDS);
    if (taken === 0 && this.pendingLetters.length === 0) return false;
    for (const stage of this.stages) await this.pump(stage);
    for (const sink of this.sinks) if (sink.batch.n > 0) await this.write(sink);
    if (this.pendingLetters.length > 0) await this.writeLetters();
    const now = this.options.ports.clock.monotonic();
    if (now - this.yieldedAt >= YIELD_EVERY_MS) {
      await this.options.ports.timers.yield();
      this.yieldedAt = this.options.ports.clock.monotonic();
    }
    return taken > 0;
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
    for (const sink of this.sinks) await quietly(() => this.guard(sink, () => sink.open?.close()));
    if (errors.length > 0) throw errors[0];
  }

  private wake(): void {
    this.awake = true;
    this.wakeUp?.();
    this.wakeUp = null;
  }

  /** Runs a stage until it has read all its inputs, and whatever must make room for that. */
  private async pump(stage: Stage): Promise<void> {
    if (this.options.cold?.prefetch) {
      stage.head.prefetch?.();
      await this.load(stage);
    }
    while (!(await this.runHead(stage))) {
      for (const out of stage.outputs) {
        if (out.n < out.limit) continue;
        const reader = this.readers.get(out);
        if (reader !== undefined) await this.pump(reader);
        const sink = this.sinkOf.get(out);
        if (sink !== undefined) await this.write(sink);
      }
    }
    for (const input of stage.inputs) input.clear();
  }

  private async runHead(stage: Stage): Promise<boolean> {
    for (;;) {
      try {
        const done = stage.head.run();
        this.options.onRun?.(stage);
        return done;
      } catch (signal) {
        if (signal !== MISS) throw this.problemOf(stage, signal);
        this.undo(stage);
        this.retrying = true;
        await this.load(stage);
      }
    }
  }

  private async load(stage: Stage): Promise<void> {
    const { store } = this.options.cold as ColdOptions;
    await store.apply(this.evicted.splice(0));
    for (const table of stage.tables) await table.cold?.load(store);
  }

  private undo(stage: Stage): void {
    stage.undo();
    for (const { failures, kind } of this.stepFailures.splice(0)) {
      failures[kind] -= 1;
      if (kind === "deadLettered") this.pendingLetters.pop();
    }
  }

  private stepBegins(stage: Stage): void {
    this.stepFailures.length = 0;
    if (this.options.cold?.evictEveryStep && !this.retrying) this.evict(stage);
    this.retrying = false;
  }

  private evict(stage: Stage): void {
    for (const table of stage.tables) if (table.cold !== null) this.evicted.push(...table.cold.evict());
  }

  /** Where the record at hand came from; null where the stage can't tell. */
  private locate(stage: StagePlan, ordinal: number): RecordOrigin | null {
    const { head, inputs, outputs } = stage;
    // Unordered edges carry no ordinals; but a source's own stage counts its slots, which are that if it is alone.
    const known =
      head.kind === "source"
        ? outputs.some((edge) => edge.ordered) || this.intake.sources.length === 1
        : inputs.some((edge) => edge.ordered);
    return known ? this.intake.locate(ordinal) : null;
  }

  /** What a head threw that no operator's policy covers. */
  private problemOf({ plan: { head } }: Stage, error: unknown): unknown {
    if (error instanceof MillraceError) return error;
    const context = { operator: head.name };
    if (head.kind !== "window") return new MillraceError("ENGINE_BUG", `${head.name}: ${reasonOf(error)}`, context, error);
    return new MillraceError("USER_FUNCTION_FAILED", `An aggregate of ${head.name} threw ${reasonOf(error)}`, context, error);
  }

  private async write(sink: SinkEdge): Promise<void> {
    const { batch, open } = sink;
    await this.guard(sink, () => open?.write(batch.values, batch.ts, 0, batch.n));
    batch.clear();
  }

  private async guard(sink: SinkEdge, call: () => void | Promise<void> | undefined): Promise<void> {
    try {
      const pending = call();
      if (pending !== undefined) await pending;
    } catch (error) {
      if (error instanceof MillraceError) throw error;
      throw new MillraceError("SINK_FAILED", `${sink.node.name} failed`, { operator: sink.node.name }, error);
    }
  }

  private async writeLetters(): Promise<void> {
    const sink = this.deadLetters as SinkEdge;
    // Stage after stage found them; one record at a time would have found them in this order.
    const letters = this.pendingLetters.splice(0).toSorted((a, b) => a.ordinal - b.ordinal);
    for (const { letter } of letters) sink.batch.push(letter, Number.NaN, 0);
    await this.write(sink);
  }

  /** A record failed: ends the job, or counts the record and lets it go. */
  private giveUp(
    node: PlanNode & { readonly onError: "fail" | "skip" | "dead-letter" },
    error: unknown,
    value: unknown,
    ordinal: number,
    locate: () => RecordOrigin | null,
  ): void {
    const problem =
      error instanceof MillraceError
        ? error
        : new MillraceError("USER_FUNCTION_FAILED", `The function of ${node.name} threw ${reasonOf(error)}`, context(node, value), error);
    if (node.onError === "fail") {
      if (problem.context.source !== undefined) throw problem; // it came from a source, which knows where
      throw new MillraceError(problem.code, firstLine(problem), { ...context(node, value), ...whereOf(locate()) }, problem.cause ?? problem);
    }
    const failures = this.failures.get(node.name) ?? { skipped: 0, deadLettered: 0 };
    this.failures.set(node.name, failures);
    const kind = node.onError === "skip" ? "skipped" : "deadLettered";
    failures[kind] += 1;
    if (this.options.cold != null) this.stepFailures.push({ failures, kind });
    if (kind === "skipped") return;
    const found = locate();
    this.pendingLetters.push({
      ordinal,
      letter: {
        operator: node.name,
        source: found?.source ?? null,
        partition: found?.partition ?? null,
        offset: found?.origin.offset ?? null,
        line: found?.origin.line ?? null,
        code: problem.code,
        reason: firstLine(problem),
        bytes: found?.origin.bytes ?? null,
        value,
      },
    });
  }
}

function whereOf(found: RecordOrigin | null): ErrorContext {
  if (found === null) return {};
  const { source, partition, origin } = found;
  return { source, partition, offset: origin.offset, ...(origin.line === undefined ? {} : { line: origin.line }) };
}

const context = (node: PlanNode, value: unknown): ErrorContext => ({ operator: node.name, text: preview(value) });

/** What happened, without where and help. */
const firstLine = (error: MillraceError): string => error.message.split(/ \[[A-Z_]+\](?:\n|$)/)[0];
