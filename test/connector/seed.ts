/** Seed and number of runs of property tests: MILLRACE_SEED and MILLRACE_RUNS, else a new seed and few runs. */
export const seed = Number(process.env["MILLRACE_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
export const numRuns = Number(process.env["MILLRACE_RUNS"] ?? 200);

export const property = { seed, numRuns };
