/**
 * One life of the process: all that it asks of the world is an operation, which comes when the scheduler picks it and
 * then has the fate that is drawn for it. When the process dies, nothing that it waits for ever comes: what was under way
 * then has happened or has not.
 */
import type { Dice } from "./dice.ts";
import type { Faults } from "./faults.ts";
import type { Scheduler } from "./scheduler.ts";

export interface Operation<T> {
  /** Its kind, and what it works on: "rename /data/x". */
  readonly name: string;
  readonly isChange: boolean;
  readonly whole: () => T;
  /** Where it can happen in part. */
  readonly part?: () => void;
}

/** What fails because the seed says so. */
export class InjectedFault extends Error {
  readonly code: string;

  constructor(code: string, name: string) {
    super(`${code}: ${name} (injected)`);
    this.code = code;
  }
}

export class Life {
  readonly pid: number;
  /** How it died; null while it lives. */
  died: "process" | "power" | null = null;
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly dice: Dice;
  readonly #onDeath: (loss: "process" | "power") => void;

  constructor(
    pid: number,
    scheduler: Scheduler,
    faults: Faults,
    dice: Dice,
    onDeath: (loss: "process" | "power") => void,
  ) {
    this.pid = pid;
    this.scheduler = scheduler;
    this.faults = faults;
    this.dice = dice;
    this.#onDeath = onDeath;
  }

  operation<T>(operation: Operation<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const run = (): void => {
        try {
          const outcome = this.#meet(operation);
          if (this.died === null) resolve(outcome as T);
        } catch (error) {
          reject(error);
        }
      };
      const orphaned = operation.isChange ? () => this.#leave(operation) : undefined;
      this.scheduler.submit(this, operation.name, this.faults.delayMs(), run, orphaned);
    });
  }

  /** An event that nothing can go wrong with. The returned function takes it back. */
  later(name: string, afterMs: number, run: () => void): () => void {
    return this.scheduler.submit(this, name, afterMs, run);
  }

  /** The process is gone. */
  die(loss: "process" | "power"): void {
    this.died = loss;
    this.scheduler.note(`death of ${this.pid}: ${loss}`);
    for (const { orphaned } of this.scheduler.drop(this)) orphaned?.();
    this.#onDeath(loss);
  }

  #meet<T>({ name, isChange, whole, part }: Operation<T>): T | undefined {
    const fate = this.faults.fateOf(name, isChange, this.scheduler.now);
    if (fate.does === "happen") return whole();
    this.scheduler.note(`${Object.values(fate).join(" ")}: ${name}`);
    if (fate.part === "after") whole();
    else if (fate.part === "within") part?.();
    if (fate.does === "fail") throw new InjectedFault(fate.code, name);
    this.die(fate.loss);
    return undefined;
  }

  /** What was under way when the process died. */
  #leave({ whole, part }: Operation<unknown>): void {
    const luck = this.dice.next();
    try {
      if (luck < 0.4) whole();
      else if (luck < 0.6) part?.();
    } catch {
      // It would have been told that it can't be done.
    }
  }
}
