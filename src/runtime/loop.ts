/**
 * The loop: a batch in, every stage once, sink buffers out. One worker, one thread, no queue between operators.
 *
 * A stage whose outputs are full pauses; what reads them runs first (pump.ts). A sink that is busy makes the loop wait,
 * and while it waits nothing is read: that is all there is to backpressure.
 */
import { compileStage, type Stage } from "../compile/stage.ts";
import type { Guarantee } from "../connector/contract.ts";
import { MillraceError } from "../core/errors.ts";
import { jsonOfNumber, numberOfJson } from "../core/json.ts";
import type { Ports } from "../core/ports.ts";
import { Batch, BATCH_RECORDS } from "../operator/batch.ts";
import type { Plan, SourceNode } from "../plan/node.ts";
import { cutStages, type EdgePlan, type StagePlan } from "../plan/stages.ts";
import { Shapes } from "../schema/shapes.ts";
import { type CommitOptions, Commits } from "./commits.ts";
import { type DroppedRows, stillDropped } from "./dropped.ts";
import { Failures } from "./failures.ts";
import { Intake } from "./intake.ts";
import { Pump } from "./pump.ts";
import {
  restoreFailures,
  restoreStages,
  type SavedAtBarrier,
  type SavedJob,
  saveFailures,
  saveStages,
} from "./saved-job.ts";
import { Requests } from "./requests.ts";
import { restoreRows } from "./restore-rows.ts";
import { SinkEdge } from "./sink-edge.ts";
import type { IntakeOptions, RecordOrigin } from "./source-intake.ts";
import { type ColdOptions, StateKeeping } from "./state-keeping.ts";
import { type ProgramStore, type Stores, storesOf, storesToDrop } from "./upgrade.ts";

export interface LoopOptions {
  readonly plan: Plan;
  readonly ports: Ports;
  /** Batch mode: no watermark before the end of the (bounded) inputs. */
  readonly batchMode: boolean;
  /** False: the closure path. */
  readonly generated: boolean;
  /** Records taken per turn at the most. Default BATCH_RECORDS */
  readonly batchRecords?: number;
  /** Epochs in a state directory. Default: nothing is durable */
  readonly commits?: CommitOptions | null;
  /** A backend that is not memory. */
  readonly cold?: ColdOptions | null;
  /** For tests: where the records come from. Default: the sources */
  readonly intake?: (options: IntakeOptions) => Intake;
  /** The keys of one firing come in the order of their addresses, wherever their rows are. Default false */
  readonly deterministic?: boolean;
  /** For tests: called each time a stage's head has run, whether it was done or paused. */
  readonly onRun?: (stage: Stage) => void;
  /** For tests: heads find their outputs full every other time that they look. */
  readonly stall?: boolean;
}

/** Between two turns the event loop of the process gets one of its own at least this often, for signals and input. */
const YIELD_EVERY_MS = 5;

export class Loop {
  readonly stages: readonly Stage[];
  readonly intake: Intake;
  readonly failures: Failures;
  private readonly options: LoopOptions;
  private readonly sinks: SinkEdge[] = [];
  private readonly deadLetters: SinkEdge | null;
  private readonly pump: Pump;
  private readonly ticking: readonly Stage[];
  /** What operators see of the clock: see HeadPorts. */
  private readonly clock = { tick: Number.NEGATIVE_INFINITY };
  private wakeUp: (() => void) | null = null;
  private awake = false;
  private stopping = false;
  /** `run` is through. */
  private isDone = false;
  /** Rows that the program gave up and the log still has. */
  private dropped: readonly DroppedRows[] = [];
  private readonly requests = new Requests();
  private yieldedAt = 0;
  /** null: state is in memory, and nothing is durable. */
  readonly keeping: StateKeeping | null;
  private readonly commits: Commits | null;
  /** What the program keeps: the same at every epoch. */
  private readonly stores: Stores<ProgramStore>;
  private readonly guarantee: Guarantee;

  constructor(options: LoopOptions) {
    this.options = options;
    const cold = options.cold ?? null;
    this.failures = new Failures(cold !== null);
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
      clock: this.clock,
      batchMode: options.batchMode,
      generated,
      wake: () => this.wake(),
      isPending: () => this.stages.some(({ tables }) => tables.some((table) => !table.isEmpty)),
      refuse: (node, error, partition, origin, value) => {
        const ordinal = Number.NEGATIVE_INFINITY; // before the turn's records: it is none of them
        this.failures.giveUp(node, error, value, ordinal, () => ({ source: node.name, partition, origin }));
      },
    };
    this.intake = options.intake?.(intakeOptions) ?? new Intake(intakeOptions);

