/**
 * The laws as properties over random pipelines, inputs, disorder and batch sizes.
 *
 * What finds what: the oracle (another algorithm: sort and scan) finds wrong semantics; the ways of running find
 * what hangs on batches, prefetch, eviction or code generation; the accounts find records that are lost without a
 * trace. `planted.test.ts` proves that they do.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { operatorHarness, runChecked } from "../../src/testing/harness.ts";
import { propertyOptions } from "../connector/seed.ts";
import { caseArbitrary } from "./arbitrary.ts";
import { canonical } from "./canonical.ts";
import { build, itemsOf, mayEnd, partitionsOf, untimedOf } from "./engine.ts";
import { sameAsOracle } from "./same-as-oracle.ts";
import { evaluate } from "./oracle.ts";
import type { AssignerSpec, PipelineSpec, Trace } from "./spec.ts";

describe("results", () => {
  it("are those of the batch evaluator, after every single input (INV-3)", async () => {
    await fc.assert(
      fc.asyncProperty(caseArbitrary(), fc.constantFrom("on", "off"), async ({ spec, trace }, codegen) => {
        await sameAsOracle(spec, trace, { codegen: codegen as "on" | "off", batchRecords: 1 });
      }),
      propertyOptions(1500),
    );
  });

  it("are the same for every batch size, with prefetch and without, evicted or not, generated or closures (INV-1)", async () => {
    await fc.assert(
      fc.asyncProperty(
        caseArbitrary({ untold: true }),
        fc.uniqueArray(fc.integer({ min: 2, max: 40 }), { minLength: 2, maxLength: 3 }),
        async ({ spec, trace }, batchSizes) => {
          await operatorHarness(() => build(spec), itemsOf(trace), {
            partitions: partitionsOf(spec),
            batchSizes,
            end: mayEnd(spec, trace),
          });
        },
      ),
      propertyOptions(250),
    );
  });

  it("are the same in a diamond of every operator with several inputs, whatever the batch (INV-1)", async () => {
    const diamond: PipelineSpec = {
      sources: [{ partitions: 2, watermark: { boundMs: 3 } }],
      steps: [
        { kind: "branch", input: { source: 0 }, predicates: ["even"], otherwise: true },
        {
          kind: "window",
          input: { step: 0, port: 0 },
          keyBy: "key",
          assigner: { type: "sliding", sizeMs: 10, slideMs: 4, offsetMs: 0 },
          allowedLatenessMs: 4,
          discard: false,
          single: false,
          aggregates: [
            { field: "n", aggregate: "count" },
            { field: "sum", aggregate: "sum" },
          ],
        },
        { kind: "flatMap", input: { source: 0 }, fn: "twice" },
        {
          kind: "union",
          inputs: [
            { step: 1, port: 0 },
            { step: 0, port: 1 },
            { step: 2, port: 0 },
            { step: 1, port: 1 },
          ],
        },
        {
          kind: "window",
          input: { step: 3, port: 0 },
          keyBy: "parity",
          assigner: { type: "session", gapMs: 3 },
          allowedLatenessMs: 2,
          discard: false,
          single: false,
          aggregates: [
            { field: "n", aggregate: "count" },
            { field: "bag", aggregate: "bag" },
          ],
        },
      ],
      sinks: [
        { name: "all", input: { step: 3, port: 0 } },
        { name: "sessions", input: { step: 4, port: 0 } },
        { name: "late", input: { step: 4, port: 1 } },
      ],
    };
    await fc.assert(
      fc.asyncProperty(diamondTrace, async (trace) => {
        await sameAsOracle(diamond, trace, { batchRecords: 1 });
        await operatorHarness(() => build(diamond), itemsOf(trace), { partitions: { source0: 2 } });
      }),
      propertyOptions(60),
    );
  });

  it("do not depend on the order of arrival while the disorder is within the watermark's bound (INV-2)", async () => {
    await fc.assert(
      fc.asyncProperty(orderFreeCase, fc.integer(), async ({ spec, trace, boundMs }, salt) => {
        const shuffled = shuffleWithin(trace, boundMs, salt);
        const tables = await Promise.all([trace, shuffled].map((t) => finalTable(spec, t)));
        assert.deepEqual(tables[1], tables[0]);
        const expected = evaluate(spec, [...shuffled, { source: 0, partition: 0, end: true }]).sinks;
        assert.deepEqual(
          tables[1],
          expected
            .get("out")
            ?.map(({ value }) => canonical(value))
            .sort(),
        );
      }),
      propertyOptions(300),
    );
  });
});

describe("every record", () => {
  it("is accounted for by every operator: in = done, by reason (INV-5)", async () => {
    await fc.assert(
      fc.asyncProperty(
        caseArbitrary(),
        fc.integer({ min: 1, max: 50 }),
        async ({ spec, trace }, batchRecords) => {
          const { driver, outputs } = await runChecked(
            build(spec),
            itemsOf(trace),
            { batchRecords },
            { partitions: partitionsOf(spec), end: false },
          );
          const report = driver.report();
          for (const operator of report.operators) {
            const done = Object.values(operator.done).reduce((a, b) => a + b, 0);
            assert.equal(done, operator.in, `${operator.name}: ${canonical(operator)}`);
          }
          // Counted by the sinks themselves, not derived from the operators.
          for (const { name, records } of report.sinks)
            assert.equal(records, outputs.get(name)?.length, name);
          const given = new Map(report.operators.map((operator) => [operator.name, operator]));
          const expected = evaluate(spec, trace);
          for (const [name, account] of expected.accounts) {
            const operator = given.get(name);
            if (operator !== undefined) assert.equal(operator.in, account.in, name);
          }
          for (const { name, records } of report.sources)
            assert.equal(records, expected.sources.get(name)?.records);
        },
      ),
      propertyOptions(500),
    );
  });
});

describe("edges", () => {
  it("have watermarks that never fall, carry nothing below them but what is marked late, and nothing after the end (INV-6)", async () => {
    await fc.assert(
      fc.asyncProperty(
        caseArbitrary({ untold: true }),
        fc.integer({ min: 1, max: 50 }),
        async ({ spec, trace }, batchRecords) => {
          // The checks of runChecked look at every slot of every edge.
          await runChecked(
            build(spec),
            itemsOf(trace),
            { batchRecords },
            { partitions: partitionsOf(spec), end: false },
          );
        },
      ),
      propertyOptions(300),
    );
  });

  it("hold no more than their limit and one step's outputs, and the state of windows with an end is empty when the input is at its own (INV-7)", async () => {
    await fc.assert(
      fc.asyncProperty(
        caseArbitrary({ ends: true, untold: true }),
        fc.integer({ min: 1, max: 8 }),
        async ({ spec, trace }, batchRecords) => {
          const { driver } = await runChecked(
            build(spec),
            itemsOf(trace),
            { batchRecords, stall: true },
            { partitions: partitionsOf(spec), end: false },
          );
          const left = driver.state().filter(({ operator }) => !untimedOf(spec).includes(operator));
          assert.deepEqual(left, []);
        },
      ),
      propertyOptions(300),
    );
  });
});

const diamondTrace: fc.Arbitrary<Trace> = fc
  .array(
    fc.record({
      partition: fc.nat(1),
      step: fc.nat(3),
      behind: fc.nat(14),
      key: fc.constantFrom("a", "b", 0, Number.NaN),
      value: fc.nat(9),
    }),
    {
      maxLength: 60,
      size: "max",
    },
  )
  .map((moves) => {
    let now = 0;
    return moves.map(({ partition, step, behind, key, value }, id) => {
      now += step;
      return { source: 0, partition, record: { id, key, at: now - behind, value } };
    });
  });

/** Windows whose results don't hang on arrival, over one source with a bound and a trace that keeps to it. */
const orderFreeCase = fc
  .record({
    boundMs: fc.constantFrom(3, 8, 15),
    steps: fc.array(fc.record({ step: fc.nat(4), key: fc.constantFrom("a", "b", "c"), value: fc.nat(9) }), {
      maxLength: 60,
      size: "max",
    }),
    assigner: fc.constantFrom<AssignerSpec>(
      { type: "tumbling", sizeMs: 7, offsetMs: 2 },
      { type: "sliding", sizeMs: 10, slideMs: 4, offsetMs: 0 },
      { type: "cumulating", maxSizeMs: 12, stepMs: 4, offsetMs: 1 },
      { type: "session", gapMs: 3 },
      { type: "session", gapMs: 4, maxDurationMs: 6 },
      { type: "session", gapMs: 3, maxDurationMs: 2 },
      { type: "sessionDynamic" },
    ),
    finalAfterMs: fc.constantFrom(0, 0, 5),
  })
  .map(({ boundMs, steps, assigner, finalAfterMs }) => {
    let now = 0;
    const trace: Trace = steps.map(({ step, key, value }, id) => {
      now += step;
      return { source: 0, partition: 0, record: { id, key, at: now, value } };
    });
    const spec: PipelineSpec = {
      sources: [{ partitions: 1, watermark: { boundMs } }],
      steps: [
        {
          kind: "window",
          input: { source: 0 },
          keyBy: "key",
          assigner,
          allowedLatenessMs: finalAfterMs,
          finalOnly: finalAfterMs > 0,
          discard: false,
          single: false,
          aggregates: [
            { field: "n", aggregate: "count" },
            { field: "sum", aggregate: "sum" },
            { field: "bag", aggregate: "bag" },
            { field: "max", aggregate: "max" },
          ],
        },
      ],
      sinks: [{ name: "out", input: { step: 0, port: 0 } }],
    };
    return { spec, trace, boundMs };
  });

/** Moves records behind later ones, but never one behind a record that is more than the bound ahead of it. */
function shuffleWithin(trace: Trace, boundMs: number, salt: number): Trace {
  let state = salt | 1;
  const random = (): number => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
    return (state >>> 0) / 2 ** 32;
  };
  const at = (item: Trace[number]): number => ("record" in item ? item.record.at : 0);
  // Sorting by time plus a delay within the bound puts no record behind one that is more than the bound ahead.
  return trace
    .map((item) => ({ item, delayed: at(item) + random() * boundMs }))
    .sort((a, b) => a.delayed - b.delayed)
    .map(({ item }) => item);
}

async function finalTable(spec: PipelineSpec, trace: Trace): Promise<string[]> {
  const { outputs, driver } = await runChecked(
    build(spec),
    itemsOf(trace),
    { batchRecords: 7 },
    { partitions: partitionsOf(spec) },
  );
  assert.ok(
    driver.report().operators.every(({ done }) => done.late === 0),
    "nothing is late within the bound",
  );
  return (outputs.get("out") ?? []).map(({ value }) => canonical(value)).sort();
}
