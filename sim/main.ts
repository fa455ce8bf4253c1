/**
 * `npm run sim`: runs SIM_RUNS seeds (default 100) from a random one on, or from SIM_SEED; SIM_SEED alone is one run. The
 * first seed that fails is made smaller, and shown with the line that repeats it: there SIM_TRIMS says what is left out.
 * With SIM_LOG=1 every event is printed.
 */
import { scenarioOf, type Trims } from "./case/scenario.ts";
import { shrink } from "./shrink.ts";
import { simulate } from "./simulate.ts";

const { SIM_SEED, SIM_RUNS, SIM_TRIMS = "{}", SIM_LOG } = process.env;
const trims: Trims = JSON.parse(SIM_TRIMS);
const first = Number(SIM_SEED ?? Math.floor(Math.random() * 2 ** 31));
const runs = Number(SIM_RUNS ?? (SIM_SEED === undefined ? 100 : 1));
const options = SIM_LOG === "1" ? { log: console.log } : {};

async function main(): Promise<void> {
  console.log(`simulation: ${runs} runs from SIM_SEED=${first} on`);
  let events = 0;
  let lives = 0;
  const began = performance.now();
  for (let seed = first; seed < first + runs; seed++) {
    const outcome = await simulate(scenarioOf(String(seed), trims), options);
    events += outcome.events;
    lives += outcome.lives;
    if (outcome.violation === null) continue;
    console.log(`seed ${seed} breaks ${outcome.violation.law}: ${outcome.violation.what}`);
    process.exitCode = 1;
    if (SIM_TRIMS !== "{}" || SIM_LOG === "1") return;
    const smaller = await shrink(String(seed), trims, outcome);
    console.log(`smaller, after ${smaller.tries} tries: ${smaller.outcome.violation?.what}`);
    for (const fault of smaller.outcome.faults) console.log(`  ${fault}`);
    console.log(scenarioOf(String(seed), smaller.trims).case.description);
    console.log(`SIM_SEED=${seed} SIM_TRIMS='${JSON.stringify(smaller.trims)}' npm run sim`);
    return;
  }
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`nothing found in ${runs} runs: ${events} events, ${lives} lives, ${seconds} s`);
}

await main();
