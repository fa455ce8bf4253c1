/** Seed and number of runs of property tests: MILLRACE_SEED and MILLRACE_RUNS, else a new seed and few runs. */
export const seed = Number(process.env["MILLRACE_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
export const numRuns = Number(process.env["MILLRACE_RUNS"] ?? 200);

export const property = { seed, numRuns };

console.log(`# property seed ${seed} (MILLRACE_SEED=${seed} repeats it)`);

/** Options of one property: the shared seed, and `runs` unless MILLRACE_RUNS says otherwise; ten times as many in the long suite. */
export function propertyOptions(runs: number): { seed: number; numRuns: number } {
  const long = process.env["MILLRACE_LONG"] === "1" ? 10 : 1;
  return { seed, numRuns: process.env["MILLRACE_RUNS"] === undefined ? runs * long : numRuns };
}
