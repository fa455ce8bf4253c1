/** All that outlives a process: the disk, the stores, the places of the output, the inputs, and the order of events. */
import type { PlaceKind, Scenario } from "../case/scenario.ts";
import { CallbackPlace } from "../places/callback.ts";
import { NdjsonPlace } from "../places/ndjson.ts";
import { PartsPlace } from "../places/parts.ts";
import type { Place } from "../places/place.ts";
import { QueuePlace } from "../places/queue.ts";
import { StagedPlace } from "../places/staged.ts";
import { Dice } from "./dice.ts";
import { Disk } from "./disk.ts";
import { Faults } from "./faults.ts";
import { History } from "./history.ts";
import { Life } from "./life.ts";
import { Scheduler } from "./scheduler.ts";
import { StoredRows } from "./store.ts";

/** Where the job keeps its state. */
export const STATE = "/data/state";

export class World {
  readonly scenario: Scenario;
  readonly dice: Dice;
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly disk: Disk;
  readonly history: History;
  /** By folder. */
  readonly stores = new Map<string, StoredRows>();
  /** By sink. */
  readonly places: ReadonlyMap<string, Place>;
  lives = 0;
  /** Called when a process has died, before anything is lost. */
  beforeLoss: () => void = () => {};

  /** @param from the world that this one is a copy of, without the job's state and without faults */
  constructor(scenario: Scenario, from: World | null = null) {
    const dice = new Dice(from === null ? scenario.seed : `${scenario.seed} again`);
    this.scenario = scenario;
    this.dice = dice.of("world");
    this.scheduler = new Scheduler(dice.of("order"));
    this.faults = new Faults(dice.of("faults"), from === null ? scenario.mostFaults : 0, scenario.without);
    this.disk =
      from === null ? new Disk(["/", "/data", "/data/out", "/data/savepoints"]) : from.disk.copy(STATE);
    this.history = from?.history ?? new History();
    const places = from === null ? this.#newPlaces() : from.places;
    this.places = new Map(
      Array.from(places, ([name, place]) => [name, from === null ? place : place.copy(this.disk)]),
    );
  }

  /** A new process. */
  boot(): Life {
    const pid = ++this.lives;
    return new Life(pid, this.scheduler, this.faults, this.dice, (loss) => this.#lose(loss));
  }

  store(folder: string): StoredRows {
    const stored = this.stores.get(folder) ?? new StoredRows();
    this.stores.set(folder, stored);
    return stored;
  }

  #lose(loss: "process" | "power"): void {
    this.disk.locks.clear();
    this.beforeLoss();
    if (loss === "process") return;
    this.disk.losePower(this.dice);
    for (const stored of this.stores.values()) stored.losePower(this.dice);
  }

  #newPlaces(): Map<string, Place> {
    const { places, letters } = this.scenario;
    const { sinks } = this.scenario.case;
    const named = places.map((kind, i) => [sinks[i], kind] as const);
    return new Map(
      [...named, ["deadLetters", letters] as const].map(([name, kind]) => [name, this.#place(kind, name)]),
    );
  }

  #place(kind: PlaceKind, name: string): Place {
    const { dice, disk } = this;
    switch (kind) {
      case "staged":
        return new StagedPlace();
      case "queue":
        return new QueuePlace();
      case "callback":
        return new CallbackPlace();
      case "ndjson":
        return new NdjsonPlace(disk, `/data/out/${name}.ndjson`);
      case "parts":
        return new PartsPlace(disk, `/data/out/${name}`, {
          rollBytes: Math.round(dice.scale(50, 20_000)),
          rollEvery: dice.chance(0.3) ? Math.round(dice.scale(1, 5000)) : null,
          inLanes: dice.chance(0.5),
          maxOpenFiles: dice.pick([1, 2, 256]),
        });
    }
  }
}
