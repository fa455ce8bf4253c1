/**
 * process() over random programs and traces.
 *
 * The oracle (process-oracle.ts: plain lists, no index, no heap) finds wrong semantics. The ways of running find what
 * hangs on batches, on where the rows are, on code generation and on steps that are run again. A cache without room
 * finds steps that would wait for ever for rows that push one another out.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { operatorHarness, runChecked } from "../../src/testing/harness.ts";
import { propertyOptions } from "../connector/seed.ts";
import { Oracle } from "./process-oracle.ts";
import { build, program } from "./process-program.ts";

describe("process()", () => {
  it("gives what its functions say, and in every way the same (INV-1)", async () => {
    await fc.assert(
      fc.asyncProperty(program, async (one) => {
        const { shown, told } = new Oracle(one).run();
        const { outputs } = await operatorHarness(() => build(one), one.trace, { batchSizes: [3, 50] });
        assert.deepEqual(outputs.get("shown"), shown);
        assert.deepEqual(outputs.get("told"), told);
      }),
      propertyOptions(150),
    );
  });

  it("gives the same over a cache that has no room", async () => {
    await fc.assert(
      fc.asyncProperty(program, fc.constantFrom(0, 2000), async (one, cacheBytes) => {
        const { shown, told } = new Oracle(one).run();
        const { outputs } = await runChecked(build(one), one.trace, {
          batchRecords: 5,
          evict: { cacheBytes },
        });
        assert.deepEqual(outputs.get("shown"), shown);
        assert.deepEqual(outputs.get("told"), told);
      }),
      propertyOptions(100),
    );
  });

  it("accounts for every record and every timer (INV-5)", async () => {
    await fc.assert(
      fc.asyncProperty(program, fc.integer({ min: 1, max: 20 }), async (one, batchRecords) => {
        const oracle = new Oracle(one).run();
        const { driver } = await runChecked(build(one), one.trace, { batchRecords });
        const found = driver.report().operators.find(({ kind }) => kind === "process");
        assert.ok(found !== undefined);
        const records = one.trace.filter((item) => "record" in item).length;
        assert.equal(found.in, records);
        assert.equal(found.out, oracle.shown.length);
        assert.equal(found.done.skipped, oracle.failed);
        assert.equal(found.done.contributed, records - oracle.failed);
        assert.equal(found.process?.timers, oracle.fired);
        assert.equal(found.process?.failedTimers, oracle.failedTimers);
      }),
      propertyOptions(100),
    );
  });
});
