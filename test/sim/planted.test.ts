/** The planted bugs (sim/engine/planted.ts): each is found at its seed, and the same seed passes without it. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { scenarioOf } from "../../sim/case/scenario.ts";
import { PLANTED_BUGS, type PlantedBug } from "../../sim/engine/planted.ts";
import { simulate } from "../../sim/simulate.ts";

/** Seeds from the recorded one on: what a seed stands for moves when the engine asks for one effect more. */
const SEEDS = 200;

async function findingSeed(bug: PlantedBug): Promise<number> {
  for (let seed = bug.seed; seed < bug.seed + SEEDS; seed++)
    if ((await simulate(scenarioOf(String(seed)), { bug })).violation !== null) return seed;
  return assert.fail(`not found at the seeds ${bug.seed} to ${bug.seed + SEEDS - 1}`);
}

describe("the simulation finds the planted bug", () => {
  for (const bug of PLANTED_BUGS) {
    it(bug.name, async () => {
      const seed = await findingSeed(bug);
      console.log(`# ${bug.name}: found at seed ${seed}${seed === bug.seed ? "" : `, not at ${bug.seed}`}`);
      const { violation } = await simulate(scenarioOf(String(seed)));
      assert.equal(violation, null, "the same seed passes without the bug");
    });
  }
});
