/** The job of a scenario in one life of the process: built anew, as a program that starts does, and run to its end. */
import type { Ports } from "../src/core/ports.ts";
import type { CheckedOptions } from "../src/job/options.ts";
import type { Plan } from "../src/plan/node.ts";
import type { Loop } from "../src/runtime/loop.ts";
import type { JobReport } from "../src/runtime/report.ts";
import type { Laws } from "./check/laws.ts";
import type { Engine } from "./engine/entry.ts";
import { planOf } from "./plan.ts";
import type { Life } from "./world/life.ts";
import { portsOf } from "./world/ports.ts";
import { openStore } from "./world/store.ts";
import { STATE, type World } from "./world/world.ts";

export class RunningJob {
  result: { readonly report: JobReport } | { readonly error: unknown } | null = null;
  /** A savepoint that was written just now. */
  savepoint: string | null = null;
  readonly #engine: Engine;
  readonly #world: World;
  readonly #life: Life;
  readonly #laws: Laws;
  readonly #from: string | null;
  #loop: Loop | null = null;
  #stopped = false;
  /** Events until somebody stops it, or wants a savepoint. */
  #stopIn: number;
  #savepointIn: number;

  constructor(engine: Engine, world: World, life: Life, laws: Laws, from: string | null) {
    this.#engine = engine;
    this.#world = world;
    this.#life = life;
    this.#laws = laws;
    this.#from = from;
    const { scenario, dice } = world;
    const within = (chance: number): number =>
      dice.chance(chance) ? dice.below(400) : Number.POSITIVE_INFINITY;
    this.#stopIn = within(from === null ? scenario.stops : 0);
    this.#savepointIn = within(from === null ? scenario.savepoints : 0);
    this.#run().then(
      (report) => {
        this.result = { report };
      },
      (error: unknown) => {
        this.result = { error };
      },
    );
  }

  get isOver(): boolean {
    return this.result !== null || this.#life.died !== null;
  }

  afterEvent(): void {
    this.savepoint = null;
    if (this.#stopIn-- <= 0 && !this.#stopped) {
      this.#stopped = true;
      this.#loop?.stop();
    }
    if (this.#savepointIn-- <= 0 && this.#loop !== null) {
      this.#savepointIn = Number.POSITIVE_INFINITY;
      const folder = `/data/savepoints/${this.#life.pid}`;
      this.#loop.savepoint(folder).then(
        (epoch) => {
          this.#laws.savepointWritten(folder, epoch);
          this.savepoint = folder;
        },
        () => {}, // it was told, if that is why the job failed
      );
    }
  }

  /** Runs until the inputs have ended; with restarts, as the policy says. */
  async #run(): Promise<JobReport> {
    const world = this.#world;
    const { guarantee, cacheBytes, everyMs, records, restarts } = world.scenario;
    const ports = portsOf(world, this.#life);
    const plan = planOf(this.#engine, world, this.#life, this.#laws);
    const open = async (folder: string) => openStore(world.store(folder), this.#life, this.#engine);
    const options = this.#engine.checkOptions({
      state: {
        description: "simulated",
        directory: STATE,
        cold: cacheBytes === null ? null : { cacheBytes, open },
      },
      guarantee,
      commit: { every: everyMs, ...(records === null ? {} : { records }) },
      restart: { attempts: restarts, backoff: 10, maxBackoff: 1000 },
    });
    this.#engine.checkGuarantee(plan, options);
    // A dead process is told nothing: it waits out its back-off in a world that has forgotten it.
    const stop = { isAsked: (): boolean => this.#stopped, asked: new Promise<void>(() => {}) };
    const attempt = (): Promise<JobReport> => this.#attempt(plan, ports, options);
    return (await this.#engine.withRestarts(options, ports, stop, attempt)).report;
  }

  /** As the engine does it, with a choice of batches and logs. */
  async #attempt(plan: Plan, ports: Ports, options: CheckedOptions): Promise<JobReport> {
    const { batchRecords, generated, logs } = this.#world.scenario;
    const engine = this.#engine;
    const laws = this.#laws;
    laws.starts();
    const durable = await engine.openDurable(plan, ports, options, this.#from ?? undefined, logs);
    if (durable === null) throw new Error("nothing is durable");
    try {
      const { commits, cold } = durable;
      laws.recovered(commits.epochs.decided.epoch, commits.epochs.generation);
      const loop = new engine.Loop({ plan, ports, batchMode: false, generated, batchRecords, commits, cold });
      this.#loop = loop;
      if (this.#stopped) loop.stop();
      try {
        await loop.open();
        laws.opened();
        await loop.run();
      } catch (error) {
        await loop.close().catch(() => {});
        throw error;
      }
      await loop.close();
      return engine.reportOf(loop);
    } finally {
      this.#loop = null;
      await durable.close();
    }
  }
}
