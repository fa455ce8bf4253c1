/**
 * One run: the job is started, things go wrong, the process dies and is started again, until its inputs are done; then,
 * when nothing fails any more, it must come to its end. Where a savepoint was written on the way, the job is run from it
 * too, in a copy of the world as it was then.
 */
import type { JobReport } from "../src/runtime/report.ts";
import type { Scenario } from "./case/scenario.ts";
import { Laws, type Violation } from "./check/laws.ts";
import type { Engine } from "./engine/entry.ts";
import { type Edit, loadEngine } from "./engine/load.ts";
import { SMALL_SIZES } from "./engine/small-sizes.ts";
import { RunningJob } from "./job.ts";
import { settled } from "./world/scheduler.ts";
import { World } from "./world/world.ts";

export interface Outcome {
  readonly violation: Violation | null;
  /** The sum of all events: the same for the same seed. */
  readonly hash: number;
  readonly events: number;
  readonly lives: number;
  readonly virtualMs: number;
  readonly faults: readonly string[];
}

export interface RunOptions {
  /** A bug in the engine. */
  readonly bug?: { readonly name: string; readonly edits: readonly Edit[] };
  readonly log?: (text: string) => void;
}

/** Events of a run; one that is well takes some thousands. */
const MOST_EVENTS = 150_000;
/** Before a job that gave up is started again. */
const RESTART_MS = 5000;
/** Errors that a fault of the world explains. */
const EXPLAINED = new Set([
  "STATE_UNWRITABLE",
  "FILE_UNREADABLE",
  "FILE_UNWRITABLE",
  "SINK_FAILED",
  "SOURCE_FAILED",
  "RESTARTS_EXHAUSTED",
]);

export async function simulate(scenario: Scenario, { bug, log }: RunOptions = {}): Promise<Outcome> {
  const sizes = scenario.engine === "small sizes" ? SMALL_SIZES : [];
  const name = bug === undefined ? scenario.engine : `${scenario.engine}, ${bug.name}`;
  const engine = await loadEngine(name, [...sizes, ...(bug?.edits ?? [])]);
  const world = new World(scenario);
  const first = new Simulation(engine, world, null, log);
  await first.toEnd();
  const { saved, laws } = first;
  const outcome = {
    hash: world.scheduler.hash,
    events: world.scheduler.events,
    faults: world.faults.happened,
  };
  const { lives } = world;
  const virtualMs = world.scheduler.now;
  if (saved === null || laws.violation !== null)
    return { ...outcome, violation: laws.violation, lives, virtualMs };
  const again = new Simulation(engine, saved.world, saved.folder, log);
  await again.toEnd();
  const { violation } = again.laws;
  const what = violation === null ? null : { ...violation, what: `from the savepoint: ${violation.what}` };
  return { ...outcome, violation: what, lives, virtualMs };
}

class Simulation {
  readonly laws: Laws;
  /** A savepoint, and the world as it was when it was written. */
  saved: { readonly folder: string; readonly world: World } | null = null;
  readonly #engine: Engine;
  readonly #world: World;
  readonly #from: string | null;

  constructor(engine: Engine, world: World, from: string | null, log: ((text: string) => void) | undefined) {
    this.#engine = engine;
    this.#world = world;
    this.#from = from;
    this.laws = new Laws(world, from);
    if (log !== undefined) world.scheduler.log = log;
    world.disk.onRename = (path) => this.laws.renamed(path);
    world.beforeLoss = () => this.laws.beforeDeath();
  }

  async toEnd(): Promise<void> {
    const { laws } = this;
    const onRejection = (error: unknown): void => laws.break("unhandled", String(error));
    process.on("unhandledRejection", onRejection);
    try {
      let runsBehindTheEnd = this.#world.dice.chance(0.3) ? 1 : 0;
      while (laws.violation === null) if ((await this.#live()) === "ended" && runsBehindTheEnd-- === 0) break;
      await settled();
    } catch (error) {
      laws.break("simulation", stackOf(error));
    } finally {
      process.off("unhandledRejection", onRejection);
    }
  }

  /** One life of the process. */
  async #live(): Promise<"ended" | "goes on"> {
    const { laws } = this;
    const world = this.#world;
    const { scheduler, faults, disk } = world;
    const life = world.boot();
    scheduler.note(`life ${life.pid}`);
    const failures = faults.failures;
    const job = new RunningJob(this.#engine, world, life, laws, this.#from);
    await this.#drive(job);
    if (laws.violation !== null) return "goes on";
    if (life.died !== null) {
      laws.died(life.died);
      return "goes on";
    }
    for (const { name } of scheduler.drop(life)) scheduler.note(`left behind: ${name}`);
    disk.locks.clear();
    const { result } = job;
    if (result !== null && "report" in result) return this.#ended(result.report);
    const error = result?.error;
    scheduler.note(`failed: ${firstLine(error)}`);
    if (faults.failures === failures) laws.break("failure", `without a fault: ${stackOf(error)}`);
    if (!EXPLAINED.has(String((error as { code?: unknown })?.code))) laws.break("failure", stackOf(error));
    scheduler.now += world.dice.next() * 2 * RESTART_MS;
    return "goes on";
  }

  #ended(report: JobReport): "ended" | "goes on" {
    const ended = this.laws.ended(report);
    this.#world.scheduler.note(ended ? "ended" : "stopped");
    return ended ? "ended" : "goes on";
  }

  /** One event after the other, until the job is through, or dead. */
  async #drive(job: RunningJob): Promise<void> {
    const { laws } = this;
    const { scheduler } = this.#world;
    for (;;) {
      await settled();
      if (job.isOver || laws.violation !== null) return;
      if (job.savepoint !== null && this.saved === null)
        this.saved = { folder: job.savepoint, world: new World(this.#world.scenario, this.#world) };
      if (scheduler.events > MOST_EVENTS) laws.break("liveness", "the job never comes to its end");
      else if (!scheduler.step()) laws.break("liveness", "the job waits for nothing that could come");
      job.afterEvent();
    }
  }
}

const firstLine = (error: unknown): string => String((error as Error)?.message ?? error).split("\n")[0];

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `\n  because of ${stackOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
