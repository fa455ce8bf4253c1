/**
 * The simulation (sim/): jobs in a world where anything may fail at any effect, held against the laws. What finds what:
 * seeds find what is wrong with the engine; `planted.test.ts` proves that they do.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { scenarioOf } from "../../sim/case/scenario.ts";
import { shrink } from "../../sim/shrink.ts";
import { type Outcome, simulate } from "../../sim/simulate.ts";

const RUNS = Number(process.env["SIM_RUNS"] ?? (process.env["MILLRACE_LONG"] === "1" ? 2000 : 150));
const first = Number(process.env["SIM_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

test(`${RUNS} seeds break no law (INV-1, INV-4, INV-5, INV-6, INV-8)`, async () => {
  console.log(`# simulation seed ${first} (SIM_SEED=${first} repeats it)`);
  for (let seed = first; seed < first + RUNS; seed++) {
    const outcome = await simulate(scenarioOf(String(seed)));
    if (outcome.violation !== null) assert.fail(await told(seed, outcome));
  }
});

async function told(seed: number, outcome: Outcome): Promise<string> {
  const { trims } = await shrink(String(seed), {}, outcome);
  const repeat = `SIM_SEED=${seed} SIM_TRIMS='${JSON.stringify(trims)}' npm run sim`;
  return `${outcome.violation?.law}: ${outcome.violation?.what}\n${repeat}`;
}
