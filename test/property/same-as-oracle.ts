import assert from "node:assert/strict";
import type { DriverOptions } from "../../src/testing/driver.ts";
import { observeEngine, observeOracle } from "./engine.ts";
import type { PipelineSpec, Trace } from "./spec.ts";

/** Asserts that the engine gives what the oracle gives: after each trace item, in its accounts and its watermarks. */
export async function sameAsOracle(spec: PipelineSpec, trace: Trace, options: DriverOptions): Promise<void> {
  const engine = await observeEngine(spec, trace, options);
  const oracle = observeOracle(spec, trace, Object.keys(engine.accounts), Object.keys(engine.watermarks));
  assert.deepEqual(engine.steps, oracle.steps);
  assert.deepEqual(engine.watermarks, oracle.watermarks);
  const named = Object.fromEntries(
    Object.entries(engine.accounts).filter(([name]) => name in oracle.accounts),
  );
  assert.deepEqual(named, oracle.accounts);
}
