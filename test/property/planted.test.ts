import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { operatorHarness } from "../../src/testing/harness.ts";
import { caseArbitrary } from "./arbitrary.ts";
import { build, itemsOf, mayEnd, partitionsOf } from "./engine.ts";
import { PLANTED_BUGS, type PlantedBug } from "./planted.ts";
import { sameAsOracle } from "./same-as-oracle.ts";

const long = process.env["MILLRACE_LONG"] === "1";

/** Whether the property fails within so many runs at the seed, with the bug in the code or without. */
async function finds(
  bug: PlantedBug,
  planted: boolean,
  seed: number,
  runs: number,
): Promise<{ failed: boolean; planted: number; runs: number }> {
  const original = globalThis.Function;
  let count = 0;
  globalThis.Function = new Proxy(original, {
    construct(target, args) {
      const text = String(args[args.length - 1]);
      const changed = planted ? text.replaceAll(bug.says, bug.insteadSays) : text;
      if (changed !== text) count += 1;
      return Reflect.construct(target, [...args.slice(0, -1), changed]);
    },
  });
  try {
    const property = fc.asyncProperty(caseArbitrary(), async ({ spec, trace }) => {
      if (bug.foundBy === "oracle") await sameAsOracle(spec, trace, { batchRecords: 1 });
      else {
        await operatorHarness(() => build(spec), itemsOf(trace), {
          partitions: partitionsOf(spec),
          batchSizes: [2, 11],
          end: mayEnd(spec, trace),
        });
      }
    });
    const { failed, numRuns } = await fc.check(property, { seed, numRuns: runs, endOnFailure: true });
    return { failed, planted: count, runs: numRuns };
  } finally {
    globalThis.Function = original;
  }
}

describe("the properties find the planted bug", () => {
  for (const bug of PLANTED_BUGS) {
    it(bug.name, async () => {
      const found = await finds(bug, true, bug.seed, bug.runs);
      assert.ok(
        found.planted > 0,
        `no stage's text says ${JSON.stringify(bug.says)}: the list is out of date`,
      );
      assert.ok(found.failed, `not found in ${bug.runs} runs at seed ${bug.seed}`);
      console.log(`# ${bug.name}: found in run ${found.runs} at seed ${bug.seed}`);
      const clean = await finds(bug, false, bug.seed, found.runs);
      assert.ok(!clean.failed, "the same runs pass without the bug");
    });

    if (!long) continue;
    it(`${bug.name}, at a seed of its own too`, async () => {
      const seed = Math.floor(Math.random() * 2 ** 31);
      const found = await finds(bug, true, seed, bug.runs * 4);
      assert.ok(found.failed, `not found in ${bug.runs * 4} runs at seed ${seed}`);
    });
  }
});
