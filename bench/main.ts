/**
 * Benchmarks: npm run bench -- core [name...] [--runs 7] [--quick] [--json] [--out FILE]
 *
 * Each runs in a process of its own. V8 optimises a function for all the types that it ever saw in the process: after
 * a benchmark with string keys, one with integer keys would measure code that no user of integer keys runs.
 */
import { fork } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Outcome, Settings } from "./benchmark.ts";
import { groups } from "./groups.ts";
import { machineFacts } from "./machine.ts";
import { row, titles } from "./table.ts";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: "string", default: "7" },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    out: { type: "string" },
  },
});

function usage(problem: string): never {
  console.error(
    `${problem}\n\nnpm run bench -- <group> [name...] [--runs 7] [--quick] [--json] [--out FILE]\n`,
  );
  for (const [groupName, group] of Object.entries(groups)) {
    console.error(`${groupName}:`);
    for (const [name, { what }] of Object.entries(group)) console.error(`  ${name.padEnd(20)} ${what}`);
  }
  process.exit(2);
}

const [groupName, ...asked] = positionals;
if (groupName === undefined) usage("Which group?");
const group = groups[groupName] ?? usage(`There is no group ${groupName}`);
const names = asked.length === 0 ? Object.keys(group) : asked;
for (const name of names)
  if (group[name] === undefined) usage(`There is no benchmark ${name} in ${groupName}`);
const settings: Settings = { runs: Number(values.runs), quick: values.quick };
if (!Number.isInteger(settings.runs) || settings.runs < 1) usage("--runs takes a whole number above 0");

function runAlone(name: string): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = fork(join(import.meta.dirname, "one.ts"), [groupName, name, JSON.stringify(settings)], {
      execArgv: [...process.execArgv, "--expose-gc"],
    });
    let outcome: Outcome | undefined;
    child.on("message", (message) => {
      outcome = message as Outcome;
    });
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      if (outcome !== undefined && code === 0) resolve(outcome);
      else reject(new Error(`${name} ended with ${signal ?? `exit code ${code}`}`));
    });
  });
}

const machine = machineFacts();
console.log(
  `${machine.cpu}, ${machine.cpus} CPUs, ${machine.memoryGb} GB, ${machine.os}, Node ${machine.node}, load ${machine.load}`,
);
console.log(`Times per record, fastest of ${settings.runs} interleaved runs; ratio = ours / by hand\n`);
console.log(titles);
const results: Record<string, Record<string, unknown>> = {};
for (const name of names) {
  const { target } = group[name];
  try {
    const { json, comparison, lines = [] } = await runAlone(name);
    results[name] = { ...json, ...(comparison === undefined ? {} : { target }) };
    if (comparison !== undefined) console.log(row(name, comparison, target));
    for (const line of lines) console.log(`${name}: ${line}`);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    results[name] = { error: reason };
    console.log(`${name}: FAILED: ${reason}`);
    process.exitCode = 1;
  }
}
if (values.out !== undefined) {
  writeFileSync(values.out, `${JSON.stringify({ machine, settings, group: groupName, results }, null, 2)}\n`);
}
if (values.json) console.log(JSON.stringify(results));
