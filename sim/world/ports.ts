/** The ports of one process in the simulated world. */
import type { Ports } from "../../src/core/ports.ts";
import { SimulatedFiles } from "./files.ts";
import type { Life } from "./life.ts";
import type { World } from "./world.ts";

/** The wall clock at the beginning of the world. */
const EPOCH_MS = 1_800_000_000_000;
/** How far the wall clock of a new process may be off. */
const WALL_JUMP_MS = 3_600_000;

export function portsOf(world: World, life: Life): Ports {
  const { scheduler, scenario } = world;
  const look = (): number => scheduler.read(life.dice.next() * 2 * scenario.lookMs);
  const wall = EPOCH_MS + (life.dice.chance(0.2) ? (life.dice.next() - 0.5) * WALL_JUMP_MS : 0);
  return {
    clock: { now: () => Math.floor(wall + look()), monotonic: look },
    timers: {
      after: (ms, callback) => life.later("timer", ms, callback),
      yield: () => new Promise((resolve) => life.later("yield", 0, resolve)),
    },
    random: { next: () => life.dice.next() },
    files: new SimulatedFiles(world.disk, life),
  };
}
