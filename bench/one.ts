/** Runs one benchmark in the process that main.ts made for it, and sends it the outcome. */
import type { Settings } from "./benchmark.ts";
import { groups } from "./groups.ts";

const [group, name, settings] = process.argv.slice(2);
const outcome = await groups[group][name].run(JSON.parse(settings) as Settings);
process.send?.(outcome);
process.disconnect?.();
