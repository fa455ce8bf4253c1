/**
 * State over a backend that is not memory: rows are given up, asked for again, and a step that missed one is undone
 * and run again.
 */
import type { Stage } from "../compile/stage.ts";
import { ColdRows } from "../state/cold.ts";
import type { Change, RowStore } from "../state/contract.ts";

export interface ColdOptions {
  readonly store: RowStore;
  /** Rows are asked for before a stage runs, not only when a read misses. */
  readonly prefetch: boolean;
  /** When all rows are given up. */
  readonly evict: "every-turn" | "every-step";
}

export class ColdState {
  private readonly options: ColdOptions;
  /** Changes of rows that memory gave up, not in the store yet. */
  private readonly evicted: Change[] = [];
  /** From a miss until its step begins again, with its rows at hand. */
  private retrying = false;

  constructor(options: ColdOptions) {
    this.options = options;
  }

  attach(stage: Stage): void {
    for (const table of stage.tables) table.cold = new ColdRows(table);
  }

  turnBegins(stages: readonly Stage[]): void {
    if (this.options.evict === "every-turn") for (const stage of stages) this.evict(stage);
  }

  stepBegins(stage: Stage): void {
    if (this.options.evict === "every-step" && !this.retrying) this.evict(stage);
    this.retrying = false;
  }

  /** What the stage's inputs will touch, in one load. */
  async prefetch(stage: Stage): Promise<void> {
    if (!this.options.prefetch) return;
    stage.head.prefetch?.();
    await this.load(stage);
  }

  /** After a miss: what was asked for. */
  async load(stage: Stage): Promise<void> {
    this.retrying = true;
    const { store } = this.options;
    await store.apply(this.evicted.splice(0));
    for (const table of stage.tables) await table.cold?.load(store);
  }

  private evict(stage: Stage): void {
    for (const table of stage.tables) if (table.cold !== null) this.evicted.push(...table.cold.evict());
  }
}
