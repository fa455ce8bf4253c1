/**
 * Runs stages to the end of their inputs: a stage whose outputs are full pauses, what reads them runs first. Where rows
 * are elsewhere a step that misses one is undone, the row is loaded, and the step begins anew.
 */
import type { Stage } from "../compile/stage.ts";
import { MillraceError, reasonOf } from "../core/errors.ts";
import type { Batch } from "../operator/batch.ts";
import { MISS } from "../state/miss.ts";
import { type Failures, locatedAt } from "./failures.ts";
import type { Intake } from "./intake.ts";
import type { StateKeeping } from "./state-keeping.ts";

export interface PumpOptions {
  readonly stages: readonly Stage[];
  readonly intake: Intake;
  readonly failures: Failures;
  readonly keeping: StateKeeping | null;
  /** Rows are elsewhere. */
  readonly isCold: boolean;
  /** Writes what stands in the batch of a sink; null where no sink reads the batch. */
  readonly write: (batch: Batch) => Promise<void> | null;
  /** For tests: called each time a stage's head has run, whether it was done or paused. */
  readonly onRun: ((stage: Stage) => void) | undefined;
}

export class Pump {
  readonly #options: PumpOptions;
  readonly #readers = new Map<Batch, Stage>();

  constructor(options: PumpOptions) {
    this.#options = options;
    for (const stage of options.stages) for (const input of stage.inputs) this.#readers.set(input, stage);
  }

  /** Runs a stage until it has read its inputs. null where that is done: the usual case, without a promise. */
  run(stage: Stage): Promise<void> | null {
    if (this.#options.isCold) return this.#runCold(stage);
    return this.#runOnce(stage) ? null : this.#drain(stage, false);
  }

  async #runCold(stage: Stage): Promise<void> {
    await this.#drain(stage, await this.#runHead(stage));
  }

  /** State is in memory. False when an output is full. */
  #runOnce(stage: Stage): boolean {
    let done: boolean;
    try {
      done = stage.head.run();
    } catch (error) {
      throw this.#problemOf(stage, error);
    }
    this.#options.onRun?.(stage);
    if (done) for (const input of stage.inputs) input.clear();
    return done;
  }

  /** Runs a stage that paused until it has read all its inputs, and whatever must make room for that. */
  async #drain(stage: Stage, done: boolean): Promise<void> {
    while (!done) {
      for (const out of stage.outputs) {
        if (out.n < out.limit && out.waiting === null) continue;
        const reader = this.#readers.get(out);
        if (reader !== undefined) await this.#drain(reader, await this.#runHead(reader));
        await this.#options.write(out);
      }
      done = await this.#runHead(stage);
    }
    for (const input of stage.inputs) input.clear();
  }

  async #runHead(stage: Stage): Promise<boolean> {
    const { keeping, failures, onRun } = this.#options;
    await keeping?.prefetch(stage);
    for (;;) {
      try {
        const done = stage.head.run();
        onRun?.(stage);
        return done;
      } catch (signal) {
        if (signal !== MISS) throw this.#problemOf(stage, signal);
        stage.undo();
        failures.undo();
        await keeping?.load(stage);
      }
    }
  }

  /** What ended a stage's run, as the user sees it. */
  #problemOf({ plan: { head: node }, head }: Stage, error: unknown): unknown {
    const { intake } = this.#options;
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
    if (error.context.source !== undefined || slot === undefined || intake.sources.length > 1) return error;
    return locatedAt(error, intake.locate(slot));
  }
}