    const { commits = null } = options;
    const saved = savedOf(commits);
    this.guarantee = commits?.guarantee ?? "none";
    const keeping =
      commits === null && cold === null
        ? null
        : new StateKeeping({
            sink: commits?.epochs ?? null,
            logs: commits?.logs ?? 1,
            epoch: (commits?.epochs.decided.epoch ?? 0) + 1,
            shapes: saved === null ? new Shapes() : Shapes.from(saved.shapes),
            cold,
          });
    this.keeping = keeping;
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
        deterministic: options.deterministic ?? false,
        // A callback can't be undone, nor may it be called before its epoch is decided.
        direct: cold === null && this.guarantee !== "at-most-once",
        onBegin:
          keeping === null || cold === null
            ? null
            : () => {
                this.failures.begin();
                keeping.stepBegins(compiled);
              },
        clock: this.clock,
        keep: (table) => keeping?.keep(table),
      });
      return compiled;
    });
    this.stores = storesOf(plan, keeping?.tables ?? []);
    this.ticking = this.stages.filter(({ head }) => head.nextTick !== undefined);
    const sinkOf = new Map<Batch, SinkEdge>();
    for (const [edge, batch] of edges) {
      if ("stage" in edge.to) continue;
      const sink = new SinkEdge(edge.to.sink, batch);
      batch.reader = edge.to.sink.sink.description;
      this.sinks.push(sink);
      sinkOf.set(batch, sink);
    }
    this.pump = new Pump({
      stages: this.stages,
      intake: this.intake,
      failures: this.failures,
      keeping,
      isCold: cold !== null,
      write: (batch) => {
        const sink = sinkOf.get(batch);
        return sink === undefined ? null : this.write(sink);
      },
      onRun: options.onRun,
    });
    this.deadLetters = plan.deadLetters === null ? null : new SinkEdge(plan.deadLetters, new Batch(false));
    if (this.deadLetters !== null) this.sinks.push(this.deadLetters);
    this.commits =
      commits === null || keeping === null
        ? null
        : new Commits(commits, {
            ports: options.ports,
            keeping,
            sinks: this.sinks,
            save: () => this.save(),
            wake: () => this.wake(),
          });
  }

  private save(): SavedAtBarrier {
    return {
      sources: this.intake.save(),
      stages: saveStages(this.stages),
      failures: saveFailures(this.failures),
      stores: this.stores,
      tick: jsonOfNumber(this.clock.tick),
      dropped: stillDropped(this.dropped, this.options.commits?.epochs.decided.logs ?? []),
    };
  }

  /** State is restored, sources and sinks are opened; nothing is read yet. */
  async open(): Promise<void> {
    const { commits } = this.options;
    const saved = savedOf(commits ?? null);
    const givenUp =
      saved === null || this.keeping === null
        ? []
        : storesToDrop(saved, this.stores, commits?.dropState ?? []);
    // Sources first: a mistyped input must not cost yesterday's output.
    await this.intake.open(saved?.sources ?? null);
    const epochs = commits?.epochs;
    if (saved !== null && this.keeping !== null && epochs !== undefined) {
      this.dropped = await restoreRows(epochs, this.keeping, saved, givenUp);
      this.clock.tick = numberOfJson(saved.tick);
      await this.keeping.recall(this.stages);
      restoreStages(this.stages, saved.stages);
      restoreFailures(this.failures, saved.failures);
    }
    const { ports, plan } = this.options;
    const context = {
      ports,
      guarantee: this.guarantee,
      job: plan.name,
      generation: epochs?.generation ?? 0,
    };
    for (const sink of this.sinks) {
      const own = saved?.sinks[sink.node.name];
      const epoch = epochs?.decided.epoch ?? 0;
      await sink.start(context, own === undefined ? null : { epoch, saved: own });
    }
  }

  /** The run before read its inputs to their end. */
  private get hasEnded(): boolean {
    return this.options.commits?.epochs.recovered?.ended === true;
  }

  /**
   * Runs until the inputs end or `stop` was called; everything taken is then in the sinks, flushed, and the last epoch
   * is decided and committed.
   */
  async run(): Promise<void> {
    if (this.hasEnded) {
      this.isDone = true;
      return;
    }
    const { timers } = this.options.ports;
    const { commits } = this;
    while (!this.stopping) {
      this.awake = false;
      if (this.requests.areWaiting) await this.requests.answer();
      if (await this.turn()) continue;
      if (this.intake.ended) break;
      if (this.awake || this.stopping) continue;
      if (commits?.isDraining) {
        await timers.yield();
        continue;
      }
      const waitMs = Math.min(
        this.intake.wakeInMs,
        commits?.dueInMs ?? Number.POSITIVE_INFINITY,
        Math.max(0, this.nextTick - this.options.ports.clock.now()),
      );
      const cancel = waitMs === Number.POSITIVE_INFINITY ? null : timers.after(waitMs, () => this.wake());
      for (const stage of this.stages)
        for (const batch of [...stage.inputs, ...stage.outputs]) batch.forget();
      await new Promise<void>((resolve) => {
        this.wakeUp = resolve;
      });
      cancel?.();
    }
    if (commits === null) for (const sink of this.sinks) await sink.flush();
    else await commits.finish(!this.stopping && this.intake.ended);
    this.isDone = true;
    await this.requests.answer();
  }

  /** One turn. False when there was nothing to take. */
  async turn(): Promise<boolean> {
    this.keeping?.turnBegins(this.stages);
    this.failures.begin();
    const before = this.recordsTaken;
    const taken = await this.take();
    const isChanged = taken || this.failures.hasLetters || this.nextTick <= this.clock.tick;
    if (isChanged) {
      for (const stage of this.stages) {
        const running = this.pump.run(stage);
        if (running !== null) await running;
      }
      for (const sink of this.sinks)
        if (sink.batch.n > 0 || sink.batch.waiting !== null) await this.write(sink);
      if (this.failures.hasLetters) await this.writeLetters();
    }
    const stall = this.commits?.afterTurn(this.recordsTaken - before, isChanged);
    if (stall !== undefined) await stall;
    if (!isChanged) return false;
    const now = this.options.ports.clock.monotonic();
    if (now - this.yieldedAt >= YIELD_EVERY_MS) {
      await this.options.ports.timers.yield();
      this.yieldedAt = this.options.ports.clock.monotonic();
    }
    return taken;
  }

  /** When an operator has something to do by the clock. */
  private get nextTick(): number {
    let least = Number.POSITIVE_INFINITY;
    for (const { head } of this.ticking) least = Math.min(least, head.nextTick?.() ?? least);
    return least;
  }

  private get recordsTaken(): number {
    let records = 0;
    for (const source of this.intake.sources) records += source.records;
    return records;
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

  /**
   * Ends the epoch between two turns, or after the run, and writes a copy of it to a folder. Returns the epoch.
   * @throws SAVEPOINT_INVALID where nothing is durable
   */
  async savepoint(folder: string): Promise<number> {
    const { commits } = this;
    if (commits === null) throw new MillraceError("SAVEPOINT_INVALID", "The job keeps no state");
    if (this.isDone) return commits.savepoint(folder);
    const asked = this.requests.add(() => commits.savepoint(folder));
    this.wake();
    return asked;
  }

  async close(): Promise<void> {
    this.requests.reject(
      new MillraceError("SAVEPOINT_INVALID", "The job failed before the savepoint was written"),
    );
    const errors: unknown[] = [];
    const quietly = async (close: () => Promise<void> | undefined): Promise<void> => {
      try {
        await close();
      } catch (error) {
        errors.push(error);
      }
    };
    await quietly(() => this.intake.close());
    await quietly(() => this.commits?.close());
    for (const sink of this.sinks) {
      // A callback may still be at work when something else has ended the job.
      const { waiting } = sink.batch;
      if (waiting !== null) await quietly(async () => void (await waiting));
      await quietly(() => sink.close());
    }
    if (errors.length > 0) throw errors[0];
  }

  private wake(): void {
    this.awake = true;
    this.wakeUp?.();
    this.wakeUp = null;
  }

  /** Where the record at hand came from; null where the edges carry no ordinals. */
  private locate(stage: StagePlan, ordinal: number): RecordOrigin | null {
    return stage.ordered ? this.intake.locate(ordinal) : null;
  }

  private write(sink: SinkEdge): Promise<void> {
    return sink.write(this.commits?.holds ?? false);
  }

  private async writeLetters(): Promise<void> {
    const sink = this.deadLetters as SinkEdge;
    for (const letter of this.failures.takeLetters()) sink.batch.push(letter, Number.NaN, 0);
    await this.write(sink);
  }
}

/** What the run before left, as its last decided epoch says. */
function savedOf(commits: CommitOptions | null): SavedJob | null {
  return (commits?.epochs.recovered?.body ?? null) as unknown as SavedJob | null;
}
